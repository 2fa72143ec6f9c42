"""`allocc regret`: how much better than a given allocation the best of each draw is."""

from __future__ import annotations

import threading

import click

from allocc.cli.commands.over.opening import opened
from allocc.cli.commands.over.telling import check_folder, over_option, tell
from allocc.cli.options import (
    ModelPath,
    data_options,
    gap_option,
    json_option,
    output_option,
    quiet_option,
    solver_option,
    time_limit_option,
)
from allocc.signals import EXIT_INTERRUPTED


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--model", type=ModelPath(), metavar="MODEL", help="The model, where RUN has no copy of it."
)
@data_options
@over_option
@solver_option
@gap_option
@time_limit_option("Stop after this time, with what is known; it is shared between the draws.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    help="Draws that are solved at a time. By default the cores of this machine.",
)
@click.option(
    "--store",
    type=click.Path(),
    metavar="DIR",
    help="Keep each finished draw here: started again, it is not solved again.",
)
@output_option("New folder: over.json, draws.csv, pictures.", "DIR")
@json_option
@quiet_option
@click.pass_context
def regret(
    ctx: click.Context,
    run: str,
    model: str | None,
    data: str | None,
    settings: tuple[str, ...],
    over: str,
    solver: str,
    gap: float,
    time_limit: float | None,
    workers: int | None,
    store: str | None,
    output: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """How much better the best allocation of each draw is than that of RUN, and what those have in common.

    Each draw is solved by itself. The regret is an interval: from what is reached to what is proven.

    \b
    allocc regret runs/first --over runs/fit -o runs/regret
    """
    from allocc.cli.progress import FOUND_SO_FAR, stoppable, working
    from allocc.cli.terminal import stdout_kept_clean
    from allocc.engine.judging.options import cores

    check_folder(output)
    found = opened(run, model, data, settings)
    cancel = threading.Event()
    with (
        stdout_kept_clean(),
        stoppable(cancel, FOUND_SO_FAR),
        working("solving every draw by itself", quiet),
    ):
        answer = found.model.regret(
            found.decisions,
            over,
            solver=solver,
            gap=gap,
            time_limit=time_limit,
            cancel=cancel,
            workers=workers or cores(),
            store=store,
        )
    tell(answer, output, as_json)
    if cancel.is_set():
        ctx.exit(EXIT_INTERRUPTED)
