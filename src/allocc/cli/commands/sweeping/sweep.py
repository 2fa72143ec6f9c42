"""`allocc sweep`: one model solved for many settings and many data folders."""

from __future__ import annotations

import itertools
import re
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocc import mistakes
from allocc.cli.guard import EXIT_MISTAKE, EXIT_NOTHING, EXIT_STOPPED
from allocc.cli.options import (
    ModelPath,
    Setting,
    gap_option,
    json_option,
    method_option,
    output_option,
    parse_settings,
    quiet_option,
    solver_option,
    time_limit_option,
)
from allocc.cli.terminal import color_on, put, say, stdout_kept_clean, write_json
from allocc.dsl.diagnostics import DiagnosticError
from allocc.signals import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from allocc.questions.sweep.sweep import Progress
    from allocc.results.sweeping.points import Answer, Point
    from allocc.results.sweeping.swept import SweepResult


@click.command()
@click.argument("model", type=ModelPath())
@click.option(
    "settings",
    "--set",
    multiple=True,
    type=Setting(),
    metavar="NAME=VALUE,VALUE",
    help="Values of a parameter to try, with commas between them; 'cap[44001]=12,15' for one member. "
    "Repeatable: every combination is solved.",
)
@click.option(
    "--data",
    multiple=True,
    type=click.Path(),
    metavar="DIR|PATTERN",
    help="Data folders to try, in quotes with *: 'states/*'. Repeatable.",
)
@click.option(
    "--fitted",
    type=click.Path(),
    metavar="FILE|DIR",
    help="Take the estimates of `allocc fit -o DIR` for their parameters; --set goes over them.",
)
@output_option(
    "Folder of the answers, the table and the picture. What is there already is not solved again.",
    "DIR",
)
@click.option(
    "--workers", type=int, metavar="N", help="So many processes. By default, one for each core."
)
@click.option("--shard", metavar="K/N", help="Only the K-th of N parts, for arrays of jobs.")
@click.option(
    "--cluster",
    metavar="dask://HOST:PORT",
    help="Let the workers of a Dask cluster solve (pip install 'allocc[cluster]').",
)
@click.option("--again", is_flag=True, help="Solve also what is there already.")
@click.option("--cold", is_flag=True, help="Begin no solve with the decisions of a point nearby.")
@solver_option
@method_option("As for `allocc solve`.")
@gap_option
@time_limit_option("Stop the solve of each point after this time.")
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed of the solver.")
@json_option
@quiet_option
@click.pass_context
def sweep(
    ctx: click.Context,
    model: str,
    settings: tuple[str, ...],
    data: tuple[str, ...],
    fitted: str | None,
    output: str | None,
    workers: int | None,
    shard: str | None,
    cluster: str | None,
    again: bool,
    cold: bool,
    solver: str,
    method: str,
    gap: float,
    time_limit: float | None,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Solve MODEL for every combination of settings and data folders, each with its certificate.

    Answers are kept in DIR as they come: started again, only what is left is solved. A point that fails stops
    no other; the exit code is 1 then. Each solve has one thread.

    \b
    allocc sweep opioid.alloc --set grant=1e6,2e6,3e6 --data 'states/*' -o grants
    allocc simulate opioid.alloc --data states/RI grants/points/KEY.csv
    """
    from allocc.cli.progress import stoppable
    from allocc.loading import sweep as solve_all
    from allocc.questions.sweep.grid import folders, listed_values

    values = {n: listed_values(n, text) for n, text in parse_settings(settings).items()}
    part = None if shard is None else _shard(shard)
    if part is not None and output is None:
        raise click.UsageError("--shard is for a folder that several jobs fill: name it with -o")
    if part is not None and (again or cluster is not None):
        raise click.UsageError("--shard excludes --again and --cluster")
    cancel = threading.Event()
    with (
        stdout_kept_clean(),
        stoppable(cancel, "stopping; what is finished is kept (Ctrl-C again leaves at once)"),
    ):
        found = solve_all(
            model,
            settings=values,
            data=folders(data),
            fitted=fitted,
            folder=output,
            workers=workers,
            shard=part,
            cluster=cluster,
            again=again,
            warm=not cold,
            cancel=cancel,
            told=None if quiet else say,
            progress=None if quiet else _teller(),
            solver=solver,
            method=method,
            gap=gap,
            time_limit=time_limit,
            seed=seed,
        )
    if as_json:
        from allocc.results.sweeping.files import sweep_data

        write_json({**sweep_data(found), "folder": output})
    else:
        if not quiet:
            say("")
        put(found.summary(color=color_on(sys.stdout)))
        if output is not None and part is None:
            put(f"\nEverything is in {output}")
        elif output is not None:
            put(
                f"\nThe answers are in {Path(output) / 'points'}; the same command without --shard makes the table"
            )
    ctx.exit(_exit(found))


def _exit(found: SweepResult) -> int:
    """1 where a point has failed; else as a solve that ended as the worst of them."""
    if found.interrupted:
        return EXIT_INTERRUPTED
    if found.failed:
        return EXIT_MISTAKE
    statuses = {a.status for a in found.answers if a is not None}
    if "unknown" in statuses:
        return EXIT_NOTHING
    return EXIT_STOPPED if "feasible" in statuses else 0


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise DiagnosticError([mistakes.bad_shard(text)])
    return int(match[1]), int(match[2])


def _teller() -> Progress:
    """Tells each point, and how long the rest will take if it goes on as it went."""
    from allocc.showing.sweeping.report import point_line

    times: list[float] = [time.perf_counter()]

    def tell(point: Point, answer: Answer, done: int, count: int) -> None:
        times.append(time.perf_counter())
        # What was there already comes at once, and says nothing of the rest.
        slow = [b - a for a, b in itertools.pairwise(times) if b - a > 0.005]
        each = sum(slow) / len(slow) if slow else None
        left = None if each is None else each * (count - done)
        say(point_line(point, answer, done, count, left))

    return tell
