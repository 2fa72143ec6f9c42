"""The linear program of a box and its dual values, to be multiplied out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from allocc.backends.highs_session import Basis, Directions
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.duality import dual_bound, shows_empty
from allocc.compiler.programs.program import Program
from allocc.engine.proving.box_look import SHORT, BoxLook, Seen, with_cutoff
from allocc.engine.proving.door import INFEASIBLE


@dataclass(frozen=True)
class Relaxed:
    """What a linear program has brought: `multipliers` of its rows, which prove `bound`, or that it is `empty`."""

    bound: float = -np.inf
    multipliers: FloatArray | None = None
    empty: bool = False
    point: FloatArray | None = None
    duals: FloatArray | None = None
    basis: Basis | None = None


@dataclass(frozen=True)
class Extreme:
    """`sign` times a column is at least `value`, as `multipliers` prove; or nothing is there (`empty`)."""

    column: int
    sign: int
    value: float
    multipliers: FloatArray
    empty: bool


class DualLook(BoxLook):
    """A `BoxLook` that hands out the multipliers."""

    def relaxed(self, program: Program, basis: Basis | None) -> Relaxed:
        """The linear program of a box, from a basis."""
        found, basis = self._solved(program, basis)
        if found.termination in INFEASIBLE:
            shown = self._shown(program, found)
            if shown is not None:
                return Relaxed(multipliers=shown.multipliers, empty=True)
        if found.termination != "optimal" or found.row_duals is None or found.point is None:
            return Relaxed()
        proven = dual_bound(program, program.objective, found.row_duals)
        point = found.point * self.size
        return Relaxed(proven.level, proven.multipliers, False, point, found.row_duals, basis)

    def seen(
        self, lower: FloatArray, upper: FloatArray, relaxed: Relaxed, bound: float, cutoff: float
    ) -> Seen:
        """What is known of a box after its linear program; `bound` is that of its parent."""
        bound = max(bound, relaxed.bound)
        if relaxed.point is None or relaxed.duals is None:
            return Seen(bound, lower, upper)
        e = self.ground.envelopes
        off, weights = e.violations(relaxed.point), e.weights(relaxed.duals)
        errors = self._errors(lower, upper, off, weights, cutoff - bound)
        return Seen(bound, lower, upper, point=relaxed.point, errors=errors, basis=relaxed.basis)

    def extremes(self, seen: Seen, cutoff: float, which: IntArray) -> Iterator[Extreme]:
        """The least and the most of the factors of the products `which`, under the cut-off."""
        e = self.ground.envelopes
        program = with_cutoff(e.over(seen.lower, seen.upper), cutoff)
        lower, upper = program.lower, program.upper
        columns = np.unique(np.concatenate([e.first[which], e.second[which]]))
        columns = columns[(upper - lower)[columns] > SHORT]
        none = np.zeros(len(columns))
        directions = Directions(columns, columns, none, lower[columns], upper[columns])
        for at, sign, ended, y in self._asked(program, directions, seen):
            j = int(columns[at])
            shown = y is not None and ended in INFEASIBLE and shows_empty(program, y)
            if shown:
                yield Extreme(j, int(sign), np.inf, shown.multipliers, True)
            elif y is not None and ended not in INFEASIBLE:
                costs = np.zeros(program.columns)
                costs[j] = sign
                proven = dual_bound(program, costs, y)
                value = proven.level * float(self.size[j])
                yield Extreme(j, int(sign), value, proven.multipliers, False)
