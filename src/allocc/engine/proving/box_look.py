r"""One look into a box: ranges propagated, envelopes rebuilt, a linear program, and what its duals prove.

Where little is left between the bound and the cut-off, the columns whose products are most wrong are
minimized and maximized under the cut-off as well (see `tightening`), and the box is looked at once more. All
bounds are recomputed from dual values; the box that comes out holds every point of the one that went in
whose value is better than the cut-off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from allocc.backends.highs_session import Basis, Directions
from allocc.backends.isolation import Session, open_session
from allocc.backends.solution import Refused, Solution, SolveOptions, Termination
from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.boxes.envelopes import Bands, Envelopes
from allocc.compiler.boxes.images import Images
from allocc.compiler.programs.bounds import Infeasible, Propagator
from allocc.compiler.programs.duality import DualBound, dual_bound, shows_empty
from allocc.compiler.programs.program import Program
from allocc.engine.proving.door import INFEASIBLE, infeasibility, solve_linear

#: What a reduced cost is off by is lost from the bound; HiGHS leaves 1e-7.
FINE = {"dual_feasibility_tolerance": 1e-9, "threads": 1}
#: Only costs change from one of these linear programs to the next: the last point stays feasible.
PRIMAL = {**FINE, "simplex_strategy": 4}
#: Sweeps over the rows between two passes over the definitions.
SWEEPS = 3
#: Passes over both at the start.
PASSES = 4
#: A proven end of a range is moved outward by this much of the column's size.
OUTWARD = 1e-9
#: An end that some point comes as near to as this part of the range is not worth a linear program.
NEAR = 0.02
#: So many columns are minimized and maximized between two looks at the clock.
TOGETHER = 12
#: What a product may be off by, both measured by their ranges, and be right.
RIGHT = 1e-9
#: Two ends may cross by this much of the column's size and mean one value.
CROSSED = 1e-6
#: What is nothing beside the range at the start.
DUST = 1e-14
#: Ranges shorter than this part of the column's size are not shortened.
SHORT = 1e-5


@dataclass(frozen=True, eq=False)
class Ground:
    """What all boxes of a program share."""

    program: Program
    images: Images
    propagator: Propagator
    envelopes: Envelopes

    @classmethod
    def of(
        cls,
        program: Program,
        stated: BoolArray,
        known: Program | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Ground:
        """A program, its ranges shortened; see `Images` for `stated`.

        `known` is the same program with further rows that follow from the model, for propagation alone. Raises
        `Infeasible` where the ranges contradict each other.
        """
        images, propagator = Images(program, stated), Propagator(known or program)
        lower, upper = program.lower, program.upper
        for _ in range(PASSES):
            if stop():
                break
            lower, upper = images.run(lower, upper)
            lower, upper = propagator.run(lower, upper, SWEEPS * PASSES)
        lower, upper = images.run(lower, upper)
        tight = replace(program, lower=lower, upper=upper)
        return cls(tight, images, propagator, Envelopes(tight))

    def propagated(
        self, lower: FloatArray, upper: FloatArray, sweeps: int = SWEEPS
    ) -> tuple[FloatArray, FloatArray]:
        """Shorter ranges; raises `Infeasible`."""
        lower, upper = self.images.run(lower, upper)
        lower, upper = self.propagator.run(lower, upper, sweeps)
        return self.images.run(lower, upper)


@dataclass(frozen=True, eq=False)
class Box:
    """Ranges of all columns, a bound on what is in them, and what helps to look at it."""

    lower: FloatArray
    upper: FloatArray
    bound: float = -np.inf
    basis: Basis | None = None
    bands: Bands | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known of a box after a look.

    `empty` is proven; `bound` is in the units of solvers, at least that of the parent. `point` is that of
    the relaxation, in the program's own units, None where the linear program brought none. `cut` says that
    points were left out that are no better than the cut-off. `errors` has what each product, and each
    function, is wrong by at the point, times what that costs; not times that where nothing costs.
    """

    bound: float
    lower: FloatArray
    upper: FloatArray
    empty: bool = False
    cut: bool = False
    certain: bool = True
    point: FloatArray | None = None
    errors: FloatArray = field(default_factory=lambda: np.zeros(0))
    basis: Basis | None = None
    bands: Bands | None = None


