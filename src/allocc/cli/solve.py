"""`allocc solve`: find the best allocation and prove how good it is."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allocc.cli.guard import EXIT_MISTAKE, exit_code, show
from allocc.cli.options import load_model, method_option, model_options, solver_option
from allocc.cli.terminal import color_on, put, say, stdout_kept_clean, write_json
from allocc.dsl.diagnostics import AlloccError, Diagnostic
from allocc.dsl.render import to_json

if TYPE_CHECKING:
    from allocc.result import Result


@click.command()
@model_options
@solver_option
@method_option(
    "refine: cut nonlinear terms into pieces where the error is; exact: all at once; direct: "
    "leave them to the solver; auto: choose."
)
@click.option(
    "--gap",
    type=float,
    default=1e-4,
    show_default=True,
    help="Relative gap at which a proof is good enough; 0.01 is 1 %.",
)
@click.option("--time-limit", type=float, metavar="SECONDS", help="Stop after this time.")
@click.option(
    "--memory-limit",
    type=float,
    metavar="MB",
    help="Stop when allocc and its solver use so many megabytes, and keep what is had.",
)
@click.option("--threads", type=int, metavar="N", help="Threads of the solver.")
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed of the solver.")
@click.option(
    "--run",
    type=click.Path(),
    metavar="DIR",
    help="Folder for the results, a new one. By default runs/MODEL-TIME.",
)
@click.option("--no-run", is_flag=True, help="Write no run folder.")
@click.option("as_json", "--json", is_flag=True, help="One JSON object on stdout, nothing else.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.pass_context
def solve(
    ctx: click.Context,
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    solver: str,
    method: str,
    gap: float,
    time_limit: float | None,
    memory_limit: float | None,
    threads: int | None,
    seed: int,
    run: str | None,
    no_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the best allocation for MODEL and prove how good it is.

    Ctrl-C stops and keeps the best allocation that is known; a second one leaves at once.
    """
    from allocc.asked import make_options
    from allocc.cli.progress import stoppable, watching
    from allocc.run_folder import check_free, save_somewhere

    if run is not None and no_run:
        raise click.UsageError("--run and --no-run exclude each other")
    make_options(solver, method, gap, time_limit, threads, seed, memory_limit=memory_limit)
    if run is not None:
        check_free(Path(run))
    loaded = load_model(model, data, settings)
    if loaded.warnings:
        show(loaded.warnings)
        say("")
    cancel = threading.Event()
    failed: tuple[Diagnostic, ...] = ()
    # A Ctrl-C while the run is written must not lose it.
    with stoppable(cancel):
        with stdout_kept_clean(), watching(quiet) as tell:
            result: Result = loaded.solve(
                solver=solver,
                method=method,
                gap=gap,
                time_limit=time_limit,
                memory_limit=memory_limit,
                threads=threads,
                seed=seed,
                progress=tell,
                cancel=cancel,
            )
        if not no_run:
            try:
                result.save(run)
            except AlloccError as error:
                failed = error.diagnostics
                result.folder = save_somewhere(result)
    if as_json:
        write_json(_object(result, [to_json(d) for d in (*loaded.warnings, *failed)]))
    else:
        put(result.summary(color=color_on(sys.stdout)))
        if result.folder is not None:
            put(f"\nEverything is in {result.folder}")
    if failed:
        say("")
        show(failed)
    code = exit_code(result)
    ctx.exit(code or (EXIT_MISTAKE if failed else 0))


def _object(result: Result, diagnostics: list[dict[str, Any]]) -> dict[str, Any]:
    """What --json prints: the run folder's result without the arrays' labels."""
    from allocc.run_folder import result_data

    data = result_data(result)
    found = {
        name: data[name]
        for name in (
            "model",
            "title",
            "status",
            "stopped",
            "sense",
            "value",
            "bound",
            "gap",
            "violation",
            "solver",
            "method",
            "seconds",
            "rounds",
            "message",
            "explanation",
            "notes",
            "discretization",
        )
    }
    found["terms"] = result.terms
    found["reports"] = data["reports"]
    found["run"] = None if result.folder is None else str(result.folder)
    found["diagnostics"] = diagnostics
    return found
