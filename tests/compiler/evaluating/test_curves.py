"""Curves from tables: against NumPy's interpolation, and against what can be decided."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import allocc
from allocc.engine.judging.assess import assess
from allocc.errors import AlloccError

MODEL = """model curves "Curves"
table uptake from "uptake.csv" key district, usd
set District = uptake.district
param worth[d in District] = if d == "a" then 2 else 1
param grant = 7
decide spend[District] in 0 .. 10
limit all: sum(spend) <= grant
SENSE { reached : sum(d in District: worth[d] * interpolate(spend[d], uptake.share[d])) }
"""


def write(folder: Path, curves: dict[str, tuple[list[float], list[float]]]) -> None:
    rows = [
        f"{d},{x:g},{y:g}" for d, (xs, ys) in curves.items() for x, y in zip(xs, ys, strict=True)
    ]
    np.random.default_rng(0).shuffle(rows)
    (folder / "uptake.csv").write_text(
        "\n".join(["district,usd,share", *sorted(rows, key=lambda r: r[0])])
    )


@pytest.mark.parametrize("seed", range(12))
def test_decisions_on_curves(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    curves = {}
    for name in ("a", "b", "c"):
        n = int(rng.integers(1, 6))
        xs = sorted(rng.choice(11, size=n, replace=False).astype(float).tolist())
        ys = (
            np.round(rng.normal(size=n), 2).tolist()
            if seed % 3
            else np.sort(rng.random(n)).round(2).tolist()
        )
        curves[name] = (xs, ys)
    write(tmp_path, curves)
    sense = "maximize" if seed % 2 else "minimize"
    (tmp_path / "m.alloc").write_text(MODEL.replace("SENSE", sense))
    model = allocc.load(tmp_path / "m.alloc")
    problem = model.problem
    worth = {"a": 2.0, "b": 1.0, "c": 1.0}
    order = [str(x) for (x,) in (problem.decisions[0].labels(k) for k in range(3))]

    def value(spend: np.ndarray) -> float:  # type: ignore[type-arg]
        return float(
            sum(worth[d] * np.interp(s, *curves[d]) for d, s in zip(order, spend, strict=True))
        )

    for _ in range(20):
        spend = rng.uniform(0, 10, size=3)
        found = assess(problem, {problem.decisions[0]: spend})
        assert found.value == pytest.approx(value(spend), abs=1e-9)
    # The best of a piecewise linear sum under one limit stands at whole points, all of which are whole numbers here.
    points = [
        np.array([a, b, c], dtype=float)
        for a in range(11)
        for b in range(11)
        for c in range(11)
        if a + b + c <= 7
    ]
    choose = max if sense == "maximize" else min
    result = model.solve()
    assert result.status == "optimal" and result.proof == "proven"
    assert result.value == pytest.approx(choose(map(value, points)), abs=1e-6)


def test_a_concave_curve_costs_no_binaries(tmp_path: Path) -> None:
    write(tmp_path, {"a": ([0, 1, 3, 9], [0, 0.3, 0.5, 0.6]), "b": ([0, 2, 6], [0.1, 0.5, 0.7])})
    (tmp_path / "m.alloc").write_text(MODEL.replace("SENSE", "maximize"))
    program = allocc.load(tmp_path / "m.alloc").program("exact")
    assert not program.integer.any()


def test_data_on_curves_and_the_last_row_before(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("day,usd\n4,3\n0,1\n10,2\n")
    (tmp_path / "m.alloc").write_text("""model m "M"
table p from "p.csv" key day
param at[i in 0 .. 12] = interpolate(i, p.usd)
param was[i in 0 .. 12] = latest(i, p.usd)
decide x in 0 .. 1
minimize { c : x }
""")
    found = allocc.load(tmp_path / "m.alloc").bound.parameters
    days = np.arange(13)
    assert found["at"].values == pytest.approx(np.interp(days, [0, 4, 10], [1, 3, 2]))
    assert found["was"].values.tolist() == [1] * 4 + [3] * 6 + [2] * 3


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("interpolate(x, p.usd[3])", "E3024"),
        ("interpolate(x, one.usd)", "E3024"),
        ("latest(-1, p.usd)", "E3025"),
        ("latest(x, p.usd)", "E4"),
        ("interpolate(x, p.eur)", "E3"),
        ("interpolate(x, y)", "E2"),
        ("interpolate(x)", "E2"),
    ],
)
def test_mistakes(expression: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("day,usd\n0,1\n4,3\n")
    (tmp_path / "one.csv").write_text("usd\n3\n")
    (tmp_path / "m.alloc").write_text(f"""model m "M"
table p from "p.csv" key day
table one from "one.csv"
param y = one.usd
decide x in 0 .. 1
minimize {{ c : {expression} + y + p.usd[0] }}
""")
    with pytest.raises(AlloccError) as raised:
        allocc.load(tmp_path / "m.alloc")
    assert raised.value.diagnostics[0].code.startswith(code), raised.value
