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
                and a.x >= c with c <= b; or c <= b + 1 where a, x and b are whole. So i needs not
                assume l, nor j k. Sides that touch or overlap are not in VIPR 1.0;
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

import gzip
import re
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, lcm
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar, cast

CHUNK, LONGEST = 1 << 20, 4_000  # bytes that are read at once; characters of a word
DEEPEST, LARGEST = 1 << 14, 1 << 28  # bits of a common denominator; of a whole constraint
DECIMAL = re.compile(r"([+-]?[0-9]+)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?")
RATIONAL = re.compile(r"([+-]?[0-9]+)(?:/([0-9]*[1-9][0-9]*))?")
SENSES = {"L": -1, "E": 0, "G": 1}
BOUNDS = {"LO": 1, "LI": 1, "UP": 1, "UI": 1, "FX": 1, "MI": 0, "PL": 0, "FR": 0, "BV": 0}
SECTIONS = {"OBJSENSE", "ROWS", "COLUMNS", "RHS", "RANGES", "BOUNDS", "ENDATA"}
NOTHING: frozenset[int] = frozenset()
Pairs = dict[int, tuple[int, int]]  # from indices to numerators and denominators
Side = Fraction | None  # None: there is none
Key = TypeVar("Key")
Value = TypeVar("Value")


class Refused(Exception):
    """The proof does not hold for the program, or a file cannot be read: where, and why."""


@dataclass(frozen=True)
class Verdict:
    """Proven: no value is below (min) or above (max) `bound`; or there is no point at all.

    `bound`, and the best `value` of the points given, have the objective's constant added.
    """

    sense: str
    bound: Side
    infeasible: bool
    columns: int
    rows: int
    derivations: int
    value: Side


class Table(dict[Key, Value]):
    """A dictionary where nothing is put twice, and only what is there is looked up."""

    def __setitem__(self, key: Key, value: Value) -> None:
        if key in self:
            raise Refused(f"{str(key)[:60]} is given a second time")
        super().__setitem__(key, value)

    def __missing__(self, key: Key) -> Value:
        raise Refused(f"{str(key)[:60]} is not known")


def decimal(word: str) -> Fraction:
    """A number as it stands in MPS files: `-12`, `0.25`, `1.7e-06`."""
    if len(word) > LONGEST or not (found := DECIMAL.fullmatch(word)):
        raise Refused(f"{word[:40]!r} is not a number, or has too many digits")
    digits = found[2] or ""
    return int(found[1] + digits) * Fraction(10) ** (int(found[3] or 0) - len(digits))


def number(word: str) -> tuple[int, int]:
    """Numerator and denominator of `-12`, `5/3` or a decimal."""
    if found := RATIONAL.fullmatch(word):
        return int(found[1]), int(found[2] or 1)
    return decimal(word).as_integer_ratio()


@dataclass
class Row:
    """A row: its kind N, L, G or E; its products (a, b) and (b, a), as they are listed."""

    kind: str
    terms: dict[int, Fraction] = field(default_factory=Table)
    products: dict[tuple[int, int], Fraction] = field(default_factory=Table)
    given: dict[str, Fraction] = field(default_factory=Table)  # under RHS and RANGES

    def sides(self) -> tuple[Side, Side]:
        """The lower and the upper side."""
        rhs, width = self.given.get("RHS", Fraction(0)), self.given.get("RANGES")
        if width is None:
            return None if self.kind == "L" else rhs, None if self.kind == "G" else rhs
        down = self.kind == "L" or (self.kind == "E" and width < 0)
        return (rhs - abs(width), rhs) if down else (rhs, rhs + abs(width))

    def value(self, x: dict[int, Fraction]) -> Fraction:
        """The value of the left side at a point; columns that are not in it are 0."""
        linear = sum((v * x[j] for j, v in self.terms.items() if j in x), Fraction(0))
        return linear + sum(v * x.get(a, 0) * x.get(b, 0) for (a, b), v in self.products.items())


