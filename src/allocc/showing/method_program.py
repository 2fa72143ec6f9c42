"""The program that a method writes to a file, and whether it says the same as the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from allocc import mistakes
from allocc.backends import registry
from allocc.compiler.pipeline import to_solver, written
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.plan import Plan
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.choose import Choice, choose, takers
from allocc.engine.judging.options import METHODS
from allocc.engine.judging.outcome import Method, Options
from allocc.errors import reported
from allocc.showing.explain import explanations

if TYPE_CHECKING:
    from allocc.compiler.pipeline import Chain
    from allocc.engine.stages import Stages

#: The exact form is written to a file when it needs at most so many disaggregated columns.
MOST_COLUMNS = 2_000_000


@reported()
def method_program(model: Stages, method: str) -> Program:
    """The program of a method: `direct` keeps products, `exact` cuts integer factors into values.

    Raises `DiagnosticError` for an unknown method, where there is no exact form and one is asked for, and
    where no piece of a factor's range satisfies the limits.
    """
    _check(method)
    if method == "exact":
        choose(model.plan, registry.get("highs"), Options(method="exact"))
    method = _chosen(model, method)
    try:
        return written(Relaxation(model.chain(method).program), method).program
    except Infeasible:
        raise DiagnosticError([mistakes.bounds_infeasible()]) from None


@reported()
def solved(model: Stages, method: str) -> tuple[Choice, Chain]:
    """The method that `solve` takes, and the chain to the first program that a solver gets by it.

    Raises `DiagnosticError` where the method does not fit, or no allocation meets every limit.
    """
    _check(method)
    found = model.chain(method)
    # A direct solve is for a solver that takes what is nonlinear.
    solver = next(takers(found.program), None) if method == "direct" else "highs"
    if solver is None:
        reason = "no solver takes all products and functions of this model as they are"
        raise DiagnosticError([mistakes.cannot_serve(reason, "use --method auto")])
    try:
        relaxation = Relaxation(found.program)
        options = Options(solver=solver, method=cast(Method, method))
        choice = choose(relaxation.plan, registry.get(solver), options)
        return choice, to_solver(found, written(relaxation, choice.method), choice.method)
    except Infeasible:
        raise DiagnosticError([mistakes.bounds_infeasible()]) from None


def _check(method: str) -> None:
    if method not in METHODS:
        raise DiagnosticError([mistakes.unknown_choice("--method", method, METHODS)])


def _chosen(model: Stages, method: str) -> str:
    """What `auto` stands for in this model: the exact form where there is one of a sensible size."""
    if method != "auto":
        return method
    plan = model.plan
    if plan.cut_columns and not plan.curved and _exact_size(plan) <= MOST_COLUMNS:
        return "exact"
    return choose(plan, registry.get("highs"), Options()).method


def _exact_size(plan: Plan) -> float:
    """Columns that the exact form adds; infinite where a continuous column would be cut."""
    p, q = plan.program, plan.program.products
    total = 0.0
    for j in plan.cut_columns:
        if not p.integer[j]:
            return np.inf
        uses = int(np.sum((q.left == j) | (q.right == j)))
        total += float(p.upper[j] - p.lower[j] + 1) * (1 + uses)
    return total


def is_exact(model: Stages, method: str) -> bool:
    """Whether the program of a method has the same optimum as the model."""
    if method == "direct":
        return True
    method = _chosen(model, method)
    found = explanations(model.plan, model.lowered.program)
    return all(e.exact or (method == "exact" and e.by_values) for e in found)
