"""Units as they are written."""

from __future__ import annotations

from allocc.dsl import tree


def text(unit: tree.Unit | None) -> str:
    """A unit as a user writes it, or an empty string."""
    match unit:
        case None:
            return ""
        case tree.UnitName(name=name):
            return name
        case tree.UnitPower(base=base, exponent=exponent):
            inner = text(base)
            return (
                f"({inner})^{exponent}"
                if isinstance(base, tree.UnitProduct)
                else f"{inner}^{exponent}"
            )
        case tree.UnitProduct(operator=operator, left=left, right=right):
            right_text = text(right)
            if isinstance(right, tree.UnitProduct):
                right_text = f"({right_text})"
            return (
                f"{text(left)} {operator} {right_text}"
                if operator == "*"
                else f"{text(left)}/{right_text}"
            )
