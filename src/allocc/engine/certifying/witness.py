"""Whether a program says what its model says: feasible allocations, mapped into the program and looked at.

A proof about another program proves nothing of the model. So allocations that meet every limit, the reported
one and random ones, are simulated, every column of the program is computed from them, and every row and range
of the program's file has to hold there, with the model's value as its objective. Rows are added up in exact
numbers at the first points, and in floating point at the others; what rounding can add to that is far below what
counts as broken.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from scipy import sparse

from allocc.backends import files, registry
from allocc.backends.solution import SolveOptions
from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.relaxation import Built
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values, highest, lowest
from allocc.engine.certifying.exact import ExactProgram
from allocc.engine.certifying.recipe import Recipe
from allocc.engine.judging.assess import ROUNDING, Assessment, assess
from allocc.engine.proving import door
from allocc.engine.proving.denominators import prepared
from allocc.proof import checker

#: A row holds within this part of the sizes of its terms; decisions are judged by the same.
HOLDS = 10 * ROUNDING
#: Rows are added up in exact numbers at so many points.
EXACT_POINTS = 5
#: Steps from one allocation towards another or a random one are so long at most, and become shorter while
#: what they lead to meets not every limit.
LONGEST, SHORTEST = 1.0, 1e-6
#: So many allocations are remembered to start from.
POOL = 64


@dataclass(frozen=True)
class Witnesses:
    """What was found: how many allocations lie in the program, and the first thing that does not hold.

    `worst` is the largest distance from a row, relative to its terms; `rows_alike` of `rows` rows of the
    model's own are in the file to the last digit.
    """

    points: int
    worst: float
    rows_alike: int
    rows: int
    broken: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing is against the program."""
        return not self.broken and self.points > 0 and self.rows_alike == self.rows


def witnesses(
    problem: Problem,
    recipe: Recipe,
    file: checker.Program,
    decisions: Sequence[Values],
    count: int,
    seconds: float,
    seed: int = 0,
) -> Witnesses:
    """Look at the first of `decisions`, the others, and random allocations, `count` in all if time allows."""
    found = _Mapped(problem, recipe, file)
    alike, rows = found.alike()
    points, worst = 0, 0.0
    for allocation in feasible(problem, decisions, count, seconds, seed):
        off, where = found.look(allocation)
        worst = max(worst, off)
        if where:
            return Witnesses(points, worst, alike, rows, where)
        points += 1
    return Witnesses(points, worst, alike, rows)


class _Mapped:
    """The way from an allocation to the columns of a program's file."""

    def __init__(self, problem: Problem, recipe: Recipe, file: checker.Program) -> None:
        chain = prepared(problem, recipe.method)
        self.problem, self.places, self.program = problem, chain.places, chain.program
        given = self.places.mask(problem.decisions, self.program.columns)
        self.complete = Completer(self.program, given)
        self.built: Built = recipe.built(self.program)
        self.columns, self.rows = files.names(self.built.program)
        self.file = _Arrays.of(file, self.columns)
        self.text = file
        self.exact_left = EXACT_POINTS

    def alike(self) -> tuple[int, int]:
        """How many of the model's own rows are in the file with the same numbers, of how many."""
        exact = ExactProgram.of(self.program)
        same = total = 0
        for i in range(self.program.rows):
            sides = exact.row_lower[i], exact.row_upper[i]
            if sides == (None, None):
                continue
            total += 1
            row = self.text.rows.get(self.rows[i])
            terms = {j: a for j, a in exact.row(i) if a}
            same += row is not None and row.terms == terms and row.sides() == sides
        return same, total

    def look(self, allocation: Assessment) -> tuple[float, str]:
        """How far an allocation is from the rows of the file, and where it is too far."""
        decided = {v: allocation.values[v] for v in self.problem.decisions}
        base = self.complete(self.places.point(decided, self.program.columns))
        base[self.complete.missing] = np.nan
        point = self.built.lift_point(base)
        if np.isnan(point).any():
            filled = _filled(self.built.program, point)
            if filled is None:
                return np.inf, "an allocation of the model has no point in the program"
            point = filled
        if self.exact_left:
            self.exact_left -= 1
            where = _broken_exactly(self.text, point)
            if where:
                return np.inf, where
        return self.file.broken(point, allocation.value)


