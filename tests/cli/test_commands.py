"""The other commands: check, compile, explain, new, solvers, help, completion."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from allocc.cli import cli
from allocc.cli.commands.new import TEMPLATES
from tests import small
from tests.helpers import Run, only_json


def test_help_of_everything(run: Run) -> None:
    done = run("--help")
    assert done.exit_code == 0
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 130):
        assert re.search(rf"^\s+{code} ", done.output, re.MULTILINE)
    for name in cli.commands:
        assert name in done.output
        assert run(name, "--help").exit_code == 0
    assert re.fullmatch(r"allocc \d+\.\d+\.\d+\n", run("--version").output)


def test_check(run: Run, tmp_path: Path) -> None:
    done = run("check", small.easy(tmp_path))
    assert done.exit_code == 0
    assert done.stdout == (
        f"{tmp_path / 'model.alloc'} is well-formed: 2 decisions, 1 limit\n"
        "units agree: 1 of 2 quantities carry one\n"
    )
    found = only_json(run("check", tmp_path / "model.alloc", "--format", "json").stdout)
    assert found["status"] == "ok"


def test_check_as_json(run: Run, tmp_path: Path) -> None:
    done = run("check", small.easy(tmp_path, small.BAD), "--format", "json")
    assert done.exit_code == 1
    found = only_json(done.stdout)
    assert found["status"] == "error"
    assert {"code", "line", "column", "message"} <= set(found["diagnostics"][0])


def test_check_finds_what_lowering_finds(run: Run, tmp_path: Path) -> None:
    text = "model m\ndecide x in 0 ..\ndecide y in 0 ..\nlimit a: x * y >= 2\nminimize { c: x + y }"
    done = run("check", small.easy(tmp_path, text))
    assert done.exit_code == 1
    assert "error[E5" in done.stderr


def test_check_of_limits_that_nothing_meets(run: Run, tmp_path: Path) -> None:
    text = "model m\ndecide x in 0 .. 1\nlimit a: x >= 2\nminimize { c: x }"
    done = run("check", small.easy(tmp_path, text))
    assert done.exit_code == 0
    assert "warning[W7001]" in done.stderr


@pytest.mark.parametrize("stage", ["tree", "model", "problem", "program"])
def test_stages(run: Run, tmp_path: Path, stage: str) -> None:
    done = run("compile", small.epidemic(tmp_path), "--emit", stage)
    assert done.exit_code == 0
    assert "teams" in done.stdout


def test_units_are_shown(run: Run, tmp_path: Path) -> None:
    done = run("compile", small.epidemic(tmp_path), "--emit", "model")
    assert re.search(r"^  heal\[Region\] +person/year +healing", done.stdout, re.MULTILINE)
    found = only_json(run("check", tmp_path / "epidemic.alloc", "--format", "json").stdout)
    assert found["units"]["heal"] == "person/year"
    assert found["units"]["cap"] is None


def test_files(run: Run, tmp_path: Path) -> None:
    path = small.epidemic(tmp_path)
    for name in ("out.mps", "out.lp"):
        done = run("compile", path, "-o", name)
        assert done.exit_code == 0
        assert "exact: it has the same optimum" in done.stdout
        assert (tmp_path / f"{name}.map.json").exists()
    done = run("compile", path, "-o", "out.xlsx")
    assert done.exit_code == 1
    assert "E7011" in done.stderr
    done = run("compile", path, "-o", "nowhere/out.lp")
    assert "E7008" in done.stderr


def test_explain_model(run: Run, tmp_path: Path) -> None:
    assert "The model is linear" in run("explain", small.easy(tmp_path)).stdout
    text = """model m "Terms"
set K = 1 .. 3
decide n[K] integer in 1 .. 9
decide b[K] binary
decide x[K] in 1 .. 4
limit r: sum(k in K: x[k] / n[k]) <= 4
limit p[k in K]: b[k] * x[k] <= 3
limit q: x[1] * x[2] <= 9
limit e: exp(x[3]) + abs(x[1] - 2) <= 60
minimize { c: sum(x) + max(k in K: n[k]) }
"""
    done = run("explain", small.easy(tmp_path, text))
    assert done.exit_code == 0
    for words in (
        "x / n  (3 times)",
        "integer x bounded, under a ratio",
        "binary x bounded",
        "continuous x continuous",
        "exp(x)",
        "abs(",
        "max of n",
        "used in    limit r",
        "exact once every value stands alone",
        "relaxed",
        "the ratio in",
    ):
        assert words in done.stdout, words


def test_explain_speaks_of_boxes_where_continuous_quantities_are_multiplied(
    run: Run, tmp_path: Path
) -> None:
    text = """model m "Terms"
