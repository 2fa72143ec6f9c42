"""`allocc sensitivity`: what an answer depends on."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click

from allocc import mistakes
from allocc.cli.options import (
    gap_option,
    json_option,
    load_and_warn,
    method_option,
    model_options,
    output_option,
    quiet_option,
    solver_option,
    strict_option,
    time_limit_option,
)
from allocc.cli.terminal import color_on, put, say, stdout_kept_clean, write_json
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.engine.judging.options import cores
from allocc.signals import EXIT_INTERRUPTED

#: How often to say how far it is, in seconds.
EVERY = 2.0

_VARY = re.compile(r"([A-Za-z_]\w*(?:\[[^=]*\])?)\s*=(.*)\Z", re.DOTALL)


@click.command()
@model_options
@click.option(
    "vary",
    "--vary",
    multiple=True,
    metavar="NAME=RANGE",
    help="A parameter and its range: zeta=0.4..0.6, or zeta=+-20% around what it is; 'cap[44001]=8..12' for one "
    "member; of a parameter with an index, +-20% scales all members. Repeatable.",
)
@click.option(
    "--points",
    type=int,
    default=5,
    show_default=True,
    metavar="N",
    help="At so many values of each range, from end to end.",
)
@click.option(
    "--together",
    type=int,
    metavar="N",
    help="Also all parameters at once: Sobol indices from N times (parameters + 2) points; N a power of 2.",
)
@click.option(
    "--fixed",
    type=click.Path(),
    metavar="FILE|RUNDIR",
    help="Simulate these decisions at every point instead of solving it anew.",
)
@output_option("New folder: sensitivity.json, points.csv, together.csv, the picture.", "DIR")
@solver_option
@method_option("As for `allocc solve`.")
@gap_option
@time_limit_option("Stop the solve of each point after this time.")
@click.option(
    "--workers", type=int, metavar="N", help="So many processes. By default, one for each core."
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of the points.")
@strict_option
@json_option
@quiet_option
@click.pass_context
def sensitivity(
    ctx: click.Context,
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    vary: tuple[str, ...],
    points: int,
    together: int | None,
    fixed: str | None,
    output: str | None,
    solver: str,
    method: str,
    gap: float,
    time_limit: float | None,
    workers: int | None,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """What becomes of the answer to MODEL when parameters are others, each point with its certificate.

    Every parameter is moved over its range by itself; with --together all of them at once, too.

    \b
    allocc sensitivity opioid.alloc --vary zeta=+-20% --vary course=400..500
    allocc sensitivity opioid.alloc --vary zeta=+-20% --fixed runs/best --together 128
    """
    from allocc.cli.progress import FOUND_SO_FAR, stoppable
    from allocc.results.run_folder.place import check_free

    ranges = _ranges(vary)
    if output is not None:
        check_free(Path(output), "the sensitivities")
    loaded = load_and_warn(model, data, settings, fixed, quiet=quiet)
    cancel = threading.Event()
    with stdout_kept_clean(), stoppable(cancel, FOUND_SO_FAR):
        found = loaded.sensitivity(
            ranges,
            fixed=fixed,
            points=points,
            together=together,
            solver=solver,
            method=method,
            gap=gap,
            time_limit=time_limit,
            seed=seed,
            cancel=cancel,
            workers=cores() if workers is None else workers,
            progress=None if quiet else _teller(),
            told=None if quiet else say,
        )
    if output is not None:
        found.save(output)
    if as_json:
        from allocc.results.sensitivity.files import sensitivity_data

        write_json({**sensitivity_data(found), "folder": output})
    else:
        put(found.summary(color=color_on(sys.stdout)))
        if output is not None:
            put(f"\nEverything is in {output}")
    if cancel.is_set():
        ctx.exit(EXIT_INTERRUPTED)


def _ranges(vary: tuple[str, ...]) -> dict[str, str]:
    """The --vary options by name; raises E7265 for those that are no NAME=RANGE, or name one twice."""
    found: dict[str, str] = {}
    wrong: list[Diagnostic] = []
    for text in vary:
        match = _VARY.match(text.strip())
        if match is None or not match[2].strip() or match[1] in found:
            wrong.append(mistakes.bad_range(text))
        else:
            found[match[1]] = match[2].strip()
    if wrong:
        raise DiagnosticError(wrong)
    return found


def _teller() -> Callable[[int, int], None]:
    """Says how far it is, and how long the rest takes if it goes on so."""
    begun = time.monotonic()
    told = begun

    def tell(done: int, count: int) -> None:
        nonlocal told
        from allocc.tables import duration

        now = time.monotonic()
        if now - told >= EVERY and done < count:
            told = now
            left = (now - begun) / done * (count - done)
            say(f"{done:,} of {count:,} points, about {duration(left)} left")

    return tell
