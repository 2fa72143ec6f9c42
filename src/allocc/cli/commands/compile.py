"""`allocc compile`: a stage of the compiler to look at, or the program as a file."""

from __future__ import annotations

import click

from allocc.cli.options import load_model, method_option, model_options, output_option
from allocc.cli.terminal import put

STAGES = ("tree", "model", "problem", "passes", "program")


@click.command("compile")
@model_options
@click.option(
    "--emit",
    type=click.Choice(STAGES),
    help="The stage to print: as read, bound to data, unrolled in time, the passes that `solve` runs, or "
    "the program.",
)
@method_option(
    "refine: the linear relaxation; exact: integer factors cut into single values; direct: "
    "nonlinear; auto: exact where that is possible and not too large, else refine."
)
@output_option(
    "Write the program as .mps or .lp, with FILE.map.json from its names to the model's."
)
def compile_model(
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    emit: str | None,
    method: str,
    output: str | None,
) -> None:
    """Print a stage of the compiler for MODEL, or write its mixed-integer program to a file."""
    from allocc.showing import stage_texts

    if emit == "tree":
        from allocc.loading import read_tree

        put(stage_texts.tree_text(read_tree(model)))
        return
    loaded = load_model(model, data, settings)
    if output is not None:
        loaded.write(output, method)
        put(stage_texts.written_text(loaded, method, output))
        return
    if emit == "model":
        put(stage_texts.model_text(loaded))
    elif emit == "problem":
        put(stage_texts.problem_text(loaded))
    elif emit == "passes":
        put(stage_texts.passes_text(loaded, method))
    else:
        put(stage_texts.program_text(loaded, method))
