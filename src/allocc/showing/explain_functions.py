"""Which shape a declared function has where it is used, and whether it needs binaries there.

The shape follows from how the function is put together, by the rules of disciplined convex
programming (Grant, Boyd and Ye 2006): sums keep a shape, a largest value of convex parts is convex,
and so on. A limit on a ratio alone is multiplied out, and costs what its two parts do. A function that is convex for another reason is not seen to be; it then costs what its
form costs, which is what is said here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from allocc.compiler.algebra.expression import (
    Add,
    Apply,
    Data,
    Divide,
    Extreme,
    Multiply,
    Node,
    Power,
    Reduce,
    Reference,
)
from allocc.compiler.functions import BY_KIND, WORDS, function
from allocc.compiler.functions.record import ScalarFunction
from allocc.compiler.lowering.lower import ratio_limit
from allocc.compiler.programs.program import find_block
from allocc.dsl import tree
from allocc.dsl.words import TOTAL

if TYPE_CHECKING:
    from allocc.engine.stages import Stages

#: 1 where only large values hurt, -1 where only small ones do, 0 where both do.
Direction = int


@dataclass(frozen=True, slots=True)
class FunctionUse:
    """A call of a declared function in one statement."""

    call: str
    statement: str
    shape: str
    direction: Direction
    binaries: bool
    relaxed: bool

    @property
    def cost(self) -> str:
        """What this use costs, in words."""
        parts = ["binaries" if self.binaries else "no binaries"]
        if self.relaxed:
            parts.append("curves or ratios are relaxed and refined")
        return ", ".join(parts)

    @property
    def kept(self) -> str:
        """How the statement uses the value."""
        return {1: "kept small", -1: "kept large", 0: "held from both sides"}[self.direction]


def function_uses(model: Stages) -> list[FunctionUse]:
    """Every call of a declared function in a limit, a preference or the objective."""
    expanded = model.problem.calls
    cleared = _multiplied_out(model)
    found: dict[FunctionUse, None] = {}
    for statement, call, direction in _calls(model):
        node = expanded.get(call.span)
        if node is None or isinstance(node, Data):
            continue
        if isinstance(node, Divide) and node.left in cleared.get(statement, ()):
            cost = _cost(node.left, direction) | _cost(node.right, 0)
        else:
            cost = _cost(node, direction)
        text = " ".join(call.span.text.split())
        found[FunctionUse(text, statement, shape(node), direction, cost.binaries, cost.relaxed)] = (
            None
        )
    return list(found)


def _multiplied_out(model: Stages) -> dict[str, list[Node]]:
    """The tops of the ratios that limits are multiplied out with, by statement."""
    p = model.lowered.program
    left = {find_block(p.column_blocks, int(j)).span for j in np.unique(p.products.bottoms)}
    found: dict[str, list[Node]] = {}
    for c in model.problem.constraints:
        limit = ratio_limit(c, model.problem)
        if limit is None:
            continue
        bottom = limit.bottom
        places = {
            bottom.span,
            bottom.variable.span if isinstance(bottom, Reference) else bottom.span,
        }
        if not places & left:
            found.setdefault(f"limit {c.name}", []).append(limit.top)
    return found


# --- shapes --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cost:
    binaries: bool = False
    relaxed: bool = False
    # Whether a side is written that is not convex.
    bent: bool = False

    def __or__(self, other: _Cost) -> _Cost:
        return _Cost(
            self.binaries or other.binaries, self.relaxed or other.relaxed, self.bent or other.bent
        )


def shape(node: Node) -> str:
    """`linear`, `convex` or `concave`, or what is known instead."""
    convex, concave = not _cost(node, 1).bent, not _cost(node, -1).bent
    if convex and concave:
        return "linear"
    return "convex" if convex else "concave" if concave else "neither convex nor concave as written"


def _cost(node: Node, direction: Direction) -> _Cost:
    match node:
        case Data():
            return _Cost()
        case Reference(variable=variable):
            return _Cost() if variable.value is None else _cost(variable.value, direction)
        case Add(parts=parts):
            return _all(parts, direction)
        case Multiply(left=Data(values=values), right=right):
            sign = 1 if (values >= 0).all() else -1 if (values <= 0).all() else 0
            return _cost(right, sign * direction)
        case Multiply(left=left, right=right) | Divide(left=left, right=right):
            return _Cost(relaxed=True, bent=True) | _all((left, right), 0)
        case Reduce(operation="sum", body=body):
            return _cost(body, direction)
        case Extreme(sense=sense, parts=parts):
            return _extreme(sense, parts, direction)
        case Reduce(operation=operation, body=body):
            return _extreme("max" if operation == "max" else "min", (body,), direction)
        case Apply(function=kind, argument=argument):
            return _curve(function(kind), argument, direction)
        case Power(base=base, exponent=exponent):
            return _curve(function("power", exponent), base, direction)


def _curve(f: ScalarFunction, argument: Node, direction: Direction) -> _Cost:
    bent = direction != f.convexity or direction == 0
    own = _Cost(relaxed=True, bent=bent) if f.smooth else _Cost(binaries=bent, bent=bent)
    return own | _cost(argument, direction * f.monotone)


def _all(parts: tuple[Node, ...], direction: Direction) -> _Cost:
    total = _Cost()
    for part in parts:
        total = total | _cost(part, direction)
    return total


def _extreme(sense: str, parts: tuple[Node, ...], direction: Direction) -> _Cost:
    good = direction == (1 if sense == "max" else -1)
    own = _Cost() if good else _Cost(binaries=True, bent=True)
    # Where a binary picks the part that is reached, every part is held from both sides.
    return own | _all(parts, direction if good else 0)


# --- where calls stand ---------------------------------------------------------------------------


def _calls(model: Stages) -> Iterator[tuple[str, tree.Call, Direction]]:
    """Calls of declared functions with their statement and the direction they are used in."""
    bound = model.bound
    known = _Known(
        {name: symbol.statement.value for name, symbol in bound.lets.items()},
        {
            name: 1 if (values >= 0).all() else -1 if (values <= 0).all() else 0
            for name, values in (
                *((name, symbol.values) for name, symbol in bound.parameters.items()),
                *((name, symbol.values) for name, symbol in bound.lets.items()),
            )
            if values is not None and values.dtype.kind in "fib"
        },
    )
    for limit in [*bound.limits, *(x for c in bound.chances for x in c.limits)]:
        for side, direction in _sides(limit.relation):
            yield from _walk(f"limit {limit.name.name}", side, direction, known)
    for prefer in bound.prefers:
        for side, direction in _sides(prefer.relation):
            yield from _walk(f"prefer {prefer.name.name}", side, direction, known)
    if bound.objective is not None:
        sign = 1 if bound.objective.sense == "minimize" else -1
        for term in bound.objective.terms:
            yield from _walk(f"term {term.name.name} of the objective", term.value, sign, known)


@dataclass(frozen=True)
class _Known:
    """Values of `let` by name, and the signs of data."""

    lets: dict[str, tree.Expression]
    signs: dict[str, int]


def _sides(relation: tree.Expression) -> Iterator[tuple[tree.Expression, Direction]]:
    if not isinstance(relation, tree.Comparison):
        return
    for k, operator in enumerate(relation.operators):
        sign = {"<=": 1, ">=": -1}.get(operator, 0)
        yield relation.operands[k], sign
        yield relation.operands[k + 1], -sign


def _walk(
    statement: str, whole: tree.Expression, direction: Direction, known: _Known
) -> Iterator[tuple[str, tree.Call, Direction]]:
    """Each call below an expression, in reading order, and which way it is pushed there.

    Definitions may build on each other in long chains and be used many times: each is entered once
    for each direction, and without recursion.
    """
    entered: set[tuple[str, int]] = set()
    waiting: list[tuple[object, Direction]] = [(whole, direction)]
    while waiting:
        e, pushed = waiting.pop()
        if isinstance(e, tree.Call) and e.function.name not in _TRANSPARENT:
            yield statement, e, pushed
        name = _let_name(e, known)
        if name is not None:
            if (name, pushed) not in entered:
                entered.add((name, pushed))
                waiting.append((known.lets[name], pushed))
            continue
        waiting.extend((part, sign * pushed) for part, sign in reversed(_parts(e, known)))


#: Built-in functions that are no use of a function of their own.
_TRANSPARENT = ("sum", "mean", "min", "max", *WORDS)


def _let_name(e: object, known: _Known) -> str | None:
    """The `let` that an expression means."""
    match e:
        case tree.Name(name=name) | tree.Subscript(base=tree.Name(name=name)):
            return name if name in known.lets else None
        case _:
            return None


def _parts(e: object, known: _Known) -> list[tuple[object, int]]:
    """What an expression is made of, and how it grows with each part: 1, -1, or 0 for either."""
    match e:
        case tree.Call(function=function, arguments=arguments, body=body):
            if function.name in ("sum", "mean", "min", "max", TOTAL):
                return [(part, 1) for part in (*arguments, body) if part is not None]
            grows = BY_KIND[function.name].monotone if function.name in WORDS else 0
            return [(part, grows) for part in arguments]
        case tree.Binary(operator="+" | "-" as operator, left=left, right=right):
            return [(left, 1), (right, 1 if operator == "+" else -1)]
        case tree.Binary(operator="*", left=left, right=right):
            return [(left, _sign(right, known.signs)), (right, _sign(left, known.signs))]
        case tree.Binary(operator="/", left=left, right=right):
            return [(left, _sign(right, known.signs)), (right, 0)]
        case tree.Unary(operator="-" | "+" as operator, operand=operand):
            return [(operand, 1 if operator == "+" else -1)]
        case tree.Conditional(then=then, otherwise=otherwise):
            return [(then, 1), (otherwise, 1)]
        case tree.Binary(left=left, right=right):
            return [(left, 0), (right, 0)]
        case _:
            return []


def _sign(e: tree.Expression, signs: dict[str, int]) -> int:
    """The sign of a factor that is a number or data; 0, for either, where it is not plain."""
    match e:
        case tree.Number(value=value):
            return 1 if value >= 0 else -1
        case tree.Name(name=name) | tree.Subscript(base=tree.Name(name=name)):
            return signs.get(name, 0)
        case tree.Unary(operator="-", operand=operand):
            return -_sign(operand, signs)
        case tree.Binary(operator="*" | "/", left=left, right=right):
            return _sign(left, signs) * _sign(right, signs)
        case _:
            return 0
