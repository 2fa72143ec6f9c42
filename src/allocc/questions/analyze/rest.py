"""All states of rest that are found: as formulas where the system is small, else the one that is settled at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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
) -> tuple[StateOfRest | None, tuple[StateOfRest, ...]]:
    """The state without the disease, which is known, and the other ones; each says if it is settled at."""
    found = [] if free is None else [free]
    for state in _by_formula(subject):
        if not any(_same(_numbers(state), _numbers(other)) for other in found):
            found.append(state)
    if settled is not None:
        reached = [_same(settled, _numbers(state)) for state in found]
        if any(reached):
            k = reached.index(True)
            found[k] = replace(found[k], reached=True)
        else:
            values = dict(zip(subject.equations.labels, settled.tolist(), strict=True))
            firm = stable(subject.rates, settled)
            found.append(StateOfRest("settles", values, stable=firm, reached=True))
    known = 0 if free is None else 1
    return (found[0] if known else None), tuple(found[known:])


def _numbers(state: StateOfRest) -> FloatArray:
    return np.array([np.nan if x is None else x for x in state.values.values()])


def _same(a: FloatArray, b: FloatArray) -> bool:
    size = max(float(np.nanmax(np.abs(a), initial=0.0)), 1.0)
    return bool(np.isfinite(a).all() and np.abs(a - b).max() <= SAME * size)


def _by_formula(subject: Subject) -> Iterator[StateOfRest]:
    symbolic = subject.symbolic
    if symbolic is None:
        return
    found = rest_formulas(symbolic, subject.found) or []
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
        if full and not _rests(subject, known):
            # A formula in which something is divided by nothing there, as by all people where nobody is left.
            continue
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


def _rests(subject: Subject, state: FloatArray) -> bool:
    change = subject.rates.change(state)
    size = max(float(np.abs(subject.rates.amounts(state)).max(initial=0.0)), 1e-300)
    return bool(np.isfinite(change).all() and np.abs(change).max(initial=0.0) <= SAME * size)


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
