"""R0 with all that belongs to it: its formula, the groups, and what moves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy

from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.labels import label_text
from allocc.questions.analyze.disease_free import Rest
from allocc.questions.analyze.elasticities import elasticities
from allocc.questions.analyze.next_generation import NextGeneration, by_itself, next_generation
from allocc.questions.analyze.settling import stable
from allocc.questions.analyze.subject import Subject
from allocc.questions.analyze.symbolic.formulas import disease_free_formula, reproduction_formula
from allocc.questions.analyze.symbolic.writing import formula
from allocc.results.dynamics.analysis import Elasticity, GroupNumber, Reproduction, StateOfRest

#: Of more points than this, R0 is not worked out anew for every parameter.
MOST_MOVED = 150

NO_REST = (
    "without the disease the model comes to no rest with anybody in it (births and deaths may differ):"
    " R0 is that of the start, with nobody infected"
)
NO_NUMBER = (
    "there is no basic reproduction number: somebody who is infected stays so for ever, or more infected"
    " come from the infected by other ways than new infections than there are that end"
)


def reproduction(
    subject: Subject, free: Rest
) -> tuple[Reproduction | None, StateOfRest | None, tuple[str, ...]]:
    """R0 at the state without the disease, that state, and notes."""
    expressions = None
    if free.at_rest and subject.symbolic is not None:
        expressions = disease_free_formula(
            subject.symbolic, subject.found, subject.of, subject.start, free.state
        )
    state = _state(subject, free, expressions) if free.at_rest else None
    notes: tuple[str, ...] = () if free.at_rest else (NO_REST,)
    next_ = next_generation(subject.rates, subject.found, subject.of, free.state)
    if next_.number is None or next_.matrix is None:
        return None, state, (*notes, NO_NUMBER)
    if subject.equations.size > MOST_MOVED:
        notes += (f"what moves R0 is worked out for at most {MOST_MOVED} points of compartments",)
    return _number(subject, free, expressions, next_), state, notes


def _state(subject: Subject, free: Rest, expressions: dict[Any, Any] | None) -> StateOfRest:
    labels = subject.equations.labels
    values = {n: float(x) for n, x in zip(labels, free.state, strict=True)}
    written = None if expressions is None else _formulas(subject, expressions)
    firm = stable(subject.rates, free.state)
    return StateOfRest("disease-free", values, written, stable=firm)


def _number(
    subject: Subject, free: Rest, expressions: dict[Any, Any] | None, next_: NextGeneration
) -> Reproduction:
    """R0 with its formula, its groups and what moves it."""
    assert next_.number is not None and next_.matrix is not None
    symbolic = subject.symbolic
    expression, inside = _expression(subject, next_.number, free, expressions)
    moved: tuple[Elasticity, ...] = ()
    if subject.equations.size <= MOST_MOVED and free.at_rest:
        symbols = None if symbolic is None else symbolic.symbols
        whole = None if inside else expression
        moved = elasticities(
            subject.equations, subject.found, subject.of, next_.number, symbols, whole
        )
    cases = np.abs(next_.matrix).sum(axis=1) > 0
    return Reproduction(
        next_.number,
        None if expression is None or symbolic is None else formula(expression, symbolic.states),
        next_.growth,
        tuple(subject.equations.labels[k] for k in next_.points[cases]),
        tuple(tuple(row) for row in next_.matrix[np.ix_(cases, cases)].tolist()),
        tuple(_groups(subject, next_, cases)),
        moved,
        inside,
    )


def _formulas(subject: Subject, expressions: dict[Any, Any]) -> dict[str, Any]:
    assert subject.symbolic is not None
    states = subject.symbolic.states
    return {x.name: formula(expressions[x], states) for x in states}


def _expression(
    subject: Subject, number: float, free: Rest, expressions: dict[Any, Any] | None
) -> tuple[Any | None, tuple[str, ...]]:
    """R0 as an expression, and the compartments in it: where these have no formula, it is in them."""
    symbolic = subject.symbolic
    if symbolic is None:
        return None, ()
    zero = sympy.Integer(0)
    sick = subject.of.infected
    state = {
        x: zero if ill else x if expressions is None else expressions[x]
        for x, ill in zip(symbolic.states, sick, strict=True)
    }
    values = {**symbolic.values, **dict(zip(symbolic.states, free.state.tolist(), strict=True))}
    found = reproduction_formula(
        symbolic, list(symbolic.flows.values()), subject.found, subject.of, state, number, values
    )
    inside = () if found is None else tuple(x.name for x in symbolic.states if found.has(x))
    return found, inside


def _groups(subject: Subject, next_: NextGeneration, cases: BoolArray) -> Iterator[GroupNumber]:
    """One for each index of the infected, where all of them have the same and there are several."""
    assert next_.matrix is not None
    keys = _keys(subject)
    mine = [keys[int(k)] for k in next_.points]
    every = list(dict.fromkeys(mine))
    if len(every) < 2 or None in every:
        return
    groups = [np.array([k == key for k in mine]) for key in every]
    if sum((here & cases).any() for here in groups) < 2:
        return
    weights = _steady(next_.matrix)
    for key, here in zip(every, groups, strict=True):
        begin = here & cases
        if not begin.any():
            continue
        share = float(weights[begin].sum() / weights[cases].sum())
        own = weights[begin] if weights[begin].sum() > 0 else np.ones(int(begin.sum()))
        caused = next_.matrix[:, begin].sum(axis=0) @ own / own.sum()
        yield GroupNumber(str(key), by_itself(next_, here), float(caused), share)


def _keys(subject: Subject) -> list[str | None]:
    """The index of each point; None where the infected compartments have different sets, or none."""
    equations, sick = subject.equations, subject.of.infected
    blocks = [b for b in equations.blocks if sick[b.start : b.stop].any()]
    sets = {tuple(s.name for s in b.variable.sets[:-1]) for b in blocks}
    found: list[str | None] = [None] * equations.size
    if len(sets) != 1 or sets == {()}:
        return found
    for block in blocks:
        own = block.variable.sets[:-1]
        for k, place in enumerate(np.ndindex(*(len(s) for s in own))):
            parts = (x for s, i in zip(own, place, strict=True) for x in s.label(i))
            found[block.start + k] = ", ".join(label_text(x) for x in parts)
    return found


def _steady(matrix: FloatArray) -> FloatArray:
    """The shares of new infections from one generation to the next: the eigenvector of the largest eigenvalue."""
    values, vectors = np.linalg.eig(matrix)
    return np.asarray(np.abs(vectors[:, int(np.argmax(np.abs(values)))]))
