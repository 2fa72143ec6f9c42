"""The problem of all worlds says in each of them what the world's own problem says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.algebra.index import IndexSet
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values, simulate
from allocc.compiler.worlds.together import Together, together
from allocc.compiler.worlds.weighing import Measure, value_of, weighed
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import assess
from tests.questions.over.models import CASES, Case


def worlds(problems: Sequence[Problem], after: Sequence[str] = ()) -> Together:
    return together(problems, IndexSet("World", [list(range(len(problems)))]), after)


def problems(case: Case, folder: Path) -> list[Problem]:
    return [case.load(folder, **d).problem for d in case.draws]


def point(problem: Problem, shares: Sequence[float]) -> dict[str, Any]:
    """Decisions by name, at shares of their ranges."""
    found = {}
    for k, v in enumerate(problem.decisions):
        low, high = problem.ends(v)
        found[v.name] = np.rint(low + shares[k % len(shares)] * (high - low))
    return found


def of(problem: Problem, named: dict[str, Any]) -> Values:
    return {v: named[v.name] for v in problem.decisions}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
@settings(max_examples=6, deadline=None)
@given(shares=st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_each_world_is_what_it_is_alone(
    case: Case, shares: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    alone = problems(case, tmp_path_factory.mktemp("worlds"))
    found = worlds(alone)
    named = point(found.problem, shares)
    values = simulate(found.problem, of(found.problem, named))
    evaluate = Evaluation(dict(values))
    for k, problem in enumerate(alone):
        own = simulate(problem, of(problem, named))
        for whole, state in zip(found.problem.states, problem.states, strict=True):
            here = values[whole]
            assert np.allclose(
                here[k] if here.ndim > own[state].ndim else here, own[state], rtol=1e-9
            )
        for whole_term, term in zip(found.problem.terms, problem.terms, strict=True):
            worth = np.broadcast_to(np.ravel(evaluate(whole_term.node)), len(alone))
            truth = float(Evaluation(dict(own))(term.node))
            assert worth[k] == pytest.approx(truth, rel=1e-9, abs=1e-12)
    whole = weighed(found, Measure("mean"), case.weight())
    broken = any(assess(p, of(p, named)).violation.relative > 1e-9 for p in alone)
    assert (assess(whole, of(whole, named)).violation.relative > 1e-9) == broken


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
@pytest.mark.parametrize("kind", ["mean", "worst", "regret", "cvar"])
def test_the_objective_is_the_measure_of_the_values(case: Case, kind: Any, tmp_path: Path) -> None:
    alone = problems(case, tmp_path)
    w = case.weight()
    best = np.linspace(1.0, 2.0, len(alone)) if kind == "regret" else None
    measure = Measure(kind, 0.6 if kind == "cvar" else 0.0)
    found = weighed(worlds(alone), measure, w, best)
    named = point(found, [0.5, 0.0, 1.0]) if kind != "cvar" else point(alone[0], [0.5, 0.0, 1.0])
    each = np.array([assess(p, of(p, named)).value for p in alone])
    minimize = found.sense == "minimize"
    truth = value_of(measure, each, w, minimize, best)
    if kind != "cvar":
        sign = -1.0 if kind == "regret" and not minimize else 1.0
        assert assess(found, of(found, named)).value == pytest.approx(sign * truth)
        return
    # The threshold is one more decision: the measure is the best over it, which one of the values is.
    tries = [
        assess(found, {v: named.get(v.name, np.asarray(t)) for v in found.decisions}).value
        for t in each
    ]
    assert (min(tries) if minimize else max(tries)) == pytest.approx(truth)


def test_what_does_not_differ_is_stated_once(tmp_path: Path) -> None:
    text = """
model once "Once"
set Site = {a, b, c}
param worth = 1
decide open[Site] integer in 0 .. 3
let used[s in Site] = open[s] / (1 + open[s])
limit most: sum(open) <= 5
limit need: worth * sum(open) >= 1
maximize { help : worth * sum(used)  even : -max(open) }
"""
    case = Case("once", text, tuple({"worth": x} for x in (1.0, 2.0, 3.0)))
    found = worlds(problems(case, tmp_path)).problem
    assert [c.shape for c in found.constraints] == [(), (3,)]
    assert [t.node.axes == () for t in found.terms] == [False, True]
    labels = [found.constraints[1].labels(k) for k in range(3)]
    assert labels == [(0,), (1,), (2,)]


def test_decisions_after_the_world_are_its_own(tmp_path: Path) -> None:
    case = CASES[0]
    alone = problems(case, tmp_path)
    found = worlds(alone, after=["vans"]).problem
    shapes = {v.name: v.shape for v in found.decisions}
    assert shapes == {"open": (3,), "vans": (3,)}
    named = {"open": np.array([1.0, 1.0, 0.0]), "vans": np.array([0.0, 1.0, 2.0])}
    values = simulate(found, of(found, named))
    evaluate = Evaluation(dict(values))
    total = sum(np.asarray(evaluate(t.node)).ravel() for t in found.terms)
    for k, p in enumerate(alone):
        own = {**named, "vans": named["vans"][k]}
        assert np.ravel(total)[k] == pytest.approx(assess(p, of(p, own)).value)


@pytest.mark.parametrize(
    ("text", "draws", "code"),
    [
        (
            "param p = 1 set S = 1 .. 3 set L = {s in S if s > p} decide x[L] in 0 .. 1 minimize { c : sum(x) }",
            ({"p": 0.0}, {"p": 1.0}),
            "E5040",
        ),
        (
            "param p = 1 set S = 1 .. 3 decide x[S] in 0 .. 1 minimize { c : sum(s in S if s > p: x[s]^2) }",
            ({"p": 0.0}, {"p": 1.0}),
            "",
        ),
        (
            "param p = 3 time t = 0 .. p compartment X initial X = 1 decide x in 0 .. 1 minimize { c : x + X[end] }",
            ({"p": 3.0}, {"p": 4.0}),
            "E5040",
        ),
        (
            "param p = 3 decide x in p .. p + 1 minimize { c : x }",
            ({"p": 3.0}, {"p": 5.0}),
            "E5041",
        ),
        (
            "param p = 3 set S = {a, b} decide x in 0 .. 9 minimize { c : x } "
            + "chance half: probability 50% over s in S weight 1 / 2 { limit l: x >= p }",
            ({"p": 3.0}, {"p": 5.0}),
            "E5042",
        ),
    ],
)
def test_what_cannot_be_put_together(
    text: str, draws: tuple[dict[str, float], ...], code: str, tmp_path: Path
) -> None:
    alone = problems(Case("bad", f"model bad {text}", draws), tmp_path)
    if not code:
        # Another filter in a sum is only another form.
        found = worlds(alone)
        total = np.ravel(
            Evaluation({v: np.array([0.5, 0.5, 0.5]) for v in found.problem.decisions})(
                found.problem.terms[0].node
            )
        )
        assert total.tolist() == [0.75, 0.5]
        return
    with pytest.raises(DiagnosticError) as raised:
        worlds(alone)
    assert [d.code for d in raised.value.diagnostics] == [code]
