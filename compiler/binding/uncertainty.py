"""What is uncertain, with its numbers: each member's distribution, and the range that it is cut to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import Data, variables
from allocc.compiler.algebra.index import same_sets
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.binding.assignment import interval_values
from allocc.compiler.binding.resolution import Resolver
from allocc.compiler.evaluating.aligned import assign, full, point_text
from allocc.compiler.names.uncertainty import DISTRIBUTIONS, distribution_of, measure_text
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.model import ParameterSymbol, ScenarioSymbol, UncertainSymbol
from allocc.dsl import tree


def uncertain(statement: tree.Uncertain, binder: Resolver) -> UncertainSymbol | None:
    """The distribution of every member of a parameter; None where names are wrong, which is told elsewhere.

    Raises `failures.Failed` where numbers are none of a distribution, or the range leaves nothing of it.
    """
    name = statement.name.name
    parameter, call = binder.declared.names.get(name), distribution_of(statement)
    if not isinstance(parameter, tree.Parameter) or parameter.kind != "continuous" or call is None:
        return None
    symbol: ParameterSymbol = binder.resolve(name)
    space = symbol.space
    if statement.index is not None:
        space, given = binder.evaluator.space(statement.index)
        if not same_sets(symbol.sets, given):
            names = [s.name for s in given]
            span = statement.index.span
            raise failures.Failed(
                scoping_errors.index_mismatch(name, [s.name for s in symbol.sets], names, span)
            )
    kind = call.function.name
    numbers = []
    for e, what in zip(call.arguments, DISTRIBUTIONS[kind], strict=True):
        node = assign(name, e, space, symbol.sets, binder.evaluator, what, numeric=True)
        if not isinstance(node, Data):
            first = variables(node)[0].name
            known = f"{what} of '{name}'"
            raise failures.Failed(algebra_errors.needs_data(known, first, e.span))
        numbers.append(np.asarray(full(node, space), dtype=float))
    found = UncertainSymbol(
        statement,
        kind,
        tuple(numbers),
        symbol.sets,
        *interval_values(parameter.interval, symbol.space, binder.evaluator, name),
    )
    _check(found, call, binder)
    return found


def _check(found: UncertainSymbol, call: tree.Call, binder: Resolver) -> None:
    """Tell of the first members whose numbers are none of the distribution, or are all out of range."""
    told = False
    for k, bad, reason in _mistakes(found.kind, found.numbers):
        for point in np.argwhere(bad)[:1]:
            member = _member(found, point)
            written = f"{found.numbers[k][tuple(point)]:.12g}"
            span = call.arguments[k].span
            what = DISTRIBUTIONS[found.kind][k]
            binder.collector.add(
                algebra_errors.bad_distribution(member, what, written, reason, span)
            )
            told = True
    if told:
        return
    low, high = found.support
    for point in np.argwhere(np.maximum(low, found.low) >= np.minimum(high, found.high))[:1]:
        at = tuple(point)
        ends = (float(found.low[at]), float(found.high[at]))
        binder.collector.add(
            algebra_errors.nothing_in_range(_member(found, point), ends, call.span)
        )


def _member(found: UncertainSymbol, point: Sequence[int]) -> str:
    at = point_text(found.sets, point)
    return f"{found.name}[{at}]" if at else found.name


def _mistakes(kind: str, numbers: tuple[FloatArray, ...]) -> Iterator[tuple[int, BoolArray, str]]:
    """What numbers have to be: which of them, where it is not so, and what it would have to be."""
    first, second = numbers[:2]
    if kind in ("lognormal", "beta"):
        yield 0, ~(first > 0), "has to be above 0"
    if kind in ("normal", "lognormal", "beta"):
        yield 1, ~(second > 0), "has to be above 0"
    if kind in ("uniform", "triangular"):
        yield 0, ~(first < numbers[-1]), "has to be below HIGH"
    if kind == "triangular":
        outside = ~((first <= second) & (second <= numbers[2]))
        yield 1, outside & (first < numbers[2]), "has to lie between LOW and HIGH"


def scenario(statement: tree.Scenario) -> ScenarioSymbol:
    """What a scenario says; its file is read when it is asked for."""
    measure = None if statement.measure is None else measure_text(statement.measure)
    draws = None if statement.draws is None else int(statement.draws.value)
    return ScenarioSymbol(statement, draws, measure)
