"""From files to a model: the text read, its data found, both bound."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from allocc import mistakes
from allocc.asked import as_path
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.stages import Stages
from allocc.errors import reported

if TYPE_CHECKING:
    from allocc.compiler.scoping.model import BoundModel
    from allocc.dsl.tree import File
    from allocc.results.fitting.found import FitResult

S = TypeVar("S", bound=Stages)


def read_model(
    path: str | PathLike[str],
    data: str | PathLike[str] | None = None,
    fitted: str | PathLike[str] | FitResult | None = None,
    params: Mapping[str, Any] | None = None,
    kind: type[S] = Stages,  # type: ignore[assignment]
) -> S:
    """Read a model and bind it to its data, as `allocc.load` does; raises `AlloccError`.

    What comes out is of the class `kind`.
    """
    from allocc.compiler.binding.bind import bind
    from allocc.dsl.reading.parser import parse_file

    given = dict(params or {})
    with reported():
        place = as_path(path, "the model")
        check_model(place)
        file = parse_file(place)
        folder = data_folder(place, file) if data is None else as_path(data, "the data folder")
        if not folder.is_dir():
            raise DiagnosticError([mistakes.no_data_folder(str(folder), folder.exists())])
        if fitted is not None:
            given = _with_fitted(fitted, given, file, place)
        bound = bind(file, folder, given, path=place)
        model = kind(bound, folder, _recorded(bound, given))
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
    known = declared_parameters(file, path)
    absent = [n for n in estimates if n not in known]
    if absent:
        shown = f"the fit '{found.fit}'" if given else str(fitted)
        raise DiagnosticError([mistakes.fitted_elsewhere(shown, absent, path.stem)])
    # One member that is set by hand goes over one number, and not over all that were estimated.
    whole = {k: v for k, v in params.items() if "[" not in k}
    return {**overlaid(estimates, whole), **params}


def declared_parameters(file: File, path: Path) -> list[str]:
    """The parameters of a model and of the files that it uses; no data are read."""
    from allocc.compiler.names.library import expand_uses
    from allocc.compiler.names.resolve import flat
    from allocc.dsl import tree
    from allocc.dsl.diagnostics import Collector

    statements, _ = expand_uses(file, path, Collector())
    every = flat([s for s, _ in statements])
    return [s.name.name for s in every if isinstance(s, tree.Parameter)]


def check_model(path: Path) -> None:
    """Raise E7001 or E7002 where there is no model file."""
    if path.is_dir():
        inside = sorted(p.name for p in path.glob("*.alloc"))
        raise DiagnosticError([mistakes.model_is_folder(str(path), inside)])
    if not path.exists():
        beside = path.parent.glob("*.alloc") if path.parent.is_dir() else ()
        raise DiagnosticError([mistakes.no_model(str(path), sorted(str(p) for p in beside))])


def data_folder(path: Path, file: File) -> Path:
    """Where a model's tables are when nobody says it: beside the model, or in `data/`."""
    from allocc.dsl import tree

    every = [s.file for s in file.statements if isinstance(s, tree.Table | tree.Scenario)]
    names = [f.value for f in every if f is not None]
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
