"""`allocc draw`: draws of what a model says is uncertain, as a file."""

from __future__ import annotations

from pathlib import Path

import click

from allocc.cli.options import load_and_warn, model_options, output_option, quiet_option
from allocc.cli.terminal import put


@click.command()
@model_options
@click.option(
    "--draws", type=click.IntRange(1), default=60, show_default=True, help="How many draws."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the draws.")
@output_option("The CSV file to write; without it, the draws are printed.")
@quiet_option
def draw(
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    draws: int,
    seed: int,
    output: str | None,
    quiet: bool,
) -> None:
    """Draw what MODEL says is uncertain: a row a draw, a column a parameter.

    `--over` of solve, evaluate and regret reads such a file.

    \b
    allocc draw opioid.alloc --draws 200 -o draws.csv
    """
    from allocc.errors import reported
    from allocc.questions.over.drawing import draw as drawn
    from allocc.questions.over.drawing import draws_text
    from allocc.whole import write_whole

    loaded = load_and_warn(model, data, settings, quiet=quiet)
    with reported():
        text = draws_text(drawn(loaded.bound, draws, seed))
        if output is None:
            put(text.rstrip("\n"))
            return

        def write(part: Path) -> None:
            part.write_text(text, encoding="utf-8")

        write_whole(Path(output), write, "the draws")
    put(f"{draws} draws are in {output}")
