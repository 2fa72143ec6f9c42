"""Every exit code, and what is said with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocc.backends.solution import LicenceLimit, MissingSolver
from tests import small
from tests.helpers import Run, only_json


def test_optimal(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.easy(tmp_path))
    assert done.exit_code == 0
    assert "Doses for two clinics\nProven optimal." in done.stdout
    assert "runs/easy-" in done.stdout
    folder = next((tmp_path / "runs").iterdir())
    assert sorted(p.name for p in folder.iterdir()) == [
        "certificate.json",
        "decisions.csv",
        "history.csv",
        "inputs",
        "result.json",
    ]


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [(small.INFEASIBLE, 3, "infeasible"), (small.UNBOUNDED, 4, "unbounded")],
)
def test_no_allocation(run: Run, tmp_path: Path, text: str, code: int, status: str) -> None:
    path = small.easy(tmp_path, text)
    done = run("solve", path, "--json", "--no-run")
    assert done.exit_code == code
    found = only_json(done.stdout)
    assert found["status"] == status
    assert found["value"] is None
    assert run("solve", path).exit_code == code


def test_time_limit_with_an_allocation(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.hard(tmp_path), "--time-limit", 1)
    assert done.exit_code == 5
    assert "stopped at the time limit" in done.stdout


def test_time_limit_without_an_allocation(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.hard(tmp_path, equal=True), "--time-limit", 1, "--json")
    assert done.exit_code == 6
    assert only_json(done.stdout)["status"] == "unknown"


def test_mistake_in_the_model(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path, small.BAD)
    for command in ("check", "solve", "simulate", "compile", "explain"):
        done = run(command, path)
        assert done.exit_code == 1, command
        assert done.stdout == ""
        assert "did you mean 'stock'?" in done.stderr
        assert "^^^^" in done.stderr
        assert "\x1b" not in done.stderr


def test_usage(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path)
    for arguments in (
        ["sovle"],
        ["solve"],
        ["solve", path, "--gap", "much"],
        ["solve", path, "--gap", "1%%"],
        ["solve", path, "--time-limit", "a while"],
        ["solve", path, "--time-limit", "5 days"],
        ["solve", path, "-x"],
    ):
        assert run(*arguments).exit_code == 2
    done = run("solve", path, "--run", "x", "--no-run", "--json")
    assert done.exit_code == 2
    assert only_json(done.stdout)["status"] == "error"


def test_missing_solver(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small.easy(tmp_path)

    def missing(*_: object) -> None:
        raise MissingSolver("scip", "scip needs PySCIPOpt", "pip install 'allocc[scip]'")

    monkeypatch.setattr("allocc.engine.solve.solve", missing)
    done = run("solve", path, "--solver", "scip", "--json")
    assert done.exit_code == 7
    assert "error[E7060]: scip needs PySCIPOpt\n" in done.stderr
    assert "install it: pip install 'allocc[scip]'" in done.stderr
    found = only_json(done.stdout)
    assert found["status"] == "error"
    assert found["diagnostics"][0]["code"] == "E7060"

    def too_large(*_: object) -> None:
        raise LicenceLimit("gurobi", "the program is larger than the licence allows")

    monkeypatch.setattr("allocc.engine.solve.solve", too_large)
    done = run("solve", path, "--solver", "gurobi")
    assert done.exit_code == 7
    assert "error[E7060]" in done.stderr
    assert done.stderr.count("\n") == 1


def test_unknown_pyomo_solver(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("pyomo")
    done = run("solve", small.easy(tmp_path), "--solver", "pyomo:nosuchsolver", "--no-run")
    assert done.exit_code == 7
    assert "Traceback" not in done.output


def test_not_enough_memory(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("allocc.engine.solve.solve", fail)
    done = run("solve", small.easy(tmp_path), "--json")
    assert done.exit_code == 1
    assert "error[E7030]" in done.stderr and "E7030" in done.stdout
    only_json(done.stdout)


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), RuntimeError("two\nlines")])
def test_internal_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = small.easy(tmp_path)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("allocc.engine.solve.solve", fail)
    done = run("solve", path, "--json")
    assert done.exit_code == 70
    assert only_json(done.stdout)["status"] == "error"
    assert "Traceback" not in done.output
    monkeypatch.setenv("ALLOCC_DEBUG", "1")
    shown = run("solve", path)
    assert "Traceback" in shown.stderr


def test_keyboard_interrupt_anywhere(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("allocc.compiler.binding.bind.bind", stop)
    done = run("check", small.easy(tmp_path))
    assert done.exit_code == 130
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nope.alloc"], "E7001"),
        (["."], "E7002"),
        (["model.alloc", "--data", "nowhere"], "E7003"),
        (["model.alloc", "--data", "model.alloc"], "E7003"),
        (["model.alloc", "--set", "stock"], "E7004"),
        (["model.alloc", "--set", "=3"], "E7004"),
        (["model.alloc", "--set", "stock="], "E7004"),
        (["model.alloc", "--set", "stok=3"], "E3018"),
        (["model.alloc", "--gap", "-1"], "E7005"),
        (["model.alloc", "--gap", "nan"], "E7005"),
        (["model.alloc", "--gap", "1"], "E7005"),
        (["model.alloc", "--gap", "100%"], "E7005"),
        (["model.alloc", "--gap", "inf"], "E7005"),
        (["model.alloc", "--time-limit", "0"], "E7005"),
        (["model.alloc", "--time-limit", "-5m"], "E7005"),
        (["model.alloc", "--time-limit", "inf"], "E7005"),
        (["model.alloc", "--threads", "0"], "E7005"),
        (["model.alloc", "--threads", "100000"], "E7005"),
        (["model.alloc", "--memory-limit", "0"], "E7005"),
        (["model.alloc", "--seed", "-3"], "E7005"),
        (["model.alloc", "--solver", "higs"], "E7006"),
        (["model.alloc", "--method", "magic"], "E7006"),
        (["model.alloc", "--run", "."], "E7007"),
        (["model.alloc", "--run", "model.alloc/x"], "E7008"),
    ],
)
def test_values_on_the_command_line(
    run: Run, tmp_path: Path, arguments: list[str], code: str
) -> None:
    small.easy(tmp_path)
    done = run("solve", *arguments)
    assert done.exit_code == 1, done.output
    assert f"error[{code}]" in done.stderr
    done = run("solve", *arguments, "--json")
    assert done.exit_code == 1
    assert code in done.stdout
    only_json(done.stdout)


def test_two_mistakes_are_told_together(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.easy(tmp_path), "--gap", -1, "--seed", -1)
    assert "--gap" in done.stderr
    assert "--seed" in done.stderr
