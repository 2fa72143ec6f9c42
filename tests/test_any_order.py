"""A question changes nothing: whatever was asked before, each answer is that of a fresh model."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from hypothesis.strategies import sampled_from

import allocc
from allocc.errors import AlloccError
from allocc.results.run_folder.writing import result_data
from allocc.showing.comparing.plain import comparison_data
from allocc.showing.explain import explain_text

MODELS = {
    "effects": """model effects "A parameter and a flow that decisions change"
time t = 0 .. 3
set Who = {a, b}
compartment ill[Who]
initial ill[w in Who] = if w == "a" then 4 else 2
param faster = 1
param unused = 3
function twice(v) = 2 * v
decide x[Who] in 0 .. 1
flow get_well[w in Who] : ill[w] -> = faster * ill[w] / 4
effect faster *= 1 + x["a"] / 2
effect get_well += x[w] / 4
let spent = twice(sum(x))
uncertain faster ~ normal(faster, 0.1)
scenario World draws 2
limit money: spent <= 3
limit quick[p in period]: twice(faster[p]) <= 2.8
policy rule { x = faster / 2 }
report left = sum(w in Who: ill[w, end])
fit past {
  estimate faster in 0 .. 3 from 1
  observe ill["a"] = 4 - t / 2
}
report share[w in Who] = if x[w] > 0 then ill[w, end] / x[w] else 0
minimize { sick : ill["a", end] + ill["b", end]  cost : spent / 10 }
""",
    "never": """model never "No allocation: too few get well"
time t = 0 .. 2
compartment ill
compartment well
initial ill = 9
initial well = 1
param need = 8
decide x in 0 .. 2
flow heal : ill -> well = 0
intervention help { effect heal += x }
limit enough: well[end] >= need
limit other: x <= 5
report gap = need - well[end]
minimize { cost : x }
""",
    "warned": """model warned "Effects in a long step, and a name that nothing uses"
time t = 0 .. 3
compartment ill
initial ill = 9
param idle = 3
decide x in 0 .. 1
flow get_well : ill -> = 1.5 * ill
effect get_well += x
minimize { sick : ill[end]  cost : x }
""",
    "whole": """model whole "Whole numbers, a bend and a report"
set Site = {a, b}
param worth[s in Site] = if s == "a" then 3 else 2
function bend(v) = max(v - 2, 0)
decide n[Site] integer in 0 .. 4
limit store: sum(n) <= 6
limit odd: bend(n["a"]) <= 1
policy rule "by what they are worth" { n[s in Site] = 6 * worth[s] / sum(worth) }
prefer even: n["a"] == n["b"] penalty 0.5
report mean_worth = sum(s in Site: worth[s] * n[s]) / sum(n)
maximize { reached : sum(s in Site: worth[s] * n[s]) - bend(n["b"]) }
""",
}
DECISIONS: dict[str, Any] = {
    "effects": {"x": [0.5, 1.0]},
    "never": {"x": 2.0},
    "warned": {"x": 0.5},
    "whole": {"n": [3, 3]},
}
PASSING = {"seconds", "created", "history", "budget", "options", "versions", "files"}


def lasting(value: Any) -> Any:
    """Plain data without what differs from one run to the next."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(k): lasting(v) for k, v in value.items() if k not in PASSING}
    if isinstance(value, list | tuple):
        return [lasting(v) for v in value]
    return value.tolist() if hasattr(value, "tolist") else value


def told(result: allocc.Result) -> Any:
    values = [(b.name, b.values.tolist(), lasting(b.baseline)) for b in result.blocks]
    return lasting(result_data(result)), values


def analysis(model: allocc.Model) -> Any:
    pytest.importorskip("sympy", reason="the extra `analyze` is not installed")
    return lasting(model.analyze())


QUESTIONS: dict[str, Callable[[allocc.Model, str], Any]] = {
    "warnings": lambda m, _: [str(d) for d in m.warnings],
    "units": lambda m, _: m.units(),
    "program": lambda m, _: [b.name for b in m.program().column_blocks],
    "passes": lambda m, _: m.chain().names,
    "check": lambda m, _: [str(d) for d in m.check()],
    "check pedantic": lambda m, _: [str(d) for d in m.check(pedantic=True)],
    "baseline": lambda m, _: told(m.simulate()),
    "simulate": lambda m, name: told(m.simulate(DECISIONS[name])),
    "analyze": lambda m, _: analysis(m),
    "compare": lambda m, name: lasting(
        comparison_data(allocc.compare(m.simulate(DECISIONS[name]), "baseline", model=m))
    ),
    "policy": lambda m, _: told(m.policy("rule")),
    "explain": lambda m, _: explain_text(m),
    "fit": lambda m, _: m.fit(starts=2).values,
    "solve": lambda m, _: told(m.solve(threads=1)),
    "over": lambda m, _: lasting(m.solve_over(2, threads=1).values),
    "draw": lambda m, _: m.draw(3),
    "prices": lambda m, name: lasting(m.prices(DECISIONS[name])),
    "conflict": lambda m, _: lasting(m.conflict(threads=1)),
    "loosen": lambda m, _: lasting(m.loosen(threads=1)),
    "escape": lambda m, _: lasting(m.escape(threads=1)),
}


def load(name: str) -> allocc.Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.alloc"
        path.write_text(MODELS[name], "utf-8")
        found: allocc.Model = allocc.load(path)
        return found


def answer(model: allocc.Model, name: str, question: str) -> str:
    """What is told, or why it cannot be."""
    try:
        found = QUESTIONS[question](model, name)
    except AlloccError as error:
        found = [str(d) for d in error.diagnostics]
    # Where a model was loaded from is another place each time.
    return json.dumps(found, indent=1, default=str).replace(str(model.data), "FOLDER")


@cache
def fresh(name: str, question: str) -> str:
    return answer(load(name), name, question)


class AnyOrder(RuleBasedStateMachine):
    """Questions to one model, one after the other."""

    @initialize(name=sampled_from(sorted(MODELS)))
    def begin(self, name: str) -> None:
        self.name, self.model = name, load(name)

    @rule(question=sampled_from(sorted(QUESTIONS)))
    def ask(self, question: str) -> None:
        assert answer(self.model, self.name, question) == fresh(self.name, question)


AnyOrder.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyOrder = AnyOrder.TestCase


@pytest.mark.parametrize("name", MODELS)
def test_each_question_after_all_others(name: str) -> None:
    model = load(name)
    for question in (*QUESTIONS, *reversed(QUESTIONS)):
        assert answer(model, name, question) == fresh(name, question), question


@pytest.mark.parametrize("name", MODELS)
def test_two_threads_may_ask_one_model(name: str) -> None:
    for first, second in (("solve", "solve"), ("solve", "simulate"), ("baseline", "solve")):
        model = load(name)
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda q: answer(model, name, q), (first, second)))  # noqa: B023
        assert found == [fresh(name, first), fresh(name, second)]
