"""MPS and LP files mean the same to the solvers that read them back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocc.backends import SolveOptions, get
from allocc.backends.files import NAME_LIMIT, names, safe_names, write
from allocc.compiler.programs.program import Program
from tests.backends.programs import INF, function, program
from tests.backends.test_conformance import KNOWN, PRODUCTS, backend
from tests.backends.test_random import small_programs

ODD = program(
    [3, -2, 0, 1.5, 0],
    [[1, 1, 0, 0, 0], [1, -1, 0, 2, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 0], [1, 0, 0, 0, 0]],
    [-2.5, 1, -1, -INF, -INF],
    [4, 1, 2, 9, INF],
    lower=[-INF, -3, 0, -5, 1],
    upper=[INF, -0.5, 1, INF, 1],
    integer=[False, False, True, True, False],
    offset=-7.25,
    names=["free", "e1", "x[1,a b]", "x[1;a b]", "größe"],
)


def read_highs(path: Path) -> float:
    import highspy

    highs: Any = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.run()
    assert highs.getModelStatus() in (
        highspy.HighsModelStatus.kOptimal,
        highspy.HighsModelStatus.kModelEmpty,
    )
    return float(highs.getObjectiveValue())


def read_scip(path: Path) -> float:
    pyscipopt = pytest.importorskip("pyscipopt", reason="SCIP is not installed")
    model = pyscipopt.Model()
    model.hideOutput()
    model.readProblem(str(path))
    model.optimize()
    assert model.getStatus() == "optimal"
    return float(model.getObjVal())


def read_gurobi(path: Path) -> float:
    gurobipy = pytest.importorskip("gurobipy", reason="Gurobi is not installed")
    with gurobipy.Env(params={"OutputFlag": 0}) as env, gurobipy.read(str(path), env) as model:
        model.Params.NonConvex = 2
        model.optimize()
        return float(model.ObjVal)


CASES = {k: v for k, v in KNOWN.items() if k != "no_columns"} | {"odd": (ODD, -9.5)}


@pytest.mark.parametrize("suffix", [".mps", ".lp"])
@pytest.mark.parametrize("case", CASES)
def test_round_trip(tmp_path: Path, case: str, suffix: str) -> None:
    model, value = CASES[case]
    path = tmp_path / f"model{suffix}"
    write(model, path)
    for reader in (read_highs, read_scip, read_gurobi):
        assert reader(path) == pytest.approx(value, abs=1e-6), reader.__name__


@pytest.mark.parametrize("case", PRODUCTS)
def test_products_in_lp(tmp_path: Path, case: str) -> None:
    model, value = PRODUCTS[case]
    path = tmp_path / "model.lp"
    write(model, path)
    for reader in (read_scip, read_gurobi):
        assert reader(path) == pytest.approx(value, abs=1e-4), reader.__name__
    with pytest.raises(ValueError, match="linear method"):
        write(model, tmp_path / "model.mps")


@pytest.mark.parametrize("case", PRODUCTS)
def test_products_in_quadratic_mps(tmp_path: Path, case: str) -> None:
    model, value = PRODUCTS[case]
    path = tmp_path / "model.mps"
    write(model, path, quadratic=True)
    for reader in (read_scip, read_gurobi):
        assert reader(path) == pytest.approx(value, abs=1e-4), reader.__name__
    columns, rows = names(model)
    assert len(columns) == model.columns
    assert len(rows) == len(set(rows)) == model.rows + len(model.products)
    text = path.read_text("ascii")
    assert all(f"QCMATRIX {row}\n" in text for row in rows[model.rows :])


def test_refusals(tmp_path: Path) -> None:
    atoms = program([1, 0], lower=0, upper=1, functions=(function("exp", 0, 1),))
    for suffix in (".mps", ".lp"):
        with pytest.raises(ValueError, match="linear method"):
            write(atoms, tmp_path / f"model{suffix}")
    with pytest.raises(ValueError, match="txt"):
        write(ODD, tmp_path / "model.txt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".mps", ".lp"])
def test_map_leads_back_to_model_names(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    write(ODD, path)
    back = json.loads((tmp_path / f"model{suffix}.map.json").read_text(encoding="utf-8"))
    named = {v for v in back["columns"].values() if v}
    assert named == {ODD.column_name(j) for j in range(ODD.columns)}
    assert set(back["rows"].values()) == {ODD.row_name(i) for i in range(ODD.rows)}
    text = path.read_text(encoding="ascii")
    assert all(name in text for name in back["columns"])


def test_safe_names() -> None:
    given = ["a b", "a_b", "a-b", "", "free", "St", "e5", "E", "9x", "ß", "x" * 300, "x" * 301]
    safe = safe_names(given, "x", set())
    assert len(set(safe)) == len(given)
    assert safe[:2] == ["a_b", "a_b_x1"]
    for name in safe:
        assert 0 < len(name) <= NAME_LIMIT and name.isascii() and name[0].isalpha()
        assert name.lower() not in ("free", "st", "e5", "e")
    assert safe_names(["x"], "r", {"x"}) == ["x_r0"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(model=small_programs(), suffix=st.sampled_from([".mps", ".lp"]))
def test_random_round_trip(tmp_path: Path, model: Program, suffix: str) -> None:
    backend("highs")
    answer = get("highs").solve(model, SolveOptions())
    if answer.value is None:
        return
    path = tmp_path / f"model{suffix}"
    write(model, path)
    assert read_highs(path) == pytest.approx(answer.value, abs=1e-5)
    assert read_scip(path) == pytest.approx(answer.value, abs=1e-5)


def test_numbers_survive_exactly(tmp_path: Path) -> None:
    model = program([1 / 3, 0.1], [[1e-7 / 3, 1e7 / 3]], [-INF], [2 / 3], upper=[1 / 7, np.pi])
    for suffix in (".mps", ".lp"):
        path = tmp_path / f"model{suffix}"
        write(model, path)
        text = path.read_text(encoding="ascii")
        for number in (1 / 3, 0.1, 1e-7 / 3, 1e7 / 3, 2 / 3, 1 / 7, np.pi):
            assert repr(float(number)) in text
