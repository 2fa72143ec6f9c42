"""Tau-leaping: the flows of a model as events, in many courses at once.

A flow of r persons per unit of time out of a compartment that holds X of them is a hazard of r / X for each. In a
step of length h, all flows out of it together take

    K ~ Binomial(X, 1 - exp(-h * (r_1 + ... + r_m) / X)),

and K is split by a multinomial law with the shares r_j / (r_1 + ... + r_m): competing risks. So no compartment falls
below zero, and a linear death process is exact whatever the step (Tian and Burrage 2004, Chatterjee et al. 2005 for
binomial leaps). What comes from outside is Poisson(h * r). A flow with r < 0 runs the other way, with -r.

Rates are held within a step, so that steps have to be short where rates change: `chosen_parts`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.algebra.index import Axis, spread
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.unrolling.discretize import flow_ends
from allocc.compiler.unrolling.problem import FlowValue, Problem
from allocc.compiler.unrolling.simulate import Values, with_decisions
from allocc.questions.stochastic.replicated import AtTime, Replicated

#: Steps are halved until the mean course moves by at most this part of a compartment's largest member.
CONVERGED = 0.005
#: What is less than this part of a compartment's largest value over time is measured by that part.
LEAST = 0.05
#: A period is divided into at most so many parts.
MOST_PARTS = 1024
#: Beyond this many, persons are not counted one by one in floating point.
MOST_PERSONS = 2.0**53
#: More events than this in one step are not drawn.
MOST_EVENTS = 1e15


class NoRate(Exception):
    """A flow without a finite rate: its name, the period, and the course."""

    def __init__(self, flow: str, period: int, course: int, finite: bool) -> None:
        super().__init__(flow)
        self.flow, self.period, self.course, self.finite = flow, period, course, finite


class Chance(Protocol):
    """How many of so many, and how many events."""

    def binomial(self, many: FloatArray, share: FloatArray) -> FloatArray:
        """How many of `many` independent persons, each with a probability of `share`."""

    def poisson(self, mean: FloatArray) -> FloatArray:
        """How many events where `mean` are expected."""


class Draws:
    """Chance: whole numbers from a seeded generator."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    def binomial(self, many: FloatArray, share: FloatArray) -> FloatArray:
        """See `Chance`."""
        found = self._generator.binomial(many.astype(np.int64), share)
        return np.asarray(found, dtype=float)

    def poisson(self, mean: FloatArray) -> FloatArray:
        """See `Chance`."""
        return np.asarray(self._generator.poisson(mean), dtype=float)


class Means:
    """No chance: what is expected of each step."""

    def binomial(self, many: FloatArray, share: FloatArray) -> FloatArray:
        """See `Chance`."""
        return many * share

    def poisson(self, mean: FloatArray) -> FloatArray:
        """See `Chance`."""
        return mean


@dataclass(frozen=True, eq=False)
class _Channel:
    """One direction of a flow: the points that it takes from and brings to, None for the outside.

    `taken` and `brought` cut the flow's points into layers in which no compartment's point comes twice.
    """

    flow: int
    origin: IntArray | None
    target: IntArray | None
    taken: list[IntArray]
    brought: list[IntArray]


@dataclass(frozen=True, eq=False)
class Courses:
    """What happened: each compartment over its sets, points of time and courses, in units of the model.

    `events` are how many persons each flow has moved in all, by course; against its direction counts less.
    """

    values: Values
    replicated: Replicated
    events: dict[str, FloatArray]


