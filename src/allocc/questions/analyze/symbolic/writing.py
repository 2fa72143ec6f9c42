"""SymPy expressions as text in the order in which epidemiologists write them: `beta*S*I/N - mu*I`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from allocc.results.dynamics.analysis import Formula


def formula(expression: Any, states: Sequence[Any] = ()) -> Formula:
    """An expression as results keep it; `states` are the symbols of compartments, which come last."""
    return Formula(_Printer(states).doprint(expression), expression)


class _Printer(StrPrinter):  # type: ignore[misc]
    """Numbers, then parameters, then compartments; what is added before what is subtracted."""

    def __init__(self, states: Sequence[Any]) -> None:
        super().__init__()
        self.states = {x: k for k, x in enumerate(states)}

    def _print_Add(self, expression: Any, order: Any = None) -> str:
        terms = sorted(
            expression.args, key=lambda t: (t.could_extract_minus_sign(), self._last(t), str(t))
        )
        text = ""
        for term in terms:
            minus = term.could_extract_minus_sign()
            shown = self.parenthesize(-term if minus else term, PRECEDENCE["Add"] + minus)
            text += (
                (" - " if minus else " + ") * bool(text)
                + ("-" if minus and not text else "")
                + shown
            )
        return text

    def _print_Mul(self, expression: Any) -> str:
        if expression.could_extract_minus_sign():
            return f"-{self._print(-expression)}"
        top, bottom = sympy.fraction(expression)
        text = self._factors(top)
        if bottom == 1:
            return text
        below = self._factors(bottom)
        return f"{text}/({below})" if bottom.is_Mul else f"{text}/{below}"

    def _factors(self, product: Any) -> str:
        parts = sorted(sympy.Mul.make_args(product), key=lambda f: (self._last(f), str(f)))
        if len(parts) == 1:
            one = parts[0]
            return str(
                self.parenthesize(one, PRECEDENCE["Mul"]) if one.is_Add else self._print(one)
            )
        return "*".join(self.parenthesize(f, PRECEDENCE["Mul"]) for f in parts)

    def _last(self, expression: Any) -> tuple[int, int]:
        """Where an expression stands among others."""
        if expression.is_number:
            return 0, 0
        mine = [k for x, k in self.states.items() if expression.has(x)]
        if not mine:
            return 1, 0
        return (2 if expression in self.states else 3), min(mine)
