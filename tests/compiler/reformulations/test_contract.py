"""What every reformulation promises, for all that the folder holds.

An exact one keeps the feasible set, found by trying every point; a relaxation cuts off none; and what a
solver's point is beyond the old columns, these come back as they were.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.point_check import check_point
from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions import function
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.pipeline import chain, passes, written
from allocc.compiler.programs.passes import Pass
from allocc.compiler.programs.program import Extremes, FunctionAtoms, Program
from allocc.compiler.programs.reformulation import Facts, Reformulation
from allocc.compiler.reformulations import modules, reformulations
from allocc.compiler.relaxing.relaxation import Relaxation
from tests.compiler.curves import KINDS
from tests.compiler.making import problem
from tests.compiler.solving import best, columns

seeds = st.integers(0, 2**32 - 1)
each = pytest.mark.parametrize("one", reformulations(), ids=lambda r: r.name)

SMOOTH = [kind for kind in KINDS if function(*kind).smooth]

#: Parts of others: pieces and price are written by the relaxation over pieces, posynomials are read for
#: logarithms, and ratios take limits apart before there is a program.
PARTS = {"pieces", "posynomials", "price", "ratios"}

#: A model for every pass, in which it has something to do.
MODELS = {
    "chance": """model m
set Scenario = 1 .. 3
decide x integer in 0 .. 4
decide y integer in 0 .. 2
chance most: probability 0.6 over s in Scenario weight 1 / 3 { limit room: x + y <= 2 * s }
maximize { amount: x - y }
""",
    "coefficients": """model m
decide x integer in 0 .. 4
decide b binary
decide y integer in 0 .. 3
limit switched: x + y <= 1000 * b
limit other: 2 * x - y >= 1 - 50 * b
maximize { amount: x - b }
""",
    "growth": """model m
time t = 1 .. 6
compartment cases    initial cases = 10
decide lock[t] binary
flow growth : -> cases = (2 - 2.5 * lock[t]) * cases
limit few: sum(t: lock[t]) <= 2
limit bound: cases[end] <= 150
minimize { closed: 100 * sum(t: lock[t])    ill: sum(t: cases[t]) }
""",
    "logarithms": """model m
