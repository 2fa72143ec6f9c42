"""Fits: published optima, known rates, limits of ranges, what data do not tell, intervals, draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

import allocc
from allocc.api import Fit
from allocc.dsl.diagnostics import DiagnosticError

ROOT = Path(__file__).resolve().parents[3]
OPIOID = ROOT / "examples" / "opioid" / "opioid.alloc"
SHARED = ROOT.parent / "shared" / "data" / "opioid"
#: Table 5 of the paper, as `state.csv` has it too, and the loss there.
RHODE_ISLAND = {"phi": "0", "epsilon": "2.435", "beta": "0.000279", "zeta": "0.4883"}
RHODE_ISLAND_LOSS = 0.000594336449024638

#: Two flows with known rates. What is observed of them stands in the fit.
MODEL = """model known
table seen from "seen.csv" key year
param treat "into treatment" : 1/year in 0 .. = 0.3
param lapse "out of it"      : 1/year in 0 .. = 0.1
param idle                   : 1/year in 0 .. = 0.1
time t : year = 0 .. 12
compartment A : person
compartment R : person
compartment B : person
initial A = 100
initial R = 10
initial B = 5
flow to_treatment : A -> R = treat * A
flow back : R -> A = lapse * R
flow other : B -> = idle * B
fit both "both rates" {
  BODY
}
"""
BOTH = """estimate treat from 1
  estimate lapse from 1
  """
SQUARES = BOTH + "observe A = seen.A\n  observe R = seen.R"
TRUE = {"treat": 0.3, "lapse": 0.1}


def course(treat: float = 0.3, lapse: float = 0.1) -> np.ndarray:
    """A and R each year, shape (13, 2)."""
    step = expm(np.array([[-treat, lapse], [treat, -lapse]]))
    rows = [np.array([100.0, 10.0])]
    for _ in range(12):
        rows.append(step @ rows[-1])
    return np.stack(rows)


def known(folder: Path, seen: np.ndarray, body: str = SQUARES) -> allocc.Model:
    """The model with what was seen."""
    lines = [",".join(map(str, [t, *row])) for t, row in enumerate(seen.tolist())]
    (folder / "seen.csv").write_text("\n".join(["year,A,R", *lines]), "utf-8")
    (folder / "known.alloc").write_text(MODEL.replace("BODY", body), "utf-8")
    return allocc.load(folder / "known.alloc")


@pytest.fixture(scope="module")
def rhode_island() -> Fit:
    return allocc.load(OPIOID).fit(starts=2, draws=50)


def test_rhode_island_is_as_published(rhode_island: Fit) -> None:
    assert rhode_island.loss == pytest.approx(RHODE_ISLAND_LOSS, rel=1e-10)
    for name, printed in RHODE_ISLAND.items():
        digits = len(printed.partition(".")[2])
        assert round(rhode_island.values[name], digits) == float(printed)
    assert round(rhode_island.values["mu"], 5) == 0.00889
    assert rhode_island.count == 66
    assert rhode_island.error_kind == "squares"


def test_a_limit_is_reached_and_said(rhode_island: Fit) -> None:
    phi = rhode_island.estimates[0]
    assert (phi.name, phi.value, phi.error, phi.place) == ("phi", 0.0, None, "low")
    assert phi.interval is not None
    assert phi.interval[0] == 0.0
    assert any("phi is at its limit 0" in r for r in rhode_island.remarks)


def test_the_residuals_are_those_of_the_loss(rhode_island: Fit) -> None:
    squares = [(y - x) ** 2 for c in rhode_island.courses for _, y, x in c.seen()]
    assert len(squares) == 66
    assert sum(squares) == pytest.approx(rhode_island.loss)
    assert [c.name for c in rhode_island.courses] == list("SPIARD")


def test_draws_lie_within_the_ranges(rhode_island: Fit) -> None:
    drawn = np.array(rhode_island.draws)
    assert drawn.shape == (50, 5)
    assert (drawn >= 0).all()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the data of all states are not here")
@pytest.mark.parametrize("state", ["AL", "AZ", "CA", "HI", "IN", "ME", "RI", "VT"])
def test_every_state_is_as_expected(state: str) -> None:
    wanted = json.loads((SHARED / "expected_fit.json").read_text("utf-8"))[state]
    found = allocc.load(OPIOID, data=SHARED / state).fit(starts=1, intervals=False)
    assert found.loss == pytest.approx(wanted["loss"], rel=1e-9)
    for name, x in found.values.items():
        assert x == pytest.approx(wanted[name], rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("start", [0.01, 10.0])
def test_exact_data_give_back_what_made_them(tmp_path: Path, start: float) -> None:
    body = SQUARES.replace("from 1", f"from {start}")
    found = known(tmp_path, course(), body).fit(starts=1, intervals=False)
    assert found.values == pytest.approx(TRUE, rel=1e-7)
    assert found.loss < 1e-15


def test_counts_give_back_what_made_them(tmp_path: Path) -> None:
    """The deviance of rounded counts is small, and the rates are near to those that made them."""
    body = BOTH + "observe A ~ poisson(seen.A)\n  observe R ~ negative_binomial(seen.R, 40)"
    found = known(tmp_path, np.rint(course()), body).fit(starts=1)
    assert found.error_kind == "likelihood"
    assert found.values == pytest.approx(TRUE, rel=0.03)
    for e in found.estimates:
        assert e.error is not None
        assert e.interval is not None
        low, high = e.interval
        assert low is not None
        assert high is not None
        assert low < TRUE[e.name] < high
        # Nearly a parabola: the profile ends where the standard error says.
        assert high - low == pytest.approx(2 * 1.96 * e.error, rel=0.15)


def test_intervals_hold_what_is_true(tmp_path: Path) -> None:
    """Of 40 worlds with errors of one size; the benchmark has more of them."""
    held = 0
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 3, (13, 2))
        found = known(tmp_path, course() + noise).fit(starts=1, level=0.9)
        for e in found.estimates:
            assert e.interval is not None
            low, high = e.interval
            held += (low is None or low <= TRUE[e.name]) and (high is None or TRUE[e.name] <= high)
    assert 30 <= held <= 40


def test_a_weight_counts_as_so_many_observations(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 3, (13, 2))
    weighted = known(tmp_path, course() + noise, SQUARES + " weight 2").fit(intervals=False)
    twice = known(tmp_path, course() + noise, SQUARES + "\n  observe R = seen.R")
    assert weighted.values == pytest.approx(twice.fit(intervals=False).values, rel=1e-6)


def test_what_nothing_depends_on_is_said(tmp_path: Path) -> None:
    body = SQUARES.replace("estimate lapse", "estimate idle")
    found = known(tmp_path, course(), body).fit(starts=1)
    idle = found.estimates[1]
    assert idle.error is None
    assert any(r.startswith("the data do not tell idle") for r in found.remarks)


def test_what_counts_only_together_is_said(tmp_path: Path) -> None:
    """Only the product of the two rates moves anything."""
    noise = np.random.default_rng(1).normal(0, 3, (13, 2))
    body = "estimate treat from 0.5\n  estimate idle from 0.5\n  observe A = seen.A"
    text = MODEL.replace("= treat * A", "= treat * idle * 10 * A").replace("BODY", body)
    known(tmp_path, course() + noise)
    (tmp_path / "known.alloc").write_text(text.replace(" : 1/year", "").replace(" : year", ""))
    plain = (tmp_path / "known.alloc").read_text("utf-8").replace(" : person", "")
    (tmp_path / "known.alloc").write_text(plain, "utf-8")
    found = allocc.load(tmp_path / "known.alloc").fit(starts=1, intervals=False)
    assert [e.error for e in found.estimates] == [None, None]
    assert any("do not tell treat and idle apart" in r for r in found.remarks)
    with pytest.raises(DiagnosticError) as error:
        allocc.load(tmp_path / "known.alloc").fit(starts=1, intervals=False, draws=5)
    assert error.value.diagnostics[0].code == "E7211"


def test_an_indexed_parameter_is_estimated_by_member(tmp_path: Path) -> None:
    (tmp_path / "seen.csv").write_text(
        "year,group,ill\n" + "".join(f"{t},{g},{x}\n" for t, g, x in GROUPS), "utf-8"
    )
    (tmp_path / "groups.alloc").write_text(
        'model groups\ntable seen from "seen.csv" key year, group\nset Group = {young, old}\n'
        "param rate[Group] in 0 .. = 1\ntime t = 0 .. 9\ncompartment I[Group]\n"
        "initial I[g in Group] = 10\nflow grow[g in Group] : -> I = rate[g] * I[g]\n"
        "fit rates {\n  time t = 0 .. 3\n  estimate rate in 0 .. 2 from 0.5\n"
        "  observe I[g in Group] = seen.ill[t, g]\n}\n",
        "utf-8",
    )
    found = allocc.load(tmp_path / "groups.alloc").fit()
    assert found.values == pytest.approx({"rate[young]": 0.4, "rate[old]": 0.2}, rel=1e-6)
    assert [c.name for c in found.courses] == ["I[young]", "I[old]"]
    again = allocc.load(tmp_path / "groups.alloc", fitted=found)
    np.testing.assert_allclose(again.bound.parameters["rate"].values, [0.4, 0.2], rtol=1e-6)


GROUPS = [(t, g, 10 * np.exp(r * t)) for t in range(4) for g, r in (("young", 0.4), ("old", 0.2))]


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"starts": 0}, "E7005"), ({"level": 1.0}, "E7005"), ({"draws": -1}, "E7005")],
)
def test_options_out_of_range(tmp_path: Path, asked: dict[str, float], code: str) -> None:
    with pytest.raises(DiagnosticError) as error:
        known(tmp_path, course()).fit(**asked)  # type: ignore[arg-type]
    assert error.value.diagnostics[0].code == code


def test_a_fit_changes_nothing_of_the_model(tmp_path: Path) -> None:
    model = known(tmp_path, course())
    before = model.simulate()["A"].to_numpy()
    first = model.fit(starts=1)
    assert (model.simulate()["A"].to_numpy() == before).all()
    assert model.fit(starts=1).values == first.values