class Leaping:
    """The events of a problem with given decisions, in `count` courses.

    `scale` says how many persons one unit of a compartment is. `kept` are flows whose amounts moved, per unit of
    time, are kept by period.
    """

    def __init__(
        self,
        problem: Problem,
        decisions: Mapping[Variable, FloatArray],
        count: int,
        scale: float,
        kept: Mapping[str, Variable] | None = None,
    ) -> None:
        assert problem.period is not None and problem.model.time is not None
        self.problem, self.scale, self.count = problem, scale, count
        self.time, self.period = problem.model.time, problem.period
        self.replicated = Replicated(count)
        self.decisions = {v: np.asarray(decisions[v], dtype=float) for v in problem.decisions}
        settled = with_decisions(problem, self.decisions)
        self.kept = dict(kept or {})
        self._flows = [(f, self.replicated.node(f.node)) for f in settled.flows]
        sizes = [int(np.prod(v.shape[:-1], dtype=np.int64)) for v in problem.states]
        self._starts = np.cumsum([0, *sizes])
        self._channels = _channels(problem, dict(zip(_names(problem), self._starts, strict=False)))

    def run(self, parts: int, chance: Chance) -> Courses:
        """Walk through all periods, each in so many parts; raises `NoRate`."""
        persons = np.concatenate(
            [np.zeros((0, self.count)), *map(self._begin, self.problem.states)]
        )
        values: Values = dict(self.decisions)
        courses = {v: self.replicated.variable(v) for v in self.problem.states}
        for lifted in courses.values():
            values[lifted] = np.full(lifted.shape, np.nan)
        states = [values[courses[v]] for v in self.problem.states]
        self._put(states, 0, persons)
        names = [f.symbol.statement.name.name for f, _ in self._flows]
        for v in self.kept.values():
            lifted = self.replicated.variable(v)
            values[lifted] = np.zeros(lifted.shape)
        total = [np.zeros(self.count) for _ in self._flows]
        with np.errstate(all="ignore"):
            for k in range(self.time.count):
                at = AtTime(values, {self.period: k}, self.replicated.axis)
                begin = persons
                sizes = (math.prod(a.size for a in f.axes[:-1]) for f, _ in self._flows)
                events = [np.zeros((size, self.count)) for size in sizes]
                for _ in range(parts):
                    self._put(states, k, persons)
                    at.clear()
                    amounts = [self._amount(at, f, n, parts, k) for f, n in self._flows]
                    persons = self._moved(persons, amounts, events, chance)
                # The compartments at a point of time are those at its begin.
                self._put(states, k, begin)
                self._put(states, k + 1, persons)
                if not (persons < MOST_PERSONS).all():
                    raise NoRate("", k, int(np.argmax(persons.max(axis=0))), True)
                for i, moved in enumerate(events):
                    total[i] += moved.sum(axis=0)
                    if names[i] in self.kept:
                        array = values[self.replicated.variable(self.kept[names[i]])]
                        shape = (*array.shape[:-2], self.count)
                        array[..., k, :] = moved.reshape(shape) / (self.scale * self.time.step)
        return Courses(values, self.replicated, dict(zip(names, total, strict=True)))

    def _begin(self, v: Variable) -> FloatArray:
        """The whole numbers that a compartment begins with, in all courses."""
        start = np.rint(self.problem.starts[v].reshape(-1, 1) * self.scale)
        return np.repeat(start, self.count, axis=1)

    def _put(self, states: list[FloatArray], k: int, persons: FloatArray) -> None:
        for i, state in enumerate(states):
            here = persons[self._starts[i] : self._starts[i + 1]] / self.scale
            state[..., k, :] = here.reshape(*state.shape[:-2], self.count)

    def _amount(self, at: AtTime, flow: FlowValue, node: object, parts: int, k: int) -> FloatArray:
        """How many persons a flow is expected to move in this part of the period, point by point."""
        axes: tuple[Axis, ...] = (*flow.axes, self.replicated.axis)
        value = spread(at(node), node.axes, axes)  # type: ignore[arg-type, attr-defined]
        shape = (*(a.size for a in flow.axes[:-1]), 1, self.count)
        found = np.broadcast_to(value, shape).reshape(-1, self.count)
        found = found * (self.scale * self.time.step / parts)
        good = np.abs(found) <= MOST_EVENTS
        if not good.all():
            course = int(np.argmin(good.all(axis=0)))
            finite = bool(np.isfinite(found).all())
            raise NoRate(flow.symbol.statement.name.name, k, course, finite)
        return found

    def _moved(
        self,
        persons: FloatArray,
        amounts: list[FloatArray],
        events: list[FloatArray],
        chance: Chance,
    ) -> FloatArray:
        """The persons after one part of a period; what was moved is added to `events`."""
        acting: list[tuple[_Channel, FloatArray, float]] = []
        for ahead, back in self._channels:
            amount = amounts[ahead.flow]
            if (amount > 0).any():
                acting.append((ahead, np.maximum(amount, 0.0), 1.0))
            if (amount < 0).any():
                acting.append((back, np.maximum(-amount, 0.0), -1.0))
        # From the last channel to the first: what this one and all later ones take together.
        hazard = np.zeros_like(persons)
        later: dict[tuple[int, int], FloatArray] = {}
        for i, (channel, amount, _) in reversed(list(enumerate(acting))):
            for j, layer in reversed(list(enumerate(channel.taken))):
                assert channel.origin is not None
                points = channel.origin[layer]
                hazard[points] += amount[layer]
                later[i, j] = hazard[points]
        share = -np.expm1(-hazard / persons)
        leaving = chance.binomial(persons, np.where(hazard > 0, share, 0.0))
        rest = leaving.copy()
        found = persons - leaving
        for i, (channel, amount, sign) in enumerate(acting):
            if channel.origin is None:
                moved = chance.poisson(amount)
            else:
                moved = np.zeros_like(amount)
                for j, layer in enumerate(channel.taken):
                    points = channel.origin[layer]
                    # The last one takes all that is left, exactly: its share is a number by itself.
                    part = np.where(later[i, j] > 0, amount[layer] / later[i, j], 0.0)
                    moved[layer] = chance.binomial(rest[points], part)
                    rest[points] -= moved[layer]
            for layer in channel.brought:
                assert channel.target is not None
                found[channel.target[layer]] += moved[layer]
            events[channel.flow] += sign * moved
        return found