time t = 0 .. 6
decide closed[period] binary
compartment S    initial S = 900
compartment I    initial I = 20
flow infect : S -> I = (2 - 1.5 * closed) * S * I / 1000
flow recover : I -> = 0.4 * I
limit beds[t]: I[t] <= 120
minimize { closed: sum(closed)    ill: 0.01 * sum(t: I[t]) }
""",
}


def name_of(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def test_every_file_is_a_reformulation_a_pass_or_a_part_of_one() -> None:
    for module in modules():
        kinds = [isinstance(found, Reformulation | Pass) for found in vars(module).values()]
        assert sum(kinds) == (0 if name_of(module) in PARTS else 1), module.__name__
        assert module.__doc__ and ":Exact:" in module.__doc__
    assert {p.name for p in passes()} <= set(MODELS)


# --- atoms ---------------------------------------------------------------------------------------


def made_of(points: FloatArray, program: Program) -> FloatArray:
    """The points of the two first columns, with the values of all atoms; in order of the columns."""
    x = np.full((len(points), program.columns), np.nan)
    x[:, :2] = points
    for w, a, b, k in program.products.entries():
        x[:, w] = k * x[:, a] * x[:, b]
    for f in program.functions:
        for w, a in zip(f.result.tolist(), f.argument.tolist(), strict=True):
            x[:, w] = f.function.value(x[:, a])
    for e in program.extremes:
        pick = np.max if e.sense == "max" else np.min
        for k, w in enumerate(e.result.tolist()):
            x[:, w] = pick(x[:, e.argument[e.owner == k]], axis=1)
    return x


def grid(program: Program) -> FloatArray:
    """Every value of the two first columns, which are whole."""
    ends = zip(program.lower[:2].astype(int), program.upper[:2].astype(int), strict=True)
    return np.array(list(itertools.product(*(range(a, b + 1) for a, b in ends))), dtype=float)


def random_program(seed: int) -> Program:
    """Two whole columns; a product, a curve, an absolute value, a maximum and a minimum of them."""
    rng = np.random.default_rng(seed)
    kind, exponent = SMOOTH[rng.integers(len(SMOOTH))]
    first = 1 if function(kind, exponent).domain != "all" else int(rng.integers(-4, 3))
    low = np.array([first, int(rng.integers(-3, 2))])
    high = low + rng.integers(1, 4, 2)

    def one(j: int) -> FloatArray:
        return np.array([j])

    two = np.array([0, 1])
    made = columns(
        [*low, *[-1e9] * 5],
        [*high, *[1e9] * 5],
        integer=[True, True, *[False] * 5],
        derived=range(2, 7),
        sense="maximize" if rng.random() < 0.5 else "minimize",
        products=[(2, 0, 1)],
        functions=(
            FunctionAtoms(kind, one(3), one(0), exponent),
            FunctionAtoms("abs", one(4), one(1)),
        ),
        extremes=(
            Extremes("max", one(5), np.zeros(2, dtype=int), two),
            Extremes("min", one(6), np.zeros(2, dtype=int), two),
        ),
    )
    # The ranges of what is derived are those that it takes.
    points = made_of(grid(made), made)
    lower, upper = made.lower.copy(), made.upper.copy()
    lower[2:], upper[2:] = points[:, 2:].min(axis=0), points[:, 2:].max(axis=0)
    return replace(made, lower=lower, upper=upper)


def results(one: Reformulation, program: Program) -> list[int]:
    """The columns that the atoms say what they are."""
    mine = one.takes(program)
    found = [mine.products.result, *(f.result for f in mine.functions)]
    return [int(w) for ws in [*found, *(e.result for e in mine.extremes)] for w in ws]


def only(one: Reformulation, program: Program) -> Program:
    """The program without the atoms of other kinds."""
    mine = one.takes(program)
    return replace(
        program, products=mine.products, functions=mine.functions, extremes=mine.extremes
    )


@each
@settings(deadline=None, max_examples=12)
@given(seeds)
def test_rows_hold_what_the_atoms_say(one: Reformulation, seed: int) -> None:
    """Both ends of each result at every point, where no direction is harmless."""
    program = only(one, random_program(seed))
    mine = results(one, program)
    none = np.zeros(program.columns, dtype=bool)
    made = one.apply(program, Facts(program.lower, program.upper, none, none))
    for point in made_of(grid(program), program)[:: 1 + seed % 3]:
        fixed = dict(enumerate(point[:2].tolist()))
        for w in mine:
            low, high = (best(made, s, {w: 1.0}, fixed) for s in ("minimize", "maximize"))
            size = 1e-6 * (1 + abs(point[w]))
            assert low is not None and high is not None
            assert low - size <= point[w] <= high + size
            if one.exact:
                assert high - low <= 2 * size


@each
@settings(deadline=None, max_examples=25)
@given(seeds)
def test_the_optimum_is_kept_or_relaxed(one: Reformulation, seed: int) -> None:
    """Only the sides that matter are written: the optimum over all points says whether enough are."""
    rng = np.random.default_rng(seed)
    program = only(one, random_program(seed))
    mine = results(one, program)
    objective = np.zeros(program.columns)
    objective[[0, 1, *mine]] = np.round(rng.uniform(-1, 1, 2 + len(mine)), 2)
    program = replace(program, objective=objective)
    values = made_of(grid(program), program)[:, [0, 1, *mine]] @ objective[[0, 1, *mine]]
    sign = 1 if program.sense == "minimize" else -1
    found = best(one.apply(program))
    assert found is not None
    true = sign * (sign * values).min()
    size = 1e-6 * (1 + abs(true))
    assert sign * (true - found) >= -size
    if one.exact:
        assert found == pytest.approx(true, abs=size)


@each
@given(seeds)
def test_the_old_columns_and_the_other_atoms_stay(one: Reformulation, seed: int) -> None:
    program = random_program(seed)
    made = one.apply(program)
    n = program.columns
    assert one.accepts(program) and not one.accepts(made)
    assert made.column_blocks[: len(program.column_blocks)] == program.column_blocks
    for name in ("objective", "lower", "upper", "integer"):
        assert (getattr(made, name)[:n] == getattr(program, name)).all()
    assert not made.objective[n:].any()
    assert (made.matrix[: program.rows, :n] != program.matrix).nnz == 0
    kept = {id(x) for x in (program.products, *program.functions, *program.extremes)}
    taken = one.takes(program)
    kept -= {id(x) for x in (taken.products, *taken.functions, *taken.extremes)}
    assert kept <= {id(x) for x in (made.products, *made.functions, *made.extremes)}


# --- passes --------------------------------------------------------------------------------------


def whole_points(program: Program) -> Iterator[FloatArray]:
    """Every point of a program whose whole columns say what the others are."""
    given_columns = program.integer
    complete = Completer(program, given_columns)
    assert not len(complete.missing)
    places = np.flatnonzero(given_columns)
    ends = [(int(program.lower[j]), int(program.upper[j])) for j in places]
    for values in itertools.product(*(range(a, b + 1) for a, b in ends)):
        point = np.full(program.columns, np.nan)
        point[places] = values
        yield complete(point)


def holds(program: Program, point: FloatArray) -> bool:
    """Whether a point is feasible; rows on a condition are asked only where it is met."""
    upper = program.row_upper.copy()
    for block in program.conditional:
        met = np.all([point[b] > 0.5 for b in block.binaries], axis=0)
        upper[block.rows[~met]] = np.inf
    return bool(check_point(replace(program, row_upper=upper, conditional=()), point).holds(1e-7))


@pytest.mark.parametrize("one", passes(), ids=lambda p: p.name)
def test_a_pass_keeps_the_feasible_set_and_its_values(one: Pass) -> None:
    before = chain(problem(MODELS[one.name]), "stated", without={p.name for p in passes()}).program
    after = one.apply(before)
    assert one.accepts(before) and after is not before
    assert after.columns >= before.columns and one.exact
    # Whoever knows where a limit stands finds it there, and where `stated` is asked for, as it was.
    for old, new in (
        (before.row_blocks, after.row_blocks),
        (before.column_blocks, after.column_blocks),
    ):
        assert [(b.name, b.start, b.count) for b in new[: len(old)]] == [
            (b.name, b.start, b.count) for b in old
        ]
    if "stated" in one.methods:
        plain = np.setdiff1d(
            np.arange(before.rows), [i for b in before.conditional for i in b.rows.tolist()]
        )
        for name in ("row_lower", "row_upper"):
            assert (getattr(after, name)[plain] == getattr(before, name)[plain]).all()
        same = after.matrix[plain][:, : before.columns] - before.matrix[plain]
        assert not abs(same).sum()
    there = {}
    for point in whole_points(after):
        there[tuple(point[after.integer])] = point if holds(after, point) else None
    seen = 0
    for point in whole_points(before):
        found = there.get(tuple(point[before.integer]))
        assert holds(before, point) == (found is not None)
        if found is not None:
            seen += 1
            # What was only there to be multiplied may be gone.
            stated = [b for b in before.column_blocks if b.role == "stated"]
            for here in (slice(b.start, b.start + b.count) for b in stated):
                assert found[here] == pytest.approx(point[here])
            assert after.objective @ found == pytest.approx(before.objective @ point)
    assert 0 < seen < len(there)


# --- over pieces ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["exact", "refine"])
@settings(deadline=None, max_examples=20)
@given(seeds)
def test_pieces_hold_every_point_and_single_values_are_exact(method: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    program = random_program(seed)
    if method == "exact":
        program = replace(program, functions=program.functions[1:])
    mine = [0, 1, 2, *(int(f.result[0]) for f in program.functions), 5, 6]
    objective = np.zeros(program.columns)
    objective[mine] = np.round(rng.uniform(-1, 1, len(mine)), 2)
    program = replace(program, objective=objective)
    relaxation = Relaxation(program)
    if method == "refine":
        for j in relaxation.plan.cut_columns:
            for _ in range(int(rng.integers(0, 3))):
                at = rng.uniform(relaxation.program.lower[j], relaxation.program.upper[j])
                relaxation.split(j, float(at))
    built = written(relaxation, method)
    points = made_of(grid(program), program)
    for point in points[:: 1 + seed % 3]:
        fixed = {j: float(point[j]) for j in mine}
        assert best(built.program, fixed=fixed) is not None
    sign = 1 if program.sense == "minimize" else -1
    values = points[:, mine] @ objective[mine]
    true, found = sign * (sign * values).min(), best(built.program)
    assert found is not None
    size = 1e-6 * (1 + abs(true))
    assert sign * (true - found) >= -size
    if method == "exact":
        assert found == pytest.approx(true, abs=size)
