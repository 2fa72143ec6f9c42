"""`allocc analyze`: what a model does by itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allocc.cli.options import json_option, load_and_warn, model_options, strict_option
from allocc.cli.terminal import color_on, put, write_json
from allocc.errors import require

if TYPE_CHECKING:
    from allocc.results.dynamics.analysis import Analysis


@click.command()
@model_options
@click.option(
    "--infected",
    metavar="NAME,...",
    help="The compartments that carry the infection, as E,I; by default they are found from the flows.",
)
@click.option("--latex", "as_latex", is_flag=True, help="The formulas in LaTeX.")
@click.option(
    "--standalone", is_flag=True, help="With --latex: a document that compiles by itself."
)
@strict_option
@json_option
def analyze(
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    infected: str | None,
    as_latex: bool,
    standalone: bool,
    as_json: bool,
) -> None:
    """Say what MODEL does by itself: equations, R0, states of rest, mean times, the largest safe step.

    No intervention acts, and every decision is at its lower end. Needs SymPy: pip install 'allocc[analyze]'.
    """
    if as_json and as_latex:
        raise click.UsageError("--json and --latex cannot go together")
    if standalone and not as_latex:
        raise click.UsageError("--standalone goes with --latex")
    require("sympy", "`allocc analyze`", "analyze")
    loaded = load_and_warn(model, data, settings, quiet=True)
    found = loaded.analyze(_names(infected))
    if as_json:
        write_json(_object(found))
    elif as_latex:
        put(_latex(found, model, standalone))
    else:
        from allocc.showing.analysis.report import analysis_text

        put(analysis_text(found, color_on(sys.stdout)))


def _names(infected: str | None) -> list[str]:
    """The names of a list with commas; those within brackets belong to a name."""
    names, depth = [""], 0
    for letter in infected or "":
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if letter == "," and not depth:
            names.append("")
        else:
            names[-1] += letter
    return [n.strip() for n in names if n.strip()]


def _latex(found: Analysis, model: str, standalone: bool) -> str:
    from allocc.loading import read_tree
    from allocc.showing.analysis.mathematics import analysis_sections
    from allocc.showing.rendering.declared_names import declared
    from allocc.showing.rendering.latex import latex

    names = declared(read_tree(model), Path(model))
    return latex(names.title, analysis_sections(found, names), standalone).rstrip("\n")


def _object(found: Analysis) -> dict[str, Any]:
    """What --json prints: the fields of `Analysis`; a formula is its text."""
    from allocc.results.run_folder.json_values import clean

    data: dict[str, Any] = clean(found)
    return data
