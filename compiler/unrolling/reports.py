"""Reports: expressions that are evaluated when everything is decided and simulated.

Nothing of a report reaches a solver, so whatever can be computed with numbers may stand in it. It is
evaluated as an expression of data is, with decisions, compartments and flows among the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.evaluating.values import deep_recursion
from allocc.compiler.failures import Failed
from allocc.compiler.scoping.context import Known
from allocc.compiler.scoping.model import BoundModel, ReportSymbol
from allocc.compiler.scoping.symbols import ModelSymbols
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.diagnostics import Collector


@dataclass(frozen=True, eq=False)
class ReportValue:
    """A report's values over `symbol.sets`; not a number where it has none.

    `reason` then says why, as far as it is known.
    """

    symbol: ReportSymbol
    values: FloatArray
    reason: str = ""


def check_reports(model: BoundModel, evaluator: Evaluator) -> None:
    """Find the mistakes of all reports before anything is decided; they go to the collector.

    Every decision is taken at its lower bound and every compartment as it starts. What merely has
    no value at that point is no mistake.
    """
    known = Known(Evaluation(_anywhere(model)))
    reader = Evaluator(evaluator.symbols, replace(evaluator.context, report=known))
    for symbol in model.reports:
        evaluator.symbols.attempt(_one, reader, symbol, known)


def report_values(problem: Problem, values: Mapping[Variable, FloatArray]) -> list[ReportValue]:
    """All reports of a problem where decisions, compartments and flows have the given values.

    Never raises: what cannot be computed there is not a number.
    """
    known = Known(Evaluation(dict(values)))
    symbols = ModelSymbols(problem.model, Collector())
    reader = Evaluator(symbols, replace(problem.context, time_required=True, report=known))
    with deep_recursion():
        return [_safe(reader, symbol, known) for symbol in problem.model.reports]


def _safe(reader: Evaluator, symbol: ReportSymbol, known: Known) -> ReportValue:
    known.undefined.clear()
    try:
        values = _one(reader, symbol, known)
    except Failed as failed:
        nothing = np.full(symbol.space.shape, np.nan)
        return ReportValue(symbol, nothing, failed.diagnostics[0].message)
    finite = np.isfinite(values)
    if finite.all():
        return ReportValue(symbol, values)
    reason = known.undefined[0].message if known.undefined else ""
    return ReportValue(symbol, np.where(finite, values, np.nan), reason)


def _one(reader: Evaluator, symbol: ReportSymbol, known: Known) -> FloatArray:
    """A report's values; what is expanded for one does not count for the next."""
    reader.expanded.expansions = 0
    with np.errstate(all="ignore"):
        return reader.report(symbol, known)


def _anywhere(model: BoundModel) -> dict[Variable, FloatArray]:
    """Some value for every decision and compartment."""
    found: dict[Variable, FloatArray] = {}
    for variable in model.decisions:
        lower, _ = variable.ends
        found[variable] = np.where(np.isfinite(lower), lower, 0.0)
    for symbol in model.compartments.values():
        start = symbol.initial if symbol.initial is not None else np.zeros(())
        shape = symbol.variable.shape
        found[symbol.variable] = np.broadcast_to(start[..., None], shape).astype(float)
    return found
