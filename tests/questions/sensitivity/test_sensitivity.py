"""Sensitivities: closed forms of values and of Sobol indices, what is decided otherwise, what is refused."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

import allocc
from allocc.api import Model, Sensitivity

#: Two clinics share a stock: b is served once a has its 8 doses. The value is 2 min(stock, 8) + max(0, stock - 8).
SHARING = """model sharing "Doses for two clinics"
set Clinic = {a, b}
param stock "doses in the store" : dose in 0 .. = 10
param weight[Clinic] "people a dose reaches" : person/dose in 0 .. = 1
decide doses[Clinic] "doses" : dose integer in 0 .. 8
limit store "the store": sum(doses) <= stock
maximize { reached "people reached": sum(c in Clinic: weight[c] * doses[c]) }
"""

#: A value that is a function of parameters alone.
FUNCTION = """model values "A function of parameters"
param x = 0.3
param y = 0.3
param z = 0.3
let f = FORMULA
decide anything in 0 .. 1
maximize { value : f + 0 * anything }
"""
#: Sobol's g-function with a = 0, 1, 4.5: products of (|4 x - 2| + a) / (1 + a).
G = "abs(4 * x - 2) * (abs(4 * y - 2) + 1) / 2 * (abs(4 * z - 2) + 4.5) / 5.5"
UNIT = {"x": (0.0, 1.0), "y": (0.0, 1.0), "z": (0.0, 1.0)}


def model(folder: Path, text: str) -> Model:
    path = folder / "model.alloc"
    path.write_text(text, encoding="utf-8")
    return allocc.load(path, **({"weight[a]": 2} if "weight[" in text else {}))


def of(folder: Path, formula: str, **asked: object) -> Sensitivity:
    loaded = model(folder, FUNCTION.replace("FORMULA", formula))
    return loaded.sensitivity(asked.pop("vary", UNIT), fixed={}, **asked)  # type: ignore[arg-type]


def test_one_at_a_time_each_point_solved(tmp_path: Path) -> None:
    found = model(tmp_path, SHARING).sensitivity({"stock": (4, 12), "weight[b]": "+-50%"})
    stock, weight = found.varied
    assert found.base.value == pytest.approx(18)
    assert [p.at for p in stock.points] == [4, 6, 8, 10, 12]
    assert [p.value for p in stock.points] == pytest.approx([8, 12, 16, 18, 20])
    assert stock.swing == pytest.approx(12)
    assert all(p.status == "optimal" and p.gap is not None for p in stock.points)
    assert [p.bound for p in stock.points] == pytest.approx([8, 12, 16, 18, 20])
    assert (weight.low, weight.high, weight.base) == (0.5, 1.5, 1.0)
    assert [p.value for p in weight.points] == pytest.approx([17, 17.5, 18, 18.5, 19])
    assert [v.name for v in found.by_swing] == ["stock", "weight[b]"]
    (changed,) = stock.points[0].changed
    # Base: 8 and 2. With 4: 4 and 0.
    assert (changed.decision, changed.count, changed.of, changed.moved) == ("doses", 2, 2, 6.0)
    assert not any(c.count for p in weight.points for c in p.changed)


def test_all_members_are_scaled_together(tmp_path: Path) -> None:
    found = model(tmp_path, SHARING).sensitivity({"weight": "+-50%"}, points=3)
    (weight,) = found.varied
    assert weight.factor
    assert [p.at for p in weight.points] == [0.5, 1.0, 1.5]
    assert [p.value for p in weight.points] == pytest.approx([9, 18, 27])


def test_fixed_decisions_are_simulated(tmp_path: Path) -> None:
    found = model(tmp_path, SHARING).sensitivity(
        {"stock": (4, 12), "weight[b]": "+-0.5"}, fixed={"doses": {"a": 8, "b": 2}}, points=3
    )
    stock, weight = found.varied
    assert found.mode == "fixed"
    assert [p.value for p in stock.points] == [18, 18, 18]
    assert [p.broken for p in stock.points] == ["store", "store", ""]
    assert stock.points[0].bound is None
    assert [p.value for p in weight.points] == [17, 18, 19]
    assert any("stock = 4 the fixed decisions break store by" in n for n in found.notes)


def test_indices_of_a_linear_value(tmp_path: Path) -> None:
    """Of a sum, each explains its own variance, and the same with others."""
    found = of(tmp_path, "3 * x + 2 * y + z", together=256, seed=1)
    assert found.together is not None
    for index, share in zip(found.together.indices, np.array([9, 4, 1]) / 14, strict=True):
        assert index.first == pytest.approx(share, abs=0.02)
        assert index.total == pytest.approx(share, abs=0.02)
        low, high = index.total_interval
        assert low < index.total < high
    assert found.together.mean == pytest.approx(3, abs=0.01)
    assert found.together.deviation == pytest.approx((14 / 12) ** 0.5, rel=0.02)
    assert found.together.count == 256 * 5


def test_indices_of_the_g_function(tmp_path: Path) -> None:
    """Saltelli and Sobol 1995: V_i = 1 / (3 (1 + a_i)^2), V = prod(1 + V_i) - 1."""
    found = of(tmp_path, G, together=1024, seed=2)
    own = 1 / (3 * (1 + np.array([0, 1, 4.5])) ** 2)
    whole = np.prod(1 + own) - 1
    assert found.together is not None
    for k, index in enumerate(found.together.indices):
        total = own[k] * np.prod(1 + np.delete(own, k)) / whole
        assert index.first == pytest.approx(own[k] / whole, abs=0.04)
        assert index.total == pytest.approx(total, abs=0.04)


def test_a_value_that_never_changes_has_no_indices(tmp_path: Path) -> None:
    found = of(tmp_path, "7 + 0 * x", together=4)
    assert found.together is not None
    assert found.together.indices == ()
    assert "The value is the same everywhere." in found.summary()


def test_a_parameter_without_effect_has_no_share(tmp_path: Path) -> None:
    found = of(tmp_path, "x + 0 * y", together=16)
    assert found.together is not None
    _, y, _ = found.together.indices
    assert (y.first, y.total, y.total_interval) == (0.0, 0.0, (0.0, 0.0))
    alone = of(tmp_path, "x", together=16, vary={"x": (0.0, 1.0)})
    assert alone.together is not None
    assert alone.together.indices[0].total == 1.0


def test_together_with_solves(tmp_path: Path) -> None:
    found = model(tmp_path, SHARING).sensitivity(
        {"stock": (8, 16), "weight[b]": (1, 2)}, points=2, together=16, seed=3
    )
    together = found.together
    assert together is not None
    assert together.points is not None
    assert together.values is not None
    stock, weight = together.points.T
    # The doses are whole.
    best = 16 + weight * np.floor(stock - 8)
    np.testing.assert_allclose(together.values, best, rtol=1e-4)
    assert together.gap is not None


@pytest.mark.parametrize(
    ("vary", "code"),
    [
        ({}, "E7265"),
        ({"stock": "much"}, "E7265"),
        ({"stock": "1..2..3"}, "E7265"),
        ({"stock": (1, float("nan"))}, "E7265"),
        ({"stok": "+-10%"}, "E7266"),
        ({"weight": "1..2"}, "E7266"),
        ({"weight": "+-1"}, "E7266"),
        ({"weight[c]": "+-10%"}, "E7266"),
        ({"stock": "4..4"}, "E7266"),
        ({"stock": "-4..4"}, "E7268"),
    ],
)
def test_what_cannot_be_varied(tmp_path: Path, vary: dict[str, object], code: str) -> None:
    with pytest.raises(allocc.AlloccError, match=code):
        model(tmp_path, SHARING).sensitivity(vary)


@pytest.mark.parametrize("together", [0, 1, 3, 100, 8.0])
def test_samples_come_in_powers_of_two(tmp_path: Path, together: object) -> None:
    with pytest.raises(allocc.AlloccError, match="E7267"):
        model(tmp_path, SHARING).sensitivity({"stock": (1, 2)}, together=together)  # type: ignore[arg-type]


def test_points_without_an_allocation(tmp_path: Path) -> None:
    text = SHARING + 'limit least "at least": sum(doses) >= 6\n'
    loaded = model(tmp_path, text)
    found = loaded.sensitivity({"stock": (2, 10)}, points=3)
    assert [p.status for p in found.varied[0].points] == ["infeasible", "optimal", "optimal"]
    assert found.varied[0].swing == pytest.approx(6)
    assert any(
        "1 of 3 points of stock have no value: at stock = 2 infeasible" in n for n in found.notes
    )
    with pytest.raises(allocc.AlloccError, match="E7269"):
        loaded.sensitivity({"stock": (2, 10)}, points=2, together=4)


def test_several_workers_find_the_same(tmp_path: Path) -> None:
    loaded = model(tmp_path, SHARING)
    vary = {"stock": (4, 12), "weight": "+-50%"}
    one, two = (loaded.sensitivity(vary, points=3, workers=n) for n in (1, 2))
    for a, b in zip(one.varied, two.varied, strict=True):
        assert [p.value for p in a.points] == pytest.approx([p.value for p in b.points])


def test_a_model_without_decisions_is_simulated_only(tmp_path: Path) -> None:
    text = """model course "No decision"
