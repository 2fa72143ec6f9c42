"""An allocation and the model that it was made with, as the command line names them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allocc import mistakes
from allocc.cli.options import parse_settings
from allocc.dsl.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from allocc.api import Model

POLICY = "policy:"


@dataclass(frozen=True, eq=False)
class Opened:
    """Decisions in a form that `simulate` takes (None: the lower ends), and their model."""

    model: Model
    decisions: Any


def opened(given: str, model: str | None, data: str | None, settings: tuple[str, ...]) -> Opened:
    """The allocation that is named, and its model: the one named, or the copy in its folder.

    `given` is a run folder, an answer over draws, a decisions.csv, or `policy:NAME`. The settings of a run hold; those
    of the command line go over them. Raises `DiagnosticError` E7014 or E7055 where there is no model.
    """
    from allocc.loading import load
    from allocc.results.exact_proof import INPUTS
    from allocc.results.run_folder.made_with import overlaid

    told, files = _made_with(given)
    chosen = overlaid(told, parse_settings(settings))
    fitted = click.get_current_context().meta.get("allocc.fitted")
    if model is None:
        name = next((n for n in files if n.endswith(".alloc")), None)
        inputs = _folder(given) / INPUTS
        if given.startswith(POLICY) or name is None or not (inputs / name).is_file():
            raise DiagnosticError([mistakes.no_model_in_run(given, name)])
        loaded = load(inputs / name, data or inputs, fitted=fitted, **chosen)
    else:
        loaded = load(model, data, fitted=fitted, **chosen)
    if given.startswith(POLICY):
        return Opened(loaded, loaded.policy(given.removeprefix(POLICY)))
    place = _folder(given)
    # An answer over draws keeps its decisions in the same file as a run.
    csv = place / "decisions.csv" if Path(given).is_dir() else Path(given)
    whole = Path(given).is_dir() and (place / "result.json").is_file()
    return Opened(loaded, given if whole else csv)


def _folder(given: str) -> Path:
    path = Path(given)
    return path if path.is_dir() else path.parent


def _made_with(given: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings and the files that an allocation was made with."""
    from allocc.results.run_folder.made_with import origin_of
    from allocc.results.run_folder.reading import readable

    if given.startswith(POLICY):
        return {}, {}
    place = Path(given)
    over = _folder(given) / "over.json"
    if over.is_file() and (place.is_dir() or place.name == "decisions.csv"):
        with readable(_folder(given)):
            data = json.loads(over.read_text("utf-8"))
            return dict(data["settings"]), dict(data["files"])
    if place.is_dir() or not place.exists():
        from allocc.results.run_folder.reading import read

        read(place)
    origin = origin_of(given)
    return ({}, {}) if origin is None else (origin.settings, origin.files)
