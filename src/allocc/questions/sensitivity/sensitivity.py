"""What an answer depends on: the question of `allocc sensitivity`."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from allocc import mistakes
from allocc.asked import is_whole
from allocc.compiler.arrays import FloatArray
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.outcome import Options
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.questions.sensitivity import sobol
from allocc.questions.sensitivity.answers import BROKEN, Answers, Asked
from allocc.questions.sensitivity.ranges import Range, ranges
from allocc.results.run_folder.made_with import other_origin
from allocc.results.sensitivity.found import SensitivityResult, Together, Tried, Varied
from allocc.tables import number, percent

#: How many are done, and how many there are.
Progress = Callable[[int, int], None]


@reported()
def sensitivity(
    model: Stages,
    vary: Mapping[str, Any],
    options: Options,
    fixed: object = None,
    points: int = 5,
    together: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    told: Callable[[str], None] | None = None,
) -> SensitivityResult:
    """Move parameters over their ranges, one at a time at `points` values, and tell what becomes of the answer.

    Each point is solved with `options`, by so many processes (`told` hears of those that die); with decisions `fixed`, in any form that `simulate` takes, these are
    simulated instead. With `together`, a power of 2, so many samples of all parameters at once tell their Sobol
    indices, from `together` times (parameters + 2) answers.

    Raises `DiagnosticError`: E7265 and E7266 for what cannot be varied, E7267 for a sample size, E7268 where a point
    is no model, E7269 where one of all together has no value.
    """
    begun = time.monotonic()
    _check(points, together, workers)
    if fixed is None and not model.bound.decisions and not model.bound.limits:
        raise DiagnosticError([mistakes.nothing_to_decide(model.name)])
    moved = ranges(model.bound, vary)
    asked = [Asked({}), *(_one(r, x) for r in moved for x in r.values(points))]
    places = None if together is None else _places(moved, together, options.seed)
    if places is not None:
        asked += [_all(moved, place) for place in places]
    count = itertools.count(1)

    def done() -> None:
        if progress is not None:
            progress(next(count), len(asked))

    answers = Answers(model, options, fixed, workers, told)
    base, *found = answers.every(asked, done)
    varied = tuple(_varied(r, found[k * points : (k + 1) * points]) for k, r in enumerate(moved))
    notes = list(other_origin(model, fixed)) if fixed is not None else []
    if base is None or None in found:
        notes.append("stopped early: some values are missing")
    rest = found[len(moved) * points :]
    known = [x for x in rest if x is not None]
    all_at_once = None
    if together is not None and places is not None and len(known) == len(rest):
        all_at_once = _together(moved, places, known, together, options.seed)
    return SensitivityResult(
        model.name,
        model.title,
        model.problem.sense,
        "solved" if fixed is None else "fixed",
        base or Tried(0.0, "left"),
        varied,
        all_at_once,
        (*notes, *_notes(varied, fixed is None)),
        time.monotonic() - begun,
        dict(model.settings),
        model.hashes(),
    )


def _check(points: int, together: int | None, workers: int) -> None:
    problems = []
    if not (is_whole(points) and points >= 2):
        problems.append(mistakes.bad_option("points", points, "a whole number of 2 or more"))
    if together is not None and not (
        is_whole(together) and together >= 2 and together & (together - 1) == 0
    ):
        problems.append(mistakes.no_power_of_two(together))
    if not (is_whole(workers) and workers >= 1):
        problems.append(mistakes.bad_option("workers", workers, "a whole number of 1 or more"))
    if problems:
        raise DiagnosticError(problems)


def _one(r: Range, x: float) -> Asked:
    """A parameter moved by itself."""
    return Asked(r.setting(x), r.told(x), x)


def _all(moved: tuple[Range, ...], place: FloatArray) -> Asked:
    """All parameters at once."""
    pairs = [(r, float(x)) for r, x in zip(moved, place, strict=True)]
    settings = {k: v for r, x in pairs for k, v in r.setting(x).items()}
    return Asked(settings, ", ".join(r.told(x) for r, x in pairs))


def _places(moved: tuple[Range, ...], n: int, seed: int) -> FloatArray:
    low, high = (np.array([getattr(r, end) for r in moved]) for end in ("low", "high"))
    return sobol.points(low, high, n, seed)


def _varied(r: Range, found: Sequence[Tried | None]) -> Varied:
    known = tuple(x for x in found if x is not None)
    return Varied(r.name, r.low, r.high, r.base, r.factor, known, r.unit, r.description)


def _together(
    moved: tuple[Range, ...], places: FloatArray, found: list[Tried], n: int, seed: int
) -> Together:
    lost = [k for k, t in enumerate(found) if t.value is None]
    if lost:
        first = _all(moved, places[lost[0]]).where
        status = found[lost[0]].status
        raise DiagnosticError([mistakes.no_value_together(len(lost), len(found), first, status)])
    values = np.array([t.value for t in found])
    # A and B are draws of all parameters; the others share columns with them.
    drawn = values[: 2 * n]
    gaps = [t.gap for t in found if t.gap is not None]
    return Together(
        n,
        len(found),
        float(drawn.mean()),
        float(drawn.std(ddof=1)),
        tuple(map(float, np.quantile(drawn, (0.05, 0.25, 0.5, 0.75, 0.95)))),
        sobol.indices([r.name for r in moved], values, n, seed),
        max(gaps) if gaps else None,
        sum(t.violation is not None and t.violation > BROKEN for t in found),
        places,
        values,
    )


def _notes(varied: tuple[Varied, ...], solved: bool) -> list[str]:
    notes = []
    for v in varied:
        if solved and v.unsure > 0 and v.swing <= v.unsure:
            notes.append(
                f"the swing of {v.name} is within the gaps of its solves: a smaller --gap tells more"
            )
        lost = [p for p in v.points if p.value is None]
        if lost:
            shown = f"{v.name} = {number(lost[0].at, 4)}"
            why = lost[0].error or lost[0].status
            notes.append(
                f"{len(lost)} of {len(v.points)} points of {v.name} have no value: at {shown} {why}"
            )
        broken = [p for p in v.points if p.broken]
        if broken:
            worst = max(broken, key=lambda p: p.violation or 0.0)
            notes.append(
                f"with {v.name} = {number(worst.at, 4)} the fixed decisions break "
                f"{worst.broken} by {percent(worst.violation)} of its size"
            )
    if solved and any(c.count for v in varied for p in v.points for c in p.changed):
        notes.append(
            "where several allocations are within the gap, decisions may differ without need"
        )
    return notes
