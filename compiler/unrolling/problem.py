"""`Problem`: a model unrolled in time, as blocks of algebra over index spaces.

It is the one definition of the dynamics: `simulate` runs it forward, `lower` writes it as rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from allocc.compiler.algebra.expression import Data, Ends, Node, Variable
from allocc.compiler.algebra.index import Axis
from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.scoping.context import Context
from allocc.compiler.scoping.model import BoundModel, CompartmentSymbol, FlowSymbol
from allocc.compiler.scoping.spaces import Space
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Limit, Span

Labels = Callable[[int], tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class WrittenComparison:
    """A comparison as it is written: both sides over the axes of `space`, for messages.

    `place` counts the comparisons of a chain from 0: `1 <= x <= 4` has two of them.
    """

    statement: Limit
    place: int
    left: Node
    operator: str
    right: Node
    space: Space


@dataclass(frozen=True, eq=False)
class Constraint:
    """`lower <= body <= upper` at every point of `axes`; the ends are data over `axes`.

    `written` is the comparison that it comes from, None for one that no statement states.
    """

    name: str
    axes: tuple[Axis, ...]
    body: Node
    lower: Data
    upper: Data
    labels: Labels
    span: Span
    unit: str = ""
    description: str = ""
    written: WrittenComparison | None = None
    #: Of a limit put together by logic: alternatives, each of amounts of which none may be above 0. The body
    #: is the least of them, but amounts in other units are not measured by one size.
    alternatives: tuple[tuple[Node, ...], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of each axis."""
        return tuple(a.size for a in self.axes)

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Update:
    """The step of one compartment.

    X[i, k+1] = X[i, k] + rate * step at every i and period k. `period` is the axis of periods, and
    `axes` the compartment's own axes followed by it. For a step that needs the end of the period, `ahead` is the
    same rate there, which counts by `share`, and the one at the begin by the rest. For the exponential step, `next_value` is the whole right
    side of X[i, k+1] = ..., already integrated.
    """

    compartment: CompartmentSymbol
    axes: tuple[Axis, ...]
    rate: Node
    ahead: Node | None = None
    next_value: Node | None = None
    share: float = 0.5

    @property
    def variable(self) -> Variable:
        """The state that is stepped."""
        return self.compartment.variable


@dataclass(frozen=True, eq=False)
class FlowValue:
    """A flow over its own axes and the periods, with the column block it has, if any."""

    symbol: FlowSymbol
    axes: tuple[Axis, ...]
    node: Node
    variable: Variable | None


@dataclass(frozen=True, eq=False)
class FlowEnd:
    """The compartment at one side of a flow: its flat point for each point of the flow's own index."""

    compartment: str
    points: IntArray


@dataclass(frozen=True, eq=False)
class FlowEnds:
    """Where a flow comes from and where it goes to; None is the outside."""

    origin: FlowEnd | None
    target: FlowEnd | None


@dataclass(frozen=True, eq=False)
class ScenarioLimit:
    """A limit of a chance block: a constraint over the scenarios and its own index.

    `scenario` has the flat position of each row's scenario, in the order of the constraint's rows.
    """

    constraint: Constraint
    scenario: IntArray


@dataclass(frozen=True, eq=False)
class ChanceConstraint:
    """The scenarios in which all of `limits` hold weigh `probability` at least.

    `weights` has one entry a scenario and adds up to 1. A single limit is an individual chance
    constraint, several are a joint one.
    """

    name: str
    probability: float
    weights: FloatArray
    limits: list[ScenarioLimit]
    labels: Labels
    span: Span
    description: str = ""

    def reached(self, holds: BoolArray) -> float:
        """The probability of the scenarios that hold."""
        return float(np.sum(self.weights[holds]))


@dataclass(frozen=True, eq=False)
class ObjectiveTerm:
    """One named part of the objective; `penalty` marks a soft limit's."""

    name: str
    node: Node
    span: Span
    description: str = ""
    penalty: bool = False


@dataclass(frozen=True, eq=False)
class Problem:
    """See the module's docstring. `period` is the axis that all flows and updates share."""

    model: BoundModel
    decisions: list[Variable]
    states: list[Variable]
    flows: list[FlowValue]
    flows_ahead: list[FlowValue]
    updates: list[Update]
    constraints: list[Constraint]
    terms: list[ObjectiveTerm]
    sense: Literal["minimize", "maximize"]
    period: Axis | None
    chances: list[ChanceConstraint] = field(default_factory=list)
    #: The initial value of each compartment, over its sets.
    starts: Mapping[Variable, FloatArray] = field(default_factory=dict)
    #: The ends of variables that have others than those that they are declared with.
    ranges: Mapping[Variable, Ends] = field(default_factory=dict)
    #: How it was read: in the baseline, interventions do not act.
    context: Context = field(default_factory=Context)
    #: What is told of it, with what binding told.
    diagnostics: tuple[Diagnostic, ...] = ()
    #: What each call of a declared function has become, by its place.
    calls: Mapping[Span, Node] = field(default_factory=dict)

    @property
    def variables(self) -> list[Variable]:
        """Decisions, then states: what a point of the problem is made of."""
        return [*self.decisions, *self.states]

    def ends(self, variable: Variable) -> Ends:
        """The ends of a decision or a compartment; at the first point, both are its initial value."""
        found = self.ranges.get(variable)
        return variable.ends if found is None else found

    def is_binary(self, variable: Variable) -> bool:
        """Whether a variable is a decision that is 0 or 1."""
        if variable.kind != "decision" or not variable.integer:
            return False
        lower, upper = self.ends(variable)
        return bool((lower >= 0).all() and (upper <= 1).all())

    def objective(self, values: dict[str, float]) -> float:
        """The objective from the values of its terms."""
        return float(np.sum([values[t.name] for t in self.terms])) if self.terms else 0.0
