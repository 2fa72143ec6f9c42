"""Names, missing packages, licences and lazy imports."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from allocc.backends import (
    LicenceLimit,
    MissingSolver,
    SolveOptions,
    get,
    highs_versions,
    names,
    support,
)
from tests.backends.programs import function, hard_knapsack, program
from tests.backends.test_conformance import backend


def test_names_are_in_the_order_of_preference() -> None:
    assert names() == ("highs", "scip", "gurobi", "pyomo")
    for name in names():
        assert get(name).name == name
    assert get("pyomo:cbc").name == "pyomo:cbc"
    assert get(" HiGHS ").name == "highs"


def test_highs_is_always_there() -> None:
    assert get("highs").available() and get("highs").version()


@pytest.mark.parametrize("name", ["highs", "scip", "gurobi", "pyomo", "pyomo:scip"])
def test_a_solver_has_a_version_of_its_own(name: str) -> None:
    found = get(name)
    if not found.available():
        pytest.skip(f"{name} is not installed")
    core = name.removeprefix("pyomo:")
    assert re.fullmatch(r"\d+\.\d+\.\d+", found.solver_version())
    if core == "scip":
        import pyscipopt

        # SCIP counts on its own: 10.0 is not PySCIPOpt's number.
        assert float(found.solver_version().rpartition(".")[0]) == pyscipopt.Model().version()
        assert get("scip").version() == pyscipopt.__version__
    elif core in ("highs", "pyomo"):
        import highspy

        assert found.solver_version() == highspy.Highs().version()
    else:
        import gurobipy

        assert found.solver_version() == ".".join(map(str, gurobipy.gurobi.version()))


def test_a_version_that_nobody_knows() -> None:
    assert get("pyomo:cbc").solver_version() == ""


def test_the_versions_to_install_are_those_of_the_package() -> None:
    project = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8")
    assert highs_versions.WANTED in tomllib.loads(project)["project"]["dependencies"]
    for version in highs_versions.KNOWN_TO_ERR:
        assert highs_versions.known_to_err(".".join(map(str, version)))


def test_unknown_names_get_a_near_miss() -> None:
    with pytest.raises(MissingSolver, match="did you mean 'gurobi'") as caught:
        get("gurobbi")
    assert not isinstance(caught.value, KeyError) and "\n" not in str(caught.value)
    with pytest.raises(MissingSolver, match="highs, scip, gurobi, pyomo"):
        get("zzz")
    with pytest.raises(MissingSolver):
        get("pyomo:")


def test_no_solver_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, allocc.backends as b\n"
        "[b.get(n).version() for n in b.names()]\n"
        "[b.get(n).available() for n in b.names() if n != 'pyomo']\n"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('highspy', 'pyscipopt', 'gurobipy', 'pyomo')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "extra"), [("scip", "scip"), ("gurobi", "gurobi")])
def test_missing_package_names_the_command(
    monkeypatch: pytest.MonkeyPatch, name: str, extra: str
) -> None:
    monkeypatch.setattr(support, "installed", lambda package: False)
    for solver in (name, f"pyomo:{name}"):
        with pytest.raises(MissingSolver) as caught:
            get(solver).solve(program([1], upper=1), SolveOptions())
        assert caught.value.install.startswith("pip install 'allocc[")
        assert ", which is not installed" in caught.value.reason
        assert str(caught.value) == f"{caught.value.reason}; install it: {caught.value.install}"
        assert "\n" not in str(caught.value)


def test_pyomo_without_the_solver_is_missing() -> None:
    backend("pyomo")
    for solver in ("pyomo:no_such_solver", "pyomo:baron"):
        if get(solver).available():
            continue
        with pytest.raises(MissingSolver, match="Pyomo finds no solver"):
            get(solver).solve(program([1], upper=1), SolveOptions())


@pytest.mark.parametrize("name", ["gurobi", "pyomo:gurobi"])
def test_licence_limit_says_size_and_mend(name: str) -> None:
    solver = backend(name)
    try:
        solver.solve(hard_knapsack(2100, 2), SolveOptions(time_limit=0.5))
    except LicenceLimit as error:
        assert "2100 columns and 2 rows" in str(error)
        assert "--solver highs" in str(error) and "--method direct" in str(error)
    else:
        pytest.skip("this Gurobi licence has no size limit")


def test_other_pyomo_solvers_go_the_old_way() -> None:
    solver = backend("pyomo:appsi_highs")
    answer = solver.solve(program([3, 2], [[1, 1]], [6], [9], upper=[4, 9]), SolveOptions())
    assert answer.termination == "optimal" and answer.value == pytest.approx(12.0)
    assert "not handed" in answer.message


def test_the_mend_for_a_small_licence_is_not_what_was_asked_for() -> None:
    linear = program([1.0], upper=1.0)
    assert "--solver highs, or --method direct" in support.beyond_licence(linear)
    curved = program([1.0, 1.0], upper=1.0, functions=(function("exp", 1, 0),))
    assert support.beyond_licence(curved).endswith("use --solver scip, or a full Gurobi licence")
