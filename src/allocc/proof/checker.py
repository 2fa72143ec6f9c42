"""Check that a proof (VIPR 1.0) proves a bound on a mixed-integer program (free MPS), exactly.

    python checker.py program.mps proof.vipr.gz      exit code 0: it holds, 1: it is refused

Nothing is solved here, and no number is rounded. The argument, to be read beside the code:

1. `Program` reads the MPS file. 1.7e-06 is the rational 17/10^7; a column without bounds lies in
   [0, inf); a line `a b v` under QCMATRIX adds v*a*b to its row. Other forms are refused.
2. `Proof` reads the proof once. Its columns, integers and objective are those of the program. A
   constraint under CON follows at once from one side of the row of its name, which has no
   products, or from one bound of a column.
3. A derived constraint holds at all points of the program where its assumptions do. Reasons:
   asm          it assumes itself;
   lin          earlier constraints are added up, times numbers that leave all <= or all >=;
   rnd          the same with whole columns and coefficients, and the right side is rounded;
   uns i l j k  it follows from i and from j, and each point satisfies l or k: these are a.x <= b
                and a.x >= c with c <= b; or c <= floor(b) + 1 where a and x are whole. So i needs
                not assume l, nor j k. (In VIPR 1.0 all is whole, and c = b + 1.)
   sol          the objective is as good as at the best point given; better by 1 if it is whole
                everywhere. No other point is better than that one, and the claim allows that one;
   mul i j r    i and j are bounds of columns a and b: p*a - q >= 0 and s*b - t >= 0, where p and s
                are 1 or -1. So is their product, and row r, an equality with no other product,
                turns a*b into linear terms. (Not in VIPR 1.0.)
4. The last constraint assumes nothing, and is the claim or implies it.
"""

import gzip
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import dropwhile, islice
from math import ceil, floor, inf, lcm
from pathlib import Path
from typing import Any, NamedTuple

LONGEST, DEEPEST = 1 << 23, 1 << 12  # bytes of a line; bits of a common denominator
NUMBER = re.compile(r"[+-]?\d{1,999}(/[1-9]\d{0,999}|(\.\d{0,999})?([eE][+-]?\d{1,3})?)")
SENSES = {"L": -1, "E": 0, "G": 1}
Side = Fraction | None  # None: there is none


class Refused(Exception):
    """The proof does not hold for the program, or a file cannot be read: where, and why."""


def need(condition: object, message: str) -> None:
    """Refuse where a condition does not hold."""
    if not condition:
        raise Refused(message)


class Table(dict[Any, Any]):
    """A dictionary where nothing is put twice, and only what is there is looked up."""

    def __setitem__(self, key: Any, value: Any) -> None:
        need(key not in self, f"{str(key)[:60]} is given a second time")
        super().__setitem__(key, value)

    def __missing__(self, key: Any) -> Any:
        raise Refused(f"{str(key)[:60]} is not there, or not any more")


@dataclass(frozen=True)
class Verdict:
    """No value is below (min) or above (max) `bound`, or there is no point at all."""

    sense: str
    bound: Side  # with the objective's constant
    infeasible: bool
    columns: int
    rows: int
    derivations: int

    def __str__(self) -> str:
        """What is proven, as a sentence."""
        if self.bound is None:
            return "there is no point" if self.infeasible else "no bound is claimed"
        return f"no value is {'below' if self.sense == 'min' else 'above'} {self.bound}"


def lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """The places and lines of a file, which may be packed."""
    with path.open("rb") as raw:
        file = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
        for at, line in enumerate(iter(lambda: file.readline(LONGEST), b""), 1):
            need(len(line) < LONGEST, f"line {at} is too long")
            yield f", line {at}", line


@lru_cache(1 << 14)
def number(word: str) -> Fraction:
    """The number `-12`, `5/3`, `0.25` or `1.7e-06`."""
    need(NUMBER.fullmatch(word), f"{word[:40]!r} is not a number")
    return Fraction(word)


def count(word: str) -> int:
    """A count or an index."""
    need(word.isdigit() and len(word) < 19, f"{word[:40]!r} is not a count or an index")
    return int(word)


