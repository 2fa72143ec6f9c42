"""`allocc prices`: what one more unit of each limit would buy."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from allocc.cli.guard import EXIT_INFEASIBLE, EXIT_NOTHING, exit_code
from allocc.cli.options import (
    gap_option,
    json_option,
    load_to_solve,
    model_options,
    quiet_option,
    solver_option,
    strict_option,
    time_limit_option,
)
from allocc.cli.terminal import color_on, put, stdout_kept_clean, write_json

if TYPE_CHECKING:
    from allocc.results.prices import Prices
    from allocc.results.run import Run


@click.command()
@model_options
@click.option(
    "--run",
    type=click.Path(),
    metavar="RUNDIR",
    help="Take the decisions of a run folder (or its decisions.csv) instead of solving.",
)
@solver_option
@gap_option
@time_limit_option("Stop solving after this time; reading the data is not counted.")
@click.option("every", "--all", is_flag=True, help="Show every row of every limit.")
@strict_option
@json_option
@quiet_option
@click.pass_context
def prices(
    ctx: click.Context,
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    run: str | None,
    solver: str,
    gap: float,
    time_limit: float | None,
    every: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """What one more unit of each limit of MODEL would buy in the objective.

    With --run the settings of the run hold, too; --set goes over them. The integers are fixed at the best allocation (or at that of --run); the prices are local, they
    hold for small changes.
    """
    from allocc.cli.progress import stoppable, watching, working
    from allocc.engine.judging.options import make_options
    from allocc.questions.prices.pricing import prices as find
    from allocc.questions.simulate import simulate
    from allocc.questions.solve import solve

    cancel = threading.Event()
    options = make_options(solver, gap=gap, time_limit=time_limit, cancel=cancel)
    loaded = load_to_solve(model, data, settings, run, quiet=quiet)
    if run is not None:
        result = simulate(loaded, run)
    else:
        with stdout_kept_clean(), stoppable(cancel), watching(quiet) as tell:
            result = solve(loaded, replace(options, on_progress=tell))
    found: Prices | None = None
    if result.has_allocation:
        decisions = {b.name: b.values for b in result.blocks if b.kind == "decision"}
        with stdout_kept_clean(), working("finding the prices", quiet):
            found = find(loaded, decisions)
    if as_json:
        write_json(_object(result, found))
    else:
        from allocc.showing.prices import prices_text

        put(prices_text(result, found, every, color_on(sys.stdout)))
    code = exit_code(result)
    if not code and found is not None and found.status != "priced":
        code = EXIT_INFEASIBLE if found.status == "infeasible" else EXIT_NOTHING
    ctx.exit(code)


def _object(result: Run, found: Prices | None) -> dict[str, Any]:
    """What --json prints."""
    data: dict[str, Any] = {
        "model": result.model,
        "title": result.title,
        "status": result.status,
        "stopped": result.stopped,
        "sense": result.sense,
        "value": result.value,
        "bound": result.bound,
        "gap": result.gap,
        "prices": None if found is None else found.status,
        "local": True,
        "exact": None if found is None else found.exact,
        "integers": None if found is None else found.integers,
        "fixed_value": None if found is None else found.value,
        "notes": list(dict.fromkeys((*result.notes, *(() if found is None else found.notes)))),
        "limits": [],
    }
    for group in [] if found is None else found.single():
        (row,) = group.rows
        data["limits"].append(
            {
                "name": row.name,
                "limit": row.limit,
                "labels": list(row.labels),
                "side": row.side,
                "price": None if row.whole else row.price,
                "binding": row.binding,
                "unit": row.unit,
                "description": row.description,
            }
        )
    return data
