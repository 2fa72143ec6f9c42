"""Formulas for the state without the disease, for R0 and for states of rest, where they are small enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from scipy.sparse.csgraph import connected_components

from allocc.compiler.arrays import FloatArray
from allocc.questions.analyze.disease_free import all_susceptible
from allocc.questions.analyze.infection import Infection, Structure, new_infections
from allocc.questions.analyze.symbolic.elimination import MOST_OPERATIONS, solutions
from allocc.questions.analyze.symbolic.equations import SymbolicEquations

#: States of rest of more points than this are not sought as formulas.
MOST_SOLVED = 6
#: More compartments than this where new infections arise get no formula for R0.
MOST_CASES = 4
#: A formula with more operations than this says nothing to anybody.
LONGEST = 120
#: A formula and the number that it is for differ by at most this part.
AGREES = 1e-6

Values = Mapping[Any, Any]


def number(expression: Any, values: Values) -> float:
    """The value of an expression with the data; not a number where it has none."""
    found = complex(sympy.sympify(expression).subs(dict(values)).evalf())
    return found.real if abs(found.imag) <= 1e-9 * max(abs(found), 1.0) else float("nan")


def disease_free_formula(
    symbolic: SymbolicEquations,
    found: Structure,
    of: Infection,
    start: FloatArray,
    rest: FloatArray,
) -> dict[Any, Any] | None:
    """The state without the disease, by symbol; None where it has no formula. `rest` are its numbers."""
    states = symbolic.states
    empty = {x: sympy.Integer(0) for x, sick in zip(states, of.infected, strict=True) if sick}
    unknowns = [x for x in states if x not in empty]
    begin = all_susceptible(
        found, of, start, np.array(list(symbolic.initial.values()), dtype=object)
    )
    here = {x: v for x, v in zip(states, begin.tolist(), strict=True) if x not in empty}
    rates = [
        sympy.expand(r.subs(empty))
        for x, r in zip(states, symbolic.rates.values(), strict=True)
        if x not in empty
    ]
    if any(r.has(sympy.nan, sympy.zoo) for r in rates):
        return None
    candidates = solutions([*rates, *_kept(rates, unknowns, here)], unknowns)
    for candidate in candidates or []:
        full = {**empty, **{x: candidate.get(x, here[x]) for x in unknowns}}
        full = {x: sympy.sympify(v).subs(here) for x, v in full.items()}
        if _agree([full[x] for x in states], rest, symbolic.values):
            return full
    return None


def _kept(rates: Sequence[Any], unknowns: Sequence[Any], here: Mapping[Any, Any]) -> list[Any]:
    """What linear equations keep of the begin, as equations."""
    slope = sympy.Matrix([[sympy.diff(r, x) for x in unknowns] for r in rates])
    if slope.has(*unknowns):
        return []
    rows = slope.T.nullspace()
    return [sum(c * (x - here[x]) for c, x in zip(row, unknowns, strict=True)) for row in rows]


def _agree(formulas: Sequence[Any], numbers: FloatArray, values: Values) -> bool:
    size = max(float(np.abs(numbers).max(initial=0.0)), 1.0)
    mine = np.array([number(f, values) for f in formulas])
    return bool(np.isfinite(mine).all() and np.abs(mine - numbers).max() <= AGREES * size)


def reproduction_formula(
    symbolic: SymbolicEquations,
    flows: Sequence[Any],
    found: Structure,
    of: Infection,
    state: Mapping[Any, Any],
    expected: float,
    values: Values,
) -> Any | None:
    """R0 at a state by symbol; None where it has no short formula, or not the `expected` value.

    With new infections in few compartments, the rows of K that are not zero are enough: the next-generation
    matrix with small domain (Diekmann, Heesterbeek and Roberts 2010).
    """
    states = symbolic.states
    sick = [k for k, infected in enumerate(of.infected) if infected]
    counted = new_infections(found, of)
    zero = sympy.Integer(0)
    gain = [zero] * len(states)
    for amount, target, new in zip(flows, found.target, counted, strict=True):
        if new and target >= 0:
            gain[target] += amount
    rates = list(symbolic.rates.values())
    columns = [states[k] for k in sick]

    def slope(rows: Sequence[Any]) -> Any:
        return sympy.Matrix([[sympy.diff(r, x) for x in columns] for r in rows]).subs(dict(state))

    new = slope([gain[k] for k in sick])
    passing = new - slope([rates[k] for k in sick])
    if new.has(sympy.nan, sympy.zoo) or passing.has(sympy.nan, sympy.zoo):
        return None
    cases = [k for k in range(len(sick)) if any(sympy.simplify(x) != 0 for x in new.row(k))]
    if not cases or len(cases) > MOST_CASES:
        return None
    matrix = (new.extract(cases, list(range(len(sick)))) * passing.inv()).extract(
        list(range(len(cases))), cases
    )
    for root in _eigenvalues(matrix.applyfunc(sympy.cancel)):
        value = number(root, values)
        if np.isfinite(value) and abs(value - expected) <= AGREES * max(expected, 1.0):
            return root if sympy.count_ops(root) <= LONGEST else None
    return None


def _eigenvalues(matrix: Any) -> Iterator[Any]:
    """Those that have a formula: of the blocks that cases lead to and fro in, of one or two, or of rank one."""
    for points in _blocks(matrix):
        block = matrix.extract(points, points)
        if sympy.count_ops(block) > MOST_OPERATIONS:
            continue
        if len(points) == 1:
            yield sympy.factor(block[0])
        elif _rank_one(block):
            yield sympy.factor(block.trace())
        elif len(points) == 2:
            yield from _quadratic(-block.trace(), block.det())
        else:
            yield from _two_sides(block)


def _two_sides(matrix: Any) -> Iterator[Any]:
    """Where cases of one side only cause cases of the other, as people and mosquitos do.

    The squares of the eigenvalues are those of what the smaller side causes in two generations.
    """
    first = [0, *(k for k in range(1, matrix.rows) if matrix[0, k] == 0 == matrix[k, 0])]
    second = [k for k in range(matrix.rows) if k not in first]
    if any(matrix[i, k] != 0 for side in (first, second) for i in side for k in side):
        return
    small, large = sorted((first, second), key=len)
    twice = matrix.extract(small, large) * matrix.extract(large, small)
    if len(small) == 1:
        yield _root(twice[0])


def _blocks(matrix: Any) -> list[list[int]]:
    """The strongly connected components: a matrix has the eigenvalues of its diagonal blocks."""
    nonzero = np.array(matrix.applyfunc(lambda x: int(x != 0)).tolist(), dtype=int)
    count, member = connected_components(nonzero, directed=True, connection="strong")
    return [np.nonzero(member == k)[0].tolist() for k in range(count)]


def _rank_one(matrix: Any) -> bool:
    """Whether all rows are multiples of the first one that is not zero, as with separable mixing."""
    top = next((k for k in range(matrix.rows) if any(matrix.row(k))), 0)
    pivot = next(c for c in range(matrix.cols) if matrix[top, c] != 0)
    return all(
        sympy.cancel(matrix[r, c] * matrix[top, pivot] - matrix[r, pivot] * matrix[top, c]) == 0
        for r in range(matrix.rows)
        for c in range(matrix.cols)
        if r != top and c != pivot
    )


def _quadratic(b: Any, c: Any) -> list[Any]:
    """The roots of x^2 + b x + c."""
    if sympy.cancel(b) == 0:
        return [_root(-c), -_root(-c)]
    half = sympy.factor(sympy.cancel(-b / 2))
    root = _root(b**2 / 4 - c)
    return [half + root, half - root]


def _root(expression: Any) -> Any:
    """A square root, of which squares are taken out; SymPy would write a root of each factor."""
    size, rest = sympy.factor(sympy.cancel(expression)).as_coeff_Mul()
    outside, inside = sympy.sqrt(size), sympy.Integer(1)
    for factor in sympy.Mul.make_args(rest):
        base, power = factor.as_base_exp()
        if base.is_positive and power.is_Integer:
            outside *= base ** (power // 2)
            inside *= base ** (power % 2)
        else:
            inside *= factor
    root = sympy.Pow(inside, sympy.Rational(1, 2), evaluate=False)
    return outside if inside == 1 else outside * root


def rest_formulas(symbolic: SymbolicEquations, found: Structure) -> list[dict[Any, Any]] | None:
    """All states of rest with the totals of the start, by symbol; a compartment that is missing is free."""
    states = symbolic.states
    if len(states) > MOST_SOLVED:
        return None
    initial, rates = list(symbolic.initial.values()), list(symbolic.rates.values())
    totals = []
    for group in range(len(found.closed)):
        mine = np.nonzero(found.group == group)[0]
        # What goes to and fro within a group cancels: births and deaths are left, if any.
        balance = sympy.factor(sympy.expand(sum(rates[k] for k in mine)))
        if balance != 0:
            totals.append(balance)
        elif found.closed[group]:
            totals.append(sum(states[k] - initial[k] for k in mine))
    return solutions([*totals, *rates], states)
