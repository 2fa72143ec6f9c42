"""What docs/how-to/equity.md says that a function becomes, against the program that is solved."""

from __future__ import annotations

from pathlib import Path

import pytest

import allocc
from allocc.compiler.relaxing.relaxation import Relaxation
from tests.models.shelf import DATA

LEVELS = "decide level in 0 .. 10  decide low in 0 .. 10  decide levels[K] in 0 .. 10"
MEAN = "let average = mean(x)"
SITES = """decide open[F] binary  limit few: sum(open) <= 2
    decide serve[S, F] in 0 .. 1
    decide supply[F] in 0 .. 10
    use people_within from "access.alloc"
    param served[f in F] = people_within(f, need, minutes, 40)"""

#: File, call, how it is used, what has to be declared.
Case = tuple[str, str, str, str]
LINEAR: list[Case] = [
    ("welfare", "kolm_pollak_served(serve, need, minutes, -0.1)", "minimize", SITES),
    ("welfare", "equity_threshold(x, 1)", "maximize", ""),
    ("order", "sum_of_largest_at(x, level, 2)", "minimize", LEVELS),
    ("order", "sum_of_smallest_at(x, level, 2)", "maximize", LEVELS),
    ("order", "owa_at(x, levels, w)", "minimize", LEVELS),
    ("order", "palma_at(x, level, low, 0.5)", "<= 0", LEVELS),
    ("inequality", "hoover(x)", "<= 0.2", ""),
    ("inequality", "hoover_at(x, average)", "<= 0.2", MEAN),
    ("inequality", "hoover_of_rates(x, need)", "<= 0.2", ""),
    ("inequality", "gini_of_rates(x, need)", "<= 0.2", ""),
    ("inequality", "gini_ranked(x, standing)", "<= 0.2", ""),
    ("inequality", "concentration_index(x, need, standing)", "<= 0.1", ""),
    ("access", "parity(x, members)", "minimize", ""),
    ("access", "envy(x, need)", "minimize", ""),
    ("access", "largest_envy(x, need)", "minimize", ""),
    ("access", "access_within(open, need, minutes, 30)", "maximize", SITES),
    ("access", "worst_catchment(supply, served, minutes, 40)", "maximize", SITES),
]
#: Curves, kept on the side where tangents are enough.
TANGENTS: list[Case] = [
    ("welfare", "alpha_fair(x, 0.5)", "maximize", ""),
    ("welfare", "alpha_fair(x, 1)", "maximize", ""),
    ("welfare", "alpha_fair(x, 2)", "maximize", ""),
    ("welfare", "isoelastic(x, need, 2)", "maximize", ""),
    ("welfare", "nash(x)", "maximize", ""),
    ("welfare", "kolm_pollak_mean(x, 0.5)", "minimize", ""),
    ("welfare", "kolm_pollak_mean(x, -0.5)", "minimize", ""),
]
BINARIES: list[Case] = [
    ("welfare", "utility_threshold(x, 1)", "maximize", ""),
    ("order", "sum_of_largest(x, 2)", "minimize", ""),
    ("order", "sum_of_smallest(x, 2)", "maximize", ""),
    ("order", "owa(x, w)", "minimize", ""),
]


UNITS = """
model units
unit dose = 1 person
use nash, kolm, utility_threshold from "welfare.alloc"
use hoover_at from "inequality.alloc"
use access_within, people_within, worst_catchment, largest_envy from "access.alloc"
set S = {a, b}
set F = {u, v}
param people[S] : person = 10
param minutes[S, F] : minute = 20
param reach : minute = 30
param kappa : 1/dose = 0.5
param gap : dose = 1
param served[f in F] : person = people_within(f, people, minutes, reach)
decide give[S] : dose in 1 .. 6
decide beds[F] : bed in 0 .. 9
decide open[F] : 1 binary
let average = mean(give)
maximize { m : nash(give / people) }
"""

#: Curves of curves, and ratios of decisions that are not a limit's own.
PIECES: list[Case] = [
    ("welfare", "atkinson_equivalent(x, 2)", "maximize", ""),
    ("welfare", "atkinson(x, 2)", "<= 0.1", ""),
    ("welfare", "kolm_pollak_equivalent(x, 0.5)", "maximize", ""),
    ("welfare", "kolm(x, 0.5)", "minimize", ""),
    ("inequality", "mean_log_deviation(x)", "minimize", ""),
    ("inequality", "jain(x)", "maximize", ""),
    ("inequality", "jain(x)", ">= 0.9", ""),
    ("inequality", "coefficient_of_variation(x)", "<= 0.2", ""),
    ("inequality", "coefficient_of_variation_at(x, average)", "<= 0.2", MEAN),
    ("inequality", "theil(x)", "minimize", ""),
]


def model(case: Case, folder: Path) -> allocc.Model:
    file, call, used, more = case
    name = call.split("(")[0]
    if used in ("minimize", "maximize"):
        objective = f"{used} {{ measure : {call} }}"
    else:
        objective = f'limit fair: {call} {used}  maximize {{ gain : x["a"] + 2 * x["b"] }}'
    path = folder / "form.alloc"
    use = f'use {name} from "{file}.alloc"'
    bounds = "decide x[S] in 1 .. 6  limit all: sum(x) <= 12  limit some: sum(x) >= 8"
    path.write_text(f"model form {use} {DATA} {bounds} {more} {objective}", "utf-8")
    loaded: allocc.Model = allocc.load(path)
    return loaded


def form(loaded: allocc.Model) -> str:
    """What the function has become in the program that is solved."""
    relaxation = Relaxation(loaded.lowered.program)
    program = relaxation.program
    if relaxation.plan.cut_columns or len(program.products):
        return "pieces"
    own = int(loaded.lowered.program.integer.sum())
    if int(relaxation.build().program.integer.sum()) > own:
        return "binaries"
    return "tangents" if any(atoms.function.smooth for atoms in program.functions) else "linear"


@pytest.mark.parametrize("case", LINEAR, ids=lambda c: c[1])
def test_linear(case: Case, tmp_path: Path) -> None:
    assert form(model(case, tmp_path)) == "linear"


@pytest.mark.parametrize("case", TANGENTS, ids=lambda c: c[1])
def test_tangents(case: Case, tmp_path: Path) -> None:
    assert form(model(case, tmp_path)) == "tangents"


@pytest.mark.parametrize("case", BINARIES, ids=lambda c: c[1])
def test_binaries(case: Case, tmp_path: Path) -> None:
    assert form(model(case, tmp_path)) == "binaries"


@pytest.mark.parametrize("case", PIECES, ids=lambda c: c[1])
def test_pieces(case: Case, tmp_path: Path) -> None:
    assert form(model(case, tmp_path)) == "pieces"


def test_units(tmp_path: Path) -> None:
    """The functions fit quantities that carry units."""
    path = tmp_path / "units.alloc"
    path.write_text(UNITS, "utf-8")
    loaded = allocc.load(path)
    assert loaded.unit_of("hoover_at(give, average)") == "1"
    assert loaded.unit_of("utility_threshold(give, gap)") == "dose"
    assert loaded.unit_of("kolm(give, kappa)") == "dose"
    assert loaded.unit_of("nash(give / people)") == "1"
    assert loaded.unit_of("largest_envy(give, people)") == "dose/person"
    assert loaded.unit_of("access_within(open, people, minutes, reach)") == "1"
    assert loaded.unit_of("worst_catchment(beds, served, minutes, reach)") == "bed/person"
