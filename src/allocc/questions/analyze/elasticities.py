"""Which parameters move R0 most."""

from __future__ import annotations

from typing import Any

import sympy

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.equations.equations import Equations
from allocc.compiler.equations.rates import Rates
from allocc.questions.analyze.disease_free import disease_free
from allocc.questions.analyze.infection import Infection, Structure
from allocc.questions.analyze.next_generation import next_generation
from allocc.questions.analyze.symbolic.formulas import LONGEST
from allocc.questions.analyze.symbolic.writing import formula
from allocc.results.dynamics.analysis import Elasticity

#: The part by which a parameter is moved; the error of a central difference goes with its square.
MOVED = 1e-4


def elasticities(
    equations: Equations,
    found: Structure,
    of: Infection,
    number: float,
    symbols: Any = None,
    expression: Any | None = None,
) -> tuple[Elasticity, ...]:
    """One for each parameter that the flows or the begin mention, the largest first.

    `expression` is R0 as a formula in parameters, where there is one, and `symbols` the symbols in it by name.
    """
    result = []
    for name, variable in equations.parameters.items():
        values = equations.values[variable]
        own = symbols.get(name) if expression is not None and not values.ndim else None
        exact = None if own is None else _formula(expression, own)
        moved = _difference(equations, found, of, variable, number)
        result.append(
            Elasticity(
                name,
                moved,
                float(values) if not values.ndim else None,
                exact,
                variable.description,
            )
        )
    return tuple(sorted(result, key=lambda e: -abs(e.elasticity or 0.0)))


def _difference(
    equations: Equations, found: Structure, of: Infection, variable: Variable, number: float
) -> float | None:
    values = equations.values[variable]
    if not values.any() or not number:
        return 0.0
    numbers = []
    for sign in (1, -1):
        rates = Rates(equations, {variable: values * (1 + sign * MOVED)})
        rest = disease_free(rates, found, of)
        here = next_generation(rates, found, of, rest.state).number if rest.at_rest else None
        if here is None:
            return None
        numbers.append(here)
    slope = (numbers[0] - numbers[1]) / (2 * MOVED * number)
    return 0.0 if abs(slope) < 1e-7 else slope


def _formula(expression: Any, symbol: Any) -> Any:
    found = sympy.factor(sympy.cancel(symbol * sympy.diff(expression, symbol) / expression))
    return formula(found) if sympy.count_ops(found) <= LONGEST else None