decide x in 1 .. 4
decide y in 1 .. 4
decide n integer in 1 .. 9
limit product: x * y >= 2
limit whole: n * x >= 3
limit curve: x^2 >= 2
minimize { c: x + y + n }
"""
    path = small.easy(tmp_path, text)
    said = " ".join(run("explain", path).stdout.split())
    for words in (
        "(McCormick) over each box: the smaller the box, the nearer to the product",
        "(McCormick) over each box: exact where the whole factor has one value",
        "tangents and a secant over each box: the smaller the box, the nearer to the curve",
        "A box that may hold a better allocation than the best one known is divided in two",
        "`--method direct --solver scip`.",
    ):
        assert words in said, words
    assert "piece" not in said
    assert "boxes" in run("solve", path, "--no-run", "-q").stdout


def test_explain_puts_last_what_is_linear_anyway(run: Run, tmp_path: Path) -> None:
    text = """model m "Terms"
time t = 0 .. 3
compartment S
compartment I
initial S = 90
initial I = 10
decide u[period] in 0 .. 1
flow infect: S -> I = (2 - u) * S * I / 100
minimize { c: I[end] + sum(u) }
"""
    said = run("explain", small.easy(tmp_path, text)).stdout
    assert "fixed x anything" not in said
    first, last = said.index("continuous x continuous"), said.index("a factor is a number")
    assert first < last and "continuous x" not in said[last:]


def test_explain_says_that_a_curve_is_cut_into_pieces(run: Run, tmp_path: Path) -> None:
    text = "model m\ndecide x in 0 .. 3\nlimit far: x^2 >= 4\nminimize { c: x }\n"
    path = small.easy(tmp_path, text)
    said = " ".join(run("explain", path).stdout.split())
    assert "secants on the other, over pieces that are cut where the error is" in said
    said = run("solve", path, "--no-run", "-q").stdout
    assert "(1 curved term: tangents and pieces are added where needed)" in said


def test_a_reciprocal_out_of_its_domain_has_a_place(run: Run, tmp_path: Path) -> None:
    text = "model m\ndecide x in 0 .. 3\nlimit far: 1 / x + x <= 4\nminimize { c: x }\n"
    said = run("check", small.easy(tmp_path, text)).stderr
    assert "E5002" in said and "2 | decide x" in said


def test_a_range_from_zero_has_no_sign(run: Run, tmp_path: Path) -> None:
    text = "model m\ndecide x integer in 0 .. 3\nlimit far: log(x) <= 4\nminimize { c: -x }\n"
    assert "it can lie in 0 .. 3" in run("check", small.easy(tmp_path, text)).stderr


def test_explain_code(run: Run) -> None:
    from allocc.cli import explained_codes

    for code in ("E1001", "e7004"):
        done = run("explain", code)
        assert done.exit_code == 0
        assert done.stdout.startswith(code.upper())
        assert "```" not in done.stdout
    assert run("explain", "E0001").exit_code == 1
    assert "E7012" in run("explain", "E0001").stderr
    assert len(set(explained_codes.codes())) == len(explained_codes.codes())


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_templates(run: Run, tmp_path: Path, template: str) -> None:
    assert run("new", "mine", "--template", template).exit_code == 0
    path = tmp_path / "mine" / "mine.alloc"
    text = path.read_text("utf-8")
    assert text.startswith("model mine ")
    assert len(text.splitlines()) < 60
    done = run("check", path)
    assert done.exit_code == 0
    assert done.stderr == ""
    done = run("solve", path, "--json", "--no-run", "--time-limit", 60)
    assert done.exit_code == 0, done.output
    assert only_json(done.stdout)["model"] == "mine"
    assert run("explain", path).exit_code == 0


def test_new_refuses(run: Run, tmp_path: Path) -> None:
    assert run("new").exit_code == 0
    done = run("new")
    assert done.exit_code == 1
    assert "E7007" in done.stderr
    assert "E7013" in run("new", "my-model").stderr
    assert "E7006" in run("new", "x", "--template", "siir").stderr
    (tmp_path / "file").write_text("")
    assert run("new", "x", "--into", "file/x").exit_code == 1
    assert run("new", "x", "--into", "deep/er").exit_code == 0
    assert (tmp_path / "deep" / "er" / "x.alloc").exists()


def test_solvers(run: Run) -> None:
    done = run("solvers")
    assert done.exit_code == 0
    for name in ("highs", "scip", "gurobi", "pyomo"):
        assert name in done.stdout
    found = only_json(run("solvers", "--json").stdout)["solvers"]
    assert found[0]["name"] == "highs"
    assert found[0]["installed"]
    for solver in found:
        if solver["version"]:
            assert f"{solver['version']} ({solver['package']})" in done.stdout


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("1.14.0", "wrong optima"),
        ("1.16.0", "ended the process with signal 11"),
        ("1.9.0", "older than 1.15.1"),
        ("1.15.1", ""),
        ("1.16.1", ""),
    ],
)
def test_solvers_warns_of_versions_that_err(
    run: Run, monkeypatch: pytest.MonkeyPatch, version: str, words: str
) -> None:
    from allocc.backends.highs import HighsBackend

    monkeypatch.setattr(HighsBackend, "version", lambda self: version)
    found = only_json(run("solvers", "--json").stdout)["solvers"]
    assert words in found[0]["known_to_err"] and bool(words) == bool(found[0]["known_to_err"])
    assert not any(s["known_to_err"] for s in found[1:])
    text = run("solvers").stdout
    assert (f"Warning: highs {version}: " in text) == bool(words)
    assert ("pip install 'highspy>=1.15.1,!=1.16.0'" in text) == bool(words)


def test_missing_solvers_come_with_their_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from allocc.backends.scip import ScipBackend

    monkeypatch.setattr(ScipBackend, "available", lambda self: False)
    monkeypatch.setattr(ScipBackend, "version", lambda self: "")
    text = run("solvers").stdout
    assert "not installed" in text
    assert "pip install 'allocc[scip]'" in text


def test_completion(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.shell_completion import ShellComplete

    small.easy(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    offer = ShellComplete(cli, {}, "allocc", "_ALLOCC_COMPLETE")

    def values(arguments: list[str], word: str) -> list[str]:
        return [c.value for c in offer.get_completions(arguments, word)]

    assert values(["solve"], "") == ["model.alloc", "sub/"]
    assert values(["solve", "model.alloc", "--solver"], "s") == ["scip"]
    monkeypatch.setenv("COMP_WORDS", "allocc solve model.alloc --set st")
    assert values(["solve", "model.alloc", "--set"], "st") == ["stock="]
    assert values(["new", "--template"], "s") == ["seir"]


@pytest.mark.parametrize(
    "command",
    [
        ["solve", "--no-run"],
        ["simulate"],
        ["prices"],
        ["pareto", "--between", "reached", "spared", "--points", "2"],
    ],
    ids=lambda c: str(c[0]),
)
def test_warnings_are_shown_before_anything_is_run(
    run: Run, tmp_path: Path, command: list[str]
) -> None:
    text = (
        small.EASY
        + "param idle = 3\nparam far[Clinic] = 4\nlimit none[c in Clinic if far[c] > 9]: doses[c] <= 0\n"
    )
    text = text.replace('doses["b"] }', 'doses["b"]  spared: stock - sum(doses) }')
    path = small.easy(tmp_path, text)
    done = run(command[0], path, *command[1:])
    assert done.exit_code == 0, done.output
    assert done.stderr.count("warning[W4011]: no member of Clinic meets this condition") == 1
    assert done.stderr.count("never used: idle; `allocc check` shows where") == 1
    assert "W4011" not in done.stdout
    strict = run(command[0], path, *command[1:], "--strict")
    assert strict.exit_code == 1 and not strict.stdout
    assert "nothing was done, since --strict was given" in strict.stderr
