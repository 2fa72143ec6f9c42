"""`allocc evaluate`: a given allocation in every draw."""

from __future__ import annotations

import click

from allocc.cli.commands.over.opening import opened
from allocc.cli.commands.over.telling import check_folder, over_option, tell
from allocc.cli.options import ModelPath, data_options, json_option, output_option, quiet_option


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--model", type=ModelPath(), metavar="MODEL", help="The model, where RUN has no copy of it."
)
@data_options
@over_option
@output_option("New folder: over.json, draws.csv, bands.csv, pictures.", "DIR")
@json_option
@quiet_option
def evaluate(
    run: str,
    model: str | None,
    data: str | None,
    settings: tuple[str, ...],
    over: str,
    output: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """What the allocation of RUN leads to in every draw: its value, which limits break and how often.

    RUN is a run folder, a decisions.csv, or `policy:NAME` of a model. No solver is asked.

    \b
    allocc fit opioid.alloc --draws 60 -o runs/fit
    allocc evaluate runs/first --over runs/fit
    """
    from allocc.cli.progress import working

    check_folder(output)
    found = opened(run, model, data, settings)
    with working("simulating every draw", quiet):
        answer = found.model.evaluate(found.decisions, over)
    tell(answer, output, as_json)
