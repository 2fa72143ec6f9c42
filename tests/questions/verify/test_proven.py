"""A run with its proof: it holds anywhere, and what is changed in it is found, hashes made anew or not."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import allocc
from allocc.errors import AlloccError
from allocc.results.verification import Verification

MODEL = """model budget
table town from "towns.csv" key name
set Town = town.name
param need[Town] = town.need
decide open[Town] integer in 0 .. 3
decide spend[Town] in 0 .. 40
limit money: sum(spend) + 7.5 * sum(open) == 60
limit most[t in Town]: spend[t] <= 15 * open[t]
minimize { unmet: sum(t in Town: need[t] * exp(-0.1 * spend[t])) }
"""


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    (folder / "budget.alloc").write_text(MODEL)
    (folder / "towns.csv").write_text("name,need\na,30.1\nb,20.7\nc,9.3\n")
    result = allocc.load(folder / "budget.alloc").solve(prove=True)
    assert result.exact_proof is not None, result.notes
    return result.save(folder / "run")


@pytest.fixture
def copy(proven: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(proven, tmp_path / "copy"))


def states(found: Verification) -> dict[str, str]:
    return {link.name: link.state for link in found.links}


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change both statements of a run in the same way."""
    result = json.loads((folder / "result.json").read_text())
    certificate = json.loads((folder / "certificate.json").read_text())
    for data in (result, result["certificate"], certificate):
        change(data)
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "certificate.json").write_text(json.dumps(certificate))


def rehashed(folder: Path) -> None:
    """Make the hashes of the proof's files those of the files as they are."""

    def change(data: dict[str, Any]) -> None:
        for name in data["exact_proof"]["hashes"]:
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            data["exact_proof"]["hashes"][name] = digest

    edited(folder, change)


def put(key: str, value: Any) -> Callable[[dict[str, Any]], object]:
    def change(data: dict[str, Any]) -> None:
        if key in data:
            data[key] = value

    return change


def test_it_holds_elsewhere_without_the_model(copy: Path) -> None:
    found = allocc.verify(copy)
    assert found.holds, str(found)
    assert set(states(found).values()) <= {"holds", "absent"}
    assert states(found)["proof"] == states(found)["program"] == "holds"


def test_it_is_read_back_and_saved_again(copy: Path, tmp_path: Path) -> None:
    again = allocc.Result.open(copy).save(tmp_path / "again")
    assert allocc.verify(again).holds


@pytest.mark.parametrize(
    "name", ["program.mps", "proof.vipr.gz", "recipe.json", "program.mps.map.json"]
)
def test_a_changed_file_is_named(copy: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data.replace(b"0", b"1", 1) + b" ")
    found = allocc.verify(copy)
    assert states(found)["proof"] == "fails"
    assert name in str(found)


def test_another_bound_in_the_proof(copy: Path) -> None:
    lines = gzip.decompress((copy / "proof.vipr.gz").read_bytes()).decode().split("\n")
    at = next(k for k, line in enumerate(lines) if line.startswith("RTP range"))
    lines[at] = "RTP range 1000000 inf"
    (copy / "proof.vipr.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    rehashed(copy)
    assert states(allocc.verify(copy))["proof"] == "fails"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ROWS\n", "ROWS\n L cut\n"),  # a row more
        (" 60.0\n", " 59.0\n"),  # a right side
        (" 7.5\n", " 8.5\n"),  # a coefficient
        ("OBJSENSE\n    MIN", "OBJSENSE\n    MAX"),
    ],
)
def test_another_program_with_hashes_made_anew(copy: Path, old: str, new: str) -> None:
    text = (copy / "program.mps").read_text()
    assert old in text
    (copy / "program.mps").write_text(text.replace(old, new, 1))
    rehashed(copy)
    found = allocc.verify(copy)
    assert states(found)["program"] == "fails"


@pytest.mark.parametrize(
    "recipe",
    [
        {"method": "none"},
        {"marks": [1]},
        {"marks": {"99999": [1.0]}},
        {"form": "other"},
        {"cuts": [[[1.0]]]},
        {"marks": {"0": [0.5]}},
    ],
)
def test_another_recipe_with_hashes_made_anew(copy: Path, recipe: dict[str, Any]) -> None:
    data = json.loads((copy / "recipe.json").read_text())
    (copy / "recipe.json").write_text(json.dumps({**data, **recipe}))
    rehashed(copy)
    assert states(allocc.verify(copy))["program"] == "fails"


def test_a_measure_that_makes_the_gap_small(copy: Path) -> None:
    edited(copy, put("gap_measure", 1e9))
    assert states(allocc.verify(copy))["gap"] == "fails"


def test_a_statement_that_says_more(copy: Path) -> None:
    edited(copy, put("statement", "proven optimal, and perfect"))
    assert states(allocc.verify(copy))["certificate"] == "fails"


def test_the_other_sense(copy: Path) -> None:
    edited(copy, put("sense", "maximize"))
    found = states(allocc.verify(copy))
    assert found["decisions"] == "fails"


def test_limits_that_are_called_broken(copy: Path) -> None:
    edited(
        copy,
        put("violation", {"absolute": 9.0, "relative": 0.5, "where": "money", "name": "money"}),
    )
    assert states(allocc.verify(copy))["decisions"] == "fails"


def test_a_title_that_is_not_the_models(copy: Path) -> None:
    edited(copy, put("title", "Something else"))
    assert states(allocc.verify(copy))["tables"] == "fails"


def test_a_proof_that_was_taken_away(copy: Path) -> None:
    edited(copy, put("exact_proof", None))
    for name in ("program.mps", "proof.vipr.gz", "recipe.json"):
        (copy / name).unlink()
    found = allocc.verify(copy)
    assert not found.holds and states(found)["proof"] == "open"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "optimum"),
        ("sense", "min"),
        ("bound", float("nan")),
    ],
)
def test_words_and_numbers_that_there_are_not(copy: Path, key: str, value: Any) -> None:
    edited(copy, put(key, value))
    with pytest.raises(AlloccError, match="E7014"):
        allocc.verify(copy)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname", "a/../../outside.txt"])
def test_names_that_lead_out_of_the_folder(copy: Path, name: str) -> None:
    (copy.parent / "outside.txt").write_text("secret")

    def change(data: dict[str, Any]) -> None:
        data["exact_proof"]["hashes"][name] = "0" * 64

    edited(copy, change)
    with pytest.raises(AlloccError, match="E7014"):
        allocc.verify(copy)


def test_a_model_that_is_edited_during_the_solve(tmp_path: Path) -> None:
    path, towns = tmp_path / "budget.alloc", tmp_path / "towns.csv"
    path.write_text(MODEL)
    towns.write_text("name,need\na,30.1\nb,20.7\n")
    model = allocc.load(path)

    def edit(_: object) -> None:
        path.write_text(MODEL.replace("60", "61"))
        towns.unlink(missing_ok=True)

    run = model.solve(prove=True, progress=edit).save(tmp_path / "run")
    assert allocc.verify(run).holds