class Program:
    """The program in a free MPS file."""

    def __init__(self) -> None:
        self.place, self.section, self.sense, self.whole = "", [""], "min", False
        self.columns, self.rows = Table[str, int](), Table[str, Row]()
        self.integer: set[int] = set()
        self.lower, self.upper = Table[int, Side](), Table[int, Side]()  # where a bound is given
        self.seen, self.labels = Table[str, None](), dict[str, list[str]]()

    def read(self, path: Path) -> None:
        """Take in a file."""
        with path.open("rb") as file:
            for at, line in enumerate(iter(lambda: file.readline(CHUNK), b""), 1):
                self.place = f", line {at}"
                self.line(line.decode("ascii"))
        goals = [row for row in self.rows.values() if row.kind == "N"]
        if self.section != ["ENDATA"] or not goals or "RANGES" in goals[0].given:
            raise Refused("there is no ENDATA, or no objective (a row N), or a range of it")
        for name, j in self.columns.items():
            if j not in self.lower and (self.upper.get(j) or 0) < 0:
                raise Refused(f"column {name} has a negative UP, but neither LO nor MI")
        for name, row in self.rows.items():
            row.terms = {j: v for j, v in row.terms.items() if v}
            if any(row.products.get((b, a)) != v for (a, b), v in row.products.items()):
                raise Refused(f"QCMATRIX {name} is not symmetric")
        self.objective = goals[0]
        self.rows = Table({name: row for name, row in self.rows.items() if row.kind != "N"})

    def bounds(self, j: int) -> tuple[Side, Side]:
        """The bounds of a column."""
        return self.lower.get(j, Fraction(0)), self.upper.get(j)

    def line(self, line: str) -> None:
        """Take in one line; what has none of the known forms is refused."""
        words, unknown = line.split(), Refused(f"{line.strip()[:60]!r} cannot stand here")
        if not words or line.startswith("*"):
            return
        if not line[0].isspace():
            if self.section in (["ENDATA"], ["OBJSENSE"]):
                raise unknown
            self.seen[" ".join(words if words[0] == "QCMATRIX" else words[:1])] = None
            self.section, words = words, []
        elif (part := self.section[0]) in ("RHS", "RANGES", "BOUNDS"):
            label = words[1:2] if part == "BOUNDS" else words[:1]
            if self.labels.setdefault(part, label) != label:
                raise Refused(f"a second set of numbers, {label}")
        match self.section, words:
            case _ if len(line) == CHUNK:
                raise unknown
            case (["OBJSENSE", "MIN" | "MAX" as way], []) | (["OBJSENSE"], ["MIN" | "MAX" as way]):
                self.sense, self.section = way.lower(), [""]
            case ["ROWS"], ["N" | "L" | "G" | "E" as kind, name]:
                self.rows[name] = Row(kind)
            case ["COLUMNS"], [_, "'MARKER'", "'INTORG'" | "'INTEND'" as marker]:
                self.whole = marker == "'INTORG'"
            case ["COLUMNS"], [name, *pairs] if len(pairs) in (2, 4):
                moved = name in self.columns and (self.columns[name] in self.integer) != self.whole
                j = self.columns.setdefault(name, len(self.columns))
                for row, word in zip(pairs[::2], pairs[1::2], strict=True):
                    self.rows[row].terms[j] = decimal(word)
                if moved or j != len(self.columns) - 1:
                    raise Refused(f"the entries of column {name} do not stand together")
                self.integer |= {j} if self.whole else NOTHING
            case ["RHS" | "RANGES" as part], [_, *pairs] if len(pairs) in (2, 4):
                for row, word in zip(pairs[::2], pairs[1::2], strict=True):
                    self.rows[row].given[part] = decimal(word)
            case ["BOUNDS"], [kind, _, name, *word] if len(word) == BOUNDS.get(kind):
                j, value = self.columns[name], decimal(word[0]) if word else None
                if kind not in ("UP", "UI", "PL"):
                    self.lower[j] = Fraction(0) if kind == "BV" else value
                if kind not in ("LO", "LI", "MI"):
                    self.upper[j] = Fraction(1) if kind == "BV" else value
                self.integer |= {j} if kind in ("BV", "LI", "UI") else NOTHING
            case ["QCMATRIX", row], [a, b, word]:
                self.rows[row].products[self.columns[a], self.columns[b]] = decimal(word)
            case ["QCMATRIX", row], [] if self.rows[row].kind != "N":
                pass
            case [head, *more], [] if head == "NAME" or (head in SECTIONS and not more):
                pass
            case _:
                raise unknown


