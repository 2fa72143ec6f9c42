"""Expressions as short plain text, for the labels of a picture."""

from __future__ import annotations

import re

from allocc.dsl import tree

# fmt: off
_NAMES = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
)
# fmt: on
#: Names that are shown as Greek letters.
GREEK = dict(zip(_NAMES, "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True))

_ADD, _MULTIPLY, _SIGN, _ATOM = range(4)


def plain(node: tree.Expression) -> str | None:
    """The expression without its indices, as `β S I / population`; None where that says too little."""
    try:
        return _text(node, _ADD)
    except ValueError:
        return None


def name(text: str) -> str:
    """A name with Greek letters."""
    return GREEK.get(text, text)


def _text(node: tree.Expression, least: int) -> str:
    text, level = _pair(node)
    return text if level >= least else f"({text})"


def _pair(node: tree.Expression) -> tuple[str, int]:
    match node:
        case tree.Number():
            return node.written, _ATOM
        case tree.Name():
            return name(node.name), _ATOM
        case tree.Field():
            return f"{node.table.name}.{node.column.name}", _ATOM
        case tree.Subscript():
            return _pair(node.base)
        case tree.Unary(operator="-"):
            return f"−{_text(node.operand, _SIGN)}", _SIGN
        case tree.Binary(operator="*"):
            left = _text(node.left, _MULTIPLY)
            right = _text(node.right, _MULTIPLY if isinstance(node.right, tree.Call) else _SIGN)
            gap = " · " if re.match(r"\d", right) else " "
            return f"{left}{gap}{right}", _MULTIPLY
        case tree.Binary(operator="/"):
            return f"{_text(node.left, _MULTIPLY)} / {_text(node.right, _ATOM)}", _MULTIPLY
        case tree.Binary(operator="+" | "-"):
            sign = "+" if node.operator == "+" else "−"
            left, right = _text(node.left, _ADD), _text(node.right, _MULTIPLY)
            return f"{left} {sign} {right}", _ADD
        case tree.Binary(operator="^"):
            return f"{_text(node.left, _ATOM)}^{_text(node.right, _ATOM)}", _ATOM
        case tree.Call(function=tree.Identifier(name="sum"), body=body) if body is not None:
            return f"Σ {_text(body, _MULTIPLY)}", _MULTIPLY
    raise ValueError(type(node).__name__)