@dataclass
class Row:
    """A row of the program; `given` holds its numbers in the sets RHS and RNG."""

    kind: str
    terms: dict[int, Fraction] = field(default_factory=Table)
    products: dict[tuple[int, int], Fraction] = field(default_factory=Table)
    given: dict[str, Fraction] = field(default_factory=Table)

    def sides(self) -> tuple[Side, Side]:
        """The lower and the upper side."""
        right = self.given.get("RHS", Fraction(0))
        low = right - self.given["RNG"] if "RNG" in self.given else None
        return low if self.kind == "L" else right, None if self.kind == "G" else right

    def value(self, x: list[Fraction]) -> Fraction:
        """The value of the left side at a point."""
        linear = sum((v * x[j] for j, v in self.terms.items()), Fraction(0))
        return linear + sum(v * x[a] * x[b] for (a, b), v in self.products.items())


class Program:
    """The program in a free MPS file."""

    def __init__(self) -> None:
        self.place, self.section, self.sense, self.whole = "", [""], "", False
        self.columns: dict[str, int] = Table()
        self.rows: dict[str, Row] = Table()
        self.lower, self.upper = Table(), Table()  # the bounds that are given, by column
        self.integer: set[int] = set()

    def read(self, path: Path) -> None:
        """Take in a file."""
        for self.place, line in lines(path):
            self.line(line.decode("ascii"), line.decode("ascii").split())
        goals = [name for name, row in self.rows.items() if row.kind == "N"]
        complete = self.section == ["ENDATA"] and self.sense and len(goals) == 1
        need(complete, "ENDATA, OBJSENSE, or the one objective (a row N) is missing")
        for row in self.rows.values():
            row.terms = {j: v for j, v in row.terms.items() if v}
            symmetric = all(row.products.get((b, a)) == v for (a, b), v in row.products.items())
            need(symmetric, "a section QCMATRIX is not symmetric")
        self.objective = self.rows.pop(goals[0])

    def line(self, line: str, words: list[str]) -> None:
        """Take in one line. What has none of the known forms is refused."""
        if not words or line[0] == "*":
            return
        if not line[0].isspace() and self.section != ["ENDATA"]:
            self.section, words = words, []
        need("/" not in line, "a fraction cannot stand in a program")
        match self.section, words:
            case ["NAME" | "QCMATRIX", _], []:
                pass
            case ["OBJSENSE" | "ROWS" | "COLUMNS" | "RHS" | "RANGES" | "BOUNDS" | "ENDATA"], []:
                pass
            case ["OBJSENSE"], ["MIN" | "MAX" as sense] if not self.sense:
                self.sense = sense.lower()
            case ["ROWS"], ["N" | "L" | "G" | "E" as kind, name]:
                self.rows[name] = Row(kind)
            case ["COLUMNS"], [_, "'MARKER'", "'INTORG'" | "'INTEND'" as marker]:
                self.whole = marker == "'INTORG'"
            case ["COLUMNS"], [name, row, word]:
                if name not in self.columns and self.whole:
                    self.integer.add(len(self.columns))
                j = self.columns.setdefault(name, len(self.columns))
                need((j in self.integer) == self.whole, f"only a part of {name} is in INTORG")
                self.rows[row].terms[j] = number(word)
            case ["RHS"], ["RHS", row, word]:
                self.rows[row].given["RHS"] = number(word)
            case ["RANGES"], ["RNG", row, word] if self.rows[row].kind == "L" and word[0] != "-":
                self.rows[row].given["RNG"] = number(word)
            case ["BOUNDS"], ["LO" | "UP" | "FX" as kind, "BND", name, word]:
                self.bound(kind, self.columns[name], number(word), number(word))
            case ["BOUNDS"], ["MI" | "PL" | "FR" as kind, "BND", name]:
                self.bound(kind, self.columns[name], None, None)
            case ["BOUNDS"], ["BV" as kind, "BND", name] if self.columns[name] in self.integer:
                self.bound(kind, self.columns[name], Fraction(0), Fraction(1))
            case ["QCMATRIX", row], [a, b, word] if self.rows[row].kind != "N":
                self.rows[row].products[self.columns[a], self.columns[b]] = number(word)
            case _:
                raise Refused(f"{line.strip()[:60]!r} cannot stand here")

    def bound(self, kind: str, j: int, low: Side, high: Side) -> None:
        """Take in the bounds of column j that are of that kind; None stands for none."""
        if kind not in ("UP", "PL"):
            self.lower[j] = low
        if kind not in ("LO", "MI"):
            self.upper[j] = high
        need(j in self.lower, "UP and PL stand after LO or MI")

    def bounds(self, j: int) -> tuple[Side, Side]:
        """The lower and the upper bound of a column."""
        return self.lower.get(j, Fraction(0)), self.upper.get(j)


