"""Systems of rational equations, solved by taking out one unknown after the other.

Each equation is a polynomial in the unknowns, factored. Where one is a product, each of its factors is a case of
its own; where one is linear in an unknown, that unknown is taken out of the others; the last one may be
quadratic. Every step leaves an unknown fewer, and what grows beyond a bound is given up, so that this ends
soon for any system. It need not find every solution; each that it finds is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy

#: An equation with more operations than this is given up, and so are more cases than this.
MOST_OPERATIONS = 300
MOST_CASES = 60

Solution = dict[Any, Any]


class _TooLarge(Exception):
    """The system is beyond what is done here."""


def solutions(equations: Sequence[Any], unknowns: Sequence[Any]) -> list[Solution] | None:
    """Solutions, as a mapping from unknowns to expressions; None where the system is too large for this.

    An unknown that is not in a solution is free in it.
    """
    search = _Search(list(unknowns))
    try:
        search.go([search.numerator(e) for e in equations], {})
    except _TooLarge:
        return None
    return search.found


class _Search:
    def __init__(self, unknowns: list[Any]) -> None:
        self.unknowns = unknowns
        self.found: list[Solution] = []
        self.cases = 0

    def numerator(self, expression: Any) -> Any:
        """The numerator, factored, without what has no unknown in it."""
        if sympy.count_ops(expression) > 2 * MOST_OPERATIONS:
            raise _TooLarge
        top, _ = sympy.fraction(sympy.together(expression))
        if not top.is_polynomial(*self.unknowns):
            raise _TooLarge
        top = sympy.factor(top)
        if sympy.count_ops(top) > MOST_OPERATIONS:
            raise _TooLarge
        return top

    def factors(self, equation: Any) -> list[Any]:
        """The different factors that have an unknown in them."""
        parts = sympy.Mul.make_args(equation)
        bases = (p.base if p.is_Pow else p for p in parts)
        return list(dict.fromkeys(b for b in bases if b.has(*self.unknowns)))

    def go(self, equations: list[Any], solved: Solution) -> None:
        """Follow one case to its end."""
        self.cases += 1
        if self.cases > MOST_CASES:
            raise _TooLarge
        equations = [e for e in equations if e != 0]
        if any(not e.has(*self.unknowns) for e in equations):
            return  # a number that is not zero should be: no solution here
        if not equations:
            self._keep(solved)
            return
        equations.sort(key=sympy.count_ops)
        for equation in equations:
            parts = self.factors(equation)
            rest = [e for e in equations if e is not equation]
            if len(parts) > 1:
                for part in parts:
                    self.go([part, *rest], solved)
                return
        for equation in equations:
            (part,) = self.factors(equation)
            unknown = next((u for u in self.unknowns if sympy.degree(part, u) == 1), None)
            if unknown is not None:
                rest = [e for e in equations if e is not equation]
                slope = sympy.diff(part, unknown)
                self._take_out(unknown, -part.subs(unknown, 0) / slope, rest, solved)
                return
        part = self.factors(equations[0])[0]
        left = [u for u in self.unknowns if part.has(u)]
        if len(equations) > 1 or len(left) > 1 or sympy.degree(part, left[0]) != 2:
            raise _TooLarge
        for root in sympy.roots(sympy.Poly(part, left[0])):
            self._take_out(left[0], root, [], solved)

    def _take_out(self, unknown: Any, value: Any, rest: list[Any], solved: Solution) -> None:
        value = _tidied(value)
        now = {u: _tidied(v.subs(unknown, value)) for u, v in solved.items()}
        self.go([self.numerator(e.subs(unknown, value)) for e in rest], {**now, unknown: value})

    def _keep(self, solved: Solution) -> None:
        tidy = {u: _tidied(v) for u, v in solved.items()}
        if any(v.has(sympy.zoo, sympy.nan, sympy.oo) for v in tidy.values()):
            return
        if tidy not in self.found:
            self.found.append(tidy)


def _tidied(expression: Any) -> Any:
    if sympy.count_ops(expression) > MOST_OPERATIONS:
        raise _TooLarge
    return (
        sympy.factor(sympy.cancel(expression)) if expression.is_rational_function() else expression
    )
