"""From a path to a model: the file read, its data found, both bound."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.api import Compared, Model
from allocc.asked import as_path
from allocc.dsl.diagnostics import DiagnosticError
from allocc.errors import reported
from allocc.results.run_folder.made_with import overlaid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from allocc.compiler.scoping.model import BoundModel
    from allocc.dsl.tree import File
    from allocc.results.fitting.found import FitResult
    from allocc.results.run import Run
    from allocc.results.verification import Verification


def load(
    path: str | PathLike[str],
    /,
    data: str | PathLike[str] | None = None,
    fitted: str | PathLike[str] | FitResult | None = None,
    **params: Any,
) -> Model:
    """Read a model and bind it to its data.

    `data` is the folder of the CSV files: by default the model's own folder, or `data/` in it when
    the files are there. `params` override parameters: numbers, dicts by label, pandas Series or
    DataFrames, arrays; one member is `**{"cap[44001]": 12}`.

    `fitted` are estimates of parameters: what `Model.fit` has found, or the file or folder that it was
    saved in. `params` go over them.

    Raises `AlloccError` with every independent mistake.
    """
    from allocc.compiler.binding.bind import bind
    from allocc.dsl.reading.parser import parse_file

    with reported():
        place = as_path(path, "the model")
        _check_model(place)
        file = parse_file(place)
        folder = data_folder(place, file) if data is None else as_path(data, "the data folder")
        if not folder.is_dir():
            raise DiagnosticError([mistakes.no_data_folder(str(folder), folder.exists())])
        if fitted is not None:
            params = _with_fitted(fitted, params, file, place)
        bound = bind(file, folder, params, path=place)
        model = Model(bound, folder, _recorded(bound, params))
        model.problem  # noqa: B018 - mistakes that unrolling finds are reported here, too
        return model


def _with_fitted(
    fitted: str | PathLike[str] | FitResult, params: dict[str, Any], file: File, path: Path
) -> dict[str, Any]:
    """The estimates as settings, with the others over them."""
    from allocc.results.fitting.files import read
    from allocc.results.fitting.found import FitResult
    from allocc.results.run_folder.made_with import overlaid

    given = isinstance(fitted, FitResult)
    found = fitted if isinstance(fitted, FitResult) else read(as_path(fitted, "the fit"))
    estimates = found.as_settings()
    absent = [n for n in estimates if not _declares(file, path, n)]
    if absent:
        shown = f"the fit '{found.fit}'" if given else str(fitted)
        raise DiagnosticError([mistakes.fitted_elsewhere(shown, absent, path.stem)])
    # One member that is set by hand goes over one number, and not over all that were estimated.
    whole = {k: v for k, v in params.items() if "[" not in k}
    return {**overlaid(estimates, whole), **params}


def _declares(file: File, path: Path, parameter: str) -> bool:
    """Whether a model, or a file that it uses, has a parameter."""
    from allocc.compiler.names.library import expand_uses
    from allocc.compiler.names.resolve import flat
    from allocc.dsl import tree
    from allocc.dsl.diagnostics import Collector

    statements, _ = expand_uses(file, path, Collector())
    every = flat([s for s, _ in statements])
    return any(isinstance(s, tree.Parameter) and s.name.name == parameter for s in every)


def verify(
    run: str | PathLike[str] | Run,
    model: str | PathLike[str] | None = None,
    data: str | PathLike[str] | None = None,
) -> Verification:
    """Check that a run folder holds what it claims, without any solver.

    `run` is the folder, or a `Result` that was saved. `model` and `data` name the model and the folder of
    its CSV files, where the run folder has no copies. The answer has a link for the certificate, the files,
    the decisions and the proof, and `holds`.

    Raises `AlloccError` for a folder that is no run, or whose model is neither in it nor named.
    """
    from allocc.questions.verify.verify import verify as check
    from allocc.results.run import Run

    with reported():
        folder = run.folder if isinstance(run, Run) else run
        place = as_path(folder, "the run folder")
        named = None if model is None else as_path(model, "the model")
        if named is not None:
            _check_model(named)
        tables = None if data is None else as_path(data, "the data folder")
        return check(place, lambda p, d, settings: load(p, d, **settings), named, tables)


def compare(
    *allocations: str | PathLike[str] | Run,
    model: str | PathLike[str] | Model | None = None,
    data: str | PathLike[str] | None = None,
) -> Compared:
    """Set allocations side by side, each beside the first: decisions, terms, compartments, limits, and why.

    Each is a `Result`, the path of a run folder, `"baseline"`, or `"policy:NAME"` for a policy of the model.
    `model` is a `Model`, or the path of one, with `data` as the folder of its CSV files; each run's settings go
    over it. Without it, the copies in the folders of runs are used, and where there are none, what needs
    the model is left out and the notes say so.

    Raises `AlloccError` for what cannot be compared.
    """
    from allocc.questions.compare.compare import compare as find

    def compiled(path: Path, folder: Path | None, settings: Mapping[str, Any]) -> Model:
        return load(path, folder, **settings)

    def named(settings: Mapping[str, Any]) -> Model:
        if isinstance(model, Model):
            if model.path is None or settings == model.settings:
                return model
            return load(model.path, model.data, **overlaid(model.settings, settings))
        return load(as_path(model, "the model"), data, **settings)

    with reported():
        return Compared.of(find(allocations, compiled, None if model is None else named))


def read_tree(path: str | PathLike[str]) -> File:
    """The syntax tree of a model file; no data are read."""
    from allocc.dsl.reading.parser import parse_file

    with reported():
        _check_model(Path(path))
        return parse_file(Path(path))


def _check_model(path: Path) -> None:
    if path.is_dir():
        inside = sorted(p.name for p in path.glob("*.alloc"))
        raise DiagnosticError([mistakes.model_is_folder(str(path), inside)])
    if not path.exists():
        beside = path.parent.glob("*.alloc") if path.parent.is_dir() else ()
        raise DiagnosticError([mistakes.no_model(str(path), sorted(str(p) for p in beside))])


def data_folder(path: Path, file: File) -> Path:
    """Where a model's tables are when nobody says it: beside the model, or in `data/`."""
    from allocc.dsl import tree

    names = [s.file.value for s in file.statements if isinstance(s, tree.Table)]
    inner = path.parent / "data"
    beside = sum(_is_file(path.parent / n) for n in names)
    inside = sum(_is_file(inner / n) for n in names)
    return inner if inside > beside else path.parent


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        # No name of a file: too long, or with a NUL in it. Reading the table says so.
        return False


def _recorded(bound: BoundModel, params: dict[str, Any]) -> dict[str, Any]:
    """The settings as results keep them: what a DataFrame holds is kept by label."""
    from allocc.compiler.data.settings import is_table, table_mapping

    return {
        name: table_mapping(name, value, bound.parameters[name].sets) if is_table(value) else value
        for name, value in params.items()
    }
