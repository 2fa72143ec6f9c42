"""`allocc verify`: whether a run folder holds what it claims."""

from __future__ import annotations

import click

from allocc.cli.guard import EXIT_MISTAKE
from allocc.cli.options import ModelPath, json_option
from allocc.cli.terminal import put, write_json


@click.command()
@click.argument("run", type=click.Path())
@click.option(
    "--model",
    type=ModelPath(),
    metavar="MODEL",
    help="The model that the run was made from, where RUN has no copy of it.",
)
@click.option(
    "--data",
    type=click.Path(),
    metavar="DIR",
    help="Folder of its CSV files. By default as `allocc solve` finds it.",
)
@json_option
@click.pass_context
def verify(
    ctx: click.Context, run: str, model: str | None, data: str | None, as_json: bool
) -> None:
    """Check RUN, a folder that `allocc solve` wrote: its files, its decisions, its proof.

    The model is compiled anew and the decisions are simulated in intervals that round outward, so that
    nothing rests on how numbers were rounded. No solver's word is taken. Each link has one line. The exit code is 0
    only where all that RUN claims was shown, else 1: a bound without a proof as a file is not shown.

    \b
    allocc verify runs/first --model opioid.alloc
    """
    from allocc.loading import verify as check
    from allocc.showing.verification import verification_text

    found = check(run, model, data)
    if as_json:
        links = [{"name": x.name, "state": x.state, "text": x.text} for x in found.links]
        write_json({"run": run, "holds": found.holds, "links": links})
    else:
        put(verification_text(found))
    if not found.holds:
        ctx.exit(EXIT_MISTAKE)
