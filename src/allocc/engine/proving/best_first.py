r"""Branch and bound, the least bound first: what trees have in common, whatever their nodes are.

The least bound over all leaves and open nodes is a bound on the whole program: a tree may be left at any
time. It is deterministic for a given number of nodes.

:Reference: Land and Doig (1960), Econometrica 28:497-520.
"""

from __future__ import annotations

import heapq
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from allocc.backends.highs_session import Basis
from allocc.backends.solution import Word
from allocc.compiler.arrays import FloatArray
from allocc.compiler.boxes.envelopes import Bands

#: So many nodes more are always worth a tighter bound.
FEW = 20


@dataclass(frozen=True)
class Grown:
    """What a tree has proven.

    `bound` holds for the whole program, without the offset; infinite where nothing is left in it or
    nothing is proven. `closed` says that every node was cut off or looked at to its end; then
    `infeasible` says that every leaf was proven to be empty. `point` is that of the relaxation in the
    leaf with the least bound, where that leaf was looked at to its end. `certain` is that of its leaves
    (see `DualBound`).
    """

    bound: float
    closed: bool
    infeasible: bool
    nodes: int
    point: FloatArray | None = None
    certain: bool = True

    @property
    def word(self) -> Word:
        """What its bound rests on."""
        return "proven" if self.certain else "agreed"


@dataclass(frozen=True, eq=False)
class Node:
    """A box of the columns that a tree divides, and the bound of its parent.

    `step` made it: which column, up or down, how far. `basis` is that of its parent's linear program, and
    `bands` are what is known of the factors of products together.
    """

    lower: FloatArray
    upper: FloatArray
    bound: float
    step: tuple[int, int, float] | None = None
    basis: Basis | None = None
    bands: Bands | None = None


class BestFirst(ABC):
    """A queue of nodes; `_look` says what becomes of the next ones, so many as `together` at a time.

    `offer` takes the points that nodes find; `target` tells the level (of the objective, without the
    offset) beyond which nodes are cut off, and may be better after each offer. `enough` is a level that
    serves as well: beyond it the tree goes on only as long again as it took to get there.
    """

    together = 1

    def __init__(
        self,
        minimize: bool,
        offer: Callable[[FloatArray], object],
        target: Callable[[], float],
        enough: Callable[[], float],
        stop: Callable[[], bool],
    ) -> None:
        self.sign = 1.0 if minimize else -1.0
        self.offer, self.stop = offer, stop
        self._target, self._enough = target, enough
        self.nodes, self.work = 0, 0.0
        #: The least bound of what was cut off or looked at to its end, and of the latter alone.
        self.worst, self.end = np.inf, np.inf
        self.end_point: FloatArray | None = None
        self.empty, self.certain = True, True
        #: What is known of the whole program, whatever its nodes say, and the bound on it so far.
        self.floor, self.least = -np.inf, -np.inf
        self._queue: list[tuple[float, int, Node]] | None = None
        self._order = itertools.count()

    def target(self) -> float:
        """The level beyond which nodes are cut off."""
        return self.sign * self._target()

    @abstractmethod
    def _root(self) -> Node | None:
        """The first node; None where there is no end to branching."""

    @abstractmethod
    def _look(self, nodes: Sequence[Node]) -> list[Node]:
        """The children of nodes; those that have none are leaves."""

    def grow(
        self,
        nodes: int,
        work: float = np.inf,
        slack: float = 0.0,
        told: Callable[[float], None] = lambda _: None,
    ) -> Grown:
        """Look at nodes, the least bound first, until none is left below the target.

        A tree that was left goes on. It also ends where the least leaf is known up to `slack`: no other
        node says more; and after so many `nodes`, or so much `work`, which is counted and not timed.
        `told` gets the bound so far every now and then.
        """
        if self._queue is None:
            root = self._root()
            if root is None:
                return self._grown(-np.inf, False)
            self._queue = [(root.bound, next(self._order), root)]
        queue, order = self._queue, self._order
        until = np.inf
        while queue:
            least = max(self.floor, queue[0][0])
            self.least = min(self.worst, least)
            if until == np.inf and least >= self.sign * self._enough():
                until = 2 * self.nodes + FEW
            if least >= self.target() or least >= self.end - slack or self.nodes >= until:
                self._leaf(least)
                break
            if self.nodes >= nodes or self.work > work or self.stop():
                return self._grown(self.least, False)
            told(self.sign * self.least)
            next_ones = [heapq.heappop(queue)[2] for _ in range(min(self.together, len(queue)))]
            self.nodes += len(next_ones)
            for child in self._look(next_ones):
                heapq.heappush(queue, (child.bound, next(order), child))
        return self._grown(self.worst, True)

    def _grown(self, bound: float, closed: bool) -> Grown:
        empty = closed and self.empty
        return Grown(self.sign * bound, closed, empty, self.nodes, self.end_point, self.certain)

    def _leaf(self, bound: float, point: FloatArray | None = None) -> None:
        """Nothing more is to be known of a node than its bound."""
        if bound < self.end and point is not None:
            self.end, self.end_point = bound, point
        self.worst = min(self.worst, bound)
        self.empty = False

    def _cut(self) -> None:
        """Something was cut off that is no better than the target."""
        self.worst = min(self.worst, self.target())
        self.empty = False
