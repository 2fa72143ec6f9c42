"""Where the time is over, another solver that is installed is named once."""

from __future__ import annotations

import pytest

from allocc.backends.gurobi import GurobiBackend
from allocc.backends.scip import ScipBackend
from allocc.engine.choose import takes_the_rest
from allocc.engine.judging.outcome import Options
from allocc.engine.proving.denominators import prepared
from allocc.engine.solve import solve
from tests.compiler.making import problem

HARD = """
model m
set I = 1 .. 8
decide x[I] in 0 .. 10
decide y[I] in 0 .. 10
limit some: sum(i in I: x[i] * y[i]) >= 200
minimize { c: sum(i in I: exp(x[i] / 5) * y[i]) + sum(i in I: sum(j in I: x[i] * y[j])) }
"""
LINEAR = "model m decide x in 0 .. 1 minimize { c: x }"


@pytest.mark.parametrize(
    ("scip", "gurobi", "named"),
    [(True, True, "scip"), (False, True, "gurobi"), (False, False, "")],
)
def test_only_what_is_installed(
    monkeypatch: pytest.MonkeyPatch, scip: bool, gurobi: bool, named: str
) -> None:
    monkeypatch.setattr(ScipBackend, "available", lambda self: scip)
    monkeypatch.setattr(GurobiBackend, "available", lambda self: gurobi)
    assert takes_the_rest(prepared(problem(HARD)).program) == named
    found = solve(problem(HARD), Options(time_limit=0.2))
    assert found.stopped == "time_limit"
    told = [n for n in found.notes if "--method direct" in n]
    assert [n.partition(" ")[0] for n in told] == [named] * bool(named)


def test_only_what_takes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    able = ScipBackend.capabilities
    for backend in (ScipBackend, GurobiBackend):
        monkeypatch.setattr(backend, "available", lambda self: True)
    monkeypatch.setattr(
        ScipBackend, "capabilities", type(able)(products=True, functions=frozenset())
    )
    assert takes_the_rest(prepared(problem(HARD)).program) == "gurobi"


def test_nothing_is_said_without_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScipBackend, "available", lambda self: True)
    assert not solve(problem(LINEAR), Options(time_limit=5.0)).notes
