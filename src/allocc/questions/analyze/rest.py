"""All states of rest that are found: as formulas where the system is small, else the one that is settled at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.questions.analyze.settling import stable
from allocc.questions.analyze.subject import Subject
from allocc.questions.analyze.symbolic.formulas import number, rest_formulas
from allocc.questions.analyze.symbolic.writing import formula
from allocc.results.dynamics.analysis import StateOfRest

#: Two states are the same where they differ by at most this part of all people.
SAME = 1e-6


def states_of_rest(
    subject: Subject, settled: FloatArray | None, free: StateOfRest | None
) -> Iterator[StateOfRest]:
    """States of rest other than the one without the disease, which is known; last, the one settled at."""
    known = [] if free is None else [_numbers(free)]
    for state in _by_formula(subject):
        here = _numbers(state)
        if any(_same(here, other) for other in known):
            continue
        known.append(here)
        yield state
    if settled is not None:
        values = dict(zip(subject.equations.labels, settled.tolist(), strict=True))
        yield StateOfRest("settles", values, stable=stable(subject.rates, settled))


def _numbers(state: StateOfRest) -> FloatArray:
    return np.array([np.nan if x is None else x for x in state.values.values()])


def _same(a: FloatArray, b: FloatArray) -> bool:
    size = max(float(np.nanmax(np.abs(a), initial=0.0)), 1.0)
    return bool(np.isfinite(a).all() and np.abs(a - b).max() <= SAME * size)


def _by_formula(subject: Subject) -> Iterator[StateOfRest]:
    symbolic = subject.symbolic
    if symbolic is None:
        return
    found = rest_formulas(symbolic, subject.found, subject.start) or []
    for solution in found:
        if any(other is not solution and _within(solution, other) for other in found):
            continue
        values = {
            x.name: None
            if _open(symbolic.states, solution.get(x, x))
            else number(solution[x], symbolic.values)
            for x in symbolic.states
        }
        if any(v is not None and not np.isfinite(v) for v in values.values()):
            continue
        known = np.array([v for v in values.values() if v is not None])
        size = max(float(np.abs(known).max(initial=0.0)), 1.0)
        possible = bool((known >= -SAME * size).all())
        full = possible and len(known) == len(values)
        yield StateOfRest(
            _kind(subject, solution),
            values,
            {
                x.name: formula(solution[x], symbolic.states)
                for x in symbolic.states
                if x in solution
            },
            tuple(x.name for x in symbolic.states if x not in solution),
            possible,
            stable(subject.rates, known) if full else None,
        )


def _kind(subject: Subject, solution: dict[Any, Any]) -> Any:
    assert subject.symbolic is not None
    if not subject.of.any:
        return "rest"
    sick = [x for x, ill in zip(subject.symbolic.states, subject.of.infected, strict=True) if ill]
    return "disease-free" if all(solution.get(x) == 0 for x in sick) else "endemic"


def _open(states: tuple[Any, ...], expression: Any) -> bool:
    return bool(expression.has(*states))


def _within(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    """Whether a solution is one of those that another one with free unknowns stands for."""
    if len(other) >= len(one):
        return False
    return all((v.subs(one) - one.get(u, u)).equals(0) for u, v in other.items())
