"""The Python front door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import allocc
from tests import small


@pytest.fixture
def epidemic(tmp_path: Path) -> allocc.Model:
    return allocc.load(small.epidemic(tmp_path))


@pytest.fixture
def solved(epidemic: allocc.Model) -> allocc.Result:
    return epidemic.solve()


def test_names() -> None:
    for name in allocc.__all__:
        assert getattr(allocc, name) is not None
    assert "load" in dir(allocc)
    with pytest.raises(AttributeError):
        allocc.nothing  # noqa: B018


def test_model(epidemic: allocc.Model) -> None:
    assert (epidemic.name, epidemic.title) == ("epidemic", "Treatment by region")
    assert epidemic.data.name == "data"
    assert epidemic.warnings == []
    assert epidemic.check() == []
    assert "teams (10)" in repr(epidemic)
    assert "<table>" in epidemic._repr_html_()


def test_a_program_without_a_feasible_piece_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.alloc"
    path.write_text(
        """model m
        decide a integer in 0 .. 3 decide b integer in 0 .. 3
        limit many: a * b >= 3
        limit few: 3 * a + 3 * b <= 11
        minimize { o: a + b }""",
        "utf-8",
    )
    model = allocc.load(path)
    assert model.solve().status == "infeasible"
    with pytest.raises(allocc.AlloccError, match="W7001"):
        model.program("exact")


def test_data_beside_the_model_and_elsewhere(tmp_path: Path) -> None:
    path = small.epidemic(tmp_path)
    (tmp_path / "data" / "regions.csv").rename(tmp_path / "regions.csv")
    assert allocc.load(path).data == tmp_path
    assert allocc.load(str(path), data=str(tmp_path)).solve().status == "optimal"


@pytest.mark.parametrize(
    "given",
    [
        {"north": 100, "south": 200},
        pd.Series({"north": 100, "south": 200}),
        np.array([100, 200]),
        [100, 200],
    ],
)
def test_parameters(tmp_path: Path, given: Any) -> None:
    model = allocc.load(small.epidemic(tmp_path), sick=given, cap=np.float64(5))
    assert model.simulate()["A"].iloc[0].tolist() == [100, 200]
    assert model.solve().save(tmp_path / "run").exists()


def test_parameter_over_two_sets(tmp_path: Path) -> None:
    text = """model m