param rate = 0.5
time t = 0 .. 2
compartment I
initial I = 8
flow end_ : I -> = rate * I
minimize { ill: I[end] }
"""
    path = tmp_path / "course.alloc"
    path.write_text(text, encoding="utf-8")
    loaded = allocc.load(path)
    with pytest.raises(allocc.AlloccError, match="E7016"):
        loaded.sensitivity({"rate": (0, 1)})
    found = loaded.sensitivity({"rate": (0, 1)}, fixed={}, points=3)
    assert [p.value for p in found.varied[0].points] == [8, 2, 0]


def test_stopped_early(tmp_path: Path) -> None:
    cancel = threading.Event()
    seen: list[tuple[int, int]] = []

    def progress(done: int, count: int) -> None:
        seen.append((done, count))
        if done == 3:
            cancel.set()

    found = model(tmp_path, SHARING).sensitivity(
        {"stock": (4, 12)}, fixed={}, together=4, cancel=cancel, progress=progress
    )
    assert len(found.varied[0].points) == 2
    assert found.together is None
    assert seen[-1] == (3, 1 + 5 + 4 * 3)
    assert any("stopped early" in n for n in found.notes)
    assert "Sensitivity" in found.summary()


def test_kept_and_read_back(tmp_path: Path) -> None:
    from allocc.results.sensitivity.files import read

    found = of(tmp_path, G, together=8, points=3)
    folder = found.save(tmp_path / "kept")
    names = {"sensitivity.json", "points.csv", "together.csv", "tornado.svg"}
    assert {p.name for p in folder.iterdir()} == names
    again = read(folder)
    assert again.varied == found.varied
    assert again.base == found.base
    assert again.together is not None
    assert found.together is not None
    assert again.together.indices == found.together.indices
    assert len((folder / "points.csv").read_text("utf-8").splitlines()) == 1 + 3 * 3
    assert len((folder / "together.csv").read_text("utf-8").splitlines()) == 1 + 8 * 5
