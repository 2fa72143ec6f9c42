"""The chain of passes: what it holds, its way back, and that everybody asks for it in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from allocc.cli import cli
from allocc.compiler import pipeline
from allocc.compiler.pipeline import chain, ordered, passes, to_solver, written
from allocc.compiler.programs.passes import Pass
from allocc.compiler.relaxing.relaxation import Relaxation
from tests.compiler.making import completed, decisions, problem, simulated

ROOT = Path(__file__).parents[2]
ROOMS = [ROOT / room for room in ("compiler", "src/allocc", "backends")]

GROWTH = """model spread
time t = 1 .. 6
compartment cases    initial cases = 10
decide lock[t] binary
flow growth : -> cases = (2 - 2.5 * lock[t]) * cases
limit few: sum(t: lock[t]) <= 2
minimize { closed: 100 * sum(t: lock[t])    ill: sum(t: cases[t]) }
"""
CHANCE = """model safe
set Scenario = 1 .. 3
decide x in 0 .. 10
decide b binary
limit switched: x <= 1000 * b
chance most: probability 0.6 over s in Scenario weight 1 / 3 { limit room: x <= 2 * s }
maximize { amount: x - b }
"""
PRODUCT = """model product
decide n integer in 1 .. 4
decide x in 0 .. 10
decide y in 0 .. 3
limit room: n * x + x * y <= 20
maximize { amount: x * y + n }
"""


@pytest.mark.parametrize(
    ("text", "method", "names"),
    [
        (GROWTH, "auto", ("growth",)),
        (GROWTH, "refine", ("growth",)),
        (GROWTH, "exact", ()),
        (GROWTH, "direct", ()),
        (GROWTH, "stated", ()),
        (CHANCE, "auto", ("chance", "coefficients")),
        (CHANCE, "stated", ("chance",)),
        (PRODUCT, "auto", ()),
    ],
)
def test_the_method_and_the_program_decide_what_is_done(
    text: str, method: str, names: tuple[str, ...]
) -> None:
    assert chain(problem(text), method).names == names


def test_a_pass_can_be_left_out() -> None:
    assert chain(problem(GROWTH), "auto", without={"growth"}).names == ()


@pytest.mark.parametrize(
    ("text", "method"),
    [
        (GROWTH, "refine"),
        (GROWTH, "exact"),
        (CHANCE, "exact"),
        (PRODUCT, "refine"),
        (PRODUCT, "direct"),
    ],
)
def test_the_way_back_is_the_identity_on_the_old_columns(text: str, method: str) -> None:
    found = problem(text)
    first = chain(found, "stated", without={"chance"}).program
    made = chain(found, method)
    built = written(Relaxation(made.program), method)
    all_of_it = to_solver(made, built, method)
    assert all_of_it.names[-2:] == ("relax", "scale")
    # Whatever a solver's point is beyond the columns that were there, these come back as they are.
    rng = np.random.default_rng(1)
    old = rng.uniform(0.5, 2.0, first.columns)
    lifted = rng.uniform(0.5, 2.0, built.program.columns)
    lifted[: first.columns] = old
    point = built.scaled[1].point_in(lifted)
    assert all_of_it.invert(point) == pytest.approx(old)


@pytest.mark.parametrize("text", [GROWTH, CHANCE])
def test_passes_keep_every_allocation_and_its_value(text: str) -> None:
    found = problem(text)
    stated, made = chain(found, "stated"), chain(found, "auto")
    rng = np.random.default_rng(2)
    for _ in range(20):
        values = simulated(found, rng)
        given = {v: values[v] for v in decisions(found, rng)}
        assert given
        if any("kept" in b.name for b in stated.program.column_blocks):
            continue  # which scenarios hold is no decision, so that a point is not known from these
        before, after = completed(stated, values), completed(made, values)
        assert stated.program.objective @ before == pytest.approx(made.program.objective @ after)


def test_every_pass_is_found_and_has_its_place() -> None:
    found = passes()
    assert {p.name for p in found} >= {"chance", "growth", "coefficients"}
    names = [p.name for p in ordered(found)]
    for one in found:
        assert one.why and one.methods
        assert all(names.index(a) < names.index(one.name) for a in one.after if a in names)


def test_a_pass_that_is_new_needs_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    new = Pass(
        "new", "looks", lambda p: True, lambda p: seen.append(p) or p, after=("coefficients",)
    )
    monkeypatch.setattr(pipeline, "passes", lambda: (*passes(), new))
    made = chain(problem(CHANCE))
    assert seen == [made.program] and "new" not in made.names


def test_programs_are_made_in_one_place() -> None:
    """Only the pipeline lowers, relaxes for a solver, or runs a pass."""
    own = {"lower"} | {p.apply.__name__ for p in passes()}
    allowed = {"pipeline.py"} | {Path(p.apply.__code__.co_filename).name for p in passes()}
    for room in ROOMS:
        for path in room.rglob("*.py"):
            if path.name in allowed or any(p.is_symlink() for p in path.parents):
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    assert node.func.id not in own, f"{path} makes a program of its own"


@pytest.mark.parametrize(("text", "word"), [(GROWTH, "growth"), (CHANCE, "coefficients")])
def test_the_passes_are_printed(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "m.alloc"
    path.write_text(text, "utf-8")
    shown = CliRunner().invoke(cli, ["compile", str(path), "--emit", "passes"])
    assert shown.exit_code == 0
    for name in ("lower", word, "relax", "scale"):
        assert f"  {name} " in shown.stdout
    wrong = CliRunner().invoke(
        cli, ["compile", str(path), "--emit", "passes", "--method", "direct"]
    )
    assert wrong.exit_code == 0
