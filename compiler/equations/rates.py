"""What equations are at a state: amounts of flows, rates of change, and their exact derivatives.

Derivatives are taken by a complex step (Squire and Trapp 1998): f'(x) is the imaginary part of
f(x + ih) / h, to the last digit, for there is no difference of two nearly equal numbers in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocc.compiler.algebra.expression import Node, Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.equations.equations import Equations, Flow
from allocc.compiler.functions.record import ScalarFunction

#: The imaginary part of a step; its square is nothing beside any number that is meant.
STEP = 1e-40


class ComplexEvaluation(Evaluation):
    """Complex numbers whose imaginary parts are a direction."""

    def applied(self, function: ScalarFunction, argument: NDArray[Any], node: Node) -> NDArray[Any]:
        """A function's values; an absolute value keeps the direction."""
        if function.kind == "abs" and np.iscomplexobj(argument):
            return np.where(argument.real < 0, -argument, argument)
        return super().applied(function, argument, node)

    def another(self, values: dict[Variable, FloatArray]) -> ComplexEvaluation:
        """One of the same kind that holds no axis."""
        return ComplexEvaluation(values)


@dataclass(frozen=True, eq=False)
class Rates:
    """The equations at parameters: those of the data, but for `others`.

    What changes with time is as in the period `period_at`. A state is an array over all points; amounts of flows are one array over the flows' points.
    """

    equations: Equations
    others: Mapping[Variable, FloatArray]
    period_at: int = 0

    def at(self, evaluation: Evaluation, flow: Flow) -> NDArray[Any]:
        """The amounts of a flow at all of its points."""
        value = spread(evaluation(flow.node), flow.node.axes, flow.axes)
        shape = (*(a.size for a in flow.axes[:-1]), 1)
        return np.broadcast_to(value, shape).reshape(-1)

    def amounts(self, state: NDArray[Any]) -> NDArray[Any]:
        """All flows at a state, one after the other."""
        e = self.equations
        found: dict[Variable, Any] = {**e.decisions, **e.values, **self.others}
        for block in e.blocks:
            part = state[block.start : block.stop].reshape((*block.variable.shape[:-1], 1))
            found[block.variable] = np.broadcast_to(part, block.variable.shape)
        evaluation = ComplexEvaluation(found, {e.period: self.period_at})
        with np.errstate(all="ignore"):
            parts = [self.at(evaluation, flow) for flow in e.flows]
        return np.concatenate(parts) if parts else np.zeros(0)

    def change(self, state: NDArray[Any]) -> NDArray[Any]:
        """dx/dt at a state."""
        return net(self.equations, self.amounts(state))

    def amounts_slope(self, state: FloatArray, points: Any = None) -> FloatArray:
        """The derivative of each flow's point by each point of the state (or by some), exactly."""
        columns = range(self.equations.size) if points is None else points
        found = []
        for k in columns:
            moved = state.astype(complex)
            moved[k] += STEP * 1j
            found.append(self.amounts(moved).imag / STEP)
        return np.array(found).T.reshape(-1, len(found))

    def slope(self, state: FloatArray, points: Any = None) -> FloatArray:
        """The Jacobian of dx/dt at a state, n times n; or that of some points by the same."""
        found = net(self.equations, self.amounts_slope(state, points))
        return found if points is None else found[points]

    def initial(self) -> FloatArray:
        """What the compartments begin with."""
        e = self.equations
        evaluation = Evaluation({**e.decisions, **e.values, **self.others})
        found = []
        for block in e.blocks:
            value = spread(evaluation(block.initial), block.initial.axes, block.axes)
            shape = tuple(a.size for a in block.axes)
            found.append(np.broadcast_to(value, shape).astype(float).ravel())
        return np.concatenate(found) if found else np.zeros(0)


def net(equations: Equations, amounts: NDArray[Any], both: bool = False) -> NDArray[Any]:
    """What flows bring to each point less what they take, or with `both`, and what they take.

    Further axes of amounts are kept.
    """
    found = np.zeros((equations.size, *amounts.shape[1:]), dtype=amounts.dtype)
    origin, target = ends(equations)
    np.add.at(found, target[target >= 0], amounts[target >= 0])
    (np.add if both else np.subtract).at(found, origin[origin >= 0], amounts[origin >= 0])
    return found


def ends(equations: Equations) -> tuple[Any, Any]:
    """Where each flow's point comes from and goes to; -1 is the outside."""
    sides: list[Any] = []
    for side in ("origin", "target"):
        parts = [
            np.full(_count(f), -1) if getattr(f, side) is None else getattr(f, side)
            for f in equations.flows
        ]
        sides.append(np.concatenate(parts) if parts else np.zeros(0, dtype=int))
    return sides[0], sides[1]


def names(equations: Equations) -> list[str]:
    """The flow that each flow's point is of."""
    return [f.name for f in equations.flows for _ in range(_count(f))]


def _count(flow: Flow) -> int:
    return int(np.prod([a.size for a in flow.axes[:-1]], dtype=np.int64))
