"""What is compared: each thing that is named, as a run, and the model that it was made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from allocc import mistakes
from allocc.asked import as_path
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.stages import Stages
from allocc.questions.policy.policy import policy
from allocc.questions.simulate import simulate
from allocc.results.building import BASELINE
from allocc.results.comparing.comparison import SideKind
from allocc.results.exact_proof import INPUTS
from allocc.results.run import Run
from allocc.results.run_folder.reading import read

BASELINE_NAME = "baseline"
POLICY = "policy:"

#: From settings to the model that is named, with them.
Make = Callable[[Mapping[str, Any]], Stages]
#: From a model's path, the folder of its tables (None: as `load` finds it) and settings to the model.
Compile = Callable[[Path, Path | None, Mapping[str, Any]], Stages]


@dataclass(frozen=True, eq=False)
class Opened:
    """One side: its run, and the model for it, None where none is known.

    `baseline` says whether the run is of a world in which no intervention acts.
    """

    name: str
    kind: SideKind
    run: Run
    model: Stages | None
    notes: tuple[str, ...] = ()

    @property
    def baseline(self) -> bool:
        """Whether no intervention acts."""
        return self.run.status == "simulated" and self.run.message == BASELINE


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be compared: a run, or a name that the model gives a meaning."""

    given: Run | str
    name: str


@dataclass
class Models:
    """Models by their settings, each made once: that which is named, or the copy in a run's folder."""

    named: Make | None
    compile: Compile
    made: list[tuple[Mapping[str, Any], Stages]] = field(default_factory=list)

    def of(self, run: Run) -> Stages | None:
        """The model of a run, with the run's settings; None where there is none."""
        if self.named is not None:
            return self.with_settings(run.settings)
        inputs = None if run.folder is None else run.folder / INPUTS
        file = next((n for n in run.files if n.endswith(".alloc")), None)
        if inputs is None or file is None or not (inputs / file).is_file():
            return None
        return self.compile(inputs / file, inputs, run.settings)

    def with_settings(self, settings: Mapping[str, Any]) -> Stages:
        """The model that is named, with settings."""
        assert self.named is not None
        for known, model in self.made:
            if known == settings:
                return model
        model = self.named(settings)
        self.made.append((settings, model))
        return model


def asked(given: Sequence[object]) -> list[Asked]:
    """Each thing that is compared, read and named; raises E7240 for fewer than two.

    Raises E7014 for a folder that is no run, and E7241 for what cannot be compared.
    """
    if len(given) < 2:
        raise DiagnosticError([mistakes.too_few_to_compare(len(given))])
    read_ = [_read(x) for x in given]
    names = [_name(x, k) for k, x in enumerate(read_)]
    short = [Path(n).name or n for n in names]
    # A path is told by its last part where that is no other's.
    told = short if len(set(short)) == len(short) else names
    return [Asked(x, _unlike(told, k)) for k, x in enumerate(read_)]


def _read(given: object) -> Run | str:
    if isinstance(given, Run):
        return given
    if isinstance(given, str) and (given == BASELINE_NAME or given.startswith(POLICY)):
        return given
    if not isinstance(given, (str, PathLike)):
        raise DiagnosticError(
            [mistakes.nothing_to_compare(f"an object of type {type(given).__name__}")]
        )
    return read(as_path(given, "the run folder"))


def _name(given: Run | str, place: int) -> str:
    if isinstance(given, str):
        return given
    if given.folder is not None:
        return str(given.folder)
    return BASELINE_NAME if given.message == BASELINE else f"result {place + 1}"


def _unlike(names: Sequence[str], place: int) -> str:
    """A name, with a number where it was there before."""
    before = names[:place].count(names[place])
    return f"{names[place]} ({before + 1})" if before else names[place]


def opened(sides: Sequence[Asked], models: Models) -> list[Opened]:
    """Each side with its run and its model; raises E7242 where a name needs a model and there is none."""
    runs = [s.given for s in sides if isinstance(s.given, Run)]
    found: list[Opened] = []
    for side in sides:
        if isinstance(side.given, Run):
            found.append(_run(side.name, side.given, models))
        else:
            found.append(_named(side, _of_names(runs, models, side.given)))
    return found


def _run(name: str, run: Run, models: Models) -> Opened:
    if not run.has_allocation:
        return Opened(name, "run", run, None)
    try:
        model = models.of(run)
    except DiagnosticError as error:
        first = error.diagnostics[0]
        told = f"the limits of {name} are left out: its model cannot be made: {first.message} ({first.code})"
        return Opened(name, "run", run, None, (told,))
    return Opened(name, "run", run, model)


def _of_names(runs: Sequence[Run], models: Models, name: str) -> Stages:
    """The model in which a name means something: that of the first run that has one."""
    if models.named is not None:
        return models.with_settings(runs[0].settings if runs else {})
    for run in runs:
        model = models.of(run)
        if model is not None:
            return model
    file = next((n for run in runs for n in run.files if n.endswith(".alloc")), None)
    raise DiagnosticError([mistakes.no_model_to_compare(name, file)])


def _named(side: Asked, model: Stages) -> Opened:
    assert isinstance(side.given, str)
    if side.given == BASELINE_NAME:
        return Opened(side.name, "baseline", simulate(model), model)
    return Opened(side.name, "policy", policy(model, side.given.removeprefix(POLICY)), model)
