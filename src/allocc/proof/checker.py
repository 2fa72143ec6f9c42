"""Check that a proof (VIPR 1.0) proves a bound on a mixed-integer program (free MPS), exactly.

Run `python checker.py program.mps proof.vipr.gz`: exit code 0 if it holds, 1 if it is refused.
Nothing is solved here, and no number is rounded. The argument, to be read beside the code:
1. `Program` reads the MPS file. 1.7e-06 is the rational 17/10^7; a column without bounds lies in
   [0, inf); a line `a b v` under QCMATRIX adds v*a*b to its row. Other forms are refused.
2. `Proof` reads the proof once. Columns, integers and objective are the program's. A constraint
   under CON is a side of the row of its name, without products, or a bound of a column, or weaker.
3. A derived constraint holds at all points of the program where its assumptions do. Reasons:
   asm          it assumes itself;
   lin          earlier constraints are added up, times numbers that leave all <= or all >=;
   rnd          the same with whole columns and coefficients, and the right side is rounded;
   uns i l j k  it follows from i and from j, and each point satisfies l or k: these are a.x <= b
                and a.x >= c with c <= b; or c <= floor(b) + 1 where a and x are whole (in VIPR 1.0
                they are, and c = b + 1). So i needs not assume l, nor j k;
   sol          the objective is as good as at the best point given; better by 1 if it is whole
                everywhere. No other point is better than that one, and the claim allows that one;
   mul i j r    i and j are bounds of columns a and b: p*a - q >= 0 and s*b - t >= 0, where p and s
                are 1 or -1. So is their product, and row r, an equality with no other product,
                turns a*b into linear terms. (Not in VIPR 1.0.)
4. The last constraint assumes nothing, and is the claim or implies it."""

import gzip, re, sys, zlib
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import dropwhile, islice
from math import ceil, floor, inf, lcm
from pathlib import Path
from typing import Any, NamedTuple

LONGEST, DEEPEST = 1 << 23, 1 << 12  # bytes of a line; bits of a common denominator
NUMBER = re.compile(r"[+-]?\d{1,999}(/[1-9]\d{0,999}|(\.\d{0,999})?([eE][+-]?\d{1,3})?)")
SENSES, ZERO, ONE = {"L": -1, "E": 0, "G": 1}, Fraction(0), Fraction(1)
Side = Fraction | None  # None: there is none

class Refused(Exception):
    """The proof does not hold for the program, or a file cannot be read: where, and why."""

def need(condition: object, message: str) -> None:
    if not condition: raise Refused(message)

class Table(dict[Any, Any]):  # nothing is put twice, and only what is there is looked up
    def __setitem__(self, key: Any, value: Any) -> None:
        need(key not in self, f"{str(key)[:60]} is given a second time")
        super().__setitem__(key, value)
    def __missing__(self, key: Any) -> Any:
        raise Refused(f"{str(key)[:60]} is not there, or not any more")

class Verdict(NamedTuple):
    """No value is below (min) or above (max) `bound`, constant included, or there is no point."""
    sense: str; bound: Side; infeasible: bool
    columns: int; rows: int; derivations: int
    def __str__(self) -> str:
        if self.infeasible: return "there is no point"
        if self.bound is None: return "no bound is claimed"
        return f"no value is {'below' if self.sense == 'min' else 'above'} {self.bound}"

def lines(path: Path) -> Iterator[tuple[str, bytes]]:  # each with its place; the file may be packed
    with path.open("rb") as raw:
        file = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
        for at, line in enumerate(iter(lambda: file.readline(LONGEST), b""), 1):
            need(len(line) < LONGEST, f"line {at} is too long")
            yield f", line {at}", line

@lru_cache(1 << 14)
def number(word: str) -> Fraction:
    need(NUMBER.fullmatch(word), f"{word[:40]!r} is not a number")
    return Fraction(word)

def count(word: str) -> int:
    need(word.isdigit() and len(word) < 19, f"{word[:40]!r} is not a count or an index")
    return int(word)

class Row:
    def __init__(self, kind: str) -> None:  # `given` holds its numbers in the sets RHS and RNG
        self.kind, self.terms, self.products, self.given = kind, Table(), Table(), Table()
    def sides(self) -> tuple[Side, Side]:
        right = self.given.get("RHS", ZERO)
        low = right - self.given["RNG"] if "RNG" in self.given else None
        return low if self.kind == "L" else right, None if self.kind == "G" else right
    def value(self, x: list[Fraction]) -> Fraction:
        products = sum((v * x[a] * x[b] for (a, b), v in self.products.items()), ZERO)
        return sum((v * x[j] for j, v in self.terms.items()), products)