@dataclass(frozen=True, eq=False)
class _Arrays:
    """The numbers of a program's file as arrays, its columns in the order of `names`."""

    names: list[str]
    matrix: sparse.csr_array
    lower: FloatArray
    upper: FloatArray
    columns: tuple[FloatArray, FloatArray]
    costs: FloatArray
    constant: float
    minimize: bool
    whole: IntArray

    @classmethod
    def of(cls, file: checker.Program, columns: Sequence[str]) -> _Arrays:
        """Raises `Refused` where the file has other columns."""
        if list(file.columns) != list(columns):
            raise checker.Refused("the program has other columns than the model leads to")
        names = list(file.rows)
        data: list[float] = []
        index: list[int] = []
        start = [0]
        for row in file.rows.values():
            index += row.terms.keys()
            data += map(float, row.terms.values())
            start.append(len(index))
        sides = [row.sides() for row in file.rows.values()]
        ends = [file.bounds(j) for j in range(len(columns))]
        costs = np.zeros(len(columns))
        for j, c in file.objective.terms.items():
            costs[j] = float(c)
        return cls(
            names,
            sparse.csr_array((data, index, start), shape=(len(names), len(columns))),
            _floats([low for low, _ in sides], -np.inf),
            _floats([high for _, high in sides], np.inf),
            (_floats([e[0] for e in ends], -np.inf), _floats([e[1] for e in ends], np.inf)),
            costs,
            -float(file.objective.given.get("RHS", 0)),
            file.sense == "min",
            np.array(sorted(file.integer), dtype=np.int64),
        )

    def broken(self, x: FloatArray, value: float) -> tuple[float, str]:
        """The largest relative distance from a row or range, and what is broken."""
        activity, size = self.matrix @ x, abs(self.matrix) @ np.abs(x)
        low, high = self.lower - activity, activity - self.upper
        off = np.maximum(low, high) / np.maximum(size, 1e-300)
        off = np.where(np.maximum(low, high) > 0, off, 0.0)
        k = int(np.argmax(off)) if len(off) else -1
        if k >= 0 and off[k] > HOLDS:
            return float(off[k]), f"row {self.names[k]} does not hold at an allocation of the model"
        under = np.maximum(self.columns[0] - x, x - self.columns[1])
        scale = np.maximum(np.abs(x), np.where(np.isfinite(self.columns[1]), self.columns[1], 0.0))
        beyond = np.where(under > HOLDS * np.maximum(scale, 1e-300), under, 0.0)
        if beyond.any():
            return float(beyond.max()), f"column {int(np.argmax(beyond))} leaves its range"
        fractional = np.abs(x[self.whole] - np.rint(x[self.whole])).max(initial=0.0)
        if fractional > HOLDS:
            return float(fractional), "a whole column is not whole"
        said = float(self.costs @ x) + self.constant
        allowed = HOLDS * (float(np.abs(self.costs) @ np.abs(x)) + abs(self.constant))
        worse = said - value if self.minimize else value - said
        if worse > allowed:
            text = f"the program's objective is {said:.12g} where the model's value is {value:.12g}"
            return worse, text
        return float(off[k]) if k >= 0 else 0.0, ""


def _broken_exactly(file: checker.Program, point: FloatArray) -> str:
    """The row that does not hold at a point, its numbers taken as they are; empty where all do."""
    x = {j: Fraction(v) for j, v in enumerate(point.tolist())}
    for name, row in file.rows.items():
        parts = [a * x[j] for j, a in row.terms.items()]
        activity, size = sum(parts), sum(map(abs, parts))
        low, high = row.sides()
        off = max(0 if low is None else low - activity, 0 if high is None else activity - high)
        if off > Fraction(HOLDS) * size:
            return f"row {name} does not hold at an allocation of the model"
    return ""


def _floats(values: Sequence[object], missing: float) -> FloatArray:
    return np.array([missing if x is None else float(x) for x in values])  # type: ignore[arg-type]


def _filled(program: Program, point: FloatArray) -> FloatArray | None:
    """A point whose unknown columns a solver chooses; None where there is none."""
    unknown = np.isnan(point)
    touched = np.asarray(abs(program.matrix) @ unknown.astype(float)) > 0
    rows = np.flatnonzero(touched)
    known = np.where(unknown, 0.0, point)
    rest = program.matrix[rows]
    shift = rest @ known
    part = replace(
        program,
        objective=np.where(unknown, program.objective, 0.0)[unknown],
        lower=program.lower[unknown],
        upper=program.upper[unknown],
        integer=program.integer[unknown],
        matrix=sparse.csr_array(rest[:, np.flatnonzero(unknown)]),
        row_lower=program.row_lower[rows] - shift,
        row_upper=program.row_upper[rows] - shift,
        column_blocks=(),
        row_blocks=(),
        defined=None,
    )
    found = door.ask(registry.get("highs"), part, SolveOptions())
    if found.point is None:
        return None
    full = point.copy()
    full[unknown] = np.where(part.integer, np.rint(found.point), found.point)
    return full


def feasible(
    problem: Problem, decisions: Sequence[Values], count: int, seconds: float, seed: int = 0
) -> Iterator[Assessment]:
    """Allocations that meet every limit: those given, and random ones between them and the ranges' ends."""
    rng = np.random.default_rng(seed)
    until = time.monotonic() + seconds
    pool: list[Values] = []
    given = 0
    for start in (*decisions, lowest(problem), highest(problem)):
        decided = {v: start[v] for v in problem.decisions}
        found = assess(problem, decided)
        if _meets(found) and given < count:
            pool.append(decided)
            given += 1
            yield found
    step = LONGEST
    while pool and given < count and time.monotonic() < until:
        here = pool[int(rng.integers(len(pool)))]
        moved = _moved(problem, here, pool, step, rng)
        found = assess(problem, moved)
        if not _meets(found):
            step = max(SHORTEST, 0.7 * step)
            continue
        step = min(LONGEST, 1.3 * step)
        if len(pool) < POOL:
            pool.append(moved)
        else:
            pool[int(rng.integers(1, POOL))] = moved
        given += 1
        yield found


def _meets(found: Assessment) -> bool:
    return bool(found.finite and found.violation.relative <= ROUNDING)


def _moved(
    problem: Problem, here: Values, pool: Sequence[Values], step: float, rng: np.random.Generator
) -> Values:
    """A point on the way to another allocation, or to random places in the ranges of some entries."""
    other = pool[int(rng.integers(len(pool)))] if rng.random() < 0.5 else None
    part = rng.random() ** 2
    found: Values = {}
    for v in problem.decisions:
        x = here[v]
        if other is not None:
            aim = other[v]
            chosen: BoolArray = np.ones(x.shape, dtype=bool)
        else:
            low, high = problem.ends(v)
            wide = 1.0 + np.abs(x)
            low = np.where(np.isfinite(low), low, x - wide)
            high = np.where(np.isfinite(high), high, x + wide)
            aim = low + rng.random(x.shape) * (high - low)
            chosen = rng.random(x.shape) < part
        moved = np.where(chosen, x + step * rng.random() * (aim - x), x)
        if v.integer:
            moved = np.where(chosen, np.rint(moved), x)
        found[v] = np.clip(moved, *problem.ends(v))
    return found
