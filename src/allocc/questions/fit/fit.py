"""What data say about a model's parameters: the question of `allocc fit`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np

from allocc import mistakes
from allocc.compiler.arrays import FloatArray
from allocc.compiler.fitting.bind_fit import bind_fit
from allocc.compiler.fitting.problem import FitProblem, Observation, Unknown
from allocc.compiler.labels import label_text
from allocc.dsl import tree
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.stages import Stages, sha256
from allocc.errors import reported
from allocc.questions.fit.drawing import NotDrawn, draws
from allocc.questions.fit.sampling import needs_emcee, sample
from allocc.questions.fit.searching import Optimum, Search
from allocc.questions.fit.uncertainty import Uncertainty
from allocc.results.fitting.found import (
    LEAST_TIMES,
    Estimated,
    FitResult,
    FittedCourse,
    OtherEnd,
    Place,
    Sampler,
    Sampling,
)


@reported()
def fit(
    model: Stages,
    name: str | None = None,
    starts: int = 8,
    level: float = 0.95,
    intervals: bool = True,
    draw: int = 0,
    seed: int = 0,
    sampler: Sampler = "laplace",
    steps: int = 5000,
    cancelled: Callable[[], bool] = lambda: False,
) -> FitResult:
    """Find what a fit of a model estimates, from `starts` points, and how sure it is.

    `level` is that of the profile `intervals`; `draw` draws are taken by the `sampler`, whose chains have
    `steps` at most. Raises `DiagnosticError` for a fit that is not there, and for data that do not fit
    it, and `MissingLibrary` without emcee where that is asked for.
    """
    begun = time.monotonic()
    _check(starts, level, draw, seed, sampler, steps)
    if draw and sampler == "emcee":
        needs_emcee()
    problem = bind_fit(model.bound, chosen(model, name), model.data)
    search = Search(problem, cancelled)
    if search.look(search.guess) is None and starts == 1:
        raise DiagnosticError([mistakes.no_course(problem.name, problem.span)])
    ends = search.from_starts(starts, seed)
    if not ends:
        raise DiagnosticError([mistakes.no_course(problem.name, problem.span)])
    errors = Uncertainty(search, ends[0], level)
    drawn: tuple[tuple[float, ...], ...] = ()
    remarks = errors.remarks() + _others(ends)
    estimates = _estimates(problem, errors, intervals and not cancelled())
    stopped = cancelled()
    sampling = None
    if draw:
        try:
            if sampler == "emcee":
                rows, sampling = sample(errors, draw, seed, steps, cancelled)
                remarks += _short(sampling, search)
            else:
                rows = draws(errors, draw, seed)
        except NotDrawn as why:
            raise DiagnosticError([mistakes.no_draws(str(why))]) from None
        drawn = tuple(tuple(map(float, x)) for x in rows)
    if stopped:
        remarks.append("stopped early: fewer searches than asked, and no intervals")
    elif cancelled():
        remarks.append("stopped early: shorter chains than asked")
    return FitResult(
        model.name,
        model.title,
        problem.name,
        problem.description,
        ends[0].loss,
        "likelihood" if errors.likelihood else "squares",
        sum(o.count for o in problem.observations),
        level,
        estimates,
        _courses(problem, search, errors),
        tuple(OtherEnd(o.loss, tuple(map(float, o.numbers))) for o in ends[1:]),
        tuple(remarks),
        tuple(tuple(_finite(x) for x in row) for row in errors.covariance),
        starts,
        *_time(problem),
        time.monotonic() - begun,
        {k: v for k, v in model.settings.items() if k.split("[")[0] not in _parameters(problem)},
        hashes(model, problem),
        sampling,
        drawn,
    )


def chosen(model: Stages, name: str | None) -> tree.Fit:
    """The fit of a name; without one, the only fit of the model."""
    found = model.bound.declared.every(tree.Fit)
    if not found:
        raise DiagnosticError([mistakes.nothing_to_fit(model.name)])
    if name is None:
        if len(found) > 1:
            raise DiagnosticError([mistakes.several_fits(list(found))])
        (name,) = found
    if name not in found:
        raise DiagnosticError([mistakes.unknown_choice("--fit", name, list(found))])
    return found[name]


def hashes(model: Stages, problem: FitProblem) -> dict[str, str]:
    """The sha256 of the model's files, and of the tables that only the fit reads."""
    own = {file: sha256(model.data / file) for file in problem.files}
    return {**model.hashes(), **own}


