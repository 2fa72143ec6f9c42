"""`Equations`: the flows of a model in continuous time, in its compartments and its given parameters.

    dx_c/dt = sum of the flows into c - sum of the flows out of c

They are the flows that a simulation of the baseline runs, at the first period: no intervention acts, every
decision is at its lower end. Parameters stand for themselves, so that rates can be asked for at other values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocc.compiler.algebra.expression import Node, Reference, Variable, children, variables
from allocc.compiler.algebra.index import Axis
from allocc.compiler.arrays import FloatArray
from allocc.compiler.binding.assignment import initial_node
from allocc.compiler.equations.opening import opened
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.labels import label_text, named
from allocc.compiler.scoping.context import Context, Opened
from allocc.compiler.scoping.model import BoundModel
from allocc.compiler.scoping.symbols import ModelSymbols
from allocc.compiler.unrolling.discretize import read_flows
from allocc.compiler.unrolling.exponential_step import is_now
from allocc.compiler.unrolling.problem import FlowEnds, FlowValue
from allocc.compiler.unrolling.simulate import low
from allocc.dsl.diagnostics import Collector
from allocc.dsl.tree import Span


@dataclass(frozen=True, eq=False)
class Block:
    """A compartment's points among all: `start .. stop`, in the order of its sets.

    `initial` is what it begins with, over `axes`, in parameters.
    """

    name: str
    variable: Variable
    start: int
    stop: int
    initial: Node
    axes: tuple[Axis, ...]


@dataclass(frozen=True, eq=False)
class Flow:
    """A flow's points: what each takes from and brings to, as positions among all points.

    `node` is its amount per unit of time over `axes`, of which the last is the periods. `origin` and
    `target` are None where that is the outside.
    """

    name: str
    value: FlowValue
    node: Node
    axes: tuple[Axis, ...]
    origin: Any
    target: Any


@dataclass(frozen=True, eq=False)
class Equations:
    """See the module's docstring.

    `labels` are the points of all compartments, as `I[North]`; `values` has the data of each parameter,
    and `decisions` the lower end of each decision. `period` is the axis that all flows share.
    """

    model: BoundModel
    blocks: tuple[Block, ...]
    flows: tuple[Flow, ...]
    labels: tuple[str, ...]
    parameters: Mapping[str, Variable]
    values: Mapping[Variable, FloatArray]
    decisions: Mapping[Variable, FloatArray]
    period: Axis

    @property
    def size(self) -> int:
        """How many points all compartments have."""
        return len(self.labels)

    def looking_back(self) -> tuple[Flow, Span] | None:
        """The first flow that reads a compartment at another time than its own, and where."""
        for flow in self.flows:
            for node in _parts(flow.node):
                if (
                    isinstance(node, Reference)
                    and node.variable.kind == "state"
                    and not is_now(node, self.period)
                ):
                    return flow, node.span or flow.value.symbol.statement.span
        return None


def read_equations(model: BoundModel) -> Equations:
    """The equations of a model that has compartments; raises `DiagnosticError`."""
    open_ = opened(model)
    flows, ends, period = read_flows(model, open_)
    blocks = tuple(_blocks(model, open_))
    start = {b.name: b.start for b in blocks}
    mentioned = dict.fromkeys(
        v
        for node in (*(f.node for f in flows), *(b.initial for b in blocks))
        for v in variables(node)
    )
    parameters = {v.name: v for v in mentioned if v.kind == "parameter"}
    return Equations(
        model,
        blocks,
        tuple(_flow(f, e, start) for f, e in zip(flows, ends, strict=True)),
        tuple(label for b in blocks for label in _labels(b)),
        parameters,
        {v: np.asarray(model.parameters[n].values, dtype=float) for n, v in parameters.items()},
        {v: low(v.ends) for v in mentioned if v.kind == "decision"},
        period,
    )


def _blocks(model: BoundModel, open_: Opened) -> Iterator[Block]:
    symbols = ModelSymbols(model, Collector())
    evaluator = Evaluator(symbols, Context(effects=False, opened=open_))
    start = 0
    for name, symbol in model.compartments.items():
        node, space = initial_node(model.declared.initials[name], symbol, evaluator)
        size = int(np.prod(symbol.variable.shape[:-1], dtype=np.int64))
        yield Block(name, symbol.variable, start, start + size, node, space.axes)
        start += size


def _flow(flow: FlowValue, ends: FlowEnds, start: Mapping[str, int]) -> Flow:
    origin, target = (
        None if end is None else start[end.compartment] + end.points
        for end in (ends.origin, ends.target)
    )
    return Flow(flow.symbol.statement.name.name, flow, flow.node, flow.axes, origin, target)


def _labels(block: Block) -> Iterator[str]:
    sets = block.variable.sets[:-1]
    for place in np.ndindex(*(len(s) for s in sets)):
        labels = (x for s, k in zip(sets, place, strict=True) for x in s.label(k))
        yield named(block.name, [label_text(x) for x in labels])


def _parts(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        stack.extend(children(here))
