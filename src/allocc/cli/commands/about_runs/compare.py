"""`allocc compare`: allocations side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocc import mistakes
from allocc.cli.options import ModelPath, json_option, output_option
from allocc.cli.terminal import color_on, put, say, write_json
from allocc.dsl.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from allocc.api import Compared


@click.command()
@click.argument("allocations", nargs=-1, metavar="A B ...")
@click.option(
    "--model",
    type=ModelPath(),
    metavar="MODEL",
    help="The model, where run folders have no copy of it; each run's settings hold.",
)
@click.option(
    "--data",
    type=click.Path(),
    metavar="DIR",
    help="Folder of its CSV files. By default as `allocc solve` finds it.",
)
@output_option("Draw it, too: an .svg or .png file.")
@json_option
def compare(
    allocations: tuple[str, ...],
    model: str | None,
    data: str | None,
    output: str | None,
    as_json: bool,
) -> None:
    """Set allocations side by side, each beside the first.

    Each of A, B ... is a run folder, `baseline` (no intervention acts), or `policy:NAME` for a policy of
    the model. What differs is told in decisions, terms, compartments, reports and limits, and which terms pay
    for it. The baseline, policies and limits need the model: the copy in a run folder, or --model.

    \b
    allocc compare runs/first baseline --model opioid.alloc
    """
    from allocc.loading import compare as find

    if output is not None:
        _check_file(Path(output))
    found = find(*allocations, model=model, data=data)
    if output is not None:
        _draw(found, Path(output))
    if as_json:
        from allocc.showing.comparing.plain import comparison_data

        write_json({**comparison_data(found), "picture": output})
        return
    from allocc.showing.comparing.text import comparison_text

    put(comparison_text(found, color_on(sys.stdout)))
    if output is not None:
        say(f"the picture is in {output}")


def _check_file(path: Path) -> None:
    from allocc.showing.plots import check_installed

    if path.suffix.lower() not in (".svg", ".png"):
        reason = "a picture is an .svg or a .png file"
        raise DiagnosticError([mistakes.cannot_express(str(path), reason)])
    check_installed()


def _draw(found: Compared, path: Path) -> None:
    from allocc.whole import write_whole

    write_whole(path, found.plot().write, "the picture")
