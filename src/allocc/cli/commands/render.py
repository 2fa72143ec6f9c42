"""`allocc render`: a model as formulas, as a picture of its compartments, or as rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocc import mistakes
from allocc.cli.options import load_model, method_option, model_options, output_option
from allocc.cli.terminal import put, say
from allocc.dsl.diagnostics import DiagnosticError
from allocc.whole import write_whole

if TYPE_CHECKING:
    from allocc.api import Model
    from allocc.showing.rendering.declared_names import Declared

FORMS = ("markdown", "latex", "svg")
_SUFFIXES = {".md": "markdown", ".tex": "latex", ".svg": "svg"}


@click.command()
@model_options
@click.option(
    "--to",
    "form",
    type=click.Choice(FORMS),
    help="Formulas in markdown or latex, or svg: a picture. By default as --output says, "
    "else markdown.",
)
@click.option("--standalone", is_flag=True, help="With latex: a document that compiles by itself.")
@click.option("--values", is_flag=True, help="Read the data, and show parameters of one number.")
@click.option("--program", is_flag=True, help="The rows of the reformulated program instead.")
@click.option(
    "--rows",
    default=3,
    show_default=True,
    type=click.IntRange(min=0),
    metavar="N",
    help="With --program: rows of each block.",
)
@method_option("With --program: the program as `allocc compile --method` writes it.")
@output_option("Write to FILE.")
def render(
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    form: str | None,
    standalone: bool,
    values: bool,
    program: bool,
    rows: int,
    method: str,
    output: str | None,
) -> None:
    """Write MODEL as mathematics, or draw it.

    Formulas and the picture come from the model as it is written, so that they need no data.
    """
    form = _form(form, output)
    if program and form == "svg":
        raise click.UsageError("--program writes text; it cannot be drawn")
    if standalone and form != "latex":
        raise click.UsageError("--standalone goes with --to latex")
    bound = load_model(model, data, settings) if values or program else None
    if bound is not None and program:
        from allocc.showing.rendering.row_text import rows_text

        text = rows_text(bound.program(method), rows) + "\n"
    else:
        text = _from_tree(model, form, standalone, bound)
    if not text:
        say(f"{model} has no compartments to draw; --to markdown writes its formulas")
    elif output is None:
        put(text.rstrip("\n"))
    else:
        write_whole(Path(output), lambda part: _write(part, text), "the file")
        say(f"wrote {output}")


def _form(asked: str | None, output: str | None) -> str:
    """The form that --to asks for, else that of the file's ending; they may not contradict.

    Raises E7011 for an ending that stands for another form, or for none that there is.
    """
    suffix = Path(output).suffix.lower() if output is not None else ""
    of_file = _SUFFIXES.get(suffix)
    if output is not None and suffix and of_file is None and asked is None:
        endings = ", ".join(_SUFFIXES)
        reason = f"there is no form for the ending {suffix}; choose one of {endings}, or --to"
        raise DiagnosticError([mistakes.cannot_express(output, reason)])
    if output is not None and asked and of_file not in (None, asked):
        reason = f"its name says {of_file}, and --to says {asked}"
        raise DiagnosticError([mistakes.cannot_express(output, reason)])
    return asked or of_file or "markdown"


def _from_tree(model: str, form: str, standalone: bool, bound: Model | None) -> str:
    from allocc.loading import read_tree
    from allocc.showing.rendering.declared_names import declared

    path = Path(model)
    found = declared(read_tree(model), path)
    if form == "svg":
        return _picture(found)
    from allocc.showing.rendering.latex import latex
    from allocc.showing.rendering.markdown import markdown
    from allocc.showing.rendering.mathematics import sections

    parts = sections(found, _scalars(bound) if bound is not None else None)
    if form == "latex":
        return latex(found.title, parts, standalone)
    return markdown(found.title, parts)


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


def _picture(found: Declared) -> str:
    from allocc.showing.picture.diagram import diagram
    from allocc.showing.picture.svg import svg

    picture = diagram(found)
    return svg(picture) if picture is not None else ""


def _scalars(model: Model) -> dict[str, float]:
    """The parameters without an index that are numbers."""
    return {
        name: float(p.values)
        for name, p in model.bound.parameters.items()
        if not p.sets and p.values is not None and p.values.dtype.kind in "fiub"
    }