class Program:  # in a free MPS file
    def __init__(self) -> None:
        self.place, self.section, self.sense, self.whole = "", [""], "", False
        self.columns: dict[str, int] = Table()
        self.rows: dict[str, Row] = Table()
        self.lower, self.upper, self.integer = Table(), Table(), set[int]()
    def read(self, path: Path) -> None:
        for self.place, line in lines(path): self.line(line.decode("ascii"))
        goals = [name for name, row in self.rows.items() if row.kind == "N"]
        complete = self.section == ["ENDATA"] and self.sense and len(goals) == 1
        need(complete, "ENDATA, OBJSENSE, or the one objective (a row N) is missing")
        for row in self.rows.values():
            for j in [j for j, v in row.terms.items() if not v]: del row.terms[j]
            symmetric = all(row.products.get((b, a)) == v for (a, b), v in row.products.items())
            need(symmetric, "a section QCMATRIX is not symmetric")
        self.objective = self.rows.pop(goals[0])
    def line(self, line: str) -> None:
        words, rows, columns = line.split(), self.rows, self.columns
        if not words or line[0] == "*": return
        if not line[0].isspace() and self.section != ["ENDATA"]: self.section, words = words, []
        need("/" not in line, "a fraction cannot stand in a program")
        match self.section, words:
            case ["OBJSENSE" | "ROWS" | "COLUMNS" | "RHS" | "RANGES" | "BOUNDS"], []: pass
            case ["NAME" | "QCMATRIX", _] | ["ENDATA"], []: pass
            case ["OBJSENSE"], ["MIN" | "MAX" as goal] if not self.sense: self.sense = goal.lower()
            case ["ROWS"], ["N" | "L" | "G" | "E" as kind, name]: rows[name] = Row(kind)
            case ["COLUMNS"], [_, "'MARKER'", "'INTORG'"]: self.whole = True
            case ["COLUMNS"], [_, "'MARKER'", "'INTEND'"]: self.whole = False
            case ["COLUMNS"], [name, row, v]:
                if name not in columns and self.whole: self.integer.add(len(columns))
                j = columns.setdefault(name, len(columns))
                need((j in self.integer) == self.whole, f"only a part of {name} is in INTORG")
                rows[row].terms[j] = number(v)
            case ["RHS"], ["RHS", row, v]: rows[row].given["RHS"] = number(v)
            case ["RANGES"], ["RNG", row, v] if rows[row].kind == "L" and v[0] != "-":
                rows[row].given["RNG"] = number(v)
            case ["BOUNDS"], ["LO" | "UP" | "FX" as key, "BND", name, v]: self.bound(key, name, v)
            case ["BOUNDS"], ["MI" | "PL" | "FR" | "BV" as key, "BND", name]: self.bound(key, name)
            case ["QCMATRIX", row], [a, b, v] if rows[row].kind != "N":
                rows[row].products[columns[a], columns[b]] = number(v)
            case _: raise Refused(f"{line.strip()[:60]!r} cannot stand here")
    def bound(self, kind: str, name: str, word: str = "") -> None:
        j, value = self.columns[name], number(word) if word else None
        need(kind != "BV" or j in self.integer, f"BV BND {name[:60]}, which is not in INTORG")
        low, high = (ZERO, ONE) if kind == "BV" else (value, value)
        if kind not in ("UP", "PL"): self.lower[j] = low
        if kind not in ("LO", "MI"): self.upper[j] = high
        need(j in self.lower, "UP and PL stand after LO or MI")
    def bounds(self, j: int) -> tuple[Side, Side]:
        return self.lower.get(j, ZERO), self.upper.get(j)

class Constraint(NamedTuple):  # terms <=, = or >= right (sense -1, 0, 1) where assumptions hold
    terms: dict[int, Fraction]; right: Fraction; sense: int
    assumptions: frozenset[int] = frozenset()
    def implies(self, other: "Constraint") -> bool:
        if not self.terms and self.right and self.right * self.sense >= 0: return True  # absurd
        beyond = self.right - other.right
        strong = beyond == 0 or beyond * other.sense > 0
        return strong and self.sense in (0, other.sense) and self.terms == other.terms
    def slack(self) -> tuple[int, int, Fraction]:  # j, p and q of a bound p*x[j] - q >= 0 (or = 0)
        need(len(self.terms) == 1, "only bounds of one column can be multiplied")
        ((j, v),) = self.terms.items()
        p = (self.sense or 1) * (1 if v > 0 else -1)
        return j, p, p * self.right / v