def chosen_parts(leaping: Leaping) -> tuple[int, Courses, float]:
    """Into how many parts to divide a period, the mean course then, and how far it still moves.

    The mean course is that of the same steps without chance. Parts are doubled until it moves by no more than
    `CONVERGED`; its error is of first order, so that the finer of both is then about as far from the limit.
    """
    parts = 1
    found = leaping.run(parts, Means())
    while True:
        finer = leaping.run(2 * parts, Means())
        off = _distance(leaping, found, finer)
        if off <= CONVERGED or 2 * parts >= MOST_PARTS:
            return 2 * parts, finer, off
        parts, found = 2 * parts, finer


def _distance(leaping: Leaping, first: Courses, second: Courses) -> float:
    """The largest difference of two courses, of each compartment by its largest member at that time.

    What is less than `LEAST` of the largest over time is measured by that: nothing is left of it to be exact about.
    """
    off = 0.0
    for v in leaping.problem.states:
        a, b = (c.values[c.replicated.variable(v)] for c in (first, second))
        assert v.time_axis is not None
        rest = tuple(k for k in range(b.ndim) if k != v.time_axis)
        size = np.max(np.abs(b), axis=rest, initial=0.0)
        size = np.maximum(size, LEAST * np.max(size, initial=0.0))
        apart = np.max(np.abs(a - b), axis=rest, initial=0.0)
        off = max(off, float(np.max(apart[size > 0] / size[size > 0], initial=0.0)))
    return off


def _names(problem: Problem) -> list[str]:
    return [v.name for v in problem.states]


def _channels(problem: Problem, start: Mapping[str, int]) -> list[tuple[_Channel, _Channel]]:
    """Both directions of every flow that has a compartment at one side."""
    found = []
    for k, ends in enumerate(flow_ends(problem)):
        origin, target = (
            None if e is None else start[e.compartment] + e.points
            for e in (ends.origin, ends.target)
        )
        layers = _layers(origin), _layers(target)
        ahead = _Channel(k, origin, target, *layers)
        found.append((ahead, _Channel(k, target, origin, *reversed(layers))))
    return found


def _layers(points: IntArray | None) -> list[IntArray]:
    """Positions of an array such that in each layer every value comes once."""
    if points is None:
        return []
    order = np.argsort(points, kind="stable")
    ordered = points[order]
    begins = np.searchsorted(ordered, ordered, side="left")
    rank = np.empty(len(points), dtype=np.int64)
    rank[order] = np.arange(len(points)) - begins
    return [np.flatnonzero(rank == k) for k in range(int(rank.max(initial=-1)) + 1)]
