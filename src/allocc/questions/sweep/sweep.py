"""A grid of settings and data folders, solved point by point."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError
from allocc.errors import reported
from allocc.questions.read_model import check_model, declared_parameters
from allocc.questions.sweep.grid import Grid
from allocc.questions.sweep.running import run_points
from allocc.results.sweeping.files import POINTS, check_folder
from allocc.results.sweeping.points import Answer, Point
from allocc.results.sweeping.swept import SweepResult

#: A point, its answer, how many are done, and how many there are.
Progress = Callable[[Point, Answer, int, int], None]


def sweep(
    asked: Grid,
    folder: Path | None = None,
    workers: int = 1,
    shard: tuple[int, int] | None = None,
    cluster: str | None = None,
    again: bool = False,
    warm: bool = True,
    cancel: threading.Event | None = None,
    told: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Solve the points of a grid; see `run_points`. With `shard` (k, n), only the k-th of n parts.

    Answers are kept in `points` of the folder. Raises E7252, E7255, and as `run_points` does.
    """
    begun = time.perf_counter()
    points = asked.points
    with reported():
        if shard is not None:
            k, n = shard
            if not 1 <= k <= n:
                raise DiagnosticError([mistakes.bad_shard(f"{k}/{n}")])
            points = points[k - 1 :: n]
        _check(points)
        if folder is not None:
            check_folder(folder)
    store = None if folder is None else folder / POINTS
    places = {id(p): k for k, p in enumerate(points)}
    answers: list[Answer | None] = [None] * len(points)
    before = _finished(store)
    found = run_points(points, store, workers, told, cancel, again, warm, cluster)
    for done, (point, answer) in enumerate(found, 1):
        answers[places[id(point)]] = answer
        if progress is not None:
            progress(point, answer, done, len(points))
    known = next((a for a in answers if a is not None and a.model), None)
    there = [a for a in answers if a is not None]
    return SweepResult(
        model=known.model if known is not None else Path(points[0].path).stem if points else "",
        title=known.title if known is not None else "",
        sense=known.sense if known is not None else "minimize",
        axes=asked.axes,
        points=points,
        answers=tuple(answers),
        solved=sum(again or a.key not in before for a in there),
        seconds=time.perf_counter() - begun,
        interrupted=len(there) < len(points),
        folder=None if folder is None else str(folder),
    )


def _check(points: Sequence[Point]) -> None:
    """Raise for what would be wrong at every point: a name that is no parameter, E3018, or no data folder, E7003."""
    from allocc.compiler.data.errors import unknown_setting
    from allocc.dsl.reading.parser import parse_file

    for place in dict.fromkeys(p.path for p in points):
        check_model(Path(place))
        known = declared_parameters(parse_file(Path(place)), Path(place))
        asked = dict.fromkeys(
            n.split("[", 1)[0] for p in points if p.path == place for n in p.settings
        )
        wrong = [unknown_setting(n, None, known) for n in asked if n not in known]
        if wrong:
            raise DiagnosticError(wrong)
    for folder in dict.fromkeys(p.data for p in points if p.data is not None):
        if not Path(folder).is_dir():
            raise DiagnosticError([mistakes.no_data_folder(folder, Path(folder).exists())])


def _finished(store: Path | None) -> set[str]:
    """The keys of the points that are there already."""
    if store is None or not store.is_dir():
        return set()
    return {p.stem for p in store.glob("*.json")}