class Constraint(NamedTuple):
    """`terms` / `scale` <=, = or >= `right` (sense -1, 0 or 1)."""

    terms: dict[int, int]
    scale: int
    right: Fraction
    sense: int
    assumptions: frozenset[int] = NOTHING

    def same_terms(self, other: Constraint) -> bool:
        """Whether the left sides are equal."""
        here, there, mine, others = self.scale, other.scale, self.terms, other.terms
        if mine is others or len(mine) != len(others):
            return mine is others and here == there
        return all(mine.get(j, 0) * there == v * here for j, v in others.items())

    def implies(self, other: Constraint) -> bool:
        """Whether this is absurd, or has the other's left side and is as strong on the right."""
        if not self.terms and (self.right * self.sense > 0 or (not self.sense and self.right)):
            return True
        beyond = self.right - other.right
        weaker = beyond * other.sense < 0 if other.sense else beyond != 0
        return not weaker and self.sense in (0, other.sense) and self.same_terms(other)

    def whole(self, integer: set[int]) -> bool:
        """Whether the left side is whole at each point."""
        return all(j in integer and v % self.scale == 0 for j, v in self.terms.items())


def common(values: Iterable[tuple[int, int]]) -> tuple[list[int], int]:
    """Numerators over one common denominator, and that denominator."""
    values = list(values)
    scale, most = 1, min(DEEPEST, LARGEST // (len(values) + 1))
    for below in {below for _, below in values}:
        scale = lcm(scale, below)
        if scale.bit_length() > most:
            raise Refused("the numbers are too long over a common denominator")
    return [above * (scale // below) for above, below in values], scale


def constraint(terms: Pairs, right: Fraction, sense: int) -> Constraint:
    """The constraint with these numbers."""
    values, scale = common(terms.values())
    kept = {j: v for j, v in zip(terms, values, strict=True) if v}
    return Constraint(kept, scale, right, sense)


def limits(terms: dict[int, Fraction], low: Side, high: Side) -> list[Constraint]:
    """What a row or a bound says: an equality, or up to two inequalities."""
    pairs = {j: v.as_integer_ratio() for j, v in terms.items()}
    both = [(low, 0)] if low == high else [(low, 1), (high, -1)]
    return [constraint(pairs, side, sense) for side, sense in both if side is not None]


def slack(bound: Constraint) -> tuple[int, Fraction, Fraction]:
    """The column j, the sign p and the number q of a bound p*x[j] - q >= 0 (or = 0)."""
    if len(bound.terms) != 1:
        raise Refused("only bounds of one column can be multiplied")
    ((j, v),) = bound.terms.items()
    sign = bound.sense or 1
    return j, Fraction(sign if v > 0 else -sign), sign * bound.right * bound.scale / abs(v)


def union(one: frozenset[int], other: frozenset[int]) -> frozenset[int]:
    """The assumptions of both, shared where one has them all."""
    return one if one >= other else other if other >= one else one | other


class Proof:
    """The check of one proof for one program."""

    def __init__(self, program: Program) -> None:
        self.program, self.place = program, ""
        self.constraints: list[Constraint | None] = []  # None where it is forgotten
        self.last_uses: dict[int, list[int]] = {}
        self.names = Table[str, None]()
        self.best: Side = None  # the best value of the points, without the constant
        self.words, self.next, self.head = list[str](), 0, ""

    def read(self, path: Path) -> None:
        """Check a file."""
        self.wide, self.sign = len(self.program.columns), 1 if self.program.sense == "min" else -1
        with path.open("rb") as file:
            zipped = file.peek(2)[:2] == b"\x1f\x8b"
            self.file = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if zipped else file
            while (line := self.file.readline(CHUNK)).startswith(b"%") and len(self.head) < CHUNK:
                self.head += line.decode("ascii")
            self.rest = line.decode("ascii")
            self.verdict = self.sections()

    def more(self) -> bool:
        """Read a piece of the file; whether there was any."""
        piece = self.file.read(CHUNK)
        text = self.rest + piece.decode("ascii")
        words = text.split()
        if max(map(len, words), default=len(text)) > LONGEST:
            raise Refused("a word is too long, or there is a large empty space")
        self.rest = words.pop() if piece and words and not text[-1].isspace() else ""
        del self.words[: self.next]
        self.words += words
        self.next = 0
        return bool(text)

    def take(self, amount: int) -> list[str]:
        """The next words."""
        while len(self.words) < self.next + amount:
            if not self.more():
                raise Refused("the file ends too early")
        self.next += amount
        return self.words[self.next - amount : self.next]

    def count(self, word: str = "") -> int:
        """A count or an index: that word, or the next one."""
        if not (word := word or self.take(1)[0]).isdigit():
            raise Refused(f"{word[:40]!r} is not a count or an index")
        return int(word)

    def expect(self, *words: str) -> None:
        """Pass by these words."""
        self.place = f", section {words[0]}" if words[0].isalpha() else self.place
        for word, found in zip(words, self.take(len(words)), strict=True):
            if word != found:
                raise Refused(f"{word[:60]!r} expected, not {found[:60]!r}")

    def pairs(self, size: str, end: int) -> Pairs:
        """That many different indices below `end`, each with a number."""
        if (amount := self.count(size)) > end:
            raise Refused(f"{size[:40]} entries, where there can be {end}")
        words = self.take(2 * amount)
        if not "".join(["0", *words[::2]]).isdigit():
            raise Refused("an index is not a whole number")
        found = dict(zip(map(int, words[::2]), map(number, words[1::2]), strict=True))
        if len(found) < amount or max(found, default=-1) >= end:
            raise Refused(f"indices have to be different, and below {end}")
        return found

    def sections(self) -> Verdict:
        """Check all sections."""
        program, integer = self.program, self.program.integer
        self.expect("VER", "1.0")
        self.expect("VAR", str(self.wide))
        if self.take(self.wide) != list(program.columns):
            raise Refused("the columns are not those of the program, in its order")
        self.expect("INT", str(len(integer)))
        if set(self.take(len(integer))) != set(map(str, integer)):
            raise Refused("the integer columns are not those of the program")
        self.expect("OBJ", program.sense)
        terms = self.pairs(self.take(1)[0], self.wide)
        self.objective = constraint(terms, Fraction(0), 0)
        if not limits(program.objective.terms, Fraction(0), Fraction(0))[0].implies(self.objective):
            raise Refused("the objective is not that of the program")
        self.step = self.sign * self.objective.whole(integer)
        self.expect("CON")
        amount, bounds = self.count(), self.count()
        if bounds > amount:
            raise Refused("more bounds than constraints")
        for k in range(amount):
            self.given(k < bounds)
        self.expect("RTP")
        infeasible = (kind := self.take(1)[0]) == "infeas"
        if kind not in ("infeas", "range"):
            raise Refused("neither range nor infeas")
        low, high = ["-inf", "inf"] if infeasible else self.take(2)
        bound = None if low == "-inf" else Fraction(*number(low))
        reached = None if high == "inf" else Fraction(*number(high))
        if program.sense == "max":
            bound, reached = reached, bound
        self.expect("SOL")
        for _ in range(self.count()):
            self.point()
        self.expect("DER")
        last, derivations = constraint({}, Fraction(0), 0), self.count()
        for _ in range(derivations):
            last = self.derivation()
        self.place = ", at the end"
        while self.next == len(self.words) and self.more():
            pass
        if self.next < len(self.words):
            raise Refused("there is text after the last derivation")
        best = self.best
        if reached is not None and (best is None or (best - reached) * self.sign > 0):
            raise Refused("no point is given that is as good as the claim under RTP")
        if best is not None and (
            infeasible or bound is not None and (best - bound) * self.sign < 0
        ):
            raise Refused("a point is given that the claim under RTP denies")
        claim = self.objective._replace(right=bound or Fraction(0), sense=self.sign)
        goal = constraint({}, Fraction(1), 1) if infeasible else claim  # 0 >= 1, or the bound
        if (infeasible or bound is not None) and (last.assumptions or not last.implies(goal)):
            raise Refused("the last constraint assumes something, or does not imply the claim")
        constant = program.objective.given.get("RHS", Fraction(0))
        bound, best = (None if v is None else v - constant for v in (bound, best))
        rows = len(program.rows)
        return Verdict(program.sense, bound, infeasible, self.wide, rows, derivations, best)

    def stated(self) -> tuple[str, Constraint]:
        """Read a constraint with its name."""
        name, sense, right, size = self.take(4)
        self.place = f", constraint {name[:60]}"
        if sense not in SENSES:
            raise Refused(f"{sense[:40]!r} is not L, E or G")
        side = Fraction(*number(right))
        if size == "OBJ":
            return name, self.objective._replace(right=side, sense=SENSES[sense])
        return name, constraint(self.pairs(size, self.wide), side, SENSES[sense])

    def given(self, is_bound: bool) -> None:
        """Check a constraint of section CON."""
        name, stated = self.stated()
        self.names[f"{name} {stated.sense}"] = None  # the two sides of a row have one name
        self.names.setdefault(name)
        possible: list[Constraint] = []
        if not is_bound and not (row := self.program.rows[name]).products:
            possible = limits(row.terms, *row.sides())
        elif is_bound and name not in self.program.rows and len(stated.terms) == 1:
            (j,) = stated.terms
            possible = limits({j: Fraction(1)}, *self.program.bounds(j))
        if not any(each.implies(stated) for each in possible):
            raise Refused("no such side of a linear row, or bound of a column, is in the program")
        self.constraints.append(stated)

    def point(self) -> None:
        """Check a point of section SOL."""
        name, size = self.take(2)
        self.place = f", point {name[:60]}"
        pairs = self.pairs(size, self.wide)
        values, scale = common(pairs.values())
        x = {j: Fraction(v, scale) for j, v in zip(pairs, values, strict=True)}
        sides = [(row, each.value(x), each.sides()) for row, each in self.program.rows.items()]
        for column, j in self.program.columns.items():
            value = x.get(j, Fraction(0))
            sides.append((column, value, self.program.bounds(j)))
            if j in self.program.integer and value.denominator > 1:
                raise Refused(f"{column} is not whole")
        for place, value, (low, high) in sides:
            if (low is not None and value < low) or (high is not None and value > high):
                raise Refused(f"the point is outside of {place}")
        value = self.program.objective.value(x)
        if self.best is None or (value - self.best) * self.sign < 0:
            self.best = value

    def at(self, index: int) -> Constraint:
        """An earlier constraint that is not forgotten."""
        if index < len(self.constraints) and (found := self.constraints[index]):
            return found
        raise Refused(
            f"constraint {str(index)[:40]} is not there yet, or was used for the last time"
        )

    def derivation(self) -> Constraint:
        """Check a derived constraint."""
        index = len(self.constraints)
        name, stated = self.stated()
        self.names[name] = None
        self.expect("{")
        match self.take(1)[0]:
            case "asm":
                implied = [stated._replace(assumptions=frozenset([index]))]
            case "lin":
                implied = [self.total()]
            case "rnd":
                implied = [self.rounded(self.total())]
            case "uns":
                implied = [self.split(stated)]
            case "sol" if self.best is not None:
                cutoff = self.best - self.step
                implied = [self.objective._replace(right=cutoff, sense=-self.sign)]
            case "mul" if re.search(r"\bmul\b", self.head):
                implied = self.product()
            case reason:
                raise Refused(f"reason {reason[:40]!r}: not known, or no point or comment is there")
        self.expect("}")
        if not any(each.implies(stated) for each in implied):
            raise Refused("it does not follow from its reason")
        done = stated._replace(assumptions=implied[0].assumptions)
        last_use = -1 if (word := self.take(1)[0]) == "-1" else self.count(word)
        self.constraints.append(None if 0 <= last_use <= index else done)
        if last_use > index:
            self.last_uses.setdefault(last_use, []).append(index)
        for k in self.last_uses.pop(index, ()):
            self.constraints[k] = None
        return done

    def total(self) -> Constraint:
        """The sum of constraints, times multipliers."""
        pairs = self.pairs(self.take(1)[0], len(self.constraints))
        used = [self.at(k) for k in pairs]
        scales = zip(pairs.values(), used, strict=True)
        factors, scale = common((n, d * each.scale) for (n, d), each in scales)
        sides = [each.right.as_integer_ratio() for each in used]
        both = zip(pairs.values(), sides, strict=True)
        rights, below_right = common((n * above, d * below) for (n, d), (above, below) in both)
        terms: dict[int, int] = {}
        senses, assumptions = {0}, NOTHING
        for factor, each in zip(factors, used, strict=True):
            for j, v in each.terms.items():
                terms[j] = terms.get(j, 0) + factor * v
            senses.add(each.sense * ((factor > 0) - (factor < 0)))
            assumptions = union(assumptions, each.assumptions)
        if len(senses) == 3:
            raise Refused("multipliers of the wrong sign: <= and >= would be added up")
        terms = {j: v for j, v in terms.items() if v}
        right = Fraction(sum(rights), below_right)
        return Constraint(terms, scale, right, sum(senses), assumptions)

    def rounded(self, exact: Constraint) -> Constraint:
        """The right side of <= is rounded down, that of >= up."""
        if not exact.sense or not exact.whole(self.program.integer):
            raise Refused("only an inequality with whole coefficients and columns is rounded")
        return exact._replace(right=Fraction(exact.sense * ceil(exact.sense * exact.right)))

    def split(self, stated: Constraint) -> Constraint:
        """What follows on both sides of a split."""
        places = [self.count() for _ in range(4)]
        one, below, other, above = map(self.at, places)
        if below.sense > above.sense:
            below, above = above, below
        if (below.sense, above.sense) != (-1, 1) or not below.same_terms(above):
            raise Refused("the split is not into a.x <= b and a.x >= c")
        whole = below.whole(self.program.integer) and below.right.denominator == 1
        if above.right - below.right > whole:
            raise Refused("the split leaves out what is between its sides")
        if not (one.implies(stated) and other.implies(stated)):
            raise Refused("it does not follow on both sides of the split")
        kept = one.assumptions - {places[1]}, other.assumptions - {places[3]}
        return stated._replace(assumptions=union(*kept))

    def product(self) -> list[Constraint]:
        """The product of two bounds, in either sign."""
        one, two = self.at(self.count()), self.at(self.count())
        row = self.program.rows[self.take(1)[0]]
        (a, p, q), (b, s, t) = slack(one), slack(two)
        (low, high), weight = row.sides(), sum(row.products.values())
        if low is None or low != high or set(row.products) != {(a, b), (b, a)} or not weight:
            raise Refused("the row is no equality with the product of these columns alone")
        factor = p * s / weight  # p*s*x[a]*x[b] = factor * (low - row.terms)
        terms = {j: -factor * v for j, v in row.terms.items()}
        terms[a] = terms.get(a, 0) - p * t
        terms[b] = terms.get(b, 0) - s * q
        right = -q * t - factor * low
        equal = not one.sense or not two.sense
        found = limits(terms, right, right if equal else None)
        terms = {j: -v for j, v in terms.items()}
        found += limits(terms, -right if equal else None, -right)
        assumptions = union(one.assumptions, two.assumptions)
        return [each._replace(assumptions=assumptions) for each in found]


def check(program: Path, proof: Path) -> Verdict:
    """Check a proof for a program. Raises Refused where it does not hold or a file is broken."""
    read = Program()
    checked = Proof(read)
    for part, path in ((read, program), (checked, proof)):
        try:
            part.read(path)
        except (Refused, OSError, EOFError, UnicodeDecodeError, zlib.error) as why:
            text = getattr(why, "strerror", None) or why
            raise Refused(f"{path.name or path}{part.place}: {text}") from None
    return checked.verdict


def main() -> int:
    """Check the two files of the command line, and print what is proven."""
    if len(sys.argv) != 3:
        print("usage: python checker.py program.mps proof.vipr.gz")
        return 2
    try:
        found = check(Path(sys.argv[1]), Path(sys.argv[2]))
    except Refused as why:
        print(f"refused: {why}")
        return 1
    sys.set_int_max_str_digits(0)  # words are short, so that sums of them are not long either
    claim = f"every value is at {'least' if found.sense == 'min' else 'most'} {found.bound}"
    claim = "no bound is claimed" if found.bound is None else claim
    print(f"the proof holds: {'there is no point' if found.infeasible else claim}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
