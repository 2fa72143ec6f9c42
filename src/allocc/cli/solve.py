"""`allocc solve`: find the best allocation and prove how good it is."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allocc import mistakes
from allocc.cli.amounts import Duration
from allocc.cli.guard import EXIT_MISTAKE, exit_code, show
from allocc.cli.options import (
    gap_option,
    json_option,
    load_to_solve,
    method_option,
    model_options,
    quiet_option,
    run_option,
    solver_option,
    strict_option,
    time_limit_option,
)
from allocc.cli.terminal import color_on, put, say, stdout_kept_clean, write_json
from allocc.dsl.diagnostics import AlloccError, Diagnostic
from allocc.dsl.render import to_json

if TYPE_CHECKING:
    from allocc.api import Model
    from allocc.results.result import Result


@click.command()
@model_options
@solver_option
@method_option(
    "refine: cut nonlinear terms into pieces where the error is; exact: all at once; direct: "
    "leave them to the solver; auto: choose."
)
@gap_option
@time_limit_option("Stop solving after this time; reading the data is not counted.")
@click.option(
    "--memory-limit",
    type=float,
    metavar="MB",
    help="Stop when allocc and its solver use so many megabytes, and keep what is had.",
)
@click.option("--threads", type=int, metavar="N", help="Threads of the solver.")
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed of the solver.")
@click.option(
    "--relax",
    is_flag=True,
    help="Where no allocation meets every limit, find the cheapest loosening of limits.",
)
@click.option(
    "--explain-time",
    type=Duration(),
    default="30s",
    show_default=True,
    metavar="TIME",
    help="Time to find out what conflicts where nothing is feasible; on top of --time-limit.",
)
@click.option("--no-explain", is_flag=True, help="Do not find out what conflicts.")
@run_option("New folder for the results. By default runs/MODEL-TIME.")
@click.option("--no-run", is_flag=True, help="Write no run folder.")
@strict_option
@json_option
@quiet_option
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
    relax: bool,
    explain_time: float,
    no_explain: bool,
    run: str | None,
    no_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the best allocation for MODEL and prove how good it is.

    Ctrl-C stops and keeps the best allocation that is known; a second one leaves at once.
    """
    from allocc.asked import make_options
    from allocc.cli.progress import stoppable, watching, working
    from allocc.results.run_folder.place import check_free
    from allocc.results.run_folder.writing import save_somewhere

    if run is not None and no_run:
        raise click.UsageError("--run and --no-run exclude each other")
    make_options(solver, method, gap, time_limit, threads, seed, memory_limit=memory_limit)
    if not 0 < explain_time < float("inf"):
        wanted = "a number of seconds above 0; --no-explain leaves it out"
        raise AlloccError([mistakes.bad_option("--explain-time", explain_time, wanted)])
    if run is not None:
        check_free(Path(run))
    loaded = load_to_solve(model, data, settings, quiet=quiet)
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
        seconds = None if no_explain else explain_time
        _explain(
            loaded, result, quiet, solver, gap, time_limit, threads, seed, seconds, relax, cancel
        )
        if not no_run:
            try:
                with working("writing the run folder", quiet):
                    result.save(run)
            except AlloccError as error:
                failed = error.diagnostics
                result.folder = save_somewhere(result)
    if as_json:
        write_json(_object(result, [to_json(d) for d in (*loaded.warnings, *failed)]))
    else:
        put(result.summary(color=color_on(sys.stdout)))
        if result.folder is not None:
            loose = result.loosening is not None and result.loosening.result is not None
            more = "; what the loosened limits allow, in loosened/ there" if loose else ""
            put(f"\nEverything is in {result.folder}{more}")
    if failed:
        say("")
        show(failed)
    code = exit_code(result)
    ctx.exit(code or (EXIT_MISTAKE if failed else 0))


def _explain(
    loaded: Model,
    result: Result,
    quiet: bool,
    solver: str,
    gap: float,
    time_limit: float | None,
    threads: int | None,
    seed: int,
    seconds: float | None,
    relax: bool,
    cancel: threading.Event,
) -> None:
    """Add to a result why there is no allocation or no best one, and what to loosen, as asked."""
    from allocc.backends.solution import LicenceLimit
    from allocc.cli.progress import watching

    if result.status not in ("infeasible", "unbounded") or result.stopped == "interrupted":
        return
    try:
        with stdout_kept_clean(), watching(quiet, "looking for the reason") as tell:
            if result.status == "unbounded":
                if seconds is not None:
                    result.escape = loaded.escape(solver, seconds, threads, seed, cancel)
                return
            if seconds is not None:
                if not quiet:
                    say("no allocation meets every limit; looking for what conflicts")
                result.conflict = loaded.conflict(solver, seconds, threads, seed, cancel)
            if relax and not cancel.is_set():
                result.loosening = loaded.loosen(
                    solver, gap, time_limit, threads, seed, cancel, progress=tell
                )
    except LicenceLimit as limit:
        # What the solve has proven stands.
        say(f"why is not found out: {limit}")


def _object(result: Result, diagnostics: list[dict[str, Any]]) -> dict[str, Any]:
    """What --json prints: the run folder's result without the arrays' labels."""
    from allocc.results.run_folder.writing import result_data

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
            "proof",
            "gap",
            "gap_measure",
            "violation",
            "solver",
            "method",
            "seconds",
            "rounds",
            "message",
            "explanation",
            "notes",
            "discretization",
            "discretization_parts",
            "conflict",
            "loosening",
            "escape",
        )
    }
    loose = result.loosening.result if result.loosening is not None else None
    if loose is not None:
        found["loosening"]["result"] = _object(loose, [])
    found["terms"] = result.terms
    found["reports"] = data["reports"]
    found["run"] = None if result.folder is None else str(result.folder)
    found["diagnostics"] = diagnostics
    return found
