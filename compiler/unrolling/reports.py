"""Reports: expressions that are evaluated when everything is decided and simulated.

Nothing of a report reaches a solver, so whatever can be computed with numbers may stand in it. It is
evaluated as an expression of data is, with decisions, compartments and flows among the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.binding.bind import Binder
from allocc.compiler.evaluating.values import deep_recursion
from allocc.compiler.failures import Failed
from allocc.compiler.scoping.model import Model, ReportSymbol
from allocc.compiler.scoping.symbols import Known
from allocc.compiler.unrolling.problem import Problem


@dataclass(frozen=True, eq=False)
class ReportValue:
    """A report's values over `symbol.sets`; not a number where it has none.

    `reason` then says why, as far as it is known.
    """

    symbol: ReportSymbol
    values: FloatArray
    reason: str = ""


def check_reports(model: Model) -> None:
    """Find the mistakes of all reports before anything is decided; they go to the collector.

    Every decision is taken at its lower bound and every compartment as it starts. What merely has
    no value at that point is no mistake.
    """
    binder = _binder(model)
    known = Known(Evaluation(_anywhere(model)))
    for symbol in model.reports:
        binder.attempt(_one, binder, symbol, known)


def report_values(problem: Problem, values: Mapping[Variable, FloatArray]) -> list[ReportValue]:
    """All reports of a model where decisions, compartments and flows have the given values.

    Never raises: what cannot be computed there is not a number.
    """
    model = problem.model
    binder = _binder(model)
    known = Known(Evaluation(dict(values)))
    found = []
    before = binder.effects_on
    binder.effects_on = problem.effects
    try:
        with deep_recursion():
            for symbol in model.reports:
                found.append(_safe(binder, symbol, known))
    finally:
        binder.effects_on = before
    return found


def _safe(binder: Binder, symbol: ReportSymbol, known: Known) -> ReportValue:
    known.undefined.clear()
    try:
        values = _one(binder, symbol, known)
    except Failed as failed:
        nothing = np.full(symbol.space.shape, np.nan)
        return ReportValue(symbol, nothing, failed.diagnostics[0].message)
    finite = np.isfinite(values)
    if finite.all():
        return ReportValue(symbol, values)
    reason = known.undefined[0].message if known.undefined else ""
    return ReportValue(symbol, np.where(finite, values, np.nan), reason)


def _one(binder: Binder, symbol: ReportSymbol, known: Known) -> FloatArray:
    """A report's values; names are resolved as in limits, with their time where they change."""
    evaluator = binder.evaluator
    expansions, timed = evaluator.expansions, binder.time_needed
    binder.known, binder.time_needed = known, True
    try:
        with np.errstate(all="ignore"):
            return binder.report_values(symbol, known)
    finally:
        binder.known, binder.time_needed = None, timed
        evaluator.expansions = expansions


def _anywhere(model: Model) -> dict[Variable, FloatArray]:
    """Some value for every decision and compartment."""
    found: dict[Variable, FloatArray] = {}
    for variable in model.decisions:
        assert variable.lower is not None
        found[variable] = np.where(np.isfinite(variable.lower), variable.lower, 0.0)
    for symbol in model.compartments.values():
        start = symbol.initial if symbol.initial is not None else np.zeros(())
        shape = symbol.variable.shape
        found[symbol.variable] = np.broadcast_to(start[..., None], shape).astype(float)
    return found


def _binder(model: Model) -> Binder:
    assert isinstance(model.binder, Binder)
    return model.binder