class Constraint(NamedTuple):
    """`terms` <=, = or >= `right` (sense -1, 0 or 1), where the assumptions hold."""

    terms: dict[int, Fraction]
    right: Fraction
    sense: int
    assumptions: frozenset[int] = frozenset()

    def implies(self, other: "Constraint") -> bool:
        """Whether this is absurd, or has the other's left side and is as strong on the right."""
        excess = self.right * self.sense if self.sense else abs(self.right)
        beyond = self.right - other.right
        strong = beyond * other.sense >= 0 if other.sense else beyond == 0
        same = self.sense in (0, other.sense) and self.terms == other.terms
        return (same and strong) or (not self.terms and excess > 0)

    def is_whole(self, integer: set[int]) -> bool:
        """Whether the left side is whole at each point."""
        return all(j in integer and v.denominator == 1 for j, v in self.terms.items())

    def slack(self) -> tuple[int, int, Fraction]:
        """Column j, sign p and number q of a bound p*x[j] - q >= 0 (or = 0)."""
        need(len(self.terms) == 1, "only bounds of one column can be multiplied")
        ((j, v),) = self.terms.items()
        p = (self.sense or 1) * (1 if v > 0 else -1)
        return j, p, p * self.right / v


class Proof:
    """The check of one proof for one program."""

    def __init__(self, program: Program) -> None:
        self.program, self.place = program, ""
        self.constraints: dict[int, Constraint] = Table()  # those that are not forgotten
        self.last_uses: dict[int, list[int]] = {}
        self.names: dict[tuple[str, str], None] = Table()
        self.best: Fraction | float = inf  # the least value of the points, or of its negative (max)

    def words_of(self, path: Path) -> Iterator[str]:
        """The words of a file, after the comments at its head."""
        for self.place, line in dropwhile(lambda pair: pair[1].startswith(b"%"), lines(path)):
            yield from line.decode("ascii").split()

    def take(self, amount: int) -> list[str]:
        """The next words."""
        taken = list(islice(self.words, amount))
        need(len(taken) == amount, "the file ends too early")
        return taken

    def expect(self, *words: str) -> None:
        """Pass by these words."""
        for word, found in zip(words, self.take(len(words)), strict=True):
            need(word == found, f"{word[:60]!r} expected, not {found[:60]!r}")

    def pairs(self, size: str, end: int) -> dict[int, Fraction]:
        """That many different indices below `end`, and their numbers where these are not 0."""
        need(count(size) <= end, f"{size} entries, where there can be {end}")
        words = self.take(2 * count(size))
        found = dict(zip(map(count, words[::2]), map(number, words[1::2]), strict=True))
        distinct = 2 * len(found) == len(words) and max(found, default=-1) < end
        need(distinct, f"indices have to be different, and below {end}")
        return {k: value for k, value in found.items() if value}

    def read(self, path: Path) -> None:
        """Check a file."""
        program, whole = self.program, sorted(map(str, self.program.integer))
        self.sign, self.words = 1 if program.sense == "min" else -1, self.words_of(path)
        self.expect("VER", "1.0", "VAR", str(len(program.columns)), *program.columns)
        self.expect("INT", str(len(whole)))
        need(sorted(self.take(len(whole))) == whole, "the integer columns are not the program's")
        self.expect("OBJ", program.sense)
        self.objective = self.pairs(self.take(1)[0], len(program.columns))
        need(self.objective == program.objective.terms, "the objective is not the program's")
        self.expect("CON")
        amount, bounds = map(count, self.take(2))
        kinds = [self.given(index) for index in range(amount)]
        need(sum(kinds[:bounds]) == bounds == sum(kinds), "the bounds are not so many, and first")
        self.expect("RTP")
        (kind,) = self.take(1)
        need(kind in ("infeas", "range"), f"'infeas' or 'range' expected, not {kind[:60]!r}")
        low, high = self.take(2) if kind == "range" else ("-inf", "inf")
        least = -inf if low == "-inf" else number(low)
        most = inf if high == "inf" else number(high)
        bound, reached = (least, most) if self.sign > 0 else (-most, -least)
        bound = inf if kind == "infeas" else bound  # as the least value of nothing
        self.expect("SOL")
        for _ in range(count(*self.take(1))):
            self.best = min(self.best, self.sign * self.point())
        need(bound <= self.best, "a point is given that the claim under RTP denies")
        need(self.best <= reached, "no point is given that is as good as the claim under RTP")
        self.expect("DER")
        derivations, last = count(*self.take(1)), Constraint({}, Fraction(0), 0)
        for index in range(amount, amount + derivations):
            last = self.derivation(index)
        need(next(self.words, None) is None, "there is text after the last derivation")
        goal, proven = Constraint({}, Fraction(1), 1), None  # 0 >= 1: there is no point
        if isinstance(bound, Fraction):
            goal = Constraint(self.objective, self.sign * bound, self.sign)
            proven = goal.right - program.objective.given.get("RHS", Fraction(0))
        shown = bound == -inf or (last.implies(goal) and not last.assumptions)
        need(shown, "the last constraint assumes something, or does not imply the claim")
        sizes = len(program.columns), len(program.rows), derivations
        self.verdict = Verdict(program.sense, proven, bound == inf, *sizes)

    def stated(self) -> tuple[str, Constraint]:
        """Read a constraint and its name."""
        name, sense, right, size = self.take(4)
        need(sense in SENSES, f"{sense[:40]!r} is not L, E or G")
        self.names[name, sense] = None  # the two sides of a row have one name
        wide = len(self.program.columns)
        terms = self.objective if size == "OBJ" else self.pairs(size, wide)
        return name, Constraint(terms, number(right), SENSES[sense])

    def given(self, index: int) -> bool:
        """Check a constraint of section CON, and return whether it is a bound of a column."""
        name, stated = self.stated()
        j = next(iter(stated.terms), -1)
        row = self.program.rows.get(name) or Row("bound", {j: Fraction(1)})
        low, high = self.program.bounds(j) if row.kind == "bound" else row.sides()
        above = stated.sense < 0 or (low is not None and low >= stated.right)
        below = stated.sense > 0 or (high is not None and high <= stated.right)
        known = stated.terms == row.terms and not row.products and above and below
        need(known, f"{name[:60]} is no side of a linear row, and no bound of a column")
        self.constraints[index] = stated
        return row.kind == "bound"

    def point(self) -> Fraction:
        """Check a point of section SOL, and return its value."""
        name, size = self.take(2)
        x = [Fraction(0)] * len(self.program.columns)
        for j, v in self.pairs(size, len(x)).items():
            x[j] = v
        values = [(row.value(x), row.sides()) for row in self.program.rows.values()]
        values += [(v, self.program.bounds(j)) for j, v in enumerate(x)]
        for v, (low, high) in values:
            inside = (low is None or v >= low) and (high is None or v <= high)
            need(inside, f"point {name[:60]} is outside of a row or of a bound")
        whole = all(x[j].denominator == 1 for j in self.program.integer)
        need(whole, f"point {name[:60]} is not whole where it has to be")
        return self.program.objective.value(x)

    def derivation(self, index: int) -> Constraint:
        """Check a derived constraint."""
        name, stated = self.stated()
        match self.take(2):
            case ["{", "asm"]:
                implied = stated._replace(assumptions=frozenset([index]))
            case ["{", "lin"]:
                implied = self.total(index)
            case ["{", "rnd"]:
                exact = self.total(index)
                whole = exact.sense and exact.is_whole(self.program.integer)
                need(whole, "only inequalities with whole columns and coefficients are rounded")
                right = ceil(exact.right) if exact.sense > 0 else floor(exact.right)
                implied = exact._replace(right=Fraction(right))
            case ["{", "uns"]:
                implied = self.split(stated)
            case ["{", "sol"] if isinstance(self.best, Fraction):
                implied = Constraint(self.objective, self.sign * self.best, -self.sign)
                if implied.is_whole(self.program.integer):
                    implied = implied._replace(right=implied.right - self.sign)
            case ["{", "mul"]:
                implied = self.product(stated.sense or 1)
            case _, reason:
                raise Refused(f"reason {reason[:40]!r} is not known, or there is no point for it")
        closing, last_use = self.take(2)
        need(closing == "}", f"'}}' expected, not {closing[:60]!r}")
        need(implied.implies(stated), f"{name[:60]} does not follow from its reason")
        done = stated._replace(assumptions=implied.assumptions)
        self.constraints[index] = done
        if last_use != "-1":
            self.last_uses.setdefault(max(count(last_use), index), []).append(index)
        for k in self.last_uses.pop(index, ()):
            del self.constraints[k]
        return done

    def total(self, end: int) -> Constraint:
        """The sum of earlier constraints, each times a number, over one common denominator."""
        (size,) = self.take(1)
        parts = [(y, self.constraints[k]) for k, y in self.pairs(size, end).items()]
        scale, senses, sums = 1, {0}, {-1: 0}  # -1 stands for the right side
        entries: list[tuple[int, int, int]] = []
        for y, each in parts:
            above, below = y.as_integer_ratio()
            for j, v in ((-1, each.right), *each.terms.items()):
                numerator, denominator = v.as_integer_ratio()
                entries.append((j, above * numerator, below * denominator))
            senses.add(each.sense if above > 0 else -each.sense)
        for denominator in {denominator for _, _, denominator in entries}:
            scale = lcm(scale, denominator)
            need(scale.bit_length() < DEEPEST, "a common denominator is too long")
        for j, numerator, denominator in entries:
            sums[j] = sums.get(j, 0) + numerator * (scale // denominator)
        need(len(senses) < 3, "multipliers of the wrong sign: <= and >= would be added up")
        right = Fraction(sums.pop(-1), scale)
        terms = {j: Fraction(v, scale) for j, v in sums.items() if v}
        assumptions = frozenset[int]().union(*(each.assumptions for _, each in parts))
        return Constraint(terms, right, sum(senses), assumptions)

    def split(self, stated: Constraint) -> Constraint:
        """What follows on both sides of a split."""
        places = list(map(count, self.take(4)))
        one, below, other, above = (self.constraints[k] for k in places)
        if below.sense > above.sense:
            below, above = above, below
        reach = floor(below.right) + 1 if below.is_whole(self.program.integer) else below.right
        sides = (below.sense, above.sense) == (-1, 1) and below.terms == above.terms
        need(sides and above.right <= reach, "the split leaves something out")
        need(one.implies(stated) and other.implies(stated), "it does not follow on both sides")
        kept = (one.assumptions - {places[1]}) | (other.assumptions - {places[3]})
        return stated._replace(assumptions=kept)

    def product(self, sign: int) -> Constraint:
        """The product of two bounds, times the sign that is stated."""
        first, second, name = self.take(3)
        one, two = self.constraints[count(first)], self.constraints[count(second)]
        row, (a, p, q), (b, s, t) = self.program.rows[name], one.slack(), two.slack()
        right, weight = row.given.get("RHS", Fraction(0)), sum(row.products.values(), Fraction(0))
        fits = row.kind == "E" and set(row.products) == {(a, b), (b, a)} and weight
        need(fits, "the row is no equality with the product of these columns alone")
        times = sign * p * s / weight  # sign*p*s*a*b = times * (right - row.terms)
        terms: dict[int, Fraction] = {j: -times * v for j, v in row.terms.items()}
        terms[a] = terms.get(a, Fraction(0)) - sign * p * t
        terms[b] = terms.get(b, Fraction(0)) - sign * s * q
        kept = {j: v for j, v in terms.items() if v}
        sense = sign if one.sense and two.sense else 0
        assumptions = one.assumptions | two.assumptions
        return Constraint(kept, -times * right - sign * q * t, sense, assumptions)


def check(program: Path, proof: Path) -> Verdict:
    """Check a proof for a program. Raises Refused where it does not hold or a file is broken."""
    read = Program()
    checked = Proof(read)
    for part, path in ((read, program), (checked, proof)):
        try:
            part.read(path)
        except (Refused, OSError, EOFError, ValueError, zlib.error) as why:
            raise Refused(f"{path.name}{part.place}: {why}") from None
    return checked.verdict


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python checker.py program.mps proof.vipr.gz")
    try:
        print(f"the proof holds: {check(Path(sys.argv[1]), Path(sys.argv[2]))}")
    except Refused as refused:
        sys.exit(f"refused: {refused}")
