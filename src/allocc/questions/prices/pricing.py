"""Finding what one more unit of each limit would buy: the duals of the program, integers fixed.

With the integers (and the pieces of min, max and abs that count) fixed at an allocation, a linear
program is left; the dual of a limit's row is the change of the best objective for one more unit of
the limit's right side. Where products or functions of continuous decisions remain, they are replaced
by their tangents at the allocation, after local improvement, and decisions may move a little only.
Everything is local: it says nothing about changes that would move an integer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from allocc.backends import registry
from allocc.backends.solution import Solution, SolveOptions
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.labels import label_text
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.pipeline import chain
from allocc.compiler.programs.direction import monotone_directions
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import Program
from allocc.compiler.unrolling.undefined import undefined
from allocc.dsl import tree
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.heuristics import tangents
from allocc.engine.heuristics.trust_region import improve
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import measure
from allocc.engine.proving import door
from allocc.errors import reported
from allocc.questions.rows import timed, without_time
from allocc.results.given import given_decisions
from allocc.results.prices import Price, Prices, Side
from allocc.results.run_folder.made_with import other_origin

if TYPE_CHECKING:
    from allocc.compiler.unrolling.problem import ChanceConstraint, Constraint, ScenarioLimit
    from allocc.engine.stages import Stages

#: A row is binding where its slack is below this part of its size.
BINDING = 1e-6
#: Duals below this part of the largest term of the objective are noise.
NOISE = 1e-12
#: Where tangents promise a gain beyond this part of the value, the allocation is no local optimum.
PROMISE = 1e-4
#: Tangents hold within this part of each decision's range.
RADIUS = 1e-3


@reported()
def prices(model: Stages, decisions: object) -> Prices:
    """The prices of a model's limits at decisions: a mapping, or the path of a run folder.

    Decisions that are not whole numbers are improved first, with the integers as they are. `value`
    is the objective of the result: of the linear program or, with tangents, as simulated.
    """
    given = given_decisions(model.problem, decisions)
    found = _Pricing(model, given.values).run()
    others = other_origin(model, decisions)
    return replace(found, notes=(*others, *given.notes, *found.notes))


class _Pricing:
    def __init__(self, model: Stages, decisions: Mapping[Any, FloatArray]) -> None:
        self.model = model
        self.problem = model.problem
        self.values = dict(decisions)
        # Where limits on ratios are multiplied out, their rows have another unit.
        made = chain(self.problem, "stated", without={"ratios"})
        self.program, self.places = made.program, made.places
        self.down, self.up = monotone_directions(self.program, atoms_only=True)
        p = self.program
        self.decided = self.places.positions(self.problem.decisions)
        self.complete = Completer(p, self.places.mask(self.problem.variables, p.columns))
        whole = np.zeros(p.columns, dtype=bool)
        whole[self.decided] = p.integer[self.decided]
        self.integers = bool(whole.any())
        fixed = np.ones(p.columns, dtype=bool)
        fixed[Completer(p, whole).missing] = False
        self.fixed = fixed
        self.chosen = self.places.mask(self.problem.chances, p.columns)
        q = p.products
        self.exact = bool(np.all(fixed[q.left] | fixed[q.right])) and all(
            not f.function.smooth or bool(fixed[f.argument].all()) for f in p.functions
        )

    def run(self) -> Prices:
        """Improve the allocation where tangents are needed, then read the duals."""
        point = self.point()
        radius = np.inf
        if not self.exact:
            self.improve()
            point, radius = self.point(), RADIUS
        for wider in (1.0, 10.0, 100.0):
            program, solution, duals = self.solve(point, radius * wider)
            if duals is not None or solution.termination != "infeasible" or self.exact:
                break
        if duals is None:
            if solution.termination == "infeasible":
                return Prices(self.problem.sense, "infeasible", (), self.exact, self.integers)
            return Prices(self.problem.sense, "failed", (), self.exact, self.integers)
        assert solution.point is not None
        value = solution.value
        notes = []
        if not self.exact and value is not None:
            judged = assess(self.model.problem, self.values)
            here = judged.value
            if abs(value - here) > PROMISE * measure(here, judged.size):
                notes.append(
                    "the allocation is not a local optimum of its continuous decisions yet, so that "
                    "the prices are rough; a smaller --gap helps"
                )
            value = here
        rows = self.rows(program, solution.point, duals)
        for chance in self.problem.chances:
            kept = self.kept(chance, solution.point)
            notes.append(
                f"chance {chance.name}: {int(kept.sum())} of {kept.size} scenarios are taken to hold; "
                "only their limits have prices"
            )
        return Prices(
            self.problem.sense,
            "priced",
            tuple(rows),
            self.exact,
            self.integers,
            value,
            tuple(notes),
        )

    def point(self) -> FloatArray:
        """All columns of the program at the decisions, as simulated."""
        found = assess(self.model.problem, self.values)
        if not found.finite:
            raise DiagnosticError([undefined(self.model.problem, found.values)])
        known = {v: found.values[v] for v in self.problem.variables}
        return self.complete(self.places.point(known, self.program.columns))

    def improve(self) -> None:
        """Successive linear programs with the integers fixed."""
        problem = self.model.problem
        best = assess(problem, self.values)

        def step(radius: float) -> bool | None:
            nonlocal best
            _, solution, _ = self.solve(self.point(), radius)
            if solution.point is None:
                return None
            trial = {}
            for v, x in self.places.values(solution.point, problem.decisions).items():
                trial[v] = np.clip(np.rint(x) if v.integer else x, *problem.ends(v))
            found = assess(problem, trial)
            gain = best.value - found.value
            if problem.sense == "maximize":
                gain = -gain
            better = gain > 0 and found.violation.relative <= max(1e-6, best.violation.relative)
            if better:
                self.values, best = trial, found
            return better

        improve(step, 0.1, 1e-6)

    def linearized(self, point: FloatArray) -> Program:
        """The program with tangents for products and functions, and one piece of abs, min, max."""
        p = self.program
        build = Extension(p)
        tangents.write_products(build, p.products, point)
        for f in p.functions:
            if f.function.smooth:
                tangents.write_function(build, f, point)
                continue
            sign = np.where(point[f.argument] < 0, -1.0, 1.0)
            free = self.down[f.result]
            entries = [(f.result, 1.0), (f.argument, -sign)]
            build.rows("abs", entries, 0.0, np.where(free, np.inf, 0.0), count=len(f))
            entries = [(f.result, 1.0), (f.argument, sign)]
            build.rows("abs", entries, 0.0, np.inf, count=len(f))
        for e in p.extremes:
            most = e.sense == "max"
            w, x = e.result[e.owner], point[e.argument]
            free = (self.down if most else self.up)[w]
            # The first argument that is the largest stays so, where the result is not free.
            order = np.lexsort((-x if most else x, e.owner))
            chosen = np.zeros(len(w), dtype=bool)
            chosen[order[np.unique(e.owner[order], return_index=True)[1]]] = True
            far = np.where(free | ~chosen, np.inf, 0.0)
            build.rows(
                e.sense,
                [(w, 1.0), (e.argument, -1.0)],
                0.0 if most else -far,
                far if most else 0.0,
                count=len(w),
            )
        return build.finish()

    def solve(
        self, point: FloatArray, radius: float
    ) -> tuple[Program, Solution, FloatArray | None]:
        """The linear program around a point, its solution, and the duals of its rows."""
        program = self.linearized(point)
        low, high = program.lower.copy(), program.upper.copy()
        d = self.decided
        at = np.clip(point[d], low[d], high[d])
        whole = self.program.integer[d]
        if np.isfinite(radius):
            span = np.where(np.isfinite(high[d] - low[d]), high[d] - low[d], np.maximum(1.0, at))
            low[d], high[d] = (
                np.maximum(low[d], at - radius * span),
                np.minimum(high[d], at + radius * span),
            )
        low[d] = np.where(whole, np.rint(at), low[d])
        high[d] = np.where(whole, np.rint(at), high[d])
        # What is fixed costs what it costs: as a cost of its own it could stand for a dual.
        k = np.flatnonzero(self.fixed)
        costs = program.objective.copy()
        offset = program.offset + float(costs[k] @ point[k])
        costs[k] = 0.0
        program = replace(program, objective=costs, offset=offset)
        integer = program.integer.copy()
        integer[d] = False
        program = replace(program, lower=low, upper=high, integer=integer)
        if integer.any():
            # Scenarios of chance blocks: the best choice is found first, then kept.
            chosen = door.ask(registry.get("highs"), program, SolveOptions(gap=1e-6))
            if chosen.point is None:
                return program, chosen, None
            k = np.flatnonzero(integer)
            low[k] = high[k] = np.rint(chosen.point[k])
            program = replace(program, integer=np.zeros_like(integer))
        solution = door.ask(registry.get("highs"), program, SolveOptions(gap=1e-9))
        return program, solution, None if solution.point is None else solution.row_duals

    # --- rows -----------------------------------------------------------------------------------

    def rows(self, program: Program, point: FloatArray, duals: FloatArray) -> list[Price]:
        """A price for every row of every limit."""
        activity = program.matrix @ point
        size = abs(program.matrix) @ np.abs(point)
        found: list[Price] = []
        noise = NOISE * float(np.max(np.abs(program.objective * point), initial=0.0))
        for c in self.problem.constraints:
            found += self.limit(c, activity, size, duals, noise)
        for chance in self.problem.chances:
            kept = self.kept(chance, point)
            for limit, price in self.of_scenarios(chance, duals):
                every = self.limit(limit.constraint, activity, size, price, noise)
                found += [r for r, k in zip(every, limit.scenario, strict=True) if kept[k]]
        return found

    def kept(self, chance: ChanceConstraint, point: FloatArray) -> BoolArray:
        """Which scenarios of a chance block hold at a point of the program."""
        return np.asarray(point[self.places.columns[chance]] > 0.5)

    def of_scenarios(
        self, chance: ChanceConstraint, duals: FloatArray
    ) -> Iterator[tuple[ScenarioLimit, FloatArray]]:
        """The comparisons of a chance block's limits, and the duals.

        An equation is two rows, one from each side; what they are worth together is in the first.
        """
        rows = self.places.rows
        for _, sides in groupby(chance.limits, lambda x: x.constraint.written):
            first, *others = sides
            price = duals.copy()
            for other in others:
                price[rows[first.constraint]] -= duals[rows[other.constraint]]
            yield first, price

    def limit(
        self,
        c: Constraint,
        activity: FloatArray,
        size: FloatArray,
        duals: FloatArray,
        noise: float,
    ) -> list[Price]:
        """The rows of one comparison of a limit."""
        assert c.written is not None
        statement = c.written.statement
        side, sign = _side(statement.relation, c.written.place)
        unit = self.model.bound.units.of_limit(statement)
        times = timed(self.model.bound, statement)
        p, found = self.program, []
        for k, i in enumerate(self.places.row_positions(c).tolist()):
            slack = min(activity[i] - p.row_lower[i], p.row_upper[i] - activity[i])
            binding = bool(abs(slack) <= BINDING * size[i])
            labels = tuple(label_text(x) for x in c.labels(k))
            group = without_time(labels, times)
            price = sign * float(duals[i])
            columns = p.matrix.indices[p.matrix.indptr[i] : p.matrix.indptr[i + 1]]
            whole = bool((self.fixed | self.chosen)[columns].all())
            if abs(price) <= noise or not binding or whole:
                price = 0.0
            found.append(
                Price(c.name, labels, group, price, binding, unit, side, c.description, whole)
            )
        return found


def _side(relation: tree.Expression, place: int) -> tuple[Side, float]:
    """The side of a comparison that stands for the limit, and the sign of its row's dual.

    The row is `left - right <= 0` (or `right - left <= 0` for `>=`). Of `a <= x <= b` the first
    comparison is spoken of by its left side.
    """
    operators = relation.operators if isinstance(relation, tree.Comparison) else ("<=",)
    operator = operators[min(place, len(operators) - 1)]
    side: Side = "left side" if len(operators) > 1 and place == 0 else "right side"
    sign = -1.0 if operator == ">=" else 1.0
    return side, -sign if side == "left side" else sign
