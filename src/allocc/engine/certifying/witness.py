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

import numpy as np
from scipy import sparse

from allocc.backends import files, registry
from allocc.backends.solution import SolveOptions
from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.pipeline import Chain
from allocc.compiler.programs.program import Program, no_products
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values, highest, lowest
from allocc.engine.certifying.alike import difference
from allocc.engine.certifying.boxes.subject import Subject
from allocc.engine.certifying.inside import FileArrays, broken_exactly
from allocc.engine.certifying.recipe import Recipe
from allocc.engine.certifying.written import NoProof
from allocc.engine.judging.assess import ROUNDING, Assessment, assess
from allocc.engine.proving import door
from allocc.engine.proving.denominators import prepared
from allocc.proof import checker

#: Rows are added up in exact numbers at so many points.
EXACT_POINTS = 5
#: Steps from one allocation towards another or a random one are so long at most, and become shorter while
#: what they lead to meets not every limit.
LONGEST, SHORTEST = 1.0, 1e-6
#: So many are tried for each that is asked for: there may be few.
TRIES = 20
#: So many allocations are remembered to start from.
POOL = 64


@dataclass(frozen=True)
class Witnesses:
    """What was found: how many allocations lie in the program, and the first thing that does not hold.

    `worst` is the largest distance from a row, relative to its terms; `other` is the first difference between the
    file, of `rows` rows, and the program that the model leads to.
    """

    points: int
    worst: float
    rows: int
    other: str = ""
    broken: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing is against the program."""
        return not self.other and not self.broken and self.points > 0


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
    rows, other = len(file.rows), difference(file, found.program, found.columns, found.rows)
    points, worst = 0, 0.0
    for allocation in feasible(problem, decisions, count, seconds, seed):
        off, where = found.look(allocation)
        worst = max(worst, off)
        if where:
            return Witnesses(points, worst, rows, other, where)
        points += 1
    return Witnesses(points, worst, rows, other)


class _Mapped:
    """The way from an allocation to the columns of a program's file."""

    def __init__(self, problem: Problem, recipe: Recipe, file: checker.Program) -> None:
        chain = prepared(problem, recipe.method)
        self.problem, self.places = problem, chain.places
        #: The program that is completed from decisions, that whose rows have to be in the file, and the file's.
        self.base = self.own = chain.program
        if recipe.form == "boxes":
            subject = _subject(problem, chain, recipe)
            self.base, self.own = subject.stated, subject.single.program
            self.program = subject.with_rows(len(file.rows))
            self.lift = subject.lift_point
        else:
            built = recipe.built(chain.program)
            self.program, self.lift = built.program, built.lift_point
        given = self.places.mask(problem.decisions, self.base.columns)
        missing = set(Completer(self.base, given).missing.tolist())
        #: What decisions lead to only by solving equations, as in implicit steps, comes from the simulation.
        self.given = [
            v
            for v, here in self.places.columns.items()
            if isinstance(v, Variable)
            and (v in problem.decisions or missing & set(range(here.start, here.stop)))
        ]
        given = self.places.mask(self.given, self.base.columns)
        self.complete = Completer(self.base, given)
        self.columns, self.rows = files.names(self.program)
        self.file = FileArrays.of(file, self.columns)
        self.text = file
        self.exact_left = EXACT_POINTS

    def look(self, allocation: Assessment) -> tuple[float, str]:
        """How far an allocation is from the rows of the file, and where it is too far."""
        known = {v: allocation.values[v] for v in self.given}
        base = self.complete(self.places.point(known, self.base.columns))
        base[self.complete.missing] = np.nan
        point = self.lift(base)
        if np.isnan(point).any():
            filled = _filled(self.program, point)
            if filled is None:
                return np.inf, "an allocation of the model has no point in the program"
            point = filled
        if self.exact_left:
            self.exact_left -= 1
            where = broken_exactly(self.text, point)
            if where:
                return np.inf, where
        return self.file.broken(point, allocation.value)


def _subject(problem: Problem, chain: Chain, recipe: Recipe) -> Subject:
    try:
        return Subject.of(problem, chain.places, chain.program, recipe.method)
    except NoProof as reason:
        raise ValueError(str(reason)) from None


def _filled(program: Program, point: FloatArray) -> FloatArray | None:
    """A point whose unknown columns, no products and no factors, a solver chooses; None where there is none."""
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
        products=no_products(),
        functions=(),
        extremes=(),
        conditional=(),
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
    seen: set[bytes] = set()
    given = 0
    for start in (*decisions, lowest(problem), highest(problem)):
        decided = {v: start[v] for v in problem.decisions}
        found = assess(problem, decided)
        if _meets(found) and given < count and _is_new(decided, seen):
            pool.append(decided)
            given += 1
            yield found
    step = LONGEST
    for _ in range(TRIES * count):
        if not pool or given >= count or time.monotonic() > until:
            return
        here = pool[int(rng.integers(len(pool)))]
        moved = _moved(problem, here, pool, step, rng)
        if not _is_new(moved, seen):
            continue
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


def _is_new(decided: Values, seen: set[bytes]) -> bool:
    """Whether decisions were not tried before; they are from now on."""
    key = b"".join(np.asarray(x, dtype=float).tobytes() for x in decided.values())
    if key in seen:
        return False
    seen.add(key)
    return True


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
