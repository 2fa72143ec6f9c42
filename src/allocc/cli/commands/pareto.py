"""`allocc pareto`: what one term of the objective costs in another, with proofs."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocc import mistakes
from allocc.cli.guard import (
    EXIT_INFEASIBLE,
    EXIT_MISTAKE,
    EXIT_NOTHING,
    EXIT_STOPPED,
    EXIT_UNBOUNDED,
    show,
)
from allocc.cli.options import (
    csv_option,
    gap_option,
    json_option,
    load_to_solve,
    model_options,
    quiet_option,
    run_option,
    solver_option,
    strict_option,
    time_limit_option,
)
from allocc.cli.terminal import color_on, put, say, stdout_kept_clean, write_json
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.dsl.messages import to_json
from allocc.signals import EXIT_INTERRUPTED
from allocc.whole import write_whole

if TYPE_CHECKING:
    from allocc.results.frontier import Tradeoff

_EXITS = {
    "optimal": 0,
    "infeasible": EXIT_INFEASIBLE,
    "unbounded": EXIT_UNBOUNDED,
    "feasible": EXIT_STOPPED,
    "unknown": EXIT_NOTHING,
}


@click.command()
@model_options
@click.option(
    "--between",
    nargs=2,
    required=True,
    metavar="TERM TERM",
    help="Two terms of the objective; the second one gets the levels.",
)
@click.option(
    "--points", type=int, default=9, show_default=True, metavar="N", help="Points, with both ends."
)
@solver_option
@gap_option
@time_limit_option("Stop each solve after this time.")
@run_option("New folder for the points, the decisions of each, and the plot.")
@strict_option
@json_option
@csv_option("Write the points.")
@click.option("--plot", type=click.Path(), metavar="FILE", help="Draw it: .svg or .png.")
@quiet_option
@click.pass_context
def pareto(
    ctx: click.Context,
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    between: tuple[str, str],
    points: int,
    solver: str,
    gap: float,
    time_limit: float | None,
    run: str | None,
    as_json: bool,
    csv_file: str | None,
    plot: str | None,
    quiet: bool,
) -> None:
    """Trace what one term of the objective of MODEL costs in another, and prove it.

    Both ends are the best in one term, and then in the other. In between the second term gets a
    limit, and the first is made as good as possible. Other terms and soft limits are left out.

    \b
    allocc pareto lockdown.alloc --set case=both --between ill closed --run runs/frontier
    allocc plot runs/frontier
    """
    from allocc.engine.judging.options import make_options
    from allocc.results.run_folder.place import check_free

    cancel = threading.Event()
    options = make_options(solver, gap=gap, time_limit=time_limit, cancel=cancel)
    if points < 2:
        raise DiagnosticError([mistakes.bad_option("--points", points, "at least 2")])
    if plot is not None:
        _check_plot(plot)
    if run is not None:
        check_free(Path(run))
    loaded = load_to_solve(model, data, settings, quiet=quiet)

    from allocc.cli.progress import stoppable, watching
    from allocc.questions.pareto.pareto import trace
    from allocc.results.frontier_folder import frontier_data, save
    from allocc.showing.plots import frontier_svg

    with stdout_kept_clean(), stoppable(cancel), watching(quiet) as tell:
        options = dataclasses.replace(options, on_progress=tell)
        found = trace(loaded, between, points, options, None if quiet else say)
    written, failed = _files(found, csv_file, plot)
    if run is not None:
        try:
            written.append(f"the frontier is in {save(found, run, frontier_svg)}")
        except DiagnosticError as error:
            failed += error.diagnostics
            run = None
    if as_json:
        told = {**frontier_data(found), "csv": csv_file, "plot": plot, "run": run}
        told["diagnostics"] = [to_json(d) for d in (*loaded.warnings, *failed)]
        write_json(told)
    else:
        from allocc.showing.pareto_report import summary

        put(summary(found, color=color_on(sys.stdout)))
    for line in written:
        say(line)
    if failed:
        say("")
        show(failed)
    code = EXIT_INTERRUPTED if found.stopped == "interrupted" else _EXITS[found.status]
    ctx.exit(code or (EXIT_MISTAKE if failed else 0))


def _check_plot(plot: str) -> None:
    from allocc.showing.plots import check_installed

    if Path(plot).suffix.lower() not in (".svg", ".png"):
        raise DiagnosticError([mistakes.cannot_express(plot, "a plot is an .svg or a .png file")])
    check_installed()


def _files(
    found: Tradeoff, csv_file: str | None, plot: str | None
) -> tuple[list[str], list[Diagnostic]]:
    """Write what was asked for: what to say of it, and what could not be written."""
    from allocc.results.frontier_folder import write_csv

    jobs: list[tuple[str, str | None, Callable[[Tradeoff, Path], None]]] = [
        ("the CSV file", csv_file, write_csv),
        ("the plot", plot, _write_plot),
    ]
    said: list[str] = []
    wrong: list[Diagnostic] = []
    for what, target, write in jobs:
        if target is None or not found.points:
            continue
        try:
            write_whole(Path(target), partial(write, found), what)
        except DiagnosticError as problem:
            wrong.extend(problem.diagnostics)
        else:
            said.append(f"{what} is in {target}")
    return said, wrong


def _write_plot(found: Tradeoff, path: Path) -> None:
    from allocc.showing.plots import draw_frontier

    draw_frontier(found).write(path)
