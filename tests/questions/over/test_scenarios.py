"""Two stages against all that could be decided: first what is shared, then in each world what answers to it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import allocc
from allocc.cli import cli
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import simulate
from allocc.engine.judging.assess import assess
from allocc.questions.over.scenario import scenario_draws
from allocc.results.given import given_decisions

BEDS = """
model beds "Beds before the season, flights in it"
set Town = {north, south}
param ill[Town] in 0 .. 40 = 6
param flight in 0 .. = 3
scenario World "how the season goes" from "worlds.csv" weight share MEASURE
decide beds[Town]  integer in 0 .. 2
decide flown[Town] integer in 0 .. 4 after World
limit care[r in Town]: 2 * beds[r] + flown[r] >= ill[r]
limit plane: sum(flown) <= 7
SENSE { building : SIGN 4 * sum(beds)  flying : SIGN flight * sum(flown) }
"""
WORLDS = "draw,share,ill[north],ill[south],flight\nmild,5,2,3,3\nusual,3,4,3,2\nhard,2,6,5,5\n"

OUTBREAK = """
model outbreak "Stock before, days after"
param beta in 0 .. 1 = 0.5
param first in 0 .. 9 = 4
scenario World from "worlds.csv"
time t = 0 .. 3
compartment S compartment I
initial S = 100 - first
initial I = first
flow infect : S -> I = beta * (1 - 0.2 * kept) * S * I / 100
decide kept integer in 0 .. 2
decide days[period] integer in 0 .. 1 after World
effect infect += -0.15 * beta * days * I
limit few: sum(days) <= 2
minimize { ill : I[end]  cost : 0.7 * kept + 0.3 * sum(days) }
"""
OUTBREAKS = "beta,first,weight\n0.3,2,1\n0.8,5,3\n0.6,9,2\n"


@dataclass(frozen=True)
class Stages:
    """A model of two stages: what can be decided first, and what then."""

    text: str
    worlds: str
    first: Mapping[str, Sequence[Any]]
    second: Mapping[str, Sequence[Any]]

    def load(self, folder: Path) -> allocc.Model:
        (folder / "worlds.csv").write_text(self.worlds, encoding="utf-8")
        path = folder / "model.alloc"
        path.write_text(self.text, encoding="utf-8")
        return allocc.load(path)


def beds(sense: str, measure: str = "") -> Stages:
    text = BEDS.replace("SENSE", sense).replace("MEASURE", measure)
    pairs = [
        dict(zip(("north", "south"), p, strict=True)) for p in itertools.product(range(3), repeat=2)
    ]
    flown = [
        dict(zip(("north", "south"), p, strict=True)) for p in itertools.product(range(5), repeat=2)
    ]
    return Stages(
        text.replace("SIGN", "" if sense == "minimize" else "-1 *"),
        WORLDS,
        {"beds": pairs},
        {"flown": flown},
    )


def outbreak() -> Stages:
    days = [np.array(p) for p in itertools.product(range(2), repeat=3)]
    return Stages(OUTBREAK, OUTBREAKS, {"kept": [0, 1, 2]}, {"days": days})


def choices(decisions: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [
        dict(zip(decisions, values, strict=True))
        for values in itertools.product(*decisions.values())
    ]


class Tried:
    """The best second stage of every first one, in every world; NaN where there is none."""

    def __init__(self, case: Stages, model: allocc.Model, folder: Path) -> None:
        draws = scenario_draws(model)
        self.weights = draws.weights
        self.sign = 1.0 if model.problem.sense == "minimize" else -1.0
        self.first = choices(case.first)
        self.best = np.array(
            [self.in_world(case, folder, settings) for settings in draws.settings]
        ).T
        means = {n: float(self.weights @ [s[n] for s in draws.settings]) for n in draws.drawn}
        self.of_means = self.in_world(case, folder, means)

    def in_world(self, case: Stages, folder: Path, settings: Mapping[str, float]) -> list[float]:
        problem = allocc.load(folder / "model.alloc", **settings).problem
        seconds = choices(case.second)
        return [self.second(problem, first, seconds) for first in self.first]

    def second(self, problem: Problem, first: Any, seconds: Sequence[Any]) -> float:
        worth = []
        for second in seconds:
            given = given_decisions(problem, {**first, **second}).values
            found = assess(problem, simulate(problem, given))
            if found.violation.relative <= 1e-9:
                worth.append(self.sign * found.value)
        return min(worth, default=np.nan)

    def value(self, judged: Callable[[Any], float]) -> float:
        """The best of all first stages by a measure of their values in the worlds, smaller is better."""
        return float(np.nanmin([judged(row) for row in self.best]))

    @property
    def mean(self) -> float:
        return self.value(lambda row: float(self.weights @ row))


def close(ends: Any, value: float) -> bool:
    low, high = ends
    return bool(low - 1e-6 <= value <= high + 1e-6)


CASES = [
    pytest.param(beds("minimize"), id="smaller is better"),
    pytest.param(beds("maximize"), id="larger is better"),
    pytest.param(outbreak(), id="with time"),
]


@pytest.mark.parametrize("case", CASES)
def test_the_mean_and_what_it_is_worth_to_know(case: Stages, tmp_path: Path) -> None:
    model = case.load(tmp_path)
    tried = Tried(case, model, tmp_path)
    found = model.solve_over(gap=1e-6)
    assert found.status == "optimal" and found.measure == "mean"
    assert found.after == tuple(case.second) and found.kept == 1.0
    assert found.value is not None and found.bound is not None
    assert found.value == pytest.approx(tried.sign * tried.mean, rel=1e-5)
    assert tried.sign * found.bound <= tried.mean + 1e-6

    information = found.information
    assert information is not None
    waited = float(tried.weights @ np.nanmin(tried.best, axis=0))
    assert close(information.perfect, tried.mean - waited)
    # The best first stage for the mean of what is drawn may do without another one that is as good.
    best = np.nanmin(tried.of_means)
    for_means = [k for k, x in enumerate(tried.of_means) if x <= best + 1e-9]
    assert len(for_means) == 1
    expected = float(tried.weights @ tried.best[for_means[0]])
    if np.isnan(expected):
        assert information.stochastic is None and information.broken > 0
    else:
        assert information.stochastic is not None
        assert close(information.stochastic, expected - tried.mean)


@pytest.mark.parametrize("measure", ["worst", "regret", "cvar 60%"])
def test_other_measures(measure: str, tmp_path: Path) -> None:
    case = beds("minimize", f"by {measure}")
    model = case.load(tmp_path)
    tried = Tried(case, model, tmp_path)
    alone = np.nanmin(tried.best, axis=0)
    order = {
        "worst": lambda row: float(row.max()),
        "regret": lambda row: float((row - alone).max()),
        "cvar 60%": lambda row: tail(row, tried.weights, 0.6),
    }
    found = model.solve_over(gap=1e-6)
    assert found.measure == measure
    assert found.value == pytest.approx(tried.value(order[measure]), rel=1e-6)
    other = model.solve_over(by="mean")
    assert other.value == pytest.approx(tried.mean, rel=1e-4)


def tail(values: Any, weights: Any, level: float) -> float:
    """The mean of the worst, found as the least of what Rockafellar and Uryasev minimize."""
    at = [
        t + float(weights @ np.maximum(values - t, 0.0)) / (1 - level)
        for t in np.unique(values[~np.isnan(values)])
    ]
    return np.nan if np.isnan(values).any() else min(at)


def test_what_is_after_the_scenario_differs_and_the_rest_does_not(tmp_path: Path) -> None:
    model = beds("minimize").load(tmp_path)
    found = model.solve_over()
    assert list(found["flown"].index.names) == ["World", "Town"]
    assert list(found["beds"].index.names) == ["Town"]
    assert [d.name for d in found.draws] == ["mild", "usual", "hard"]
    place = found.save(tmp_path / "run")
    assert "World" in (place / "after.csv").read_text().splitlines()[0]
    assert (place / "inputs" / "worlds.csv").read_text() == WORLDS


def test_without_its_scenario_a_model_is_as_it_stands(tmp_path: Path) -> None:
    case = beds("minimize")
    plain = case.text.replace(" after World", "")
    plain = "\n".join(x for x in plain.splitlines() if not x.startswith("scenario"))
    model = case.load(tmp_path)
    (tmp_path / "plain.alloc").write_text(plain, encoding="utf-8")
    other = allocc.load(tmp_path / "plain.alloc")
    assert model.solve().value == other.solve().value
    assert model.simulate().value == other.simulate().value


def test_the_worlds_are_an_input(tmp_path: Path) -> None:
    model = beds("minimize").load(tmp_path)
    assert set(model.inputs()) == {"model.alloc", "worlds.csv"}
    run = model.solve()
    folder = run.save(tmp_path / "run")
    links = {link.name: link.state for link in allocc.verify(folder).links}
    assert links["files"] == links["decisions"] == "holds"
    (tmp_path / "data").mkdir()
    (tmp_path / "worlds.csv").rename(tmp_path / "data" / "worlds.csv")
    assert allocc.load(tmp_path / "model.alloc").data == tmp_path / "data"


def test_what_has_no_column_is_told(tmp_path: Path) -> None:
    case = beds("minimize")
    text = (
        case.text
        + "uncertain ill[r in Town] ~ uniform(1, 9)\nparam fee in 0 .. = 1\nuncertain fee ~ normal(1, 0.1)\nlimit f: fee <= 9\n"
    )
    model = Stages(text, case.worlds, {}, {}).load(tmp_path)
    assert any("fee is as it stands" in n for n in scenario_draws(model).notes)


# --- the command line ----------------------------------------------------------------------------


def run(*words: str, code: int = 0) -> str:
    ended = CliRunner().invoke(cli, list(words), prog_name="allocc")
    assert ended.exit_code == code, ended.output
    return str(ended.output)


@pytest.fixture
def drawn(tmp_path: Path) -> str:
    text = BEDS.replace('from "worlds.csv" weight share MEASURE', "draws 4 by worst")
    text = text.replace("SENSE", "minimize").replace("SIGN", "")
    text += "uncertain ill[r in Town] ~ triangular(1, 3, 7)\nuncertain flight ~ uniform(2, 5)\n"
    path = tmp_path / "drawn.alloc"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_command_takes_the_scenario_of_the_model(drawn: str) -> None:
    words = ("solve", drawn, "--no-run", "--json", "--quiet")
    by_model = json.loads(run(*words))
    assert by_model["measure"] == "worst" and len(by_model["draws"]) == 4
    assert by_model["after"] == ["flown"]
    more = json.loads(run(*words, "--draws", "7", "--seed", "3", "--by", "mean"))
    assert more["measure"] == "mean" and len(more["draws"]) == 7
    assert more["source"].endswith("seed 3")
    nominal = json.loads(run(*words, "--nominal"))
    assert "draws" not in nominal and nominal["status"] == "optimal"


def test_draws_are_a_file_that_over_takes(drawn: str, tmp_path: Path) -> None:
    file = str(tmp_path / "draws.csv")
    run("draw", drawn, "--draws", "5", "--seed", "2", "-o", file)
    again = run("draw", drawn, "--draws", "5", "--seed", "2")
    assert Path(file).read_text() == again
    words = ("solve", drawn, "--no-run", "--json", "--quiet")
    by_file = json.loads(run(*words, "--over", file))
    by_number = json.loads(run(*words, "--draws", "5", "--seed", "2"))
    assert by_file["value"] == by_number["value"]
    settings = [d["settings"] for d in by_number["draws"]]
    assert [d["settings"] for d in by_file["draws"]] == settings
    model = allocc.load(drawn)
    rows = model.draw(5, seed=2)
    assert rows == settings
    assert model.solve_over(rows).value == by_file["value"]
    assert model.solve_over(5, seed=2).value == by_file["value"]


def test_mistakes_on_the_command_line(drawn: str, tmp_path: Path) -> None:
    plain = tmp_path / "plain.alloc"
    plain.write_text("param a = 1\ndecide x in 0 .. a\nmaximize { x : x }\n")
    assert "E7287" in run("draw", str(plain), code=1)
    assert "E7287" in run("solve", str(plain), "--draws", "3", "--no-run", code=1)
    assert "E7288" in run("solve", str(plain), "--by", "mean", "--no-run", code=1)
    for words in (("--nominal", "--draws", "3"), ("--over", "x.csv", "--draws", "3")):
        assert "E7289" in run("solve", drawn, *words, "--no-run", code=1)
    for word in ("--prove", "--relax"):
        assert "--nominal" in run("solve", drawn, word, code=1)


def test_what_is_wrong_with_worlds_is_found_by_check(tmp_path: Path) -> None:
    case = beds("minimize")
    model = Stages(case.text, case.worlds.replace("flight", "flights"), {}, {}).load(tmp_path)
    assert [d.code for d in model.check()] == ["E7281"]
