"""Precedence, associativity, and the two meanings of `else` (language reference, §4.1 and §4.6)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.dsl import Source, parse, tree
from allocc.dsl.tree import (
    Binary,
    Comparison,
    Conditional,
    Fallback,
    Name,
    Number,
    Subscript,
    Unary,
)


def value(text: str) -> tree.Expression:
    (statement,) = parse(Source("model.alloc", f"let x = {text}")).statements
    assert isinstance(statement, tree.Let)
    return statement.value


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b / c", "(a / b) / c"),
        ("a ^ b ^ c", "a ^ (b ^ c)"),
        ("-a ^ b", "-(a ^ b)"),
        ("a ^ -b ^ c", "a ^ (-(b ^ c))"),
        ("-a * b", "(-a) * b"),
        ("a * -b", "a * (-b)"),
        ("not a and b or c", "((not a) and b) or c"),
        ("not a <= b", "not (a <= b)"),
        ("a + b <= c - d", "(a + b) <= (c - d)"),
        ("a[t-1] else 0 + b", "(a[t-1] else 0) + b"),
        ("b * a[t-1] else -c ^ 2", "b * ((a[t-1] else -c) ^ 2)"),
        ("a[1] else b[2] else 0", "a[1] else (b[2] else 0)"),
        ("if c then x[i] else 0", "if c then (x[i]) else 0"),
        ("a.b else 0 + c", "(a.b else 0) + c"),
        ("if c then a.b else 0", "if c then (a.b) else 0"),
        ("if c then x else a.b else 0", "if c then x else (a.b else 0)"),
        ("if c then x[i] else y[i] else 0", "if c then (x[i]) else (y[i] else 0)"),
        (
            "if a then if b then x[1] else y[2] else z",
            "if a then (if b then x[1] else y[2]) else z",
        ),
        ("if x[1] else 0 > 2 then 3 else 4", "if ((x[1] else 0) > 2) then 3 else 4"),
        ("if a then f(x[1] else 0) else 4", "if a then (f((x[1] else 0))) else 4"),
        ("if a then 1 + x[1] else 0 + b", "if a then (1 + x[1]) else (0 + b)"),
        ("if a then b else if c then d else e", "if a then b else (if c then d else e)"),
    ],
)
def test_binding(text: str, same: str) -> None:
    assert value(text) == value(same)


def test_fallback_and_chain_nodes() -> None:
    lag = Subscript(Name("x"), (Binary("-", Name("t"), Number(3.0, "3")),))
    assert value("x[t-3] else 0") == Fallback(lag, Number(0.0, "0"))
    assert value("a <= b < c") == Comparison((Name("a"), Name("b"), Name("c")), ("<=", "<"))
    table = tree.Field(tree.Identifier("params"), tree.Identifier("value"))
    assert value('params.value["delta"]') == Subscript(table, (tree.Text("delta"),))


def test_calls() -> None:
    call = value("sum(c in County, t if c > 0: x[c, t])")
    assert isinstance(call, tree.Call) and call.index is not None
    assert call.arguments == () and call.body is not None
    assert [len(b.names) for b in call.index.binders] == [1, 0]
    pair = value("sum((r, q) in Link: w[r, q])")
    assert isinstance(pair, tree.Call) and pair.index is not None
    assert [n.name for n in pair.index.binders[0].names] == ["r", "q"]
    plain = value("f(a, c in County)")
    assert isinstance(plain, tree.Call)
    assert len(plain.arguments) == 2 and plain.index is None and plain.body is None
    empty = value("f()")
    assert isinstance(empty, tree.Call) and empty.arguments == ()
    over = value("sum(k in 1 .. 3: k)")
    assert isinstance(over, tree.Call) and over.index is not None
    assert isinstance(over.index.binders[0].set_expression, tree.Range)


@pytest.mark.parametrize(
    ("written", "number"),
    [("1e3", 1e3), ("2.5E-1", 0.25), ("10_000", 1e4), ("5%", 0.05), ("07", 7)],
)
def test_numbers(written: str, number: float) -> None:
    assert value(written) == Number(number, written)


def test_parentheses_belong_to_the_span() -> None:
    product = value("(a + b) * c")
    assert isinstance(product, Binary)
    assert product.span.text == "(a + b) * c" and product.left.span.text == "(a + b)"


_NAMES = st.sampled_from(["a", "b", "step", "penalty", "x1"]).map(Name)
_NUMBERS = st.sampled_from(["0", "1.5", "2e3", "7%"]).map(
    lambda w: Number(float(w.rstrip("%")) / (100 if w[-1] == "%" else 1), w)
)


def _larger(inner: st.SearchStrategy[tree.Expression]) -> st.SearchStrategy[tree.Expression]:
    arithmetic = st.sampled_from(["+", "-", "*", "/", "^", "and", "or"])
    relations = st.lists(
        st.sampled_from(["<=", ">=", "==", "!=", "<", ">"]), min_size=1, max_size=2
    )
    subscripts = st.builds(
        lambda base, indices: Subscript(base, tuple(indices)),
        _NAMES,
        st.lists(inner, min_size=1, max_size=2),
    )
    return st.one_of(
        st.builds(Binary, arithmetic, inner, inner),
        st.builds(Unary, st.sampled_from(["-", "+", "not"]), inner),
        relations.flatmap(
            lambda signs: st.lists(inner, min_size=len(signs) + 1, max_size=len(signs) + 1).map(
                lambda sides: Comparison(tuple(sides), tuple(signs))
            )
        ),
        st.builds(Conditional, inner, inner, inner),
        subscripts,
        st.builds(Fallback, subscripts, inner),
        st.lists(inner, max_size=3).map(lambda a: tree.Call(tree.Identifier("f"), tuple(a))),
    )


_EXPRESSIONS = st.recursive(_NAMES | _NUMBERS, _larger, max_leaves=12)


def show(node: tree.Expression) -> str:
    """The expression with parentheses around every operand."""
    match node:
        case Name():
            return node.name
        case Number():
            return node.written
        case Binary():
            return f"({show(node.left)}) {node.operator} ({show(node.right)})"
        case Unary():
            return f"{node.operator} ({show(node.operand)})"
        case Comparison():
            rest = zip(node.operators, node.operands[1:], strict=True)
            return f"({show(node.operands[0])})" + "".join(f" {o} ({show(x)})" for o, x in rest)
        case Conditional():
            parts = (node.condition, node.then, node.otherwise)
            return "if ({}) then ({}) else ({})".format(*map(show, parts))
        case Subscript():
            return f"{show(node.base)}[{', '.join(map(show, node.indices))}]"
        case Fallback():
            return f"{show(node.subscript)} else ({show(node.otherwise)})"
        case tree.Call():
            return f"{node.function.name}({', '.join(map(show, node.arguments))})"
    raise AssertionError(node)


@settings(max_examples=300, deadline=None)
@given(_EXPRESSIONS)
def test_fully_parenthesised_text_gives_the_same_tree(node: tree.Expression) -> None:
    assert value(show(node)) == node


_LEVELS = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6, "^": 8}


def bare(node: tree.Expression) -> tuple[str, int]:
    """The expression with no more parentheses than its operators need, and its level."""
    if isinstance(node, Binary):
        level = _LEVELS[node.operator]
        left, right = (level + 1, level) if node.operator == "^" else (level, level + 1)
        if node.operator == "^" and isinstance(node.right, Unary) and node.right.operator != "not":
            right = 0 if isinstance(node.right.operand, Name | Number) else 8
        return f"{at_least(node.left, left)} {node.operator} {at_least(node.right, right)}", level
    if isinstance(node, Unary):
        level = 3 if node.operator == "not" else 7
        return f"{node.operator} {at_least(node.operand, level)}", level
    if isinstance(node, Comparison):
        sides = [at_least(x, 5) for x in node.operands]
        rest = zip(node.operators, sides[1:], strict=True)
        return sides[0] + "".join(f" {o} {x}" for o, x in rest), 4
    if isinstance(node, Name | Number):
        return show(node), 9
    return f"({show(node)})", 9


def at_least(node: tree.Expression, level: int) -> str:
    text, own = bare(node)
    return text if own >= level else f"({text})"


@settings(max_examples=300, deadline=None)
@given(_EXPRESSIONS)
def test_sparing_parentheses_gives_the_same_tree(node: tree.Expression) -> None:
    assert value(bare(node)[0]) == node
