"""Local improvement where continuous products remain: successive linear programming.

Around an allocation every product is replaced by its tangent plane, decisions may move within a trust
region (see `trust_region`), and the linear (or mixed-integer) program proposes the next allocation, which
is simulated. It proves nothing: it only finds better allocations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from allocc.backends import registry
from allocc.backends.solution import SolveOptions
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import Program
from allocc.compiler.programs.reformulation import Facts
from allocc.compiler.reformulations import exact_forms
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.engine.heuristics import tangents
from allocc.engine.heuristics.trust_region import improve
from allocc.engine.proving import door

#: How near to its best a mixed-integer program is solved for a proposal.
PROPOSED = 1e-2
#: Rounds with the integers fixed, and with those free to move as well.
ROUNDS, FREE_ROUNDS = 40, 5


class SuccessiveLinear:
    """Linearizations of one program; `decided` are the columns that a trust region holds."""

    def __init__(self, relaxation: Relaxation, original: Program, decided: IntArray) -> None:
        self.relaxation = relaxation
        self.original = original
        given = np.zeros(original.columns, dtype=bool)
        given[decided] = True
        self.complete = Completer(original, given)
        # Which scenarios of a chance block hold is chosen with the decisions; no tangent needs it.
        chosen = self.complete.missing[original.integer[self.complete.missing]]
        if len(chosen):
            given[chosen] = True
            self.complete = Completer(original, given)
        self.decided = decided

    @property
    def usable(self) -> bool:
        """Whether the decisions determine every column (not so for implicit steps)."""
        return not len(self.complete.missing)

    def linearized(self, point: FloatArray) -> Program:
        """The program with every product and function replaced by its tangent at a point."""
        p = replace(self.original)
        build = Extension(p)
        tangents.write_products(build, p.products, point)
        r = self.relaxation
        for atoms in p.functions:
            if atoms.function.smooth:
                tangents.write_function(build, atoms, point)
        facts = Facts(r.program.lower, r.program.upper, r.plan.down, r.plan.up)
        for form in exact_forms():
            form.write(build, form.takes(p), facts)
        return build.finish()

    def run(
        self,
        point: FloatArray,
        offer: Callable[[FloatArray], bool],
        stop: Callable[[], bool],
        time_left: Callable[[], float | None],
        fix_integers: bool = True,
    ) -> None:
        """Improve from a point; every proposal goes through `offer`, which simulates it."""
        here = self.complete(point)
        if not np.isfinite(here).all():
            return
        span = self._span(here)
        program = self.linearized(here)

        def step(radius: float) -> bool | None:
            nonlocal here, program
            trial = self._within(program, here, radius * span, fix_integers)
            # A proposal need not be the best of its region: it is simulated in any case.
            options = SolveOptions(gap=PROPOSED, time_limit=time_left())
            solution = door.ask(registry.get("highs"), trial, options, tries=1)
            if solution.point is None:
                return None
            proposal = self.complete(solution.point[: self.original.columns])
            if not offer(proposal):
                return False
            here, program = proposal, self.linearized(proposal)
            return True

        rounds = ROUNDS if fix_integers else FREE_ROUNDS
        improve(step, 0.3, 1e-5, lambda: stop() or not _calculable(program), rounds)

    def _span(self, here: FloatArray) -> FloatArray:
        """What the steps of each decision are measured by: its range, or else its size."""
        p, d = self.original, self.decided
        low, high = p.lower[d], p.upper[d]
        size = np.abs(here[d])
        # Where a decision without an end stands at zero, nothing measures its steps.
        size = np.where(size > 0, size, max(float(size.max(initial=0.0)), 1.0))
        return np.where(np.isfinite(high - low), high - low, size)

    def _within(
        self, program: Program, here: FloatArray, reach: FloatArray, fix_integers: bool
    ) -> Program:
        """A linearized program whose decisions move by `reach` at most, whole numbers by 1 or not."""
        d = self.decided
        at, whole = here[d], self.original.integer[d]
        reach, fixed = np.where(whole, 1.0, reach), whole & fix_integers
        lower, upper = program.lower.copy(), program.upper.copy()
        lower[d] = np.where(fixed, at, np.maximum(self.original.lower[d], at - reach))
        upper[d] = np.where(fixed, at, np.minimum(self.original.upper[d], at + reach))
        integer = program.integer.copy()
        if fix_integers:
            integer[d] = False
        return replace(program, lower=lower, upper=upper, integer=integer)


def _calculable(program: Program) -> bool:
    """Whether the coefficients are of a size that a solver can calculate with."""
    data = program.matrix.data
    return bool(np.isfinite(data).all() and np.max(np.abs(data), initial=0.0) < 1e12)
