"""Which method serves a program, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocc import mistakes
from allocc.backends import registry
from allocc.backends.registry import Backend
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.plan import Plan
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.outcome import Options

#: Up to this many single-value pieces, all products are written exactly at once.
MOST_PIECES = 60


@dataclass(frozen=True)
class Choice:
    """The method, and why it was chosen."""

    method: Literal["exact", "refine", "direct"]
    reason: str


def choose(plan: Plan, backend: Backend, options: Options) -> Choice:
    """Pick the method; raises `DiagnosticError` when the asked one does not fit."""
    p, q = plan.program, plan.program.products
    smooth = [f for f in p.functions if f.function.smooth]
    columns = plan.factors
    integer = p.integer[columns]
    if options.method == "direct":
        missing = []
        if len(q) and not backend.capabilities.products:
            missing.append("products")
        missing += sorted({f.kind for f in smooth} - backend.capabilities.functions)
        if missing:
            other = next(takers(p), "")
            raise _unfit(
                f"{options.solver} does not take {', '.join(missing)} as they are",
                "use --method auto" + (f", or --solver {other}" if other else ""),
            )
        return Choice("direct", f"as asked: {options.solver} gets the nonlinear terms as they are")
    if not len(columns) and not smooth:
        reason = (
            "all terms have exact linear forms" if len(q) or p.extremes else "the model is linear"
        )
        return Choice("exact", reason)
    sizes = (p.upper - p.lower + 1)[columns[integer]]
    total = int(min(np.nan_to_num(sizes, nan=1e18).sum(), 1e18))
    if options.method == "exact":
        if not integer.all() or smooth:
            other = next(takers(p), "")
            bad = p.column_name(int(columns[~integer][0])) if not integer.all() else smooth[0].kind
            raise _unfit(
                f"there is no exact linear form: {bad} is continuous in a nonlinear term",
                "use --method refine"
                + (f", or --method direct with --solver {other}" if other else ""),
            )
        of = _counted(len(columns), "integer column")
        return Choice("exact", f"as asked: {_counted(total, 'single value')} of {of}")
    if options.method == "auto" and integer.all() and not smooth and total <= MOST_PIECES:
        only = _counted(total, "value")
        return Choice("exact", f"the integer factors have only {only} together")
    asked = "as asked: " if options.method == "refine" else ""
    if len(columns) and integer.all():
        factors = _counted(len(columns), "integer factor")
        reason = f"{factors} with {_counted(total, 'value')}: pieces are refined where needed"
    elif len(plan.multiplied):
        several = _counted(len(plan.multiplied), "continuous column")
        reason = f"{several} multiplied with each other: ranges are divided into boxes where needed"
    elif len(columns):
        cut = "1 column is" if len(columns) == 1 else f"{len(columns)} columns are"
        reason = f"{cut} cut into pieces, {int((~integer).sum())} of them continuous"
    else:
        terms = _counted(sum(len(f) for f in smooth), "curved term")
        reason = f"{terms}: tangents and pieces are added where needed"
    return Choice("refine", asked + reason)


def takers(p: Program) -> Iterator[str]:
    """The solvers, installed or not, that take all products and functions of a program as they are."""
    kinds = {f.kind for f in p.functions if f.function.smooth}
    for name in registry.names():
        able = registry.get(name).capabilities
        if able.products and kinds <= able.functions:
            yield name


def takes_the_rest(p: Program) -> str:
    """The first of them that is installed."""
    return next((name for name in takers(p) if registry.get(name).available()), "")


def _unfit(reason: str, hint: str) -> DiagnosticError:
    return DiagnosticError([mistakes.cannot_serve(reason, hint)])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
