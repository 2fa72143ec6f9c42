"""`allocc check`: everything that is wrong with a model, without solving it."""

from __future__ import annotations

import click

from allocc.cli.guard import EXIT_MISTAKE, show
from allocc.cli.options import load_model, model_options
from allocc.cli.terminal import put, say, write_json
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.dsl.messages import to_json


@click.command()
@model_options
@click.option(
    "form",
    "--format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object with every diagnostic, for editors.",
)
@click.option(
    "--pedantic",
    is_flag=True,
    help="Warn of mistakes of modelling, too: limits that never bind, effects without effect, ...",
)
@click.option("--strict", is_flag=True, help="End with exit code 1 where there is any warning.")
@click.pass_context
def check(
    ctx: click.Context,
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    form: str,
    pedantic: bool,
    strict: bool,
) -> None:
    """Say everything that is wrong with MODEL, without solving it.

    Reads the model and its data, checks names, indices, units and ranges, and makes sure that
    every nonlinear term can be compiled.

    Warnings leave the exit code at 0, unless --strict is given.
    """
    found: list[Diagnostic] = []
    facts = ""
    units: dict[str, str | None] = {}
    try:
        loaded = load_model(model, data, settings)
        found = loaded.check(pedantic)
        units = loaded.units()
        p = loaded.problem
        count = sum(v.size for v in p.decisions)
        limits = sum(_size(c.axes) for c in p.constraints)
        scenarios = sum(_size(x.constraint.axes) for b in p.chances for x in b.limits)
        counts = (
            (count, "decision", ""),
            (len(p.states), "compartment", ""),
            (limits, "limit", ""),
            (scenarios, "limit", " in scenarios"),
            (len(loaded.bound.reports), "report", ""),
        )
        facts = ", ".join(f"{n:,} {word}{'s' * (n != 1)}{where}" for n, word, where in counts if n)
    except DiagnosticError as error:
        found = list(error.diagnostics)
    wrong = any(d.severity == "error" for d in found)
    if form == "json":
        write_json(
            {
                "model": model,
                "status": "error" if wrong else "ok",
                "diagnostics": [to_json(d) for d in found],
                "units": units,
            }
        )
    else:
        if found:
            show(found)
        if not wrong:
            if found:
                say("")
            put(f"{model} is well-formed: {facts}")
            put(_units(units))
    if wrong or (strict and found):
        ctx.exit(EXIT_MISTAKE)


def _units(units: dict[str, str | None]) -> str:
    """What was checked of units: only quantities that carry one can disagree."""
    carry = sum(unit is not None for unit in units.values())
    if not carry:
        return "units were not checked: no quantity carries one"
    return f"units agree: {carry:,} of {len(units):,} quantities carry one"


def _size(axes: tuple[object, ...]) -> int:
    count = 1
    for axis in axes:
        count *= axis.size  # type: ignore[attr-defined]
    return count
