"""The worlds of draws: the model with each draw's numbers, and an allocation judged in each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.algebra.index import IndexSet
from allocc.compiler.arrays import FloatArray
from allocc.compiler.binding.bind import bind
from allocc.compiler.unrolling.discretize import discretize
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values, simulate
from allocc.compiler.unrolling.undefined import undefined
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import Assessment, Judge, relative_to
from allocc.engine.stages import Stages
from allocc.questions.over import errors
from allocc.questions.over.draws import Draws
from allocc.results.labelled import Block, blocks_of
from allocc.results.over.found import (
    LEVELS,
    BandOver,
    DrawValue,
    LimitOver,
    TermOver,
    quantiles,
)
from allocc.results.reports import report_blocks
from allocc.results.run_folder.made_with import overlaid

#: A limit is broken by more than this part of its size, as everywhere.
BROKEN = 1e-6


class Worlds:
    """A model in every draw."""

    def __init__(self, model: Stages, draws: Draws) -> None:
        self.model, self.draws = model, draws

    @cached_property
    def problems(self) -> list[Problem]:
        """The problem of each draw; raises E7284 for one that makes no model."""
        return [
            self.problem(s, n) for n, s in zip(self.draws.names, self.draws.settings, strict=True)
        ]

    def settings(self, place: int) -> dict[str, Any]:
        """What is set in a draw: what the model has, and over it what is drawn."""
        return overlaid(self.model.settings, self.draws.settings[place])

    def problem(self, settings: Mapping[str, Any], name: str) -> Problem:
        """The problem with what a draw sets; raises E7284 where that makes no model."""
        bound = self.model.bound
        together = overlaid(self.model.settings, settings)
        try:
            found = bind(bound.tree, self.model.data, together, bound.path)
            return discretize(found, warn=False, one_of_many=True)
        except DiagnosticError as error:
            raise DiagnosticError(
                [errors.bad_draw(name, d) for d in error.diagnostics[:3]]
            ) from None

    def set(self, name: str = "draw") -> IndexSet:
        """The draws as a set."""
        return IndexSet(name, [list(self.draws.names)])


class Judged:
    """Decisions in every draw, each simulated by itself.

    `decisions` has those of each draw, by name: they may differ.
    """

    def __init__(self, worlds: Worlds, decisions: Sequence[Mapping[str, FloatArray]]) -> None:
        self.worlds = worlds
        self.problems = worlds.problems
        self.found: list[Assessment] = []
        self.off: list[dict[str, float]] = []
        for name, problem, own in zip(worlds.draws.names, self.problems, decisions, strict=True):
            values = {v: own[v.name] for v in problem.decisions}
            found, off = _judged(problem, values)
            if not found.finite:
                first = undefined(problem, found.values)
                raise DiagnosticError([errors.bad_draw(name, first)])
            self.found.append(found)
            self.off.append(off)

    @property
    def values(self) -> FloatArray:
        """The objective in each draw."""
        return np.array([a.value for a in self.found])

    def draws(self) -> tuple[DrawValue, ...]:
        """Each draw and what it comes to."""
        d = self.worlds.draws
        return tuple(
            DrawValue(
                name,
                float(weight),
                dict(settings),
                a.value,
                a.terms,
                max(off.values(), default=0.0),
                tuple(n for n, x in off.items() if x > BROKEN),
            )
            for name, weight, settings, a, off in zip(
                d.names, d.weights, d.settings, self.found, self.off, strict=True
            )
        )

    def terms(self) -> tuple[TermOver, ...]:
        """Each term over the draws."""
        weights = self.worlds.draws.weights
        found = []
        for t in self.problems[0].terms:
            values = np.array([a.terms[t.name] for a in self.found])
            levels = tuple(float(x) for x in quantiles(values, weights))
            found.append(TermOver(t.name, t.description, float(weights @ values), levels))
        return tuple(found)

    def limits(self) -> tuple[LimitOver, ...]:
        """Each limit, and how often it holds: those of the model, ranges, and compartments below zero."""
        weights = self.worlds.draws.weights
        about = {c.name: c.description for p in self.problems for c in p.constraints}
        found = []
        for name in dict.fromkeys(n for off in self.off for n in off):
            worst = np.array([off.get(name, 0.0) for off in self.off])
            if name in about or (worst > BROKEN).any():
                holds = 1.0 - math.fsum(weights[worst > BROKEN])
                found.append(LimitOver(name, about.get(name, ""), holds, float(worst.max())))
        return tuple(found)

    def bands(self) -> tuple[BandOver, ...]:
        """Compartments and reports over the draws."""
        own: list[dict[str, Block]] = []
        for problem, a in zip(self.problems, self.found, strict=True):
            blocks = [b for b in blocks_of(problem, a.values) if b.kind == "compartment"]
            blocks += report_blocks(problem, a.values, None)[0]
            own.append({b.name: b for b in blocks})
        weights = self.worlds.draws.weights
        found = []
        for name, block in own[0].items():
            values = np.stack([blocks[name].values for blocks in own])
            mean = np.tensordot(weights, values, axes=1)
            bands = quantiles(values, weights, LEVELS)
            found.append(BandOver(replace(block, values=mean, baseline=None), bands))
        return tuple(found)


def _judged(problem: Problem, decisions: Values) -> tuple[Assessment, dict[str, float]]:
    """What decisions lead to, and by how much of its size each limit is broken."""
    with np.errstate(over="ignore", invalid="ignore"):
        judge = Judge(problem, simulate(problem, decisions))
        found = judge.assessment()
        off: dict[str, float] = {}
        for c in problem.constraints:
            over, size = judge.excess(c)
            off[c.name] = max(off.get(c.name, 0.0), _worst(over, size))
        for v in problem.variables:
            off[v.name] = _worst(*judge.out_of_range(v))
        for block in problem.chances:
            off[block.name] = max(0.0, block.probability - found.probabilities[block.name])
    return found, off


def _worst(over: FloatArray, size: FloatArray) -> float:
    return float(relative_to(over, size).max(initial=0.0))


def decision_blocks(
    problem: Problem, decisions: Mapping[Variable, FloatArray]
) -> tuple[Block, ...]:
    """Decisions with their labels; nothing is simulated."""
    return tuple(blocks_of(replace(problem, states=[], flows=[]), decisions))


def shared(problem: Problem, values: Mapping[Variable, FloatArray]) -> dict[str, FloatArray]:
    """Decisions by name."""
    return {v.name: values[v] for v in problem.decisions}
