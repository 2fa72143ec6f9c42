"""Units as they are written."""

from __future__ import annotations

from allocc.dsl import tree

#: The word that stands for the unit of the model's time.
OF_TIME = "time_unit"


def shown(unit: tree.Unit | None, of_time: tree.Unit | None = None) -> str:
    """A unit as reports show it; empty for a pure number. `of_time` is the unit of the time."""
    found = text(unit, of_time)
    return "" if found == "1" else found


def text(unit: tree.Unit | None, of_time: tree.Unit | None = None) -> str:
    """A unit as a user writes it, or an empty string."""
    match unit:
        case None:
            return ""
        case tree.UnitName(name=name):
            return text(of_time) if name == OF_TIME and of_time is not None else name
        case tree.UnitPower(base=base, exponent=exponent):
            inner = text(base, of_time)
            return (
                f"({inner})^{exponent}"
                if isinstance(base, tree.UnitProduct)
                else f"{inner}^{exponent}"
            )
        case tree.UnitProduct(operator=operator, left=left, right=right):
            right_text = text(right, of_time)
            if isinstance(right, tree.UnitProduct):
                right_text = f"({right_text})"
            return (
                f"{text(left, of_time)} {operator} {right_text}"
                if operator == "*"
                else f"{text(left, of_time)}/{right_text}"
            )
