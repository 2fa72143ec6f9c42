"""The equations of a model as SymPy expressions, with symbols in the model's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from allocc.compiler.algebra.expression import Extreme, Node, Power, Reduce, Reference, Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.equations.equations import Equations
from allocc.compiler.equations.rates import ends
from allocc.compiler.functions.record import ScalarFunction
from allocc.compiler.labels import label_text, named

Objects = NDArray[Any]


def _exact(x: Any) -> Any:
    """A number as it is written: 0.1 is a tenth, and not the nearest binary fraction."""
    value = float(x)
    if not np.isfinite(value):
        return sympy.sympify(value)
    return sympy.Integer(int(value)) if value == int(value) else sympy.Rational(repr(value))


_numbers = np.frompyfunc(lambda x: x if isinstance(x, sympy.Basic) else _exact(x), 1, 1)
_largest = np.frompyfunc(sympy.Max, 2, 1)
_smallest = np.frompyfunc(sympy.Min, 2, 1)
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": sympy.Abs,
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "tanh": sympy.tanh,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
}


class SymbolicEvaluation(Evaluation):
    """Expressions of SymPy in place of numbers."""

    @staticmethod
    def number(values: NDArray[Any]) -> NDArray[Any]:
        """Numbers as they are written."""
        return np.asarray(_numbers(values), dtype=object)

    def divided(self, top: NDArray[Any], bottom: NDArray[Any], node: Node) -> NDArray[Any]:
        """A quotient."""
        return np.asarray(top / bottom, dtype=object)

    def applied(self, function: ScalarFunction, argument: NDArray[Any], node: Node) -> NDArray[Any]:
        """A function of an expression."""
        if isinstance(node, Power):
            exponent = _exact(node.exponent)
            return np.asarray(np.frompyfunc(lambda x: x**exponent, 1, 1)(argument), dtype=object)
        return np.asarray(np.frompyfunc(_FUNCTIONS[function.kind], 1, 1)(argument), dtype=object)

    def another(self, values: dict[Variable, FloatArray]) -> SymbolicEvaluation:
        """One of the same kind that holds no axis."""
        return SymbolicEvaluation(values)

    def __call__(self, node: Node) -> FloatArray:
        """The expressions of a node; the larger and the smaller of two are SymPy's."""
        if isinstance(node, Extreme):
            better = _largest if node.sense == "max" else _smallest
            parts = [spread(self(p), p.axes, node.axes) for p in node.parts]
            best = parts[0]
            for part in parts[1:]:
                best = better(best, part)
            return np.asarray(best, dtype=object)
        if isinstance(node, Reduce) and node.operation != "sum" and not node.scatter:
            better = _largest if node.operation == "max" else _smallest
            return self._best(node, better)
        # What NumPy calculates of arrays without axes is no array any more.
        return np.asarray(super().__call__(node), dtype=object)

    def _reference(self, node: Reference) -> FloatArray:
        return np.asarray(super()._reference(node), dtype=object)

    def _best(self, node: Reduce, better: np.ufunc) -> FloatArray:
        values = self(node.body)
        axes = list(node.body.axes)
        for axis in node.over:
            if axis in axes:
                values = np.asarray(better.reduce(values, axis=axes.index(axis)), dtype=object)
                axes.remove(axis)
        return spread(values, tuple(axes), node.axes)


@dataclass(frozen=True, eq=False)
class SymbolicEquations:
    """The equations of a model as SymPy expressions.

    `symbols` has the symbol of each compartment and each parameter, by its name there (`I`, `I[North]`,
    `beta`), `values` the data of each parameter's symbol; `flows` has each flow's amount per unit of time, `rates`
    the right-hand side of each compartment's dx/dt, `initial` what it begins with.
    """

    symbols: Mapping[str, Any]
    values: Mapping[Any, float]
    flows: Mapping[str, Any]
    rates: Mapping[str, Any]
    initial: Mapping[str, Any]

    @cached_property
    def states(self) -> tuple[Any, ...]:
        """The symbols of the compartments, in the order of `rates`."""
        return tuple(self.symbols[name] for name in self.rates)


