"""Logic on decisions: `or`, `and`, `not`, `implies` of comparisons, as inequalities that are exact.

A relation becomes alternatives, each a list of amounts of which none may be above zero:

    a <= b              holds where  a - b <= 0
    A or B              the alternatives of A and those of B
    A and B             each alternative of A together with each of B
    A implies B, B if A the same as  not A or B

and the relation holds where  min over alternatives of (max over its amounts) <= 0.  Minima and maxima have
their exact form already, with a binary where one is needed and with ranges that are proven.

What is turned round must have an edge of its own: not (a > b) is a <= b; but not (a >= b) is a < b, which is
a <= b - 1 only where both sides are whole numbers. So is the truth of a comparison a number then, 0 or 1:

    [a >= b] = min(1, max(0, a - b + 1)).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import (
    Add,
    Apply,
    Data,
    Extreme,
    Multiply,
    Node,
    Power,
    Reduce,
    Reference,
    add,
    constant,
    extreme,
    negate,
)
from allocc.compiler.evaluating.operands import Operands
from allocc.compiler.scoping.scope import Scope
from allocc.dsl import tree

#: Amounts of which none may be above zero.
Alternative = tuple[Node, ...]


class NoEdge(failures.Failed):
    """A strict comparison of numbers that need not be whole."""


_TURNED: dict[str, Any] = {"<=": ">", ">=": "<", "<": ">=", ">": "<=", "==": "!=", "!=": "=="}


def is_logic(e: tree.Expression) -> bool:
    """Whether an expression puts conditions together, and is no single comparison."""
    match e:
        case tree.Binary(operator="and" | "or" | "implies") | tree.Unary(operator="not"):
            return True
        case tree.Comparison(operators=operators):
            return any(op in ("<", ">", "!=") for op in operators)
        case _:
            return False


def operands(e: tree.Expression) -> list[tree.Expression]:
    """The sides of all comparisons that a relation is put together of; counts are left out."""
    match e:
        case tree.Binary(operator="and" | "or" | "implies", left=left, right=right):
            return [*operands(left), *operands(right)]
        case tree.Unary(operator="not", operand=operand):
            return operands(operand)
        case tree.Comparison(operands=sides):
            return [s for s in sides if not isinstance(s, tree.Call)]
        case _:
            return []


def alternatives(
    e: tree.Expression, scope: Scope, evaluator: Operands, turned: bool = False
) -> list[Alternative]:
    """The alternatives of a relation, or of its opposite where it is `turned` round.

    Raises `errors.Failed` for what is no condition, and for a side that has no edge of its own.
    """
    match e:
        case tree.Unary(operator="not", operand=operand):
            return alternatives(operand, scope, evaluator, not turned)
        case tree.Binary(operator="implies", left=left, right=right):
            first = alternatives(left, scope, evaluator, not turned)
            return _joined(first, alternatives(right, scope, evaluator, turned), either=not turned)
        case tree.Binary(operator="and" | "or", left=left, right=right):
            first = alternatives(left, scope, evaluator, turned)
            second = alternatives(right, scope, evaluator, turned)
            return _joined(first, second, either=(e.operator == "or") != turned)
        case tree.Comparison():
            return _comparison(e, scope, evaluator, turned)
        case _:
            found = evaluator.condition(e, scope)
            return [(_known(found, turned),)]


def shortfall(found: list[Alternative]) -> Node:
    """What is at most zero exactly where one of the alternatives holds."""
    parts = [extreme("max", list(a)) for a in found]
    return extreme("min", parts)


def truth(e: tree.Expression, scope: Scope, evaluator: Operands, turned: bool = False) -> Node:
    """1 where a condition holds and 0 where it does not; its sides are whole numbers.

    Raises `errors.Failed` where they are not.
    """
    match e:
        case tree.Unary(operator="not", operand=operand):
            return truth(operand, scope, evaluator, not turned)
        case tree.Binary(operator="and" | "or" | "implies", left=left, right=right):
            either = (e.operator != "and") != turned
            first = truth(left, scope, evaluator, turned != (e.operator == "implies"))
            return extreme(
                "max" if either else "min", [first, truth(right, scope, evaluator, turned)]
            )
        case tree.Comparison():
            parts: list[Node] = []
            for single in _singles(e):
                sides = _sides(single, scope, evaluator)
                if sides is None:
                    parts.append(_known(evaluator.condition(single, scope), not turned))
                else:
                    parts.append(_truth(*sides, _operator(single, turned), e))
            return extreme("max" if turned else "min", parts)
        case _:
            return _known(evaluator.condition(e, scope), not turned)


def _singles(e: tree.Comparison) -> list[tree.Comparison]:
    """The comparisons of a chain, one by one."""
    return [
        tree.Comparison(e.operands[k : k + 2], (op,), e.span) for k, op in enumerate(e.operators)
    ]


def _operator(single: tree.Comparison, turned: bool) -> str:
    (operator,) = single.operators
    return str(_TURNED[operator]) if turned else operator


def _sides(single: tree.Comparison, scope: Scope, evaluator: Operands) -> tuple[Node, Node] | None:
    """Both sides of a comparison of which a decision is a part; None for one of data."""
    if single.operators[0] in ("in", "not in"):
        return None
    left, right = single.operands
    if all(isinstance(evaluator.node(e, scope), Data) for e in (left, right)):
        return None
    return evaluator.number(left, scope), evaluator.number(right, scope)


def _comparison(
    e: tree.Comparison, scope: Scope, evaluator: Operands, turned: bool
) -> list[Alternative]:
    found: list[Alternative] | None = None
    for single in _singles(e):
        sides = _sides(single, scope, evaluator)
        if sides is None:
            part: list[Alternative] = [(_known(evaluator.condition(single, scope), turned),)]
        else:
            part = _one(*sides, _operator(single, turned), e, turned)
        found = part if found is None else _joined(found, part, either=turned)
    assert found is not None
    return found


def _one(
    left: Node, right: Node, operator: str, e: tree.Comparison, turned: bool
) -> list[Alternative]:
    off = add(left, negate(right), e.span)
    back = negate(off)
    match operator:
        case "<=":
            return [(off,)]
        case ">=":
            return [(back,)]
        case "==":
            return [(off, back)]
    if not (is_whole(left) and is_whole(right)):
        raise NoEdge(algebra_errors.no_edge(e.span, turned))
    one = constant(1.0)
    match operator:
        case "<":
            return [(add(off, one),)]
        case ">":
            return [(add(back, one),)]
        case _:
            return [(add(off, one),), (add(back, one),)]


def _truth(left: Node, right: Node, operator: str, e: tree.Comparison) -> Node:
    """The truth of a comparison of whole numbers."""
    if not (is_whole(left) and is_whole(right)):
        raise failures.Failed(algebra_errors.no_truth(e.span))
    off = add(left, negate(right), e.span)
    back = negate(off)
    one, zero = constant(1.0), constant(0.0)

    def within(node: Node) -> Node:
        return node if _is_share(node) else extreme("min", [one, extreme("max", [zero, node])])

    match operator:
        case "<=":
            return within(add(back, one))
        case ">=":
            return within(add(off, one))
        case "<":
            return within(back)
        case ">":
            return within(off)
    apart = extreme("min", [one, extreme("max", [off, back])])
    return apart if operator == "!=" else add(one, negate(apart))


def _is_share(node: Node) -> bool:
    """Whether a node is a decision of 0 and 1 as it stands."""
    if not isinstance(node, Reference) or node.variable.kind != "decision":
        return False
    low, high = node.variable.ends
    return bool((low >= 0).all() and (high <= 1).all())


def is_whole(node: Node) -> bool:
    """Whether a node is a whole number whatever is decided."""
    match node:
        case Data(values=values):
            return bool((np.asarray(values, dtype=float) % 1 == 0).all())
        case Reference(variable=variable):
            if variable.value is not None:
                return is_whole(variable.value)
            return variable.kind == "decision" and variable.integer
        case Add(parts=parts) | Extreme(parts=parts):
            return all(map(is_whole, parts))
        case Multiply(left=left, right=right):
            return is_whole(left) and is_whole(right)
        case Reduce(body=body):
            return is_whole(body)
        case Apply(function="abs", argument=argument):
            return is_whole(argument)
        case Power(base=base, exponent=exponent):
            return exponent >= 0 and exponent % 1 == 0 and is_whole(base)
        case _:
            return False


def _known(condition: Data, turned: bool) -> Data:
    """A condition on data as a number: 0 where it holds and 1 where it does not; `turned`, the other way."""
    broken = condition.values.astype(bool) == turned
    return Data(condition.axes, broken.astype(float), condition.span)


def _joined(first: list[Alternative], second: list[Alternative], either: bool) -> list[Alternative]:
    if either:
        return [*first, *second]
    return [(*a, *b) for a in first for b in second]
