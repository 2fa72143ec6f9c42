"""A run folder holds what it claims, and each thing that is changed in it is named by its link."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import allocc
from allocc.results.verification import Verification
from tests import small

MODEL = (
    small.EPIDEMIC.replace("cap = 40", "cap = 3")
    .replace("person/(team*year) = 2", "person/(team*year) = 1.3")
    .replace(
        'teams[Region, t] "teams at work" : team in 0 .. 30',
        'teams[Region, t] "teams at work" : team integer in 0 .. 30',
    )
    + 'report sick_then[r in Region] "sick at the end" = A[r, end]\n'
)
CHANCE = """model weeks "Doses that suffice in most weeks"
set Week = {1, 2, 3, 4, 5}
param need[w in Week] = 2 * w + 0.1
decide doses in 0 .. 20
chance enough: probability 0.8 over w in Week weight 1 / 5 { limit met: doses >= need[w] }
minimize { cost: 0.1 * doses }
"""


def nothing_against(found: Verification) -> bool:
    """Whether all holds but that no file proves the bound."""
    return all(
        x.state in ("holds", "absent") or (x.name, x.state) == ("proof", "open")
        for x in found.links
    )


def solved(folder: Path, text: str, **more: Any) -> tuple[Path, Path]:
    """A run folder, and the model that it is of."""
    path = folder / "model.alloc"
    path.write_text(text, "utf-8")
    (folder / "regions.csv").write_text("name,sick\nnorth,100.1\nsouth,50.3\n", "utf-8")
    run = allocc.load(path).solve(threads=1, **more).save(folder / "run")
    return run, path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return solved(tmp_path_factory.mktemp("made"), MODEL)


@pytest.fixture
def copied(made: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The same in a folder where it may be changed."""
    shutil.copytree(made[0].parent, tmp_path / "copy")
    return tmp_path / "copy" / "run", tmp_path / "copy" / "model.alloc"


def states(found: Verification) -> dict[str, str]:
    return {link.name: link.state for link in found.links}


def text(found: Verification, name: str) -> str:
    return next(link.text for link in found.links if link.name == name)


def test_a_run_holds_and_says_what_its_bound_rests_on(made: tuple[Path, Path]) -> None:
    found = allocc.verify(made[0], model=made[1])
    assert states(found) == {
        "certificate": "holds",
        "files": "holds",
        "decisions": "holds",
        "tables": "holds",
        "gap": "holds",
        "proof": "open",
        "program": "absent",
    }
    assert nothing_against(found)
    assert "within [" in text(found, "decisions")
    assert text(found, "proof").startswith("no file proves the bound")
    assert "not its own copies" in text(found, "files")
    assert "own inputs folder" in text(allocc.verify(made[0]), "files")


def test_a_folder_that_holds_its_files_is_checked_anywhere(
    copied: tuple[Path, Path], tmp_path: Path
) -> None:
    run, path = copied
    for file in (path, path.parent / "regions.csv"):
        file.unlink()
    elsewhere = run.rename(tmp_path / "elsewhere")
    found = allocc.verify(elsewhere)
    assert nothing_against(found) and "the run's own inputs folder" in text(found, "files")
    table = elsewhere / "inputs" / "regions.csv"
    table.write_text(table.read_text().replace("100.1", "100.2"))
    assert states(allocc.verify(elsewhere))["files"] == "fails"


