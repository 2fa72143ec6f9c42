"""A branch and bound that is remembered, so that it can be written down as a proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from allocc.backends.solution import Solution
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.duality import DualBound
from allocc.engine.proving.best_first import Node
from allocc.engine.proving.branch_and_bound import Tree


@dataclass(eq=False)
class Branch:
    """A box of whole columns in a tree, and what is known of it.

    `column` of the program, `up` and `at` are the step that led to it: `column >= at` where `up`, else
    `column <= at`; the root has none. `bound` (scaled, minimized) is what `multipliers`, of the rows of the
    scaled program, prove; those of a parent serve as well. `empty` says that they prove that there is no
    point. Without `children` it is a leaf.
    """

    parent: Branch | None = None
    column: int = -1
    up: bool = False
    at: float = 0.0
    bound: float = float("-inf")
    multipliers: FloatArray | None = None
    empty: bool = False
    children: list[Branch] = field(default_factory=list)


class RememberedTree(Tree):
    """A `Tree` whose nodes are kept; nothing is cut off that is no leaf of it."""

    root: Branch | None = None

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        #: Points of the leaves that were looked at to their end: there the program says too little.
        self.short: list[FloatArray] = []

    def _leaf(self, bound: float, point: FloatArray | None = None) -> None:
        super()._leaf(bound, point)
        if point is not None and bound < self.target():
            self.short.append(point)

    def _root(self) -> Node | None:
        found = super()._root()
        if found is not None:
            self.root = Branch()
            self._branches = {found: self.root}
        return found

    def _branch(self, node: Node) -> list[Node]:
        mine = self._branches.pop(node)
        self._shown: DualBound | None = None
        self._nothing = False
        children = super()._branch(node)
        shown = self._shown
        if shown is not None and (self._nothing or shown.level > mine.bound):
            mine.bound, mine.multipliers = shown.level, shown.multipliers
        mine.empty = self._nothing
        for child in children:
            assert child.step is not None
            place, way, _ = child.step
            at = float((child.lower if way else child.upper)[place])
            branch = Branch(
                mine, int(self.whole[place]), bool(way), at, mine.bound, mine.multipliers
            )
            mine.children.append(branch)
            self._branches[child] = branch
        return children

    def _solve(self, low: FloatArray, high: FloatArray) -> tuple[Solution | None, DualBound | None]:
        found, self._shown = super()._solve(low, high)
        self._nothing = found is None
        return found, self._shown

    def _fixed(
        self, low: FloatArray, high: FloatArray, proven: DualBound
    ) -> tuple[FloatArray, FloatArray]:
        return low, high  # what reduced costs exclude would have to be proven of each column


def leaves(root: Branch) -> Sequence[Branch]:
    """The leaves of a tree, in the order in which a walk meets them."""
    found, pending = [], [root]
    while pending:
        here = pending.pop()
        if here.children:
            pending += reversed(here.children)
        else:
            found.append(here)
    return found
