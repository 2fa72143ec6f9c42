"""`allocc plot`: pictures of a run, or of a frontier."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from allocc import mistakes
from allocc.cli.options import json_option, output_option
from allocc.cli.terminal import put, write_json
from allocc.dsl.diagnostics import DiagnosticError
from allocc.whole import write_whole

FORMATS = ("svg", "png")
WHAT = ("trajectories", "allocation", "progress", "frontier", "fit", "bands", "tornado", "all")


@click.command()
@click.argument("run", type=click.Path())
@click.option(
    "--what",
    default="all",
    show_default=True,
    metavar="WHAT",
    help="trajectories: compartments with and without interventions; allocation: who gets what; "
    "progress: value, bound and gap as time went on; frontier: what `allocc pareto` found; fit: data and what was fitted to them; "
    "bands: many courses of `simulate --stochastic`; tornado: what a value depends on; all.",
)
@output_option(
    "A folder, or, for one picture, an .svg or .png file. By default plots/ in RUN.", "DIR|FILE"
)
@click.option("format_", "--format", metavar="svg|png", help="By default svg, or that of FILE.")
@json_option
def plot(run: str, what: str, output: str | None, format_: str | None, as_json: bool) -> None:
    """Draw what is in RUN, a folder of `allocc solve`, of `simulate` or `pareto` with --run, or of `fit`.

    Pictures that are there already are drawn anew. It needs Matplotlib:
    pip install 'allocc[plot]'

    \b
    allocc plot runs/first
    allocc plot runs/first --what allocation --output who.png
    """
    if what not in WHAT:
        raise DiagnosticError([mistakes.unknown_choice("--what", what, WHAT)])
    file, kind = _target(output, format_)
    figures = _figures(Path(run), what)
    if file is not None and len(figures) > 1:
        reason = f"{len(figures)} plots need a folder; name one with --what: {', '.join(figures)}"
        raise DiagnosticError([mistakes.cannot_express(str(file), reason)])
    from allocc.showing.plots import check_installed

    check_installed()
    folder = file.parent if file is not None else Path(output or Path(run) / "plots")
    written = []
    for name, draw in figures.items():
        path = file if file is not None else folder / f"{name}.{kind}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            reason = problem.strerror or str(problem)
            found = mistakes.cannot_write("the plot", str(path), reason)
            raise DiagnosticError([found]) from None
        write_whole(path, draw().write, "the plot")
        written.append((name, str(path)))
    if as_json:
        write_json({"run": run, "plots": dict(written)})
        return
    width = max(len(name) for name, _ in written)
    for name, where in written:
        put(f"{name.ljust(width)}  {where}")


def _target(output: str | None, format_: str | None) -> tuple[Path | None, str]:
    """The one file that is asked for, if it is one, and the format."""
    if format_ is not None and format_ not in FORMATS:
        raise DiagnosticError([mistakes.unknown_choice("--format", format_, FORMATS)])
    suffix = Path(output or "").suffix.lower().removeprefix(".")
    if output is None or Path(output).is_dir() or not suffix:
        return None, format_ or FORMATS[0]
    if suffix not in FORMATS:
        raise DiagnosticError([mistakes.cannot_express(output, "a plot is an .svg or a .png file")])
    if format_ not in (None, suffix):
        reason = f"its name says {suffix}, and --format says {format_}"
        raise DiagnosticError([mistakes.cannot_express(output, reason)])
    return Path(output), suffix


def _figures(run: Path, what: str) -> dict[str, Any]:
    """What to draw, by name; nothing is drawn before everything is known to be there."""
    from allocc.results import frontier_folder
    from allocc.results.fitting import files as fitted_files
    from allocc.results.sensitivity import files as sensitivity_files
    from allocc.results.stochastic import files as stochastic_files
    from allocc.showing.plots import (
        OF_A_RESULT,
        draw,
        draw_bands,
        draw_fit,
        draw_frontier,
        draw_tornado,
        why_not,
    )

    if (run / fitted_files.FILE).is_file():
        if what not in ("fit", "all"):
            reason = "it is a folder of `allocc fit`, which has a fit only"
            raise DiagnosticError([mistakes.nothing_to_draw(what, reason)])
        return {"fit": partial(draw_fit, fitted_files.read(run))}

    if (run / sensitivity_files.FILE).is_file():
        if what not in ("tornado", "all"):
            reason = "it is a folder of `allocc sensitivity`, which has a tornado only"
            raise DiagnosticError([mistakes.nothing_to_draw(what, reason)])
        return {"tornado": partial(draw_tornado, sensitivity_files.read(run))}
    if (run / stochastic_files.FILE).is_file():
        if what not in ("bands", "all"):
            reason = "it is a run of `allocc simulate --stochastic`, which has bands only"
            raise DiagnosticError([mistakes.nothing_to_draw(what, reason)])
        return {"bands": partial(draw_bands, stochastic_files.read(run))}

    if (run / frontier_folder.FILE).is_file():
        found = frontier_folder.read(run)
        if what not in ("frontier", "all"):
            reason = "it is a run of `allocc pareto`, which has a frontier only"
            raise DiagnosticError([mistakes.nothing_to_draw(what, reason)])
        if not found.points:
            raise DiagnosticError([mistakes.nothing_to_draw("frontier", "it has no point")])
        return {"frontier": partial(draw_frontier, found)}
    from allocc.results.run_folder.reading import read

    result = read(run)
    asked = OF_A_RESULT if what == "all" else (what,)
    reasons = {name: why_not(result, name) for name in asked}
    able = [name for name, reason in reasons.items() if not reason]
    if not able:
        raise DiagnosticError([mistakes.nothing_to_draw(n, why) for n, why in reasons.items()])
    return {name: partial(draw, result, name) for name in able}