def symbolic_equations(equations: Equations, zeros: bool = False) -> SymbolicEquations:
    """The equations; with `zeros`, a parameter that is zero in the data is the number zero.

    What is zero takes another course than what is small: without births there is another state of rest.
    """
    values: dict[Variable, Any] = {v: _numbers(x) for v, x in equations.decisions.items()}
    data: dict[Any, float] = {}
    symbols: dict[str, Any] = {}
    for variable, numbers in equations.values.items():
        values[variable] = found = np.empty(numbers.shape, dtype=object)
        for place in np.ndindex(numbers.shape):
            x = float(numbers[place])
            if x == 0 and zeros:
                found[place] = sympy.Integer(0)
                continue
            name = _name(variable, place)
            found[place] = symbols[name] = _symbol(name, x)
            data[symbols[name]] = x
    states = []
    for block in equations.blocks:
        own = np.array(
            [sympy.Symbol(n, positive=True) for n in equations.labels[block.start : block.stop]],
            dtype=object,
        )
        states += own.tolist()
        part = own.reshape((*block.variable.shape[:-1], 1))
        values[block.variable] = np.broadcast_to(part, block.variable.shape)
    symbols.update(zip(equations.labels, states, strict=True))
    amounts = _amounts(equations, values)
    return SymbolicEquations(
        symbols,
        data,
        _flow_amounts(equations, amounts),
        dict(zip(equations.labels, _rates(equations, amounts), strict=True)),
        dict(zip(equations.labels, _initial(equations, values), strict=True)),
    )


def _symbol(name: str, value: float) -> Any:
    """A symbol that is positive where the data are: then sqrt(x^2) is x."""
    return sympy.Symbol(name, positive=True) if value > 0 else sympy.Symbol(name, real=True)


def _name(variable: Variable, place: tuple[int, ...]) -> str:
    labels = (x for s, k in zip(variable.sets, place, strict=True) for x in s.label(k))
    return named(variable.name, [label_text(x) for x in labels])


def _amounts(equations: Equations, values: dict[Variable, Any]) -> list[Any]:
    """The amount of each flow's point."""
    evaluation = SymbolicEvaluation(values, {equations.period: 0})
    found: list[Any] = []
    for flow in equations.flows:
        value = spread(evaluation(flow.node), flow.node.axes, flow.axes)
        shape = (*(a.size for a in flow.axes[:-1]), 1)
        found += np.broadcast_to(value, shape).ravel().tolist()
    return [sympy.sympify(x) for x in found]


def _flow_amounts(equations: Equations, amounts: list[Any]) -> dict[str, Any]:
    """By the flow's name, and its index where it has one."""
    found = {}
    rest = iter(amounts)
    for flow in equations.flows:
        axes = flow.axes[:-1]
        for place in np.ndindex(*(a.size for a in axes)):
            labels = [
                label_text(x)
                for a, k in zip(axes, place, strict=True)
                for x in (a.set.label(k) if a.size == len(a.set) else (k + 1,))
            ]
            found[named(flow.name, labels)] = next(rest)
    return found


def _rates(equations: Equations, amounts: list[Any]) -> list[Any]:
    total: list[Any] = [sympy.Integer(0)] * equations.size
    origin, target = ends(equations)
    for amount, start, stop in zip(amounts, origin, target, strict=True):
        if stop >= 0:
            total[stop] += amount
        if start >= 0:
            total[start] -= amount
    return total


def _initial(equations: Equations, values: dict[Variable, Any]) -> list[Any]:
    evaluation = SymbolicEvaluation(values)
    found: list[Any] = []
    for block in equations.blocks:
        value = spread(evaluation(block.initial), block.initial.axes, block.axes)
        shape = tuple(a.size for a in block.axes)
        found += np.broadcast_to(value, shape).ravel().tolist()
    return [sympy.sympify(x) for x in found]
