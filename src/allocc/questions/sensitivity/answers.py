"""The answers at many points: a model with other parameters, solved or simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from allocc import mistakes
from allocc.compiler.binding.bind import bind
from allocc.compiler.unrolling.undefined import undefined
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Options
from allocc.engine.stages import Stages
from allocc.questions.sweep.running import run_points
from allocc.results.given import given_decisions
from allocc.results.run_folder.made_with import overlaid
from allocc.results.sensitivity.found import Changed, Tried
from allocc.results.sweeping.points import Answer, Decisions, Point

#: A decision is another one where it differs by more than this part of the largest of its numbers.
SAME = 1e-6
#: A limit is broken by more than this part of its size, as everywhere.
BROKEN = 1e-6
#: The options of a solve that a point does not have: they are of the run as a whole.
_OF_ALL = ("cancel", "on_progress", "violation", "memory_limit_mb", "prove", "threads")


@dataclass(frozen=True)
class Asked:
    """A point: what is set, in words too (the base has none), and the value of what is moved by itself."""

    settings: Mapping[str, Any]
    where: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class Answers:
    """How points are answered: solved with `options` by `workers`, or simulated with the decisions `fixed`."""

    model: Stages
    options: Options
    fixed: object = None
    workers: int = 1
    told: Callable[[str], None] | None = None

    def every(self, asked: Sequence[Asked], done: Callable[[], None]) -> list[Tried | None]:
        """The answer at each point, in their order, the base first; None where it was cancelled before.

        `done` is called after each. Raises `DiagnosticError` E7268 for a point that is no model.
        """
        return self._solved(asked, done) if self.fixed is None else self._simulated(asked, done)

    # --- solved -----------------------------------------------------------------------------

    def _solved(self, asked: Sequence[Asked], done: Callable[[], None]) -> list[Tried | None]:
        points = [self._point(a) for a in asked]
        places = {id(p): k for k, p in enumerate(points)}
        found: list[Answer | None] = [None] * len(points)
        for point, answer in run_points(
            points, None, self.workers, told=self.told, cancel=self.options.cancel
        ):
            k = places[id(point)]
            if answer.status == "error":
                raise DiagnosticError([_bad(asked[k], answer.error)])
            found[k] = answer
            done()
        base = found[0]
        before = {} if base is None else base.decisions
        return [
            None if x is None else self._tried(a, x, {} if k == 0 else before)
            for k, (a, x) in enumerate(zip(asked, found, strict=True))
        ]

    def _point(self, asked: Asked) -> Point:
        options = {
            f.name: getattr(self.options, f.name)
            for f in fields(self.options)
            if f.name not in _OF_ALL
        }
        if self.options.threads is not None:
            options["threads"] = self.options.threads
        label = {"point": asked.where or "base"}
        settings = overlaid(self.model.settings, asked.settings)
        return Point(label, str(self.model.path), str(self.model.data), settings, options=options)

    def _tried(self, asked: Asked, answer: Answer, before: Decisions) -> Tried:
        whole = {v.name for v in self.model.problem.decisions if v.integer}
        changed = tuple(
            _difference(name, before[name], values, name in whole)
            for name, values in answer.decisions.items()
            if name in before
        )
        return Tried(
            asked.at,
            answer.status,
            answer.value,
            answer.bound,
            answer.gap,
            answer.proof,
            answer.violation,
            terms=answer.terms,
            changed=changed,
            error=answer.error,
        )

    # --- simulated --------------------------------------------------------------------------

    def _simulated(self, asked: Sequence[Asked], done: Callable[[], None]) -> list[Tried | None]:
        found: list[Tried | None] = [None] * len(asked)
        cancel = self.options.cancel
        for k, a in enumerate(asked):
            if cancel is not None and cancel.is_set():
                break
            try:
                model = self._with(a.settings)
            except DiagnosticError as error:
                raise DiagnosticError([_bad(a, error.diagnostics[0].message)]) from None
            found[k] = self._simulation(model, a.at)
            done()
        return found

    def _with(self, settings: Mapping[str, Any]) -> Stages:
        """The model with other parameters; raises `DiagnosticError` for one that is none."""
        if not settings:
            return self.model
        bound = self.model.bound
        together = overlaid(self.model.settings, settings)
        other = bind(bound.tree, self.model.data, together, bound.path)
        found = Stages(other, self.model.data, together)
        found.problem  # noqa: B018 - what unrolling finds is told here, too
        return found

    def _simulation(self, model: Stages, x: float) -> Tried:
        problem = model.problem
        given = given_decisions(problem, self.fixed)
        found = assess(problem, given.values)
        if not found.finite:
            error = undefined(problem, found.values).message
            return Tried(x, "error", error=error)
        off = found.violation
        broken = off.where or off.name if off.relative > BROKEN else ""
        return Tried(
            x,
            "simulated",
            found.value,
            violation=off.relative,
            broken=broken,
            terms=found.terms,
        )


def _bad(asked: Asked, reason: str) -> Any:
    return mistakes.bad_point(asked.where, reason)


def _difference(
    name: str,
    old: Mapping[tuple[str, ...], float],
    new: Mapping[tuple[str, ...], float],
    whole: bool,
) -> Changed:
    """What is decided otherwise; of other members, all of it."""
    if old.keys() != new.keys():
        return Changed(name, len(new), len(new), abs(sum(new.values()) - sum(old.values())))
    size = max((abs(x) for values in (old, new) for x in values.values()), default=0.0)
    least = 0.5 if whole else SAME * size
    off = [d for k, x in new.items() if (d := abs(x - old[k])) > least]
    return Changed(name, len(off), len(new), sum(off))