def _check(starts: int, level: float, draw: int, seed: int, sampler: Sampler, steps: int) -> None:
    problems = []
    for option, value in (("starts", starts), ("steps", steps)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            problems.append(mistakes.bad_option(option, value, "a whole number of 1 or more"))
    if sampler not in get_args(Sampler):
        problems.append(mistakes.unknown_choice("--sampler", sampler, get_args(Sampler)))
    if not 0 < level < 1:
        problems.append(mistakes.bad_option("level", level, "between 0 and 1, as 95% or 0.95"))
    for option, value in (("draws", draw), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            problems.append(mistakes.bad_option(option, value, "a whole number of 0 or more"))
    if problems:
        raise DiagnosticError(problems)


def _parameters(problem: FitProblem) -> set[str]:
    return {u.name for u in problem.unknowns}


def _time(problem: FitProblem) -> tuple[str, str]:
    time = problem.problem.model.time
    assert time is not None
    return time.name, time.unit


def _others(ends: Sequence[Optimum]) -> list[str]:
    """A sentence about searches that ended elsewhere."""
    if len(ends) < 2:
        return []
    many, loss = len(ends) - 1, f"{ends[1].loss:.6g}"
    if many == 1:
        return [f"another search ended elsewhere, with a loss of {loss}"]
    return [f"{many} other searches ended elsewhere, the best of them with a loss of {loss}"]


def _short(sampling: Sampling, search: Search) -> list[str]:
    """A sentence about chains that are too short to be believed."""
    slowest, times = sampling.slowest, sampling.times
    if slowest is None or times is None:
        return ["the chains are too short to tell their autocorrelation: take more steps (--steps)"]
    if times >= LEAST_TIMES:
        return []
    name = search.fit.names()[slowest]
    told = (
        f"the chains are too short: they have {times:.0f} autocorrelation times of {name}, and "
        f"{LEAST_TIMES} are wanted before draws can be believed; take more steps (--steps)"
    )
    if np.isfinite(search.high[slowest] - search.low[slowest]) or search.fit.known_before[slowest]:
        return [told]
    return [f"{told}, and if that does not help, close the range of {name}"]


def _finite(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


def _estimates(problem: FitProblem, errors: Uncertainty, intervals: bool) -> tuple[Estimated, ...]:
    search, best = errors.search, errors.best
    found = []
    every = errors.errors()
    priors = [t for u in problem.unknowns for t in _prior_texts(u)]
    for u, k, i in _places(problem):
        x = float(best.numbers[k])
        place: Place = "inside"
        if best.held[k]:
            place = "low" if x == search.low[k] else "high"
        found.append(
            Estimated(
                u.name,
                tuple(label_text(v) for v in u.variable.labels(i)),
                x,
                every[k],
                errors.interval(k) if intervals else None,
                _finite(search.low[k]),
                _finite(search.high[k]),
                place,
                u.variable.unit,
                u.variable.description,
                priors[k],
            )
        )
    return tuple(found)


def _prior_texts(unknown: Unknown) -> list[str]:
    return [""] * unknown.size if unknown.prior is None else unknown.prior.texts()


def _places(problem: FitProblem) -> list[tuple[Unknown, int, int]]:
    """Each number: its unknown, its place among all, and its place in the unknown's block."""
    found: list[tuple[Unknown, int, int]] = []
    for u, done in zip(problem.unknowns, problem.places(), strict=True):
        found += [(u, done + i, i) for i in range(u.size)]
    return found


def _courses(problem: FitProblem, search: Search, errors: Uncertainty) -> tuple[FittedCourse, ...]:
    """Every observed quantity over time, member by member."""
    found: list[FittedCourse] = []
    covariance = np.nan_to_num(errors.covariance)
    known = errors.variance is not None and not errors.untold
    fitted = search.residuals.fitted(errors.best.numbers)
    for o, f in zip(problem.observations, fitted, strict=True):
        band = None
        if known:
            band = np.sqrt(np.einsum("...i,ij,...j->...", f.tangent, covariance, f.tangent))
        found += _members(o, f.value, band)
    return tuple(found)


def _members(o: Observation, fitted: FloatArray, band: FloatArray | None) -> list[FittedCourse]:
    *own, moment = o.axes
    times = tuple(x for (x,) in (moment.set.label(k) for k in range(moment.size)))
    found = []
    for at in np.ndindex(*(a.size for a in own)):
        labels = tuple(
            label_text(x) for a, i in zip(own, at, strict=True) for x in a.set.label(int(i))
        )
        found.append(
            FittedCourse(
                o.name,
                labels,
                times,
                tuple(
                    float(x) if known else None
                    for x, known in zip(o.data[at], o.seen[at], strict=True)
                ),
                tuple(map(float, fitted[at])),
                None if band is None else tuple(map(float, band[at])),
                o.kind,
                o.description,
            )
        )
    return found