class BoxLook:
    """Looks into one box after the other; not for two threads at once."""

    def __init__(
        self,
        ground: Ground,
        stop: Callable[[], bool],
        remaining: Callable[[], float | None],
    ) -> None:
        self.ground = ground
        self.stop, self.remaining = stop, remaining
        self.size = ground.envelopes.scaling.columns
        self._session: Session | None = None
        self._extremes: Session | None = None
        self.step = value_step(ground.program)
        #: Linear programs that were solved.
        self.solved = 0

    def look(self, box: Box, cutoff: float, worth: Callable[[Seen], int]) -> Seen:
        """See `Seen`. `worth` tells from a first look for how many products to tighten."""
        seen = self._once(box, cutoff)
        if seen.point is None or seen.bound >= cutoff or not np.isfinite(cutoff):
            return seen
        count = worth(seen)
        if not count:
            return seen
        tight = self.tightened(seen, cutoff, self.most_wrong(seen, count))
        if tight is None:
            return replace(seen, empty=True, cut=True)
        again = self._once(tight, cutoff)
        certain = seen.certain and again.certain
        return replace(again, cut=True, certain=certain)

    # ---- one linear program ----

    def _once(self, box: Box, cutoff: float) -> Seen:
        ground, bound, basis, bands = self.ground, box.bound, box.basis, box.bands
        lower, upper = box.lower, box.upper
        try:
            lower, upper = ground.propagated(lower, upper)
        except Infeasible:
            return Seen(bound, lower, upper, empty=True)
        program = ground.envelopes.over(lower, upper, bands)
        found, basis = self._solved(program, basis)
        if found.termination in INFEASIBLE:
            shown = self._shown(program, found)
            if shown is not None:
                return Seen(bound, lower, upper, empty=True, certain=shown.certain)
        if found.termination != "optimal" or found.row_duals is None or found.point is None:
            return Seen(bound, lower, upper, bands=bands)
        proven = dual_bound(program, program.objective, found.row_duals)
        bound = max(bound, self._stepped(proven.level))
        point = found.point * self.size
        off, weights = ground.envelopes.violations(point), ground.envelopes.weights(found.row_duals)
        lower, upper, cut = self._fixed(lower, upper, proven, cutoff)
        return Seen(
            bound,
            lower,
            upper,
            cut=cut,
            certain=proven.certain,
            point=point,
            errors=self._errors(lower, upper, off, weights, cutoff - bound),
            basis=basis,
            bands=bands,
        )

    def _errors(
        self,
        lower: FloatArray,
        upper: FloatArray,
        off: FloatArray,
        weights: FloatArray,
        left: float,
    ) -> FloatArray:
        """See `Seen`: what is wrong by no more than rounding, in this box, is right.

        What costs less than rounding of what is `left` to prove costs nothing.
        """
        result = self.ground.envelopes.results
        largest = np.maximum(np.abs(lower), np.abs(upper))[result] / self.size[result]
        off = np.where(off > np.maximum(RIGHT * np.minimum(largest, 1.0), DUST), off, 0.0)
        costly = off * weights
        dear = RIGHT * left if np.isfinite(left) else 0.0
        return costly if costly.max(initial=0.0) > max(dear, 0.0) else off

    def _stepped(self, level: float) -> float:
        """A bound raised to the next value that the objective can have."""
        if not self.step or not np.isfinite(level):
            return level
        step = self.step * self.ground.envelopes.scaling.objective
        raised = step * np.ceil(level / step - 1e-6)
        return max(level, float(raised - RIGHT * abs(raised)))

    def _solved(self, program: Program, basis: Basis | None) -> tuple[Solution, Basis | None]:
        """A linear program from a basis, and afresh where that fails."""
        self.solved += 1
        try:
            if self._session is None:
                self._session = open_session(program, FINE)
            self._session.load(program, basis)
            found = self._session.solve(SolveOptions(patience=self.remaining()))
            if found.termination in ("optimal", *INFEASIBLE):
                return found, self._session.basis()
        except Refused:
            self._session = None
        return solve_linear(program, SolveOptions(time_limit=self.remaining())), None

    def _shown(self, program: Program, found: Solution) -> DualBound | None:
        options = SolveOptions(time_limit=self.remaining())
        return infeasibility(program, found.row_duals, lambda p: solve_linear(p, options))

    def _fixed(
        self, lower: FloatArray, upper: FloatArray, proven: DualBound, cutoff: float
    ) -> tuple[FloatArray, FloatArray, bool]:
        """Ranges without what reduced costs prove to be no better than the cut-off."""
        room = cutoff - proven.level
        if not np.isfinite(room) or room <= 0:
            return lower, upper, False
        cost = proven.reduced_costs
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = (room * (1.0 + 1e-9)) / (np.abs(cost) - proven.rounded) * self.size
            reach = np.where(np.abs(cost) > 2.0 * proven.rounded, reach, np.inf)
            reach += OUTWARD * (np.abs(lower) + np.abs(upper))
            from_low = (cost > 0) & (lower + reach < upper)
            from_high = (cost < 0) & (upper - reach > lower)
        if not (from_low | from_high).any():
            return lower, upper, False
        whole = self.ground.program.integer
        # What is shortened is finite; elsewhere an open end and an endless reach have no sum.
        new_upper, new_lower = upper.copy(), lower.copy()
        new_upper[from_low] = lower[from_low] + reach[from_low]
        new_lower[from_high] = upper[from_high] - reach[from_high]
        new_upper = np.where(whole, np.floor(new_upper + 1e-6), new_upper)
        new_lower = np.where(whole, np.ceil(new_lower - 1e-6), new_lower)
        return np.maximum(lower, new_lower), np.minimum(upper, new_upper), True

    # ---- ranges by optimization ----

    def most_wrong(self, seen: Seen, count: int) -> IntArray:
        """The products, and behind them the functions, that are most wrong."""
        error = seen.errors
        order = np.argsort(-error, kind="stable")[:count]
        return order[error[order] > 0]

    def tightened(self, seen: Seen, cutoff: float, which: IntArray) -> Box | None:
        """The box of points better than the cut-off; None where that is proven to be nothing.

        The factors of the products `which`, and what they are together, are minimized and maximized.
        """
        ground, e = self.ground, self.ground.envelopes
        lower, upper = seen.lower / self.size, seen.upper / self.size
        bands = seen.bands or e.no_bands()
        program = with_cutoff(e.over(seen.lower, seen.upper, bands), cutoff)
        columns = np.unique(np.concatenate([e.first[which], e.second[which]]))
        columns = columns[(upper - lower)[columns] > SHORT]
        mine = which[which < len(e.left)]
        a, b = e.left[mine], e.right[mine]
        wide = (np.minimum(upper[a] - lower[a], upper[b] - lower[b]) > SHORT) & (a != b)
        mine, a, b = mine[wide], a[wide], b[wide]
        slope = (upper[b] - lower[b]) / (upper[a] - lower[a])
        none = np.zeros(len(columns))
        directions = Directions(
            np.concatenate([columns, b]),
            np.concatenate([columns, a]),
            np.concatenate([none, slope]),
            np.concatenate([lower[columns], lower[b] - slope * upper[a]]),
            np.concatenate([upper[columns], upper[b] - slope * lower[a]]),
        )
        ends = self._ends(program, directions, seen)
        if ends is None:
            return None
        low, high = ends
        n = len(columns)
        lower[columns], upper[columns] = low[:n], high[:n]
        lower, upper = lower * self.size, upper * self.size
        whole = ground.program.integer
        lower[whole] = np.ceil(lower[whole] - 1e-6)
        upper[whole] = np.floor(upper[whole] + 1e-6)
        box, band = ordered(lower, upper, self.size), ordered(low[n:], high[n:], 1.0)
        if box is None or band is None:
            return None
        return Box(*box, seen.bound, seen.basis, bands.within(mine, slope, *band))

    def _ends(
        self, program: Program, directions: Directions, seen: Seen
    ) -> tuple[FloatArray, FloatArray] | None:
        """Proven ends of directions; None where nothing is left."""
        d = directions
        lower, upper = d.lower.copy(), d.upper.copy()
        for at, sign, ended, y in self._asked(program, d, seen):
            end = self._end(program, d, at, sign, ended, y)
            if end is None:
                return None
            if sign > 0:
                lower[at] = max(lower[at], end - OUTWARD)
            else:
                upper[at] = min(upper[at], OUTWARD - end)
        return lower, upper

    def _asked(
        self, program: Program, directions: Directions, seen: Seen
    ) -> Iterator[tuple[int, float, Termination, FloatArray | None]]:
        """Each direction's place and sign, how its linear program ended, and the row duals.

        `program` has the cut-off as its last row. Without time, or where the solver gives up, there are fewer.
        """
        basis = seen.basis
        if basis is not None:
            # The row of the cut-off is basic.
            basis = basis[0], np.append(basis[1], np.int8(1))
        assert seen.point is not None
        point = seen.point / self.size
        try:
            if self._extremes is None:
                self._extremes = open_session(program, PRIMAL)
            self._extremes.load(program, basis)
            for start in range(0, len(directions), TOGETHER):
                if self.stop():
                    return
                some = directions.taken(slice(start, start + TOGETHER))
                for k, sign, ended, y in self._extremes.extremes(
                    some, NEAR, point, self.remaining()
                ):
                    self.solved += 1
                    yield start + k, sign, ended, y
        except Refused:
            self._extremes = None

    def _end(
        self,
        program: Program,
        d: Directions,
        k: int,
        sign: float,
        ended: Termination,
        y: FloatArray | None,
    ) -> float | None:
        """The least of a direction times a sign, as proven; None where nothing is left."""
        if ended in INFEASIBLE:
            shown = None if y is None else shows_empty(program, y)
            return None if shown is not None and shown.certain else -np.inf
        if y is None:
            return -np.inf
        costs = np.zeros(program.columns)
        costs[d.second[k]] = -sign * d.slope[k]
        costs[d.first[k]] = sign
        proven = dual_bound(program, costs, y)
        return proven.level if proven.certain else -np.inf


def ordered(
    lower: FloatArray, upper: FloatArray, size: FloatArray | float
) -> tuple[FloatArray, FloatArray] | None:
    """Ends that rounding has crossed put in order; None where they are further apart than that."""
    if (lower - upper > CROSSED * size).any():
        return None
    return np.minimum(lower, upper), np.maximum(lower, upper)


def value_step(program: Program) -> float:
    """The distance of values of an objective of whole columns alone; 0 where there is none."""
    costs = np.abs(program.objective[program.objective != 0])
    if not len(costs) or not program.integer[program.objective != 0].all():
        return 0.0
    step = float(costs.min())
    times = costs / step
    return step if (np.abs(times - np.rint(times)) <= 1e-12 * times).all() else 0.0


def with_cutoff(program: Program, cutoff: float) -> Program:
    """The program with a row for the cut-off, and without costs."""
    row = sparse.csr_array(program.objective.reshape(1, -1))
    return replace(
        program,
        objective=np.zeros(program.columns),
        matrix=sparse.csr_array(sparse.vstack([program.matrix, row])),
        row_lower=np.append(program.row_lower, -np.inf),
        row_upper=np.append(program.row_upper, cutoff),
    )
