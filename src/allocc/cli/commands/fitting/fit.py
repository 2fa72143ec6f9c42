"""`allocc fit`: what data say about a model's parameters."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from allocc.cli.amounts import Share
from allocc.cli.options import (
    csv_option,
    json_option,
    load_and_warn,
    model_options,
    output_option,
    quiet_option,
    strict_option,
)
from allocc.cli.terminal import color_on, put, say, stdout_kept_clean, write_json
from allocc.signals import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from allocc.results.fitting.found import Sampler


@click.command()
@model_options
@click.option("--fit", "name", metavar="NAME", help="Which fit, where the model has several.")
@click.option(
    "--starts",
    type=int,
    default=8,
    show_default=True,
    metavar="N",
    help="Search from so many points; the first is the first guess.",
)
@click.option(
    "--level",
    type=Share(),
    default="95%",
    show_default=True,
    metavar="SHARE",
    help="Level of the intervals; 90% or 0.9.",
)
@click.option("--no-intervals", is_flag=True, help="Leave the profile intervals out.")
@click.option(
    "--draws",
    type=int,
    default=0,
    metavar="N",
    help="Draw so many times around the estimates, for -o or --csv.",
)
@click.option(
    "--sampler",
    type=click.Choice(["laplace", "emcee"]),
    default="laplace",
    show_default=True,
    help="How: as if the likelihood were normal, or by chains (pip install 'allocc[mcmc]').",
)
@click.option(
    "--steps",
    type=int,
    default=5000,
    show_default=True,
    metavar="N",
    help="Most steps of emcee's chains; they end when they are long enough.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Of starts and draws."
)
@output_option("New folder: fitted.json, residuals.csv, draws.csv, the picture.", "DIR")
@csv_option("Write the draws.")
@strict_option
@json_option
@quiet_option
@click.pass_context
def fit(
    ctx: click.Context,
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    name: str | None,
    starts: int,
    level: float,
    no_intervals: bool,
    draws: int,
    seed: int,
    sampler: Sampler,
    steps: int,
    output: str | None,
    csv_file: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Estimate parameters of MODEL from what was observed, as a `fit` in it says.

    Interventions act as far as it says what was decided. The estimates stand in DIR/fitted.json, which other commands take.

    \b
    allocc fit opioid.alloc -o runs/fit
    allocc solve opioid.alloc --fitted runs/fit
    """
    from allocc import mistakes
    from allocc.cli.progress import FOUND_SO_FAR, stoppable, working
    from allocc.dsl.diagnostics import DiagnosticError
    from allocc.results.run_folder.place import check_free

    if output is not None:
        check_free(Path(output), "the fit")
    if csv_file is not None and not draws:
        raise DiagnosticError([mistakes.bad_option("--draws", draws, "1 or more for --csv")])
    asked = click.get_current_context().get_parameter_source
    if not draws and asked("sampler") is ParameterSource.COMMANDLINE:
        raise DiagnosticError(
            [mistakes.bad_option("--sampler", sampler, "left out without --draws")]
        )
    if sampler != "emcee" and asked("steps") is ParameterSource.COMMANDLINE:
        raise DiagnosticError(
            [mistakes.bad_option("--steps", steps, "left out without --sampler emcee")]
        )
    loaded = load_and_warn(model, data, settings, quiet=quiet)
    cancel = threading.Event()
    with stdout_kept_clean(), stoppable(cancel, FOUND_SO_FAR), working("fitting", quiet):
        found = loaded.fit(
            name,
            starts,
            level,
            intervals=not no_intervals,
            draws=draws,
            seed=seed,
            sampler=sampler,
            steps=steps,
            cancel=cancel,
        )
    if output is not None:
        found.save(output)
    if csv_file is not None:
        from allocc.results.fitting.files import write_draws
        from allocc.whole import write_whole

        write_whole(Path(csv_file), lambda part: write_draws(found, part), "the CSV file")
    if as_json:
        from allocc.results.fitting.files import fit_data

        more: dict[str, Any] = {"folder": output, "csv": csv_file}
        write_json({**fit_data(found), **more})
    else:
        put(found.summary(color=color_on(sys.stdout)))
        if output is not None:
            put(f"\nEverything is in {output}")
    if csv_file is not None:
        say(f"{draws:,} draws are in {csv_file}")
    if cancel.is_set():
        ctx.exit(EXIT_INTERRUPTED)
