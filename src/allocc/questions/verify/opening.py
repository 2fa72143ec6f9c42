"""A run folder opened for checking: what it states, and where the model and its tables are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from allocc import mistakes
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.stages import Stages
from allocc.results.building import BASELINE
from allocc.results.exact_proof import INPUTS
from allocc.results.given import Given, given_decisions
from allocc.results.run import Run
from allocc.results.run_folder.reading import read, read_json, readable

#: From the model's path, the folder of the tables (None: as `load` finds it) and settings to the model.
Compile = Callable[[Path, Path | None, dict[str, Any]], Stages]


@dataclass(frozen=True, eq=False)
class Opened:
    """A run folder, what it states, and the model that it is checked against.

    `certificate` is certificate.json, and `inner` what result.json repeats of it. `data` is None where
    the tables are looked for beside the model. `copied` says whether model and tables are the
    folder's own.
    """

    folder: Path
    run: Run
    certificate: dict[str, Any]
    inner: dict[str, Any]
    path: Path
    data: Path | None
    copied: bool
    compile: Compile

    @cached_property
    def model(self) -> Stages:
        """The model compiled anew with the run's settings; raises what `load` raises."""
        return self.compile(self.path, self.data, self.run.settings)

    @cached_property
    def baseline(self) -> bool:
        """Whether the run is that of a world in which no intervention acts."""
        return self.run.status == "simulated" and self.run.message == BASELINE

    @cached_property
    def given(self) -> Given:
        """The folder's decisions; raises `DiagnosticError` where they cannot be read."""
        return given_decisions(self.problem, self.folder)

    @property
    def problem(self) -> Problem:
        """The problem whose decisions the folder has; raises what `load` raises."""
        return self.model.baseline_problem if self.baseline else self.model.problem


def open_run(folder: Path, model: Path | None, data: Path | None, compile_: Compile) -> Opened:
    """Open a run folder; `model` and `data` go over the folder's own copies.

    Raises E7014 for a folder that is no run, E7055 where the folder has no model and none is named.
    """
    run = read(folder)
    with readable(folder):
        certificate = dict(json.loads((folder / "certificate.json").read_text("utf-8")))
        inner = dict(read_json(folder / "result.json")["certificate"])
    inputs = folder / INPUTS
    copied = model is None and data is None and inputs.is_dir()
    # The model's own file is written first; others of its kind are files that it uses.
    named = next((n for n in run.files if n.endswith(".alloc")), None)
    if copied:
        if named is None or not (inputs / named).is_file():
            reason = f"its folder {INPUTS} has no copy of the model"
            raise DiagnosticError([mistakes.not_a_run(str(folder), reason)])
        model, data = inputs / named, inputs
    if model is None:
        raise DiagnosticError([mistakes.no_model_in_run(str(folder), named)])
    return Opened(folder, run, certificate, inner, model, data, copied, compile_)
