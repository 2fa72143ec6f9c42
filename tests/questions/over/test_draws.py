"""Draws as they are read, and what is wrong with some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import allocc
from allocc.errors import AlloccError
from allocc.questions.over.draws import read_draws
from allocc.questions.over.measures import read_measure
from allocc.results.over.found import quantiles

TEXT = """
model m "M"
set Region = {north, south}
param beta[Region] in 0 .. 2 = 0.5
param cost = 2
decide x[Region] in 0 .. 3
limit most: sum(x) <= 4
minimize { c : cost * sum(x)  ill : sum(r in Region: beta[r] * (3 - x[r])) }
"""


@pytest.fixture
def model(tmp_path: Path) -> allocc.Model:
    (tmp_path / "m.alloc").write_text(TEXT)
    return allocc.load(tmp_path / "m.alloc")


def test_a_table_a_frame_and_a_list_are_the_same(model: allocc.Model, tmp_path: Path) -> None:
    path = tmp_path / "draws.csv"
    path.write_text("draw,weight,beta[north],cost\nlow,1,0.2,1\nhigh,3,0.9,2.5\n")
    frame = pd.read_csv(path)
    rows: list[dict[str, Any]] = [
        {"draw": "low", "weight": 1, "beta[north]": 0.2, "cost": 1},
        {"draw": "high", "weight": 3, "beta[north]": 0.9, "cost": 2.5},
    ]
    for given in (path, str(path), tmp_path, frame, rows):
        found = read_draws(given, model.bound)
        assert found.names == ("low", "high") and found.weights.tolist() == [0.25, 0.75]
        assert [dict(s) for s in found.settings] == [
            {"beta[north]": 0.2, "cost": 1.0},
            {"beta[north]": 0.9, "cost": 2.5},
        ]
        assert found.mean() == pytest.approx({"beta[north]": 0.725, "cost": 2.125})


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("draw,cost\n", "E3", ""),
        ("draw,weight\n1,2\n", "E7280", "no column is a parameter"),
        ("draw,cost\n1,2\n1,3\n", "E7280", "two rows are called '1'"),
        ("draw,cots\n1,2\n", "E7281", "did you mean 'cost'?"),
        ("cost\n2\nhigh\n", "E7282", "'high', which is no number"),
        ("cost,beta[north]\n2,\n", "E7282", "a blank cell"),
        ("cost,weight\n2,-1\n", "E7283", "negative"),
        ("cost,weight\n2,0\n", "E7283", "all 0"),
        ("beta[north]\n0.3\n2.5\n", "E7284", "draw 2 makes no model"),
        ("beta[nroth]\n0.3\n", "E7284", "draw 1 makes no model"),
    ],
)
def test_what_is_wrong(
    model: allocc.Model, tmp_path: Path, text: str, code: str, words: str
) -> None:
    path = tmp_path / "draws.csv"
    path.write_text(text)
    with pytest.raises(AlloccError) as raised:
        model.evaluate(None, path)
    first = raised.value.diagnostics[0]
    assert first.code.startswith(code)
    assert words in f"{first.message} {first.hint}"


def test_a_fit_without_draws_and_what_is_none(model: allocc.Model) -> None:
    for given in (3, object(), []):
        with pytest.raises(AlloccError, match="E7280"):
            model.evaluate(None, given)
    with pytest.raises(AlloccError, match="E7285"):
        model.solve_over([{"cost": 2}], by="median")
    with pytest.raises(AlloccError, match="E7285"):
        model.solve_over([{"cost": 2}], by="cvar 100%")


def test_a_model_without_an_objective_has_nothing_to_decide(tmp_path: Path) -> None:
    path = tmp_path / "m.alloc"
    path.write_text("model m param p = 1 time t = 0 .. 2 compartment X initial X = p\n")
    with pytest.raises(AlloccError):
        allocc.load(path).solve_over([{"p": 2}])


def test_measures_are_read() -> None:
    assert str(read_measure("CVaR 90%")) == "cvar 90%" == str(read_measure("cvar(0.9)"))
    assert str(read_measure("cvar 0%")) == "mean"


def test_quantiles_have_their_weight_at_or_below() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        values, weights = rng.normal(size=(7, 2)), rng.dirichlet(np.ones(7))
        for level, found in zip(
            (0.05, 0.5, 0.95), quantiles(values, weights, (0.05, 0.5, 0.95)), strict=True
        ):
            for k in range(2):
                below = weights[values[:, k] <= found[k]].sum()
                under = weights[values[:, k] < found[k]].sum()
                assert below >= level - 1e-9 and under < level


def test_after_a_solve_over_draws_everything_is_kept(model: allocc.Model, tmp_path: Path) -> None:
    rows = [{"cost": 0.3, "beta[north]": 1.0}, {"cost": 0.6, "beta[north]": 0.1}]
    found = model.solve_over(rows, by="worst")
    folder = found.save(tmp_path / "answer")
    assert {p.name for p in folder.iterdir()} >= {
        "over.json",
        "decisions.csv",
        "draws.csv",
        "inputs",
    }
    again = model.evaluate(folder / "decisions.csv", rows)
    assert again.worst == pytest.approx(found.value)
    assert found.to_frame()["value"].tolist() == pytest.approx(found.values.tolist())
    assert "proven optimal" in found.summary()
