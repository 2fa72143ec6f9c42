r"""Branch and bound over linear programs whose leaves are proven, whatever the solver's tolerances are.

A node is a box of the whole columns. Its linear program gives dual values, and these, multiplied out
(`allocc.compiler.programs.duality`), a bound on everything in the box, or a proof that nothing is in it. The
least bound over all leaves and open nodes is a bound on the whole program: the tree may be left at any
time. With a bound :math:`L`, reduced costs :math:`d` and a cut-off :math:`U`, a whole column is no further
from the end of its range than :math:`(U - L) / |d_j|` in any point that is better than the cut-off.

The tree knows nothing of a solver's search: it is what confirms it. It is deterministic for a given
number of nodes.

:Reference: Land and Doig (1960), Econometrica 28:497-520; Neumaier and Shcherbina (2004), Mathematical
    Programming 99:283-296, for safe leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from allocc.backends.isolation import Session, open_session
from allocc.backends.solution import Refused, Solution, SolveOptions
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.duality import DualBound, dual_bound
from allocc.compiler.programs.program import Program
from allocc.engine.proving.best_first import BestFirst, Node
from allocc.engine.proving.door import INFEASIBLE, infeasibility, solve_linear
from allocc.engine.proving.examine import broken_off

#: A column nearer to a whole number than this is one.
WHOLE = 1e-6
#: What a reduced cost is off by is lost from the bound; HiGHS leaves 1e-7.
FINE = {"dual_feasibility_tolerance": 1e-9}
#: So many iterations of simplex cost as much as a look at all coefficients.
ITERATIONS = 8


class Tree(BestFirst):
    """One tree over a scaled program without products; its nodes are boxes of the whole columns.

    `remaining` tells how many seconds a linear program may take; see `BestFirst` for the rest. Work is
    the coefficients of the linear programs, once for each and once more for every `ITERATIONS` of simplex.
    """

    def __init__(
        self,
        program: Program,
        offer: Callable[[FloatArray], object],
        target: Callable[[], float],
        enough: Callable[[], float],
        stop: Callable[[], bool],
        remaining: Callable[[], float | None],
    ) -> None:
        super().__init__(program.sense == "minimize", offer, target, enough, stop)
        self.whole = np.flatnonzero(program.integer)
        self.program = replace(
            program,
            sense="minimize",
            objective=self.sign * program.objective,
            offset=0.0,
            integer=np.zeros(program.columns, dtype=bool),
        )
        self.remaining = remaining
        self.session: Session | None = None
        #: The box that the session holds.
        self.held = self.ranges = (program.lower[self.whole], program.upper[self.whole])
        #: What a step of each column up or down has moved the bound by, and how often.
        self.gains = np.zeros((2, len(self.whole)))
        self.tries = np.zeros((2, len(self.whole)))

    def _root(self) -> Node | None:
        low, high = np.ceil(self.ranges[0] - WHOLE), np.floor(self.ranges[1] + WHOLE)
        if not (np.isfinite(low) & np.isfinite(high)).all():
            return None  # there is no end to branching
        return Node(low, high, -np.inf)

    def _look(self, nodes: Sequence[Node]) -> list[Node]:
        return [child for node in nodes for child in self._branch(node)]

    def _branch(self, node: Node) -> list[Node]:
        """The children of a node; none where it is a leaf."""
        low, high = node.lower, node.upper
        if (low > high).any():
            return []
        found, proven = self._solve(low, high)
        if found is None:
            return []
        free = low < high
        bound = max(node.bound, proven.level) if proven is not None else node.bound
        self._learn(node, bound)
        if bound >= self.target():
            self._leaf(bound)
            return []
        if found.point is None:
            # Neither a point nor a proof: what is below may have one.
            if not free.any():
                self._leaf(bound)
                return []
            j = int(np.argmax(np.where(free, high - low, -1.0)))
            return self._children(j, (low[j] + high[j]) / 2.0, bound, low, high)
        x = found.point[self.whole]
        away = np.abs(x - np.rint(x))
        if (away <= WHOLE).all():
            self.offer(found.point)
            if bound >= self.target() or not free.any():
                self._leaf(bound, found.point)
                return []
        if proven is not None:
            low, high = self._fixed(low, high, proven)
            free = low < high
            if (away[~free] > WHOLE).any():
                # What is left is another box: its own linear program says more.
                return [Node(low, high, bound)]
        if not free.any() or (away[free] <= 0.0).all():
            # The point of the relaxation is the best of the box, and nothing in it is better.
            self._leaf(bound, found.point)
            return []
        j = self._choose(np.where(free, away, 0.0), x)
        return self._children(j, float(x[j]), bound, low, high)

    def _children(
        self, j: int, x: float, bound: float, low: FloatArray, high: FloatArray
    ) -> list[Node]:
        at = min(max(np.floor(x), low[j]), high[j] - 1.0)
        down, up = high.copy(), low.copy()
        down[j], up[j] = at, at + 1.0
        return [
            Node(low, down, bound, (j, 0, x - at)),
            Node(up, high, bound, (j, 1, at + 1.0 - x)),
        ]

    def _learn(self, node: Node, bound: float) -> None:
        """Remember by how much the step to a node has moved the bound."""
        if node.step is None or not np.isfinite(bound - node.bound):
            return
        j, way, part = node.step
        if part > WHOLE:
            self.gains[way, j] += (bound - node.bound) / part
            self.tries[way, j] += 1.0

    def _fixed(
        self, low: FloatArray, high: FloatArray, proven: DualBound
    ) -> tuple[FloatArray, FloatArray]:
        """Ranges without what reduced costs prove to be no better than the target."""
        room = self.target() - proven.level
        if not np.isfinite(room):
            return low, high
        cost = proven.reduced_costs[self.whole]
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.floor(room / np.abs(cost) * (1.0 + 1e-9) + 1e-9)
        cut = bool(((cost != 0) & (reach < high - low)).any())
        if cut:
            self._cut()
        high = np.where(cost > 0, np.minimum(high, low + reach), high)
        low = np.where(cost < 0, np.maximum(low, high - reach), low)
        return low, high

    def _choose(self, away: FloatArray, x: FloatArray) -> int:
        """The column to branch on: the one whose steps have moved the bound most so far."""
        part = x - np.floor(x)
        mean = self.gains / np.maximum(self.tries, 1.0)
        known = self.tries.sum(axis=0) > 0
        usual = float(mean[:, known].mean()) if known.any() else 1.0
        mean = np.where(self.tries > 0, mean, max(usual, 1e-12))
        score = np.maximum(mean[0] * part, 1e-12) * np.maximum(mean[1] * (1.0 - part), 1e-12)
        return int(np.argmax(np.where(away > 0.0, score, -1.0)))

    def _solve(self, low: FloatArray, high: FloatArray) -> tuple[Solution | None, DualBound | None]:
        """The linear program of a box and what its duals prove; no solution where they prove it empty."""
        lower, upper = self.program.lower.copy(), self.program.upper.copy()
        lower[self.whole], upper[self.whole] = low, high
        box = replace(self.program, lower=lower, upper=upper)
        self.work += self.program.matrix.nnz
        found = self._hot(low, high)
        if self.stop():
            return broken_off("highs", "failed", "stopped"), None
        if found.termination not in ("optimal", "infeasible", "infeasible_or_unbounded"):
            found = solve_linear(box, SolveOptions(time_limit=self.remaining()))
        if found.termination == "optimal" and found.row_duals is not None:
            proven = dual_bound(box, box.objective, found.row_duals)
            self.certain &= proven.certain
            return found, proven
        shown = None
        if found.termination in INFEASIBLE:
            self.work += self.program.matrix.nnz
            options = SolveOptions(time_limit=self.remaining())
            shown = infeasibility(box, found.row_duals, lambda p: solve_linear(p, options))
        if shown is None:
            return replace(found, point=None), None
        self.certain &= shown.certain
        return None, shown

    def _hot(self, low: FloatArray, high: FloatArray) -> Solution:
        """The linear program of a box from the last basis; failed where the session has died."""
        try:
            if self.session is None:
                self.session, self.held = open_session(self.program, FINE), self.ranges
            moved = np.flatnonzero((low != self.held[0]) | (high != self.held[1]))
            if len(moved):
                self.session.set_column_bounds(self.whole[moved], low[moved], high[moved])
                self.held = (low, high)
            found = self.session.solve(SolveOptions(patience=self.remaining()))
            self.work += self.program.matrix.nnz * self.session.iterations() / ITERATIONS
        except Refused as end:
            # The next node gets a new one.
            self.session = None
            return broken_off("highs", "failed", str(end))
        return found
