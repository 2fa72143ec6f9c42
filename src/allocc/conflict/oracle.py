"""Whether some members of a model can hold together: asked of any backend, answered with a proof.

Where a model is linear (or what is not has an exact linear form that needs no bounds) its program is
built once, and members are switched on and off by the sides of rows and columns. Otherwise a form can
rest on bounds that follow from a limit that is switched off: an envelope, a big-M, a ratio that was
multiplied out. Then the rows without any of these are asked first: where they conflict already, so does
the model. Points, and what the linear rows do not see, come from the engine, which compiles the problem
anew for every question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from allocc.backends import registry
from allocc.backends.check import check_point
from allocc.backends.solution import SolveOptions
from allocc.compiler.bounds import Infeasible
from allocc.compiler.expression import Data, Variable
from allocc.compiler.lower import lower, ratio_limit
from allocc.compiler.problem import Problem
from allocc.compiler.program import BoolArray, FloatArray, IntArray, Program, no_products
from allocc.compiler.relaxation import Relaxation
from allocc.compiler.simulate import Values
from allocc.conflict.farkas import support
from allocc.conflict.statements import Statement, Statements
from allocc.dsl.diagnostics import AlloccError
from allocc.engine.choose import CannotServe
from allocc.engine.outcome import Options
from allocc.engine.solve import Loop

#: A point counts as one that keeps everything where nothing is violated by more than this.
TOLERANCE = 1e-6
#: A range that a factor needs is widened by this many times its size instead of being left out.
WIDER = 10.0


@dataclass(frozen=True, eq=False)
class Answer:
    """True with a point, False where it is proven that there is none, None where nothing is known."""

    holds: bool | None
    values: Values | None = None


class Oracle(Protocol):
    """What answers.

    `held` are members that cannot be switched off here. Where it is not `exact`, it sees a part of
    the model only, and finds no points.
    """

    held: BoolArray
    exact: bool

    @property
    def widened(self) -> Sequence[Statement]:
        """The statements whose ends are moved outward."""

    def ask(self, kept: BoolArray, seconds: float, fractions: bool = False) -> Answer:
        """Whether the kept members can hold together; with `fractions`, without whole numbers."""

    def start(self, seconds: float) -> BoolArray | None:
        """Members among which a linear relaxation sees a conflict, not proven; None where it sees none."""


def block_rows(problem: Problem, program: Program) -> list[IntArray | None]:
    """The rows of every constraint in a lowered program, None where it is not found."""
    waiting: dict[str, list[IntArray]] = {}
    for block in program.row_blocks:
        if block.role == "stated" and block.statement.startswith("limit "):
            rows = np.arange(block.start, block.start + block.count)
            waiting.setdefault(block.name, []).append(rows)
    found: list[IntArray | None] = []
    for c in problem.constraints:
        mine = waiting.get(c.name, [])
        next_rows = mine.pop(0) if mine else None
        known = next_rows is not None and len(next_rows) == c.count
        found.append(next_rows if known else None)
    return found


class Switched:
    """One linear program, of which members are switched by the sides of rows and columns.

    Where anything rests on bounds, it is left out, and the program is a relaxation.
    """

    def __init__(self, statements: Statements, options: Options) -> None:
        self.statements = statements
        self.options = options
        self.backend = registry.get(options.solver)
        self.held = np.zeros(statements.size, dtype=bool)
        problem = statements.problem
        # With a side that is not nought, limits on ratios are not multiplied out.
        aside = Data((), np.asarray(1e-300))
        plain = [
            c if ratio_limit(c) is None else replace(c, upper=aside) for c in problem.constraints
        ]
        bare = replace(problem, constraints=plain, chances=[], terms=[])
        stated = lower(bare)
        self.offsets: dict[Variable, int] = {v: v.offset for v in problem.variables}
        self.rows = [r for r in block_rows(bare, stated) if r is not None]
        built = None if problem.chances else self._built(stated)
        self.exact = built is not None
        if built is None:
            built = replace(stated, products=no_products(), functions=(), extremes=())
        self.program = built

    @property
    def widened(self) -> Sequence[Statement]:
        """None: every end can be left out."""
        return ()

    def _built(self, stated: Program) -> Program | None:
        """The program with exact forms that hold without any member, None where there are none."""
        if len(stated.products) or any(f.kind != "abs" for f in stated.functions):
            return None
        low, high = stated.lower.copy(), stated.upper.copy()
        self._put(low, high, np.zeros(self.statements.size, dtype=bool))
        try:
            program = Relaxation(replace(stated, lower=low, upper=high)).build().program
        except (AlloccError, Infeasible):
            return None
        return None if program.integer[stated.columns :].any() else program

    def _put(self, low: FloatArray, high: FloatArray, kept: BoolArray) -> None:
        """Write the ranges of all variables that have members."""
        for v, ends in self.statements.ranges(kept).items():
            here = slice(self.offsets[v], self.offsets[v] + v.size)
            low[here], high[here] = ends[0].ravel(), ends[1].ravel()

    def restricted(self, kept: BoolArray) -> Program:
        """The program with only the kept members."""
        p = self.program
        low, high = p.lower.copy(), p.upper.copy()
        row_low, row_high = p.row_lower.copy(), p.row_upper.copy()
        for s, rows in zip(self.statements.limits(), self.rows, strict=True):
            off = rows[~kept[s.members]]
            row_low[off], row_high[off] = -np.inf, np.inf
        self._put(low, high, kept)
        return replace(p, lower=low, upper=high, row_lower=row_low, row_upper=row_high)

    def ask(self, kept: BoolArray, seconds: float, fractions: bool = False) -> Answer:
        """One solve."""
        program = self.restricted(kept)
        if fractions:
            program = replace(program, integer=np.zeros(program.columns, dtype=bool))
        loop = Loop(self.statements.problem, _limited(self.options, seconds))
        found = loop.call(self.backend, program, 1e-4, None)
        # Nothing is minimized, so that nothing can be unbounded.
        if found.termination in ("infeasible", "infeasible_or_unbounded"):
            return Answer(False)
        if not self.exact or found.point is None:
            return Answer(None)
        point = found.point
        if not check_point(program, point).holds(TOLERANCE):
            return Answer(None)
        return Answer(
            True, {v: point[k : k + v.size].reshape(v.shape) for v, k in self.offsets.items()}
        )

    def start(self, seconds: float) -> BoolArray | None:
        """The members of a Farkas certificate."""
        kept = np.ones(self.statements.size, dtype=bool)
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *self.rows])
        o = self.options
        options = SolveOptions(time_limit=seconds, threads=o.threads, seed=o.seed, cancel=o.cancel)
        found = support(self.restricted(kept), rows, self.backend, options)
        if found is None:
            return None
        kept[:] = False
        for s, mine in zip(self.statements.limits(), self.rows, strict=True):
            kept[s.members] = found.rows[mine]
        for s in self.statements.all:
            if isinstance(s.source, Variable):
                columns = self.offsets[s.source] + s.places
                if s.side != "upper":
                    kept[s.members] |= found.lower[columns]
                if s.side != "lower":
                    kept[s.members] |= found.upper[columns]
        return kept


class Recompiled:
    """The problem compiled anew for every question, and solved by the engine."""

    exact = True

    def __init__(self, statements: Statements, options: Options) -> None:
        self.statements = statements
        self.options = options
        self.held = np.zeros(statements.size, dtype=bool)
        self.wide: dict[Statement, FloatArray] = {}
        for s in statements.all:
            # The engine's points are simulated from the initial values.
            self.held[s.members] = s.kind == "initial"
        ends = [s for s in statements.all if s.kind in ("range", "nonnegative")]
        # A factor's range has to stay also where the limits that bound it are switched off.
        base = np.ones(statements.size, dtype=bool)
        for s in statements.limits():
            base[s.members] = False
        if not self._compiles(base):
            base[:] = True
        for s in ends:
            without = base.copy()
            without[s.members] = False
            self._settle(s, without)
        together = base.copy()
        for s in ends:
            together[s.members] = False
            if not self._compiles(together | self.held):
                self._settle(s, together)

    @property
    def widened(self) -> Sequence[Statement]:
        """The statements whose ends are moved outward."""
        return list(self.wide)

    def _settle(self, s: Statement, without: BoolArray) -> None:
        """Leave out a range where the problem compiles without it, else widen it, else hold it."""
        if self._compiles(without | self.held):
            return
        v = s.source
        assert isinstance(v, Variable)
        if s not in self.wide and not np.isfinite(s.free):
            assert v.lower is not None
            assert v.upper is not None
            low, high = v.lower.ravel()[s.places], v.upper.ravel()[s.places]
            ends = [np.where(np.isfinite(x), x, 0.0) for x in (low, high)]
            size = np.maximum(1.0, np.maximum(np.abs(ends[0]), np.abs(ends[1])))
            away = WIDER * size
            self.wide[s] = low - away if s.side == "lower" else high + away
            if self._compiles(without | self.held):
                return
            del self.wide[s]
        self.held[s.members] = True

    def _compiles(self, kept: BoolArray) -> bool:
        """Whether the kept members give every factor the range that it needs."""
        try:
            with (
                self.statements.restricted(kept, self.wide, silent=True) as problem,
                np.errstate(all="ignore"),
            ):
                Relaxation(lower(problem)).build()
        except AlloccError:
            return False
        except Infeasible:
            pass
        return True

    def ask(self, kept: BoolArray, seconds: float, fractions: bool = False) -> Answer:
        """One run of the engine."""
        if fractions:
            return Answer(None)
        kept = kept | self.held
        with self.statements.restricted(kept, self.wide) as problem, np.errstate(all="ignore"):
            try:
                found = Loop(problem, _limited(self.options, seconds)).run()
            except (AlloccError, CannotServe):
                # Without what is switched off, a factor has no range: nothing can be said.
                return Answer(None)
        if found.status == "infeasible":
            return Answer(False)
        violation = found.violation
        if found.values is None or violation is None or violation.relative > TOLERANCE:
            return Answer(None)
        return Answer(True, found.values)

    def start(self, seconds: float) -> BoolArray | None:
        """The limits of a Farkas certificate of the linear relaxation; nothing else is left out."""
        kept = np.ones(self.statements.size, dtype=bool)
        with self.statements.restricted(kept) as problem, np.errstate(all="ignore"):
            try:
                stated = lower(problem)
                program = Relaxation(stated).build(integral=False).program
            except (AlloccError, Infeasible):
                return None
            rows = block_rows(problem, stated)
        known = [r for r in rows if r is not None]
        if not known:
            return None
        o = self.options
        options = SolveOptions(time_limit=seconds, threads=o.threads, seed=o.seed, cancel=o.cancel)
        found = support(program, np.concatenate(known), registry.get(o.solver), options)
        if found is None:
            return None
        for s, mine in zip(self.statements.limits(), rows, strict=True):
            if mine is not None:
                kept[s.members] = found.rows[mine]
        return kept


def _limited(options: Options, seconds: float) -> Options:
    """The options of a question: any point will do."""
    return replace(options, time_limit=seconds, gap=1e-4, on_progress=None)
