"""The algebra of blocks: expressions over whole index spaces.

A node stands for one number at every point of its free `axes`. There are few nodes in a model (a
handful for each statement), whatever the size of its index sets. Data are folded as they are met:
a node other than `Data` always depends on a variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from allocc.compiler.algebra.index import (
    Axis,
    Coordinate,
    IndexSet,
    join_axes,
    refuse_large,
    spread,
)
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.origin import Origin
from allocc.dsl.tree import Span

VariableKind = Literal["decision", "state", "definition", "excess", "parameter"]


#: The lower and the upper end of every unknown of a block, in its shape.
Ends = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class Variable:
    """A block of unknowns over the product of `sets`; compared by identity.

    A definition has `axes` (one for each set) and `value`, an expression over them. `lower` and
    `upper` have the shape of the block; a problem may ask for others (`Problem.ends`).
    """

    name: str
    kind: VariableKind
    sets: tuple[IndexSet, ...]
    unit: str = ""
    description: str = ""
    origin: Origin | None = None
    integer: bool = False
    lower: FloatArray | None = None
    upper: FloatArray | None = None
    axes: tuple[Axis, ...] = ()
    value: Node | None = None
    time_axis: int | None = None

    @property
    def span(self) -> Span | None:
        """The place of the statement that it comes from."""
        return None if self.origin is None else self.origin.span

    @property
    def statement(self) -> str:
        """The statement that it comes from, as `limit viable`; empty where it comes from none."""
        return "" if self.origin is None else str(self.origin)

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of each dimension."""
        return tuple(len(s) for s in self.sets)

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def ends(self) -> Ends:
        """The lower and the upper end that a decision or a compartment is declared with."""
        assert self.lower is not None
        assert self.upper is not None
        return self.lower, self.upper

    def labels(self, k: int) -> tuple[Any, ...]:
        """Index labels of the k-th unknown."""
        if not self.sets:
            return ()
        where = np.unravel_index(k, self.shape)
        return tuple(x for s, i in zip(self.sets, where, strict=True) for x in s.label(int(i)))


@dataclass(frozen=True, eq=False)
class Data:
    """Numbers (or truth values, or words) over `axes`."""

    axes: tuple[Axis, ...]
    values: NDArray[Any]
    span: Span | None = None


@dataclass(frozen=True, eq=False)
class Reference:
    """A variable at coordinates, one for each of its sets; no coordinate lies outside."""

    variable: Variable
    coordinates: tuple[Coordinate, ...]
    axes: tuple[Axis, ...]
    span: Span | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for references to the same unknowns at the same places."""
        return (id(self.variable), *(c.key for c in self.coordinates))

    def positions(self) -> IntArray:
        """Flat positions within the variable's block, broadcastable over `axes`."""
        flat = np.zeros((1,) * len(self.axes), dtype=np.int64)
        for size, c in zip(self.variable.shape, self.coordinates, strict=True):
            flat = flat * size + spread(c.positions, c.axes, self.axes)
        return flat


@dataclass(frozen=True, eq=False)
class Add:
    """Sum of its parts."""

    parts: tuple[Node, ...]
    axes: tuple[Axis, ...]
    span: Span | None = None


@dataclass(frozen=True, eq=False)
class Multiply:
    """Product of two nodes; one of them may be `Data`."""

    left: Node
    right: Node
    axes: tuple[Axis, ...]
    span: Span | None = None


@dataclass(frozen=True, eq=False)
class Divide:
    """Quotient whose denominator depends on a variable."""

    left: Node
    right: Node
    axes: tuple[Axis, ...]
    span: Span | None = None


@dataclass(frozen=True, eq=False)
class Power:
    """A node raised to a constant."""

    base: Node
    exponent: float
    axes: tuple[Axis, ...]
    span: Span | None = None


@dataclass(frozen=True, eq=False)
class Apply:
    """A function of one argument, by its kind (see `functions`)."""

    function: str
    argument: Node
    axes: tuple[Axis, ...]
    span: Span | None = None


@dataclass(frozen=True, eq=False)
class Extreme:
    """The largest or smallest of its parts, point by point."""

    sense: Literal["min", "max"]
    parts: tuple[Node, ...]
    axes: tuple[Axis, ...]
    span: Span | None = None


@dataclass(frozen=True, eq=False)
class Reduce:
    """Sum, min or max over `over`. With `scatter`, `over` is a single axis of pairs.

    `scatter` maps outer axes to positions along the pair axis: the entry belongs to that point.
    """

    operation: Literal["sum", "min", "max"]
    body: Node
    over: tuple[Axis, ...]
    axes: tuple[Axis, ...]
    scatter: Mapping[Axis, IntArray] = field(default_factory=dict)
    span: Span | None = None


#: An expression that is written out in full has at most this many nodes.
MOST_NODES = 20_000

Node = Data | Reference | Add | Multiply | Divide | Power | Apply | Extreme | Reduce


def constant(value: float, span: Span | None = None) -> Data:
    """A number without axes."""
    return Data((), np.asarray(float(value)), span)


def is_zero(node: Node) -> bool:
    """Whether a node is the number zero everywhere."""
    return isinstance(node, Data) and node.values.dtype.kind in "fib" and not node.values.any()