class Proof:  # for one program
    def __init__(self, program: Program) -> None:
        self.program, self.place = program, ""
        self.constraints: dict[int, Constraint] = Table()  # those that are not forgotten
        self.uses: dict[int, list[int]] = {}  # by the place of their last use
    def words_of(self, path: Path) -> Iterator[str]:  # after the comments at the head
        for self.place, line in dropwhile(lambda pair: pair[1].startswith(b"%"), lines(path)):
            yield from line.decode("ascii").split()
    def take(self, amount: int, *heads: str) -> list[str]:  # the words behind those expected
        taken = list(islice(self.words, len(heads) + amount))
        need(len(taken) == len(heads) + amount, "the file ends too early")
        for head, found in zip(heads, taken, strict=False):
            need(head == found, f"{head[:60]!r} expected, not {found[:60]!r}")
        return taken[len(heads) :]
    def pairs(self, size: int, end: int) -> dict[int, Fraction]:  # indices and numbers, without 0
        need(size <= end, f"{size} entries, where there can be {end}")
        words = self.take(2 * size)
        got = dict(zip(map(count, words[::2]), map(number, words[1::2]), strict=True))
        need(len(got) == size and max(got, default=-1) < end, f"index twice, or not below {end}")
        return {k: v for k, v in got.items() if v}
    def read(self, path: Path) -> None:
        program, wide, self.words = self.program, len(self.program.columns), self.words_of(path)
        whole, self.sign = sorted(map(str, program.integer)), 1 if program.sense == "min" else -1
        heads = "VER", "1.0", "VAR", str(wide), *program.columns, "INT", str(len(whole))
        need(sorted(self.take(len(whole), *heads)) == whole, "the integer columns are others")
        self.costs = self.pairs(count(*self.take(1, "OBJ", program.sense)), wide)
        need(self.costs == program.objective.terms, "the objective is not the program's")
        amount, _ = map(count, self.take(2, "CON"))  # and how many of them are bounds: not needed
        for index in range(amount): self.constraints[index] = self.given()
        (kind,) = self.take(1, "RTP")
        need(kind in ("infeas", "range"), f"'infeas' or 'range' expected, not {kind[:60]!r}")
        low, high = self.take(2) if kind == "range" else ("-inf", "inf")
        least, most = -inf if low == "-inf" else number(low), inf if high == "inf" else number(high)
        bound, reached = (least, most) if self.sign > 0 else (-most, -least)
        bound = inf if kind == "infeas" else bound  # as the least value of nothing
        values = [self.sign * self.point() for _ in range(count(*self.take(1, "SOL")))]
        self.best: Fraction | float = min(values, default=inf)
        need(bound <= self.best <= reached, "RTP denies a point, or no point is as good as it says")
        steps, last = count(*self.take(1, "DER")), Constraint({}, ZERO, 0)
        for index in range(amount, amount + steps): last = self.derivation(index)
        need(next(self.words, None) is None, "there is text after the last derivation")
        goal, proven = Constraint({}, ONE, 1), None  # 0 >= 1: there is no point
        if isinstance(bound, Fraction):
            goal = Constraint(self.costs, self.sign * bound, self.sign)
            proven = goal.right - program.objective.given.get("RHS", ZERO)
        shown = bound == -inf or (last.implies(goal) and not last.assumptions)
        need(shown, "the last constraint assumes something, or does not imply the claim")
        self.verdict = Verdict(program.sense, proven, bound == inf, wide, len(program.rows), steps)
    def is_whole(self, terms: dict[int, Fraction]) -> bool:
        return all(j in self.program.integer and v.denominator == 1 for j, v in terms.items())
    def stated(self) -> tuple[str, Constraint]:
        name, sense, right, size = self.take(4)
        need(sense in SENSES, f"{sense[:40]!r} is not L, E or G")
        terms = self.costs if size == "OBJ" else self.pairs(count(size), len(self.program.columns))
        return name, Constraint(terms, number(right), SENSES[sense])
    def given(self) -> Constraint:  # of section CON
        name, stated = self.stated()
        row, j = self.program.rows.get(name), next(iter(stated.terms), -1)
        low, high = row.sides() if row else self.program.bounds(j)
        above = stated.sense < 0 or (low is not None and low >= stated.right)
        below = stated.sense > 0 or (high is not None and high <= stated.right)
        same = stated.terms == (row.terms if row else {j: ONE}) and not (row and row.products)
        need(same and above and below, f"{name[:60]} is no side of a linear row, and no bound")
        return stated
    def point(self) -> Fraction:  # section SOL; its value
        (name, size), program = self.take(2), self.program
        entries = self.pairs(count(size), len(program.columns))
        x = [entries.get(j, ZERO) for j in range(len(program.columns))]
        values = [(row.value(x), row.sides()) for row in program.rows.values()]
        for v, (low, high) in values + [(v, program.bounds(j)) for j, v in enumerate(x)]:
            inside = (low is None or v >= low) and (high is None or v <= high)
            need(inside, f"point {name[:60]} is outside of a row or of a bound")
        need(all(x[j].denominator == 1 for j in program.integer), f"point {name[:60]} is not whole")
        return program.objective.value(x)
    def derivation(self, index: int) -> Constraint:
        name, stated = self.stated()
        match self.take(2):
            case ["{", "asm"]: implied = stated._replace(assumptions=frozenset([index]))
            case ["{", "lin"]: implied = self.total(index)
            case ["{", "uns"]: implied = self.split(stated)
            case ["{", "mul"]: implied = self.product(stated.sense or 1)
            case ["{", "rnd"]:
                exact = self.total(index)
                need(exact.sense and self.is_whole(exact.terms), "only a whole <= or >= is rounded")
                right = ceil(exact.right) if exact.sense > 0 else floor(exact.right)
                implied = exact._replace(right=Fraction(right))
            case ["{", "sol"] if isinstance(self.best, Fraction):
                least = self.best - (1 if self.is_whole(self.costs) else 0)
                implied = Constraint(self.costs, self.sign * least, -self.sign)
            case _, reason: raise Refused(f"reason {reason[:40]!r} is not known, or has no point")
        (last_use,) = self.take(1, "}")
        need(implied.implies(stated), f"{name[:60]} does not follow from its reason")
        self.constraints[index] = stated = stated._replace(assumptions=implied.assumptions)
        if last_use != "-1": self.uses.setdefault(max(count(last_use), index), []).append(index)
        for k in self.uses.pop(index, ()): del self.constraints[k]
        return stated
    def total(self, end: int) -> Constraint:  # a sum of multiples, over one common denominator
        multipliers = self.pairs(count(*self.take(1)), end)
        parts = [(y.as_integer_ratio(), self.constraints[k]) for k, y in multipliers.items()]
        entries = [(j, above * v.numerator, below * v.denominator) for (above, below), each in parts
                   for j, v in ((-1, each.right), *each.terms.items())]  # -1: the right side
        senses = {0, *(each.sense if above > 0 else -each.sense for (above, _), each in parts)}
        scale, sums = 1, {-1: 0}
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
    def split(self, stated: Constraint) -> Constraint:  # what follows on both sides
        places = list(map(count, self.take(4)))
        one, below, other, above = (self.constraints[k] for k in places)
        if below.sense > above.sense: below, above = above, below
        reach = floor(below.right) + 1 if self.is_whole(below.terms) else below.right
        sides = (below.sense, above.sense) == (-1, 1) and below.terms == above.terms
        need(sides and above.right <= reach, "the split leaves something out")
        need(one.implies(stated) and other.implies(stated), "it does not follow on both sides")
        kept = (one.assumptions - {places[1]}) | (other.assumptions - {places[3]})
        return stated._replace(assumptions=kept)
    def product(self, sign: int) -> Constraint:  # of two bounds, times the sign that is stated
        first, second, name = self.take(3)
        one, two = self.constraints[count(first)], self.constraints[count(second)]
        row, (a, p, q), (b, s, t) = self.program.rows[name], one.slack(), two.slack()
        right, weight = row.given.get("RHS", ZERO), sum(row.products.values(), ZERO)
        fits = row.kind == "E" and set(row.products) == {(a, b), (b, a)} and weight
        need(fits, "the row is no equality with the product of these columns alone")
        times = sign * p * s / weight  # sign*p*s*a*b = times * (right - row.terms)
        terms = {a: ZERO, b: ZERO} | {j: -times * v for j, v in row.terms.items()}
        terms[a] -= sign * p * t; terms[b] -= sign * s * q
        kept = {j: v for j, v in terms.items() if v}
        sense, right = sign if one.sense and two.sense else 0, -times * right - sign * q * t
        return Constraint(kept, right, sense, one.assumptions | two.assumptions)

def check(program: Path, proof: Path) -> Verdict:
    """Check a proof for a program. Raises Refused where it does not hold or a file is broken."""
    checked = Proof(Program())
    for part, path in ((checked.program, program), (checked, proof)):
        try: part.read(path)
        except (Refused, OSError, EOFError, ValueError, zlib.error) as why:
            raise Refused(f"{path.name}{part.place}: {why}") from None
    return checked.verdict

if __name__ == "__main__":
    if len(sys.argv) != 3: sys.exit("usage: python checker.py program.mps proof.vipr.gz")
    try: print(f"the proof holds: {check(Path(sys.argv[1]), Path(sys.argv[2]))}")
    except Refused as refused: sys.exit(f"refused: {refused}")