def both(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """The same change in every place where the certificate stands."""

    def apply(run: Path) -> None:
        outer = json.loads((run / "result.json").read_text())
        inner = json.loads((run / "certificate.json").read_text())
        for data in (outer, outer["certificate"], inner):
            change(data)
        (run / "result.json").write_text(json.dumps(outer))
        (run / "certificate.json").write_text(json.dumps(inner))

    return apply


def cell(file: str, column: str, change: Callable[[float], object]) -> Callable[[Path], None]:
    """Another number in the first row of a table that has one above 0."""

    def apply(run: Path) -> None:
        with (run / file).open(newline="") as f:
            rows = list(csv.DictReader(f))
        row = next(r for r in rows if r[column] and float(r[column]) > 0)
        row[column] = str(change(float(row[column])))
        with (run / file).open("w", newline="") as f:
            writer = csv.DictWriter(f, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)

    return apply


def value(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def apply(data: dict[str, Any]) -> None:
        if name in data:
            data[name] = change(data[name])

    return apply


def replaced(file: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(run: Path) -> None:
        path = run / file
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new, 1))

    return apply


def only_in_result(run: Path) -> None:
    data = json.loads((run / "result.json").read_text())
    data["value"] *= 1 + 1e-7
    (run / "result.json").write_text(json.dumps(data))


CHANGES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a decision": (cell("decisions.csv", "value", lambda x: x - 1), "decisions", "value is stated"),
    "a part of a decision": (
        cell("decisions.csv", "value", lambda x: x - 0.5),
        "decisions",
        "E7052",
    ),
    "a trifle of a decision": (
        cell("decisions.csv", "value", lambda x: x + 1e-8),
        "decisions",
        "teams is a whole number",
    ),
    "a decision out of its range": (
        cell("decisions.csv", "value", lambda x: 99),
        "decisions",
        "is broken by",
    ),
    "a far digit of the value": (
        both(value("value", lambda x: x * (1 + 1e-10))),
        "decisions",
        "lies within",
    ),
    "the value in one place": (only_in_result, "certificate", "value"),
    "a term": (
        both(value("terms", lambda x: [{**t, "value": t["value"] + 1e-6} for t in x])),
        "decisions",
        "term left",
    ),
    "a word of the certificate": (
        replaced("certificate.json", '"optimal"', '"feasible"'),
        "certificate",
        "status",
    ),
    "the gap": (both(value("gap", lambda x: x + 1e-5)), "gap", "apart"),
    "a bound": (both(value("bound", lambda x: x - 1.0)), "gap", "apart"),
    "a course": (
        cell("trajectories.csv", "value", lambda x: x * 1.001),
        "tables",
        "trajectories.csv",
    ),
    "a baseline": (
        cell("trajectories.csv", "baseline", lambda x: x * 1.001),
        "tables",
        "trajectories.csv",
    ),
    "a report": (cell("reports.csv", "value", lambda x: x * 1.001), "tables", "reports.csv"),
    "the model": (
        replaced("../model.alloc", "healing : 1/year = 0.2", "healing : 1/year = 0.3"),
        "files",
        "model.alloc",
    ),
    "a table": (replaced("../regions.csv", "100.1", "100.2"), "files", "regions.csv"),
    "a table's blank": (replaced("../regions.csv", "100.1", "100.10"), "files", "regions.csv"),
    "a table that is gone": (
        lambda run: (run.parent / "regions.csv").unlink(),
        "files",
        "not found: regions.csv",
    ),
    "a setting": (
        both(value("settings", lambda x: {"healing": 0.3})),
        "decisions",
        "value is stated",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_is_named(copied: tuple[Path, Path], what: str) -> None:
    run, path = copied
    change, link, said = CHANGES[what]
    change(run)
    found = allocc.verify(run, model=path)
    assert not found.holds
    assert states(found)[link] == "fails", states(found)
    assert said in text(found, link)


def test_a_blank_in_a_table_harms_nothing_but_its_hash(copied: tuple[Path, Path]) -> None:
    run, path = copied
    replaced("../regions.csv", "100.1", "100.10")(run)
    found = states(allocc.verify(run, model=path))
    assert [name for name, state in found.items() if state == "fails"] == ["files"]


def test_a_violation_that_is_stated_is_no_lie(tmp_path: Path) -> None:
    """A simulation of decisions that break a limit claims nothing else."""
    path = tmp_path / "model.alloc"
    path.write_text(small.EASY, "utf-8")
    result = allocc.load(path).simulate({"doses": [8, 8]})
    assert result.violation is not None and result.violation.relative > 0.1
    run = result.save(tmp_path / "run")
    assert nothing_against(allocc.verify(run, model=path))
    both(value("violation", lambda x: {**x, "relative": 0.0, "absolute": 0.0}))(run)
    found = allocc.verify(run, model=path)
    assert states(found)["decisions"] == "fails"
    assert "store is broken by 6" in text(found, "decisions")


def test_a_baseline_is_checked_as_one(tmp_path: Path) -> None:
    path = solved(tmp_path, MODEL)[1]
    run = allocc.load(path).simulate().save(tmp_path / "baseline")
    found = allocc.verify(run, model=path)
    assert nothing_against(found) and states(found)["proof"] == "holds"


def test_what_decisions_are_compared_with_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "model.alloc"
    text_ = small.EASY.replace(
        "limit store", 'param plan[Clinic] = 4.5\nuse l1 from "equity.alloc"\nlimit store'
    ).replace('+ doses["b"] }', '+ doses["b"]  near: -0.1 * l1(doses, plan) }')
    path.write_text(text_, "utf-8")
    run = allocc.load(path).simulate({"doses": [5, 5]}).save(tmp_path / "run")
    assert states(allocc.verify(run, model=path))["tables"] == "holds"
    cell("targets.csv", "value", lambda x: x + 1)(run)
    found = allocc.verify(run, model=path)
    assert states(found)["tables"] == "fails"
    assert "targets.csv: not what" in text(found, "tables")


@pytest.mark.parametrize("reached", [0.8, 0.6])
def test_a_chance_is_counted_in_intervals(tmp_path: Path, reached: float) -> None:
    run, path = solved(tmp_path, CHANCE)
    assert nothing_against(allocc.verify(run, model=path))
    if reached < 0.8:
        cell("decisions.csv", "value", lambda x: 6.1)(run)
        both(value("value", lambda x: 0.1 * 6.1))(run)
        both(value("terms", lambda x: [{**x[0], "value": 0.1 * 6.1}]))(run)
        assert "enough is broken by 0.2" in text(allocc.verify(run, model=path), "decisions")


def test_a_run_without_an_allocation_claims_its_impossibility(tmp_path: Path) -> None:
    run, path = solved(tmp_path, small.INFEASIBLE)
    found = allocc.verify(run, model=path)
    assert nothing_against(found)
    assert states(found)["decisions"] == "absent"
    assert "no allocation meets every limit" in text(found, "proof")


def test_a_file_that_is_used_and_not_recorded_stays_open(tmp_path: Path) -> None:
    (tmp_path / "parts.alloc").write_text("param stock = 10\n", "utf-8")
    text_ = small.EASY.replace(
        'param stock "doses in the store" = 10', 'use stock from "parts.alloc"'
    )
    run, path = solved(tmp_path, text_)
    both(value("files", lambda x: {k: v for k, v in x.items() if k == "model.alloc"}))(run)
    found = allocc.verify(run, model=path)
    assert states(found)["files"] == "open" and "parts.alloc" in text(found, "files")
    assert not found.holds


def test_what_cannot_be_enclosed_stays_open_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "model.alloc"
    path.write_text(
        "model m\ndecide x in 0 .. 2\n"
        "let one = 1 / (x * 0.1 - 0.07)\n"
        "minimize { cost: x  other: min(one, 9) }\n",
        "utf-8",
    )
    values = {"x": np.asarray(0.7)}
    run = allocc.load(path).simulate(values).save(tmp_path / "other")
    found = allocc.verify(run, model=path)
    assert states(found)["decisions"] == "open"
    assert "a division by what lies in" in text(found, "decisions")
    assert "model.alloc:3" in text(found, "decisions")


def test_a_result_knows_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "model.alloc"
    path.write_text(small.EASY, "utf-8")
    result = allocc.load(path).solve(threads=1)
    with pytest.raises(allocc.AlloccError, match="E7054"):
        allocc.verify(result, model=path)
    result.save(tmp_path / "run")
    assert nothing_against(allocc.verify(result, model=path))


def test_a_run_without_its_model_asks_for_it(copied: tuple[Path, Path]) -> None:
    shutil.rmtree(copied[0] / "inputs")
    with pytest.raises(allocc.AlloccError, match="E7055"):
        allocc.verify(copied[0])


def test_a_table_that_has_lost_a_row_is_damage(copied: tuple[Path, Path]) -> None:
    table = copied[0] / "decisions.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(allocc.AlloccError, match="E7014"):
        allocc.verify(copied[0], model=copied[1])


@pytest.mark.parametrize("name", ["certificate.json", "result.json", "decisions.csv"])
def test_a_folder_that_is_no_run_is_a_mistake(copied: tuple[Path, Path], name: str) -> None:
    (copied[0] / name).unlink()
    with pytest.raises(allocc.AlloccError, match="E7014"):
        allocc.verify(copied[0], model=copied[1])
