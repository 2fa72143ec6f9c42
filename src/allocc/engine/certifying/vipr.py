r"""The file of a proof, in the format VIPR 1.0.

The bounds of columns come first, then the sides of rows, then derivations; all are numbered together. One
reason is added to those of the format, for products: `mul` (see `ProofFile.multiplied`).

:Reference: Cheung, Gleixner and Steffy (2017), "Verifying integer programming results", IPCO, 148-160.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from io import TextIOWrapper
from typing import BinaryIO, Literal

from allocc.engine.certifying.exact import ExactProgram

Sense = Literal["L", "G", "E"]
Terms = Sequence[tuple[int, Fraction]]
#: What cannot be, as a statement.
ABSURD = "G 1 0"
#: Small files matter more than the time to pack them.
PACKED = 6


class ProofFile:
    """Derivations about a program, collected in their order; each method returns the number of one.

    `columns` and `rows` are the names in the program's MPS file.
    """

    def __init__(self, exact: ExactProgram, columns: Sequence[str], rows: Sequence[str]) -> None:
        self.exact, self.columns, self.rows = exact, columns, rows
        self.head: list[str] = []
        x = exact
        ends: list[tuple[int, Sense]] = []
        for j, (low, high) in enumerate(zip(x.lower, x.upper, strict=True)):
            ends += [(j, "G")] if low is not None else []
            ends += [(j, "L")] if high is not None else []
        sides: list[tuple[int, Sense]] = []
        for i, (low, high) in enumerate(zip(x.row_lower, x.row_upper, strict=True)):
            if low is not None and low == high:
                sides.append((i, "E"))
                continue
            sides += [(i, "G")] if low is not None else []
            sides += [(i, "L")] if high is not None else []
        self._bounds = {end: k for k, end in enumerate(ends)}
        self._sides = {side: len(ends) + k for k, side in enumerate(sides)}
        self._first = len(ends) + len(sides)
        self._derivations: list[str] = []
        self._last: list[int] = []

    def __len__(self) -> int:
        return len(self._derivations)

    # ---- constraints of the program ----

    def bound(self, column: int, upper: bool) -> int:
        """The upper or lower bound of a column, which must have it."""
        return self._bounds[(column, "L" if upper else "G")]

    def row(self, i: int, upper: bool) -> int:
        """The upper or lower side of a row, which must have it; an equation is both."""
        found = self._sides.get((i, "E"))
        return self._sides[(i, "L" if upper else "G")] if found is None else found

    # ---- derivations ----

    def assume(self, column: int, sense: Sense, side: Fraction) -> int:
        """What a branch assumes."""
        return self._add(_single(column, sense, side), "asm", ())

    def assume_objective(self, sense: Sense, side: Fraction) -> int:
        """A bound of the objective that is assumed."""
        return self._add(f"{sense} {number(side)} OBJ", "asm", ())

    def linear(
        self,
        combination: Sequence[tuple[int, Fraction]],
        sense: Sense,
        side: Fraction,
        terms: Terms | None,
    ) -> int:
        """A constraint that a combination of others says; `terms` None stands for the objective."""
        left = "OBJ" if terms is None else _terms(terms)
        reason = f"lin {_terms(combination)}"
        return self._add(f"{sense} {number(side)} {left}", reason, (k for k, _ in combination))

    def contradiction(self, combination: Sequence[tuple[int, Fraction]]) -> int:
        """That a combination of others cannot be."""
        return self._add(ABSURD, f"lin {_terms(combination)}", (k for k, _ in combination))

    def to_whole(self, bound: int, column: int, sense: Sense, side: int) -> int:
        """A bound of a whole column at the next whole number."""
        return self._add(_single(column, sense, Fraction(side)), f"rnd 1 {bound} 1", (bound,))

    def multiplied(
        self, first: int, second: int, row: int, sense: Sense, side: Fraction, terms: Terms
    ) -> int:
        """What the product of two bounds says: neither of what they leave is below zero.

        `row` is the equation that holds the product of the two columns.
        """
        said = f"{sense} {number(side)} {_terms(terms)}"
        return self._add(said, f"mul {first} {second} {self.rows[row]}", (first, second))

    def split(
        self,
        said: tuple[Sense, Fraction] | None,
        one: tuple[int, int],
        other: tuple[int, int],
    ) -> int:
        """What holds in both branches: pairs of what was derived, and what was assumed for it.

        `said` bounds the objective; None stands for a contradiction.
        """
        statement = ABSURD if said is None else f"{said[0]} {number(said[1])} OBJ"
        uses = (*one, *other)
        return self._add(statement, f"uns {' '.join(map(str, uses))}", uses)

    def _add(self, statement: str, reason: str, uses: Iterable[int]) -> int:
        place = len(self._derivations)
        self._derivations.append(f"D{place} {statement} {{ {reason} }}")
        self._last.append(-1)
        for k in uses:
            if k >= self._first:
                self._last[k - self._first] = self._first + place
        return self._first + place

    # ---- the file ----

    def write(self, raw: BinaryIO, bound: Fraction | None) -> None:
        """Write, compressed, the proof that no value is better than `bound`; None: that there is none.

        The same proof gives the same bytes.
        """
        with (
            gzip.GzipFile("", "wb", PACKED, raw, mtime=0) as packed,
            TextIOWrapper(packed, encoding="ascii", newline="\n") as file,
        ):
            file.writelines(self._lines(bound))

    def _lines(self, bound: Fraction | None) -> Iterator[str]:
        x = self.exact
        yield from (f"% {line}\n" for line in self.head)
        yield f"VER 1.0\nVAR {len(self.columns)}\n"
        yield from (f"{name}\n" for name in self.columns)
        whole = [str(j) for j, w in enumerate(x.program.integer.tolist()) if w]
        yield f"INT {len(whole)}\n{' '.join(whole)}\n"
        yield f"OBJ {'min' if x.sign > 0 else 'max'}\n{_terms(x.cost())}\n"
        yield f"CON {self._first} {len(self._bounds)}\n"
        for (j, sense), k in self._bounds.items():
            end = x.upper[j] if sense == "L" else x.lower[j]
            assert end is not None
            yield f"bound{k} {_single(j, sense, end)}\n"
        for i, sense in self._sides:
            side = x.row_lower[i] if sense == "G" else x.row_upper[i]
            assert side is not None
            yield f"{self.rows[i]} {sense} {number(side)} {_terms(x.row(i))}\n"
        if bound is None:
            yield "RTP infeas\n"
        else:
            yield (
                f"RTP range {number(bound)} inf\n"
                if x.sign > 0
                else (f"RTP range -inf {number(bound)}\n")
            )
        yield f"SOL 0\nDER {len(self._derivations)}\n"
        for derivation, last in zip(self._derivations, self._last, strict=True):
            yield f"{derivation} {last}\n"


def number(x: Fraction) -> str:
    """A rational number as the format has it."""
    return str(x.numerator) if x.denominator == 1 else f"{x.numerator}/{x.denominator}"


def _single(column: int, sense: Sense, side: Fraction) -> str:
    return f"{sense} {number(side)} 1 {column} 1"


def _terms(terms: Terms) -> str:
    parts = [str(len(terms))]
    for k, a in terms:
        parts += [str(k), number(a)]
    return " ".join(parts)
