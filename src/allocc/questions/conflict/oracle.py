"""Whether some members of a model can hold together: asked of any backend, answered with a proof.

Where a model is linear (or what is not has an exact linear form that needs no bounds) its program is
built once, and members are switched on and off by the sides of rows and columns. Otherwise a form can
rest on bounds that follow from a limit that is switched off: an envelope, a big-M, a ratio that was
multiplied out. Then the rows without any of these are asked first: where they conflict already, so does
the model. Points, and what the linear rows do not see, come from the engine, which compiles the problem
anew for every question.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy import sparse

from allocc.backends import registry
from allocc.backends.point_check import check_point
from allocc.backends.solution import SolveOptions
from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.lowering.lowered import Places
from allocc.compiler.pipeline import chain
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.program import Program, ProgramBlock, no_products
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Constraint
from allocc.compiler.unrolling.simulate import Values
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine import solver_calls
from allocc.engine.judging.outcome import Options
from allocc.engine.ledger import Ledger
from allocc.engine.proving.denominators import prepared
from allocc.engine.solve import run, solve
from allocc.questions.conflict.budget import Budget
from allocc.questions.conflict.elastic_problem import ElasticLoop, elastic
from allocc.questions.conflict.farkas import support
from allocc.questions.conflict.switches import SwitchedStatement, SwitchedStatements

#: A point counts as one that keeps everything where nothing is violated by more than this.
TOLERANCE = 1e-6
#: A range that a factor needs is widened by this many times its size instead of being left out.
WIDER = 10.0
#: Whole numbers beyond this show nothing: their products are not told apart by a floating point number.
FAR = 1e9


@dataclass(frozen=True, eq=False)
class Answer:
    """True with a point, False where it is proven that there is none, None where nothing is known."""

    holds: bool | None
    values: Values | None = None


@dataclass(frozen=True, eq=False)
class Nearest:
    """How little a member is broken where all others hold: `off` or more, where that is proven.

    `values` are an allocation that comes near, where one is known.
    """

    off: float | None
    values: Values | None = None


class Oracle(Protocol):
    """What answers.

    `held` are members that cannot be switched off here. Where it is not `exact`, it sees a part of
    the model only, and finds no points.
    """

    held: BoolArray
    exact: bool

    @property
    def wide(self) -> Mapping[SwitchedStatement, FloatArray]:
        """The ranges that are made wider instead of being left out, and their new ends."""

    def ask(self, kept: BoolArray, seconds: float, fractions: bool = False) -> Answer:
        """Whether the kept members can hold together; with `fractions`, without whole numbers."""

    def start(self, seconds: float) -> BoolArray | None:
        """Members among which a linear relaxation sees a conflict, not proven; None where it sees none."""

    def nearest(self, kept: BoolArray, member: int, seconds: float) -> Nearest:
        """How little a row of a limit, or an end of a range, is broken where all else is kept."""


def _rows(statements: SwitchedStatements, places: Places) -> dict[SwitchedStatement, IntArray]:
    """The rows of every limit, in the order of its members."""
    return {
        s: places.row_positions(s.source)
        for s in statements.limits()
        if isinstance(s.source, Constraint)
    }


class Switched:
    """One linear program, of which members are switched by the sides of rows and columns.

    Where anything rests on bounds, it is left out, and the program is a relaxation.
    """

    def __init__(self, statements: SwitchedStatements, options: Options) -> None:
        self.statements = statements
        self.options = options
        self.backend = registry.get(options.solver)
        self.held = np.zeros(statements.size, dtype=bool)
        self.wide: Mapping[SwitchedStatement, FloatArray] = {}
        problem = statements.problem
        made = chain(replace(problem, chances=[], terms=[]), "stated", without={"ratios"})
        stated, self.places = made.program, made.places
        self.rows = _rows(statements, made.places)
        built = None if problem.chances else self._built(stated)
        self.exact = built is not None
        if built is None:
            built = replace(stated, products=no_products(), functions=(), extremes=())
        self.program = built

    def _built(self, stated: Program) -> Program | None:
        """The program with exact forms that hold without any member, None where there are none."""
        if len(stated.products) or any(f.function.smooth for f in stated.functions):
            return None
        low, high = stated.lower.copy(), stated.upper.copy()
        self._put(low, high, np.zeros(self.statements.size, dtype=bool))
        try:
            program = Relaxation(replace(stated, lower=low, upper=high)).build().program
        except (DiagnosticError, Infeasible):
            return None
        return None if program.integer[stated.columns :].any() else program

    def _put(self, low: FloatArray, high: FloatArray, kept: BoolArray) -> None:
        """Write the ranges of all variables that have members."""
        for v, ends in self.statements.ranges(kept).items():
            here = self.places.columns[v]
            low[here], high[here] = ends[0].ravel(), ends[1].ravel()

    def restricted(self, kept: BoolArray) -> Program:
        """The program with only the kept members."""
        p = self.program
        low, high = p.lower.copy(), p.upper.copy()
        row_low, row_high = p.row_lower.copy(), p.row_upper.copy()
        for s, rows in self.rows.items():
            off = rows[~kept[s.members]]
            row_low[off], row_high[off] = -np.inf, np.inf
        self._put(low, high, kept)
        return replace(p, lower=low, upper=high, row_lower=row_low, row_upper=row_high)

    def ask(self, kept: BoolArray, seconds: float, fractions: bool = False) -> Answer:
        """One solve."""
        program = self.restricted(kept)
        if fractions:
            program = replace(program, integer=np.zeros(program.columns, dtype=bool))
        ledger = Ledger(self.statements.problem, _limited(self.options, seconds))
        found = solver_calls.call(ledger, self.backend, program, 1e-4, None)
        # Nothing is minimized, so that nothing can be unbounded.
        if found.termination in ("infeasible", "infeasible_or_unbounded"):
            return Answer(False)
        point = found.point
        low, high = program.lower, program.upper
        loose = program.integer & (np.isinf(low) | np.isinf(high))
        if self.exact and point is not None and np.abs(point[loose]).max(initial=0.0) > FAR:
            # Where ranges are left out a solver may go so far that rounding decides what is kept.
            near = replace(
                program,
                lower=np.where(np.isinf(low), np.minimum(-FAR, high), low),
                upper=np.where(np.isinf(high), np.maximum(FAR, low), high),
            )
            point = solver_calls.call(ledger, self.backend, near, 1e-4, None).point
        if not self.exact or point is None:
            return Answer(None)
        if not check_point(program, point).holds(TOLERANCE):
            return Answer(None)
        return Answer(True, self._values(point))

    def nearest(self, kept: BoolArray, member: int, seconds: float) -> Nearest:
        """What the row adds up to at least (or at most), with its own side left out."""
        s, place = self.statements.of(member)
        without = kept.copy()
        without[member] = False
        program = self.restricted(without)
        costs = np.zeros(program.columns)
        if isinstance(s.source, Variable):
            costs[self.places.columns[s.source]][place] = 1.0
            low, high = self.program_range(s, place)
        else:
            i = self.rows[s][place]
            row = self.program.matrix[[i]].tocsr()
            costs[row.indices] = row.data
            low, high = float(self.program.row_lower[i]), float(self.program.row_upper[i])
        best = Nearest(None)
        for sense, end in (("minimize", high), ("maximize", low)):
            if not np.isfinite(end):
                continue
            aim = replace(program, objective=costs, sense=sense, offset=0.0)  # type: ignore[arg-type]
            found = self._beyond(aim, end, seconds)
            if found is None:
                return Nearest(None)
            if found.off is not None and (best.off is None or found.off < best.off):
                best = found
        return best

    def _beyond(self, program: Program, end: float, seconds: float) -> Nearest | None:
        """How far the objective is beyond `end`, on the side where it is too large (or too small)."""
        up = program.sense == "minimize"
        row = sparse.csr_array(program.objective.reshape(1, -1))
        program = replace(
            program,
            matrix=sparse.csr_array(sparse.vstack([program.matrix, row], format="csr")),
            row_lower=np.append(program.row_lower, end if up else -np.inf),
            row_upper=np.append(program.row_upper, np.inf if up else end),
            row_blocks=(*program.row_blocks, ProgramBlock("beyond", program.rows, 1, "auxiliary")),
            defined=None,
        )
        ledger = Ledger(self.statements.problem, _limited(self.options, seconds))
        found = solver_calls.call(ledger, self.backend, program, 1e-6, None)
        if found.termination == "infeasible":
            return Nearest(None)
        if found.termination != "optimal" or found.bound is None or found.point is None:
            return None
        off = max(0.0, found.bound - end if up else end - found.bound)
        return Nearest(off, self._values(found.point) if self.exact else None)

    def program_range(self, s: SwitchedStatement, place: int) -> tuple[float, float]:
        """The end of a range that a member states; the other one is open."""
        v = s.source
        assert isinstance(v, Variable)
        if s.kind == "nonnegative":
            return 0.0, np.inf
        lower, upper = self.statements.problem.ends(v)
        if s.side == "lower":
            return float(lower.ravel()[place]), np.inf
        return -np.inf, float(upper.ravel()[place])

    def _values(self, point: FloatArray) -> Values:
        """Decisions and compartments of a point."""
        return self.places.values(point, self.statements.problem.variables)

    def start(self, seconds: float) -> BoolArray | None:
        """The members of a Farkas certificate."""
        kept = np.ones(self.statements.size, dtype=bool)
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *self.rows.values()])
        o = self.options
        options = SolveOptions(time_limit=seconds, threads=o.threads, seed=o.seed, cancel=o.cancel)
        found = support(self.restricted(kept), rows, self.backend, options)
        if found is None:
            return None
        kept[:] = False
        for s, mine in self.rows.items():
            kept[s.members] = found.rows[mine]
        for s in self.statements.all:
            if isinstance(s.source, Variable):
                columns = self.places.positions([s.source])[s.places]
                if s.side != "upper":
                    kept[s.members] |= found.lower[columns]
                if s.side != "lower":
                    kept[s.members] |= found.upper[columns]
        return kept


class Recompiled:
    """The problem compiled anew for every question, and solved by the engine."""

    exact = True

    def __init__(self, statements: SwitchedStatements, options: Options, budget: Budget) -> None:
        self.statements = statements
        self.options = options
        self.budget = budget
        self.held = np.zeros(statements.size, dtype=bool)
        self.wide: dict[SwitchedStatement, FloatArray] = {}
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
            self._settle(s, together)

    def of(self, statements: SwitchedStatements) -> Recompiled:
        """The same for the statements of a problem that was changed."""
        found = copy(self)
        found.statements = statements
        return found

    def _settle(self, s: SwitchedStatement, without: BoolArray) -> None:
        """Leave out a range where the problem compiles without it, else widen it, else hold it."""
        if self.budget.left <= 0:
            self.held[s.members] = True
            return
        if self._compiles(without | self.held):
            return
        v = s.source
        assert isinstance(v, Variable)
        if s not in self.wide and not np.isfinite(s.free):
            low, high = (x.ravel()[s.places] for x in self.statements.problem.ends(v))
            ends = [np.where(np.isfinite(x), x, 0.0) for x in (low, high)]
            size = np.maximum(np.abs(ends[0]), np.abs(ends[1]))
            size = np.where(size > 0, size, max(float(size.max(initial=0.0)), 1.0))
            away = WIDER * size
            self.wide[s] = low - away if s.side == "lower" else high + away
            if self._compiles(without | self.held):
                return
            del self.wide[s]
        self.held[s.members] = True

    def _compiles(self, kept: BoolArray) -> bool:
        """Whether the kept members give every factor the range that it needs."""
        try:
            problem = self.statements.restricted(kept, self.wide, silent=True)
            with np.errstate(all="ignore"):
                Relaxation(prepared(problem, "auto").program).build()
        except DiagnosticError:
            return False
        except Infeasible:
            pass
        return True

    def ask(self, kept: BoolArray, seconds: float, fractions: bool = False) -> Answer:
        """One run of the engine."""
        if fractions:
            return Answer(None)
        kept = kept | self.held
        problem = self.statements.restricted(kept, self.wide)
        with np.errstate(all="ignore"):
            try:
                found = solve(problem, _limited(self.options, seconds))
            except DiagnosticError:
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
        problem = self.statements.restricted(kept)
        with np.errstate(all="ignore"):
            try:
                made = prepared(problem, "stated")
                program = Relaxation(made.program).build(integral=False).program
            except (DiagnosticError, Infeasible):
                return None
        rows = _rows(self.statements, made.places)
        if not rows:
            return None
        o = self.options
        options = SolveOptions(time_limit=seconds, threads=o.threads, seed=o.seed, cancel=o.cancel)
        found = support(
            program, np.concatenate(list(rows.values())), registry.get(o.solver), options
        )
        if found is None:
            return None
        for s, mine in rows.items():
            kept[s.members] = found.rows[mine]
        return kept

    def nearest(self, kept: BoolArray, member: int, seconds: float) -> Nearest:
        """The engine's answer with slack for one member; nothing is proven within wider ranges."""
        s, _ = self.statements.of(member)
        weights = np.full(s.count, np.inf)
        weights[member - s.start] = 1.0
        wide = {k: ends for k, ends in self.wide.items() if not kept[k.members].all()}
        limited = _limited(self.options, seconds)
        try:
            loose = elastic(self.statements, kept | self.held, {s: weights}, wide=wide)
            with np.errstate(all="ignore"):
                found = run(ElasticLoop(loose, limited))
        except DiagnosticError:
            return Nearest(None)
        proven = found.status == "optimal" and not wide
        return Nearest(found.bound if proven else None, found.values)


def _limited(options: Options, seconds: float) -> Options:
    """The options of a question: any point will do."""
    return replace(options, time_limit=seconds, gap=1e-4, on_progress=None)
