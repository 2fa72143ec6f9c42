"""Where the parts of a problem stand in its program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocc.compiler.lowering.lower import lower
from allocc.compiler.lowering.lowered import Lowered
from allocc.compiler.unrolling.problem import Problem
from tests.compiler.lowering.test_lower import DYNAMICS, INFECTIONS, PLACES
from tests.compiler.making import problem

CHANCE = """
set K = 1 .. 4
set S = 1 .. 3
decide x[S] in 1 .. 10
decide y in 0 .. 5
limit share: sum(x) / (x[1] + 1) <= 4
limit whole[i in S]: x[i] + y <= 12
limit twice: 2 <= y <= 4
chance likely: probability 0.5 over k in K weight 0.25 {
  limit room[i in S]: x[i] / (y + 1) <= k
  limit even: y == k
}
maximize { all: sum(x) }
"""


def columns(found: Problem, made: Lowered) -> None:
    """Every variable has columns with its own name, range and labels, and none has those of another."""
    taken = np.zeros(made.program.columns, dtype=int)
    for part, here in made.places.columns.items():
        taken[here] += 1
        if part not in found.chances:
            names = {
                made.program.column_name(j).split("[")[0] for j in range(here.start, here.stop)
            }
            assert names == {part.name}
    assert taken.max() == 1
    for v in found.variables:
        here = made.places.columns[v]
        lower, upper = found.ends(v)
        assert (made.program.lower[here] == lower.ravel()).all()
        assert (made.program.upper[here] == upper.ravel()).all()


@pytest.mark.parametrize("clear_ratios", [True, False])
def test_limits_and_chance_blocks(clear_ratios: bool) -> None:
    found = problem(CHANCE)
    made = lower(found, clear_ratios)
    columns(found, made)
    (chance,) = found.chances
    limits = [*found.constraints, *(x.constraint for x in chance.limits)]
    taken = np.zeros(made.program.rows, dtype=int)
    for c in [*limits, chance]:
        here = made.places.rows[c]
        taken[here] += 1
        names = {made.program.row_name(i).split("[")[0] for i in range(here.start, here.stop)}
        assert names == {c.name}
    stated = [b for b in made.program.row_blocks if b.role == "stated"]
    assert taken.sum() == sum(b.count for b in stated) and taken.max() == 1
    assert made.places.rows[chance].stop - made.places.rows[chance].start == 1
    assert made.program.integer[made.places.columns[chance]].sum() == 4
    assert len(made.program.products) == (0 if clear_ratios else 4)


def test_steps_of_compartments() -> None:
    found = problem(DYNAMICS.format(method="euler", step=0.5, infect=INFECTIONS["linear"]), PLACES)
    made = lower(found)
    columns(found, made)
    for update in found.updates:
        here = made.places.rows[update]
        names = {made.program.row_name(i).split("[")[0] for i in range(here.start, here.stop)}
        assert names == {f"{update.variable.name}:step"}
        assert here.stop - here.start == np.zeros(update.variable.shape)[..., 1:].size


def test_a_problem_is_the_same_after_it_was_lowered_with_more_in_it() -> None:
    """Nothing is written on a variable: what was lowered before still knows its own places."""
    found = problem(CHANCE)
    before = lower(found)
    places = dict(before.places.columns)
    x, y = found.decisions
    other = lower(replace(found, decisions=[y, x]))
    assert other.places.columns[y].start == 0
    assert before.places.columns == places and places[x].start == 0
    values = {x: np.array([1.0, 2.0, 3.0]), y: np.asarray(4.0)}
    for made in (before, other):
        point = made.places.point(values, made.program.columns)
        again = made.places.values(point, found.decisions)
        assert all((again[v] == values[v]).all() for v in values)


NAMED = """
set S = 1 .. 3
decide limit_x[S] in 1 .. 10
decide y in 0 .. 5
let chance_of = sum(limit_x) * y
limit flow_b: chance_of + exp(y - 1) <= 40
limit decide_c[i in S]: limit_x[i] / (y + 1) >= 0.1
chance limit_d: probability 0.5 over k in S weight 1 / 3 { limit chance_e: y <= 2 * k }
minimize { all: abs(limit_x[1] - limit_x[2]) + y }
"""


def test_every_block_says_of_what_kind_its_statement_is() -> None:
    """Names may look like any word of the language: none is read for what it says."""
    program = lower(problem(NAMED), clear_ratios=False).program
    rows = {(b.name, str(b.origin)): b.origin for b in program.row_blocks}
    kinds = {name: origin and origin.kind for (name, _), origin in rows.items()}
    assert kinds.pop("chance_of:is") == "let"
    assert [kinds.pop(name) for name in ("flow_b", "decide_c", "chance_e")] == ["limit"] * 3
    assert kinds.pop("limit_d") == "chance"
    assert kinds and set(kinds.values()) == {"expression"}
    for block in (*program.row_blocks, *program.column_blocks):
        assert block.origin is None or block.origin.kind == "expression" or block.span is not None
    columns = {b.name: str(b.origin) for b in program.column_blocks if b.role == "stated"}
    assert columns == {"limit_x": "decide limit_x", "y": "decide y"}
    kept = next(b for b in program.column_blocks if b.name == "limit_d:kept")
    assert kept.statement == "chance limit_d" and kept.role == "auxiliary"
