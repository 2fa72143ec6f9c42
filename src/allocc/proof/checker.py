"""Check that a proof (VIPR 1.0) proves a bound on a mixed-integer program (free MPS), exactly.

    python checker.py program.mps proof.vipr.gz      exit code 0: it holds, 1: it is refused

Nothing is solved here, and no number is rounded. The argument, to be read beside the code:

1. `Program` reads the MPS file. A decimal such as 1.7e-06 is the rational 17/10^7. What readers
   differ in is refused, not guessed. A column without bounds lies in [0, inf); without OBJSENSE the
   objective is minimized; in section QCMATRIX of a row, an entry `a b v` adds v*a*b to the row.
2. `Proof` reads the proof once. Its columns, integers and objective must be those of the program;
   each constraint in its section CON must be, or follow at once from, one side of the linear row
   of that name or, at the head of the section, a bound of one column.
3. Every derived constraint holds at each point of the program that satisfies the constraint's
   assumptions, because earlier constraints imply it. The reasons:
   asm          it assumes itself;
   lin          constraints are added up, times multipliers of the right sign;
   rnd          the same, all columns and coefficients are whole, and the right side is rounded;
   uns i l j k  it follows from i and from j, and each point satisfies l or k: these are a.x <= b
                and a.x >= b + 1 with a, x and b whole. So i needs not assume l, nor j k;
   sol          the objective is as good as at the best of the points given, as at each optimum; or
                better by 1 if it is whole everywhere, as else that point is optimal already;
   mul i j r    i and j are bounds of columns a and b, and row r is an equality with the one product
                a*b. Each is divided by the size of its coefficient and written as slack >= 0; the
                slacks are multiplied, and a*b is replaced by means of r. Either sign may be stated.
                This is not in VIPR 1.0, so a comment (%) at the head of the proof mentions mul.
4. The last constraint assumes nothing, and it is the claim or implies it.

Time and memory are linear in the files: a constraint is forgotten after its last use.
"""

from __future__ import annotations

import argparse
import gzip
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar, cast

CHUNK = 1 << 20  # bytes that are read at once
LONGEST = 4_000  # characters of a word
DEEPEST = 1 << 14  # bits of a common denominator
LARGEST = 1 << 28  # bits of all numbers of one constraint
DECIMAL = re.compile(r"([+-]?[0-9]+)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?")
RATIONAL = re.compile(r"([+-]?[0-9]+)(?:/([0-9]*[1-9][0-9]*))?")
SENSES = {"L": -1, "E": 0, "G": 1}
NOTHING: frozenset[int] = frozenset()
Pairs = dict[int, tuple[int, int]]  # index -> numerator and denominator
Sides = tuple[Fraction | None, Fraction | None]  # lower and upper; None: there is none
Entry = TypeVar("Entry")


class Refused(Exception):
    """The proof does not hold for the program, or a file cannot be read: where, and why."""


@dataclass(frozen=True)
class Verdict:
    """What is proven: no value is below (min) or above (max) `bound`, or there is no point at all.

    `bound`, and the best `value` of the points given, have the objective's constant added.
    """

    sense: str
    bound: Fraction | None
    infeasible: bool
    columns: int
    rows: int
    derivations: int
    value: Fraction | None


def decimal(word: str) -> Fraction:
    """A number as it stands in MPS files: `-12`, `0.25`, `1.7e-06`."""
    if not (found := DECIMAL.fullmatch(word)) or len(word) > LONGEST:
        raise Refused(f"{word[:40]!r} is not a decimal number, or has too many digits")
    digits = found[2] or ""
    return int(found[1] + digits) * Fraction(10) ** (int(found[3] or 0) - len(digits))


def number(word: str) -> tuple[int, int]:
    """Numerator and denominator of `-12`, `5/3` or a decimal."""
    if found := RATIONAL.fullmatch(word):
        return int(found[1]), int(found[2] or 1)
    return decimal(word).as_integer_ratio()


def common(values: Iterable[tuple[int, int]]) -> tuple[list[int], int]:
    """Numerators over one common denominator, and that denominator."""
    values = list(values)
    scale = lcm(*{below for _, below in values})
    if scale.bit_length() > min(DEEPEST, LARGEST // (len(values) + 1)):
        raise Refused("the numbers are too long over one denominator")
    return [above * (scale // below) for above, below in values], scale


def find(table: dict[str, Entry], name: str) -> Entry:
    """What has that name."""
    if name not in table:
        raise Refused(f"{name[:60]!r} is not known")
    return table[name]


# ---- The program


@dataclass
class Row:
    """A row: its kind N, L, G or E; its products (a, b) and (b, a), as they are listed."""

    kind: str
    terms: dict[int, Fraction] = field(default_factory=dict)
    products: dict[tuple[int, int], Fraction] = field(default_factory=dict)
    given: dict[str, Fraction] = field(default_factory=dict)  # under RHS and RANGES

    def sides(self) -> Sides:
        """The lower and the upper side."""
        rhs, width = self.given.get("RHS", Fraction(0)), self.given.get("RANGES")
        if self.kind == "E":
            return min(rhs, rhs + (width or 0)), max(rhs, rhs + (width or 0))
        other = None if width is None else rhs - SENSES[self.kind] * -abs(width)
        return (rhs, other) if self.kind == "G" else (other, rhs)


class Program:
    """The program in a free MPS file."""

    def __init__(self, path: Path) -> None:
        self.sense, self.section, self.product, self.whole = "min", "", "", False
        self.columns: dict[str, int] = {}
        self.integer: set[int] = set()
        self.bounds: tuple[dict[int, Fraction | None], ...] = ({}, {})  # only those that are given
        self.rows: dict[str, Row] = {}
        self.names: dict[str, str] = {}  # of the sections, and of the one right side, range, bound
        with path.open("rb") as file:
            for at, line in enumerate(iter(lambda: file.readline(CHUNK), b""), 1):
                try:
                    self.read(line.decode("ascii"))
                except Refused as why:
                    raise Refused(f"line {at}: {why}") from None
        if self.section != "ENDATA" or "N" not in (r.kind for r in self.rows.values()):
            raise Refused("there is no ENDATA, or no objective (a row N)")
        for name, j in self.columns.items():
            if j not in self.bounds[0] and (self.bounds[1].get(j) or 0) < 0:
                raise Refused(f"column {name} has a negative UP, but neither LO nor MI")
        for name, row in self.rows.items():
            row.terms = {j: v for j, v in row.terms.items() if v}
            if any(row.products.get((b, a)) != v for (a, b), v in row.products.items()):
                raise Refused(f"QCMATRIX {name} is not symmetric")
        self.objective = next(row for row in self.rows.values() if row.kind == "N")
        self.rows = {name: row for name, row in self.rows.items() if row.kind != "N"}

    def read(self, line: str) -> None:
        """Take in one line; what fits no case is refused."""
        words = line.split()
        if not words or line.startswith("*"):
            return
        if not line[0].isspace():
            self.product = words[1] if words[0] == "QCMATRIX" and len(words) > 1 else ""
            if "ENDATA" in self.names or f"{words[0]} {self.product}" in self.names:
                raise Refused(f"{line.strip()[:60]!r} after ENDATA, or a second time")
            self.section, words = words[0], ["", *words[1:]]
            self.names[f"{self.section} {self.product}".removesuffix(" ")] = ""
