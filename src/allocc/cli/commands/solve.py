"""`allocc solve`: find the best allocation and prove how good it is."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
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
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.dsl.messages import to_json

if TYPE_CHECKING:
    from allocc.api import Model
    from allocc.engine.judging.outcome import Options
    from allocc.results.run import Run


@click.command()
@model_options
@solver_option
@method_option(
    "refine: relax nonlinear terms, finer where the error is; exact: all at once; direct: "
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
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Random seed of the solver, and of what is drawn.",
)
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
@click.option(
    "--prove",
    is_flag=True,
    help="End with a proof in rationals that a stranger can check: see allocc verify.",
)
@click.option("--no-explain", is_flag=True, help="Do not find out what conflicts.")
@click.option(
    "--over",
    type=click.Path(),
    metavar="FILE|DIR",
    help="Decide once for many draws: a CSV file with a row a draw, or the folder of `allocc fit --draws N -o DIR`.",
)
@click.option(
    "--draws",
    type=click.IntRange(1),
    metavar="N",
    help="Decide once for N draws of what the model says is uncertain.",
)
@click.option(
    "--nominal",
    is_flag=True,
    help="Solve the model as it stands, without the scenario that it has.",
)
@click.option(
    "--by",
    metavar="MEASURE",
    help="What draws are weighed by: mean, worst, regret, or 'cvar 90%'. By default what the scenario says, else mean.",
)
@click.option(
    "--information/--no-information",
    default=None,
    help="What knowing the draw before would be worth, and deciding over draws at all.",
)
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
    prove: bool,
    no_explain: bool,
    over: str | None,
    draws: int | None,
    nominal: bool,
    by: str | None,
    information: bool | None,
    run: str | None,
    no_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the best allocation for MODEL and prove how good it is.

    A model with a scenario is solved over its worlds: decided once for all of them.

    Ctrl-C stops and keeps the best allocation that is known; a second one leaves at once.
    """
    from allocc.cli.progress import stoppable, watching, working
    from allocc.engine.judging.options import make_options
    from allocc.questions.solve import solve as find
    from allocc.results.run_folder.place import check_free
    from allocc.results.run_folder.writing import save, save_somewhere
    from allocc.showing.report import summary

    if run is not None and no_run:
        raise click.UsageError("--run and --no-run exclude each other")
    if prove and no_run:
        raise click.UsageError("--prove writes the proof into the run folder: leave out --no-run")
    cancel = threading.Event()
    options = make_options(
        solver,
        method,
        gap,
        time_limit,
        threads,
        seed,
        cancel,
        memory_limit=memory_limit,
        prove=prove,
    )
    if not 0 < explain_time < float("inf"):
        wanted = "a number of seconds above 0; --no-explain leaves it out"
        raise DiagnosticError([mistakes.bad_option("--explain-time", explain_time, wanted)])
    if run is not None:
        check_free(Path(run))
    loaded = load_to_solve(model, data, settings, quiet=quiet)
    from allocc.cli.commands.over.solving import over_worlds, solve_over

    if over_worlds(loaded, over, draws, nominal, by, information):
        if prove or relax:
            other = "--prove" if prove else "--relax"
            wanted = "left out where there is more than one world; --nominal has one"
            raise DiagnosticError([mistakes.bad_option(other, "given", wanted)])
        worlds = draws if over is None else over
        ctx.exit(solve_over(loaded, worlds, by, information, options, run, no_run, as_json, quiet))
    failed: tuple[Diagnostic, ...] = ()
    # A Ctrl-C while the run is written must not lose it.
    with stoppable(cancel):
        with stdout_kept_clean(), watching(quiet) as tell:
            result = find(loaded, replace(options, on_progress=tell))
        seconds = None if no_explain else explain_time
        result = _explained(loaded, result, options, quiet, seconds, relax)
        if not no_run:
            try:
                with working("writing the run folder", quiet):
                    folder: Path | None = save(result, run)
            except DiagnosticError as error:
                failed = error.diagnostics
                folder = save_somewhere(result)
            result = replace(result, folder=folder)
    if as_json:
        write_json(_object(result, [to_json(d) for d in (*loaded.warnings, *failed)]))
    else:
        put(summary(result, color=color_on(sys.stdout)))
        if result.folder is not None:
            loose = result.loosening is not None and result.loosening.result is not None
            more = "; what the loosened limits allow, in loosened/ there" if loose else ""
            put(f"\nEverything is in {result.folder}{more}")
    if failed:
        say("")
        show(failed)
    code = exit_code(result)
    ctx.exit(code or (EXIT_MISTAKE if failed else 0))


def _explained(
    loaded: Model,
    result: Run,
    options: Options,
    quiet: bool,
    seconds: float | None,
    relax: bool,
) -> Run:
    """A result with why there is no allocation or no best one, and what to loosen, as asked."""
    if result.status not in ("infeasible", "unbounded") or result.stopped == "interrupted":
        return result
    from allocc.backends.solution import LicenceLimit
    from allocc.cli.progress import watching
    from allocc.engine.judging.outcome import Options
    from allocc.questions.conflict.conflict import explain
    from allocc.questions.conflict.feasibility_relaxation import loosen
    from allocc.questions.conflict.unbounded_ray import escape

    rest = replace(options, method="auto", memory_limit_mb=None)
    asked = replace(rest, gap=Options().gap, time_limit=seconds)
    assert options.cancel is not None
    try:
        with stdout_kept_clean(), watching(quiet, "looking for the reason") as tell:
            if result.status == "unbounded":
                return result if seconds is None else replace(result, escape=escape(loaded, asked))
            if seconds is not None:
                if not quiet:
                    say("no allocation meets every limit; looking for what conflicts")
                result = replace(result, conflict=explain(loaded, asked))
            if relax and not options.cancel.is_set():
                loosening = loosen(loaded, replace(rest, on_progress=tell))
                result = replace(result, loosening=loosening)
    except LicenceLimit as limit:
        # What the solve has proven stands.
        say(f"why is not found out: {limit}")
    return result


def _object(result: Run, diagnostics: list[dict[str, Any]]) -> dict[str, Any]:
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
            "exact_proof",
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
