"""Programs that do not say what their model says are found by feasible allocations, put into them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values
from allocc.engine.certifying.proven import solve_and_prove
from allocc.engine.certifying.recipe import Recipe
from allocc.engine.certifying.witness import Witnesses, feasible, witnesses
from allocc.engine.judging.outcome import Options
from allocc.proof.checker import Program
from tests.compiler.making import problem

BUDGET = """model budget
set Town = {a, b}
decide open[Town] integer in 0 .. 3
decide spend[Town] in 0 .. 40
limit money: sum(spend) + 7.5 * sum(open) <= 60
limit most[t in Town]: spend[t] <= 15 * open[t]
minimize { unmet: 30 * exp(-0.1 * spend["a"]) + abs(spend["a"] - spend["b"]) - open["a"] * spend["b"] }
"""


class Proven:
    """A model with its proof's program, to be changed before it is looked at."""

    def __init__(self, text: str, folder: Path) -> None:
        self.problem: Problem = problem(text)
        outcome = solve_and_prove(self.problem, Options(prove=True))
        assert outcome.proof is not None and outcome.values is not None, outcome.notes
        self.decisions: Values = outcome.values
        self.text = outcome.proof.program.decode()
        self.recipe = Recipe.from_data(dict(outcome.proof.recipe))
        self.path = folder / "program.mps"

    def look(self, text: str, count: int = 200) -> Witnesses:
        self.path.write_text(text)
        program = Program()
        program.read(self.path)
        return witnesses(self.problem, self.recipe, program, [self.decisions], count, 20.0)


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Proven:
    return Proven(BUDGET, tmp_path_factory.mktemp("proven"))


def test_the_program_of_a_proof_holds_all(proven: Proven) -> None:
    found = proven.look(proven.text)
    assert found.holds
    assert found.points == 200
    assert found.worst <= 1e-9
    assert found.rows > 0


def test_a_row_of_the_model_that_is_changed(proven: Proven) -> None:
    for old, new in ((" 60.0\n", " 61.0\n"), (" 7.5\n", " 7.4\n")):
        assert old in proven.text
        found = proven.look(proven.text.replace(old, new))
        assert not found.holds
        assert "has other numbers" in found.other


def test_a_row_that_cuts_allocations_off(proven: Proven) -> None:
    text = proven.text.replace("COLUMNS\n", "COLUMNS\n", 1)
    text = text.replace("ROWS\n", "ROWS\n L intruder\n", 1)
    name = re.search(r"^ (spend\S*a\S*) ", text, re.MULTILINE)
    assert name is not None
    text = text.replace(f" {name[1]} ", f" {name[1]} intruder 1.0\n {name[1]} ", 1)
    text = text.replace("RHS\n", "RHS\n RHS intruder 0.001\n", 1)
    found = proven.look(text)
    assert "intruder" in found.broken
    assert "intruder does not follow from the model" in found.other


def test_an_objective_that_is_worse_than_the_models(proven: Proven) -> None:
    goal = re.search(r"^ RHS (objective_\S*) (\S+)$", proven.text, re.MULTILINE)
    if goal is None:
        text = proven.text.replace("RHS\n", "RHS\n RHS objective_ -1.0\n", 1)
    else:
        text = proven.text.replace(goal[0], f" RHS {goal[1]} {float(goal[2]) - 1.0!r}")
    assert "objective" in proven.look(text).broken


def test_random_allocations_meet_every_limit_and_differ(proven: Proven) -> None:
    found = list(feasible(proven.problem, [proven.decisions], 100, 20.0))
    assert len(found) == 100
    assert all(x.violation.relative <= 1e-9 for x in found)
    assert len({round(x.value, 9) for x in found}) > 50


def test_the_same_seed_gives_the_same_allocations(proven: Proven) -> None:
    one, other = (
        [x.value for x in feasible(proven.problem, [proven.decisions], 30, 20.0, seed=3)]
        for _ in range(2)
    )
    assert one == other


def test_recipes_survive_being_written(proven: Proven) -> None:
    again = Recipe.from_data(proven.recipe.as_data())
    assert again.as_data() == proven.recipe.as_data()
    with pytest.raises((KeyError, ValueError)):
        Recipe.from_data({**proven.recipe.as_data(), "form": "other"})