set I = {a, b}
set J = 1 .. 2
param w[I, J] = 1
decide x[I, J] in 0 .. 1
maximize { v: sum(i in I, j in J: w[i, j] * x[i, j]) }
"""
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], index=["a", "b"], columns=[1, 2])
    path = small.easy(tmp_path, text)
    result = allocc.load(path, w=frame, **{"w[a,1]": 10}).solve()
    assert result.value == pytest.approx(19)
    x = result["x"]
    assert list(x.index.names) == ["I", "J"]
    again = allocc.load(path).simulate({"x": frame.T / 4})
    assert again["x"]["b", 1] == pytest.approx(0.75)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(allocc.AlloccError) as caught:
        allocc.load(small.easy(tmp_path, small.BAD))
    assert "^^^^" in str(caught.value)
    assert caught.value.diagnostics[0].code == "E2001" or caught.value.diagnostics
    with pytest.raises(allocc.AlloccError, match="E7001"):
        allocc.load(tmp_path / "none.alloc")
    with pytest.raises(allocc.AlloccError, match="E7005"):
        allocc.load(small.easy(tmp_path)).solve(gap=-1)
    with pytest.raises(allocc.AlloccError, match="E7006"):
        allocc.load(small.easy(tmp_path)).program(method="magic")


def test_method_that_does_not_fit(tmp_path: Path) -> None:
    text = "model m\ndecide x in 1 .. 4\ndecide y in 1 .. 4\nlimit a: x * y <= 9\nmaximize { v: x + y }"
    model = allocc.load(small.easy(tmp_path, text))
    for method in ("direct", "exact"):
        with pytest.raises(allocc.AlloccError, match="E7015"):
            model.solve(method=method)
    assert len(model.program("direct").products) == 1
    assert len(model.program().products) == 0
    with pytest.raises(allocc.AlloccError, match="E7011"):
        model.write(tmp_path / "m.mps", method="direct")
    model.write(tmp_path / "m.lp", method="direct")


def test_values(solved: allocc.Result) -> None:
    teams = solved["teams"]
    assert teams.index.name == "t"
    assert list(teams.columns) == ["north", "south"]
    assert teams.columns.name == "Region"
    assert (teams.sum(axis=1) <= 40 + 1e-6).all()
    assert set(solved.decisions) == {"teams"}
    assert solved.trajectories["A"].loc[2022].sum() == pytest.approx(solved.value)
    assert solved.flows["heal"].shape == (4, 2)
    assert solved.baseline["A"].loc[2022].sum() == pytest.approx(800 * 0.9**4)
    assert solved.baseline_value == pytest.approx(800 * 0.9**4)
    assert "teams" in solved
    with pytest.raises(KeyError, match="did you mean 'teams'"):
        solved["teems"]


def test_long(solved: allocc.Result) -> None:
    long = solved.to_long()
    assert list(long.columns) == ["kind", "name", "Region", "t", "value", "baseline"]
    assert len(long) == 10 + 10 + 10 + 8
    picked = long[(long["name"] == "A") & (long["Region"] == "south") & (long["t"] == 2020)]
    assert picked["value"].tolist() == [500]


def test_integers_are_integers(tmp_path: Path) -> None:
    doses = allocc.load(small.easy(tmp_path)).solve()["doses"]
    assert doses.dtype.kind == "i"
    assert doses.to_dict() == {"a": 8, "b": 2}


def test_card(solved: allocc.Result) -> None:
    text = repr(solved)
    assert text.startswith("<allocc.Result epidemic: proven optimal")
    assert len(text.splitlines()) < 10
    html = solved._repr_html_()
    assert "<script" not in html
    assert "without interventions" in html
    assert "Decisions" in solved.summary()


def test_round_trip(solved: allocc.Result, tmp_path: Path) -> None:
    folder = solved.save(tmp_path / "run")
    again = allocc.Result.open(folder)
    assert again.summary() == solved.summary()
    assert again.certificate == solved.certificate
    assert again.history == solved.history
    pd.testing.assert_frame_equal(again.to_long(), solved.to_long())
    pd.testing.assert_frame_equal(again["teams"], solved["teams"])
    with pytest.raises(allocc.AlloccError, match="E7007"):
        solved.save(folder)


def test_simulate(epidemic: allocc.Model, solved: allocc.Result, tmp_path: Path) -> None:
    for given in (
        solved.decisions,
        {"teams": solved["teams"].T},
        {"teams": solved["teams"].stack()},
        {"teams": solved["teams"].to_numpy().T},
        solved.save(tmp_path / "run"),
    ):
        again = epidemic.simulate(given)
        assert again.value == pytest.approx(solved.value, rel=1e-9)
        assert again.status == "simulated"
    over = epidemic.simulate({"teams": 30})
    assert over.violation is not None
    assert over.violation.where.startswith("all[")
    with pytest.raises(allocc.AlloccError, match="E7010"):
        epidemic.simulate({"teams": "many"})


def test_progress(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = allocc.load(small.easy(tmp_path))
    steps: list[Any] = []
    model.solve(progress=steps.append)
    assert steps
    model.solve(progress=True)
    found = capsys.readouterr()
    assert found.out == ""
    assert "bound" in found.err


def test_no_allocation(tmp_path: Path) -> None:
    result = allocc.load(small.easy(tmp_path, small.INFEASIBLE)).solve()
    assert result.status == "infeasible"
    assert result.decisions == {}
    assert result.trajectories.empty
    assert len(result.to_long()) == 0
    with pytest.raises(KeyError, match="no allocation"):
        result["x"]
    again = allocc.Result.open(result.save(tmp_path / "run"))
    assert again.summary() == result.summary()
    assert "No allocation meets every limit" in result.summary()


def test_units(epidemic: allocc.Model) -> None:
    assert epidemic.units()["heal"] == "person/year"
    assert epidemic.units()["cap"] is None
    assert epidemic.unit_of("teams * reach") == "person/year"
    assert epidemic.unit_of("sum(r in Region: teams[r, t]) / 2") == "team"
    assert epidemic.unit_of("A <= 3 * A") == "person"
    assert epidemic.unit_of("cap") is None
    assert epidemic.unit_of("3") is None
    assert epidemic.unit_of("A + teams") is None
    with pytest.raises(allocc.AlloccError):
        epidemic.unit_of("3 *")
    with pytest.raises(allocc.AlloccError):
        epidemic.unit_of("A let x = A")


def test_start(tmp_path: Path) -> None:
    """A start is simulated first and known from the beginning; one that breaks a limit is told."""
    model = allocc.load(small.easy(tmp_path))
    best = model.solve()
    again = model.solve(start={"doses": best.decisions["doses"].to_dict()})
    assert again.status == "optimal" and again.value == best.value == 18
    (step,) = [s for s in again.history if s.phase == "start"]
    assert step.value == 18
    poor = model.solve(start={"doses": {"a": 1, "b": 2}})
    assert poor.status == "optimal" and poor.value == 18
    broken = model.solve(start={"doses": {"a": 8, "b": 8}})
    assert broken.status == "optimal" and broken.value == 18
    assert any("no start" in n for n in broken.notes)
    with pytest.raises(allocc.AlloccError, match="E7"):
        model.solve(start={"syringes": 3})


def test_prices_of_a_result(tmp_path: Path) -> None:
    text = small.EASY.replace("integer ", "")
    model = allocc.load(small.easy(tmp_path, text))
    found = model.prices({"doses": {"a": 8, "b": 2}})
    assert {p.name: p.price for p in found.rows}["store"] == pytest.approx(1)
