"""From a path to a model: the file read, its data found, both bound."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc.api import Compared, Model
from allocc.asked import as_path
from allocc.errors import reported
from allocc.questions.read_model import check_model, read_model
from allocc.results.run_folder.made_with import overlaid

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from allocc.api import Sweep
    from allocc.dsl.tree import File
    from allocc.questions.sweep.sweep import Progress
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
    return read_model(path, data, fitted, params, kind=Model)


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
            check_model(named)
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


def sweep(
    path: str | PathLike[str],
    settings: Mapping[str, Any] | None = None,
    data: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    fitted: str | PathLike[str] | FitResult | None = None,
    folder: str | PathLike[str] | None = None,
    workers: int | None = None,
    shard: tuple[int, int] | None = None,
    cluster: str | None = None,
    again: bool = False,
    warm: bool = True,
    cancel: threading.Event | None = None,
    told: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Sweep:
    """Solve a model for every combination of settings and data folders.

    A list, tuple, range or array in `settings` is what is tried for a parameter; anything else, as a number or a
    dict by label, is one value. `data` are folders, or patterns as `states/*`. `options` are those of
    `Model.solve`: `gap`, `time_limit`, `solver`, `method`, `seed`, `memory_limit`; each solve has one thread.

    In `folder` every answer is kept as it comes, and is not solved another time unless `again`; the table
    (`sweep.csv`, `sweep.json`) and the picture are written there. `workers` processes solve, by default one for each core;
    one worker without a folder is this process. `shard` (k, n) solves the k-th of n parts only. `cluster` is the
    address of a Dask scheduler, `dask://HOST:PORT`. With `warm` a solve begins with the decisions of the nearest
    point that is finished. `progress` is called with each point, its answer, how many are done and how many there are,
    and `told` with sentences about processes that have died. Setting `cancel` stops with what is finished.

    A point that fails stops no other: its answer has the status "error" or "died". Raises `AlloccError` for
    what is wrong with all of them.
    """
    from allocc import mistakes
    from allocc.api import Sweep
    from allocc.asked import is_whole
    from allocc.dsl.diagnostics import DiagnosticError
    from allocc.engine.judging.options import cores
    from allocc.questions.sweep.grid import folders, grid
    from allocc.questions.sweep.sweep import sweep as solve_all
    from allocc.results.fitting.found import FitResult
    from allocc.results.sweeping.files import write_sweep
    from allocc.showing.plots import sweep_svg

    with reported():
        if workers is not None and not (is_whole(workers) and workers >= 1):
            wanted = "a whole number, at least 1"
            raise DiagnosticError([mistakes.bad_option("--workers", workers, wanted)])
        model = as_path(path, "the model")
        check_model(model)
        named = [data] if isinstance(data, (str, PathLike)) else list(data)
        fit = (
            fitted
            if fitted is None or isinstance(fitted, FitResult)
            else str(Path(fitted).absolute())
        )
        target = None if folder is None else as_path(folder, "the sweep")
        asked = grid(model, settings, folders(named), fit, options)
        found = solve_all(
            asked, target, workers or cores(), shard, cluster, again, warm, cancel, told, progress
        )
        if target is not None and shard is None:
            write_sweep(found, target, sweep_svg)
        return Sweep.of(found)


def read_tree(path: str | PathLike[str]) -> File:
    """The syntax tree of a model file; no data are read."""
    from allocc.dsl.reading.parser import parse_file

    with reported():
        check_model(Path(path))
        return parse_file(Path(path))