def data_binary(ufunc: Any, a: Data, b: Data, span: Span | None = None) -> Data:
    """Apply a NumPy binary function to two data nodes over their joined axes."""
    axes = join_axes(a.axes, b.axes)
    refuse_large(axes, span)
    values = ufunc(spread(a.values, a.axes, axes), spread(b.values, b.axes, axes))
    return Data(axes, np.asarray(values), span)


def add(a: Node, b: Node, span: Span | None = None) -> Node:
    """a + b, folded for data and flattened for sums."""
    if isinstance(a, Data) and isinstance(b, Data):
        return data_binary(np.add, a, b, span)
    if is_zero(a) and set(a.axes) <= set(b.axes):
        return b
    if is_zero(b) and set(b.axes) <= set(a.axes):
        return a
    if a is b:
        return multiply(constant(2.0), a, span)
    if isinstance(a, Add) and isinstance(b, Data):
        last = a.parts[-1]
        if isinstance(last, Data) and last.axes == b.axes:
            return Add((*a.parts[:-1], data_binary(np.add, last, b)), a.axes, span)
    parts = (*(a.parts if isinstance(a, Add) else (a,)), *(b.parts if isinstance(b, Add) else (b,)))
    return Add(parts, join_axes(a.axes, b.axes), span)


def multiply(a: Node, b: Node, span: Span | None = None) -> Node:
    """a * b, folded for data."""
    if isinstance(a, Data) and isinstance(b, Data):
        return data_binary(np.multiply, a, b, span)
    if isinstance(b, Data):
        a, b = b, a
    axes = join_axes(a.axes, b.axes)
    if isinstance(a, Data):
        if not a.axes and float(a.values) == 1.0:
            return b
        if isinstance(b, Multiply) and isinstance(b.left, Data):
            return Multiply(data_binary(np.multiply, a, b.left), b.right, axes, span)
        if is_zero(a):
            return Data(axes, np.zeros([x.size for x in axes]), span)
    return Multiply(a, b, axes, span)


def negate(a: Node, span: Span | None = None) -> Node:
    """-a."""
    return multiply(constant(-1.0), a, span)


def extreme(sense: Literal["min", "max"], parts: Sequence[Node], span: Span | None = None) -> Node:
    """The smallest or largest of nodes, point by point; what is data is folded into one part, the last."""
    ufunc = np.maximum if sense == "max" else np.minimum
    data = [p for p in parts if isinstance(p, Data)]
    folded: list[Node] = [reduce(lambda a, b: data_binary(ufunc, a, b, span), data)] if data else []
    every = (*(p for p in parts if not isinstance(p, Data)), *folded)
    if len(every) == 1:
        return every[0]
    return Extreme(sense, every, join_axes(*(p.axes for p in every)), span)


def is_affine(node: Node) -> bool:
    """Whether a node is affine in the variables that it mentions (definitions count as one)."""
    match node:
        case Data() | Reference():
            return True
        case Add(parts=parts):
            return all(is_affine(p) for p in parts)
        case Multiply(left=left, right=right):
            return isinstance(left, Data) and is_affine(right)
        case Reduce(operation="sum", body=body):
            return is_affine(body)
        case _:
            return False


def children(node: Node) -> tuple[Node, ...]:
    """The nodes that a node is made of."""
    match node:
        case Add(parts=parts) | Extreme(parts=parts):
            return parts
        case Multiply(left=left, right=right) | Divide(left=left, right=right):
            return (left, right)
        case Power(base=base):
            return (base,)
        case Apply(argument=argument):
            return (argument,)
        case Reduce(body=body):
            return (body,)
        case _:
            return ()


def called_from(node: Node, call: Span) -> Node:
    """A node whose parts that stand in another file than a call say that they were called there.

    What is shared stays shared.
    """
    done: dict[int, Node] = {}

    def marked(n: Node) -> Node:
        if id(n) not in done:
            changes: dict[str, Any] = {}
            if n.span is not None and n.span.source is not call.source:
                changes["span"] = replace(n.span, called=call)
            for name in ("left", "right", "base", "argument", "body"):
                part = getattr(n, name, None)
                if part is not None:
                    changes[name] = marked(part)
            if isinstance(n, Add | Extreme):
                changes["parts"] = tuple(marked(p) for p in n.parts)
            done[id(n)] = replace(n, **changes) if changes else n
        return done[id(n)]

    return marked(node)


def variables(node: Node) -> list[Variable]:
    """The variables that a node mentions, each once."""
    found: dict[Variable, None] = {}
    stack = [node]
    while stack:
        n = stack.pop()
        if isinstance(n, Reference):
            found[n.variable] = None
        stack.extend(children(n))
    return list(found)


def depends_on_states(variable: Variable) -> bool:
    """Whether a variable is a compartment, or is defined by one."""
    seen = {variable}
    stack = [variable]
    while stack:
        v = stack.pop()
        if v.kind == "state":
            return True
        more = set(variables(v.value)) - seen if v.value is not None else set()
        seen |= more
        stack.extend(more)
    return False


def weight(node: Node) -> int:
    """How many nodes an expression has when each is counted wherever it stands.

    What comes later walks over expressions as trees; here each shared node is visited once.
    """
    known: dict[int, int] = {}
    stack = [node]
    while stack:
        n = stack[-1]
        below = children(n)
        waiting = [c for c in below if id(c) not in known]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        known[id(n)] = 1 + sum(known[id(c)] for c in below)
    return known[id(node)]
