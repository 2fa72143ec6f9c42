"""Lowered programs mean what the text says: simulated points satisfy every row, to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.point_check import check_point
from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.lowering.lower import lower
from allocc.compiler.lowering.lowered import Lowered
from allocc.compiler.programs.program import Program
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values
from allocc.dsl.diagnostics import DiagnosticError
from tests.compiler.lowering.texts import DATA, HEAD, SET, TABLES, Environment, Writer
from tests.compiler.making import completed, problem, simulated

seeds = st.integers(0, 2**32 - 1)


def well_formed(made: Program) -> None:
    """CSR without duplicates and without zeros; blocks without holes; atoms used once."""
    assert made.matrix.has_canonical_format and made.matrix.data.all()
    assert np.isfinite(made.matrix.data).all()
    for blocks, count in ((made.column_blocks, made.columns), (made.row_blocks, made.rows)):
        assert [b.start for b in blocks] == np.cumsum([0, *(b.count for b in blocks)])[:-1].tolist()
        assert sum(b.count for b in blocks) == count
    assert made.defined is not None
    own = made.defined >= 0
    assert len(set(made.defined[own].tolist())) == int(own.sum())
    for i in np.flatnonzero(own):
        assert made.matrix[i, made.defined[i]] == 1.0


def agrees(found: Problem, lowered: Lowered, values: Values) -> FloatArray:
    """Check one simulated point against all rows, atoms, limits and the objective."""
    made = lowered.program
    x = completed(lowered, values)
    check = check_point(made, x)
    assert max(check.product, check.function, check.extreme) <= 1e-9
    activity = made.matrix @ x
    over = np.maximum(made.row_lower - activity, activity - made.row_upper)
    size = 1 + abs(made.matrix) @ np.abs(x)
    for block in made.row_blocks:
        here = slice(block.start, block.start + block.count)
        if block.role != "stated" and block.count:
            assert (over / size)[here].max() <= 1e-7, block.name
    evaluate = Evaluation(dict(values))
    objective = sum(float(evaluate(t.node)) for t in found.terms)
    assert made.objective @ x + made.offset == pytest.approx(objective, rel=1e-7, abs=1e-7)
    for constraint in found.constraints:
        here = lowered.places.rows[constraint]
        shape = tuple(a.size for a in constraint.axes)
        body = spread(evaluate(constraint.body), constraint.body.axes, constraint.axes)
        mine = (activity - made.row_upper)[here]
        told = np.broadcast_to(body, shape).ravel()
        assert mine == pytest.approx(told, rel=1e-7, abs=1e-7 * (1 + size[here].max(initial=0)))
    return x


def environment(found: Problem, values: Values) -> Environment:
    env = dict(DATA)
    for v in found.decisions:
        x = values[v]
        env[v.name] = float(x) if x.ndim == 0 else dict(zip(SET, x.tolist(), strict=True))
    return env


@settings(deadline=None, max_examples=60)
@given(seeds)
def test_random_expressions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    writer = Writer(rng)
    objective, f = writer.expression(int(rng.integers(1, 4)), [])
    i = writer.index()
    limit, g = writer.expression(int(rng.integers(1, 3)), [i])
    text = f"model m {HEAD} limit cap[{i} in S]: {limit} + y <= 7 minimize {{ o: y + {objective} }}"
    found = problem(text, TABLES)
    lowered = lower(found)
    made = lowered.program
    well_formed(made)
    for _ in range(2):
        values = simulated(found, rng)
        env = environment(found, values)
        evaluate = Evaluation(dict(values))
        expected = env["y"] + f(env, {})
        assert float(evaluate(found.terms[0].node)) == pytest.approx(expected, rel=1e-9, abs=1e-9)
        for constraint in found.constraints:
            told = spread(evaluate(constraint.body), constraint.body.axes, constraint.axes)
            expected_rows = [g(env, {i: k}) + env["y"] - 7 for k in SET]
            assert np.broadcast_to(told, 3) == pytest.approx(expected_rows, rel=1e-9, abs=1e-9)
        agrees(found, lowered, values)


def static(objective: str, limits: str = "") -> tuple[Problem, Program]:
    found = problem(f"model m {HEAD} {limits} minimize {{ o: {objective} }}", TABLES)
    lowered = lower(found)
    made = lowered.program
    well_formed(made)
    agrees(found, lowered, simulated(found, np.random.default_rng(1)))
    return found, made


def kinds(made: Program) -> list[str]:
    names = [b.name for b in made.column_blocks if b.role == "auxiliary"]
    return sorted(names)


# Filters inside of sums, sums inside of filters, sets without a name: each once went wrong.
@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (
            "sum(i in S: sum(j in S if j > i: x[j]))",
            lambda v: sum(v["x"][j] for i in SET for j in SET if j > i),
        ),
        (
            "sum(i in S if i >= 2: a[i] * sum(j in S if j != i: x[j]))",
            lambda v: sum(v["a"][i] * v["x"][j] for i in (2, 3) for j in SET if j != i),
        ),
        (
            "sum(i in S: sum((i, j) in L: w[i, j] * x[j] * n[i]))",
            lambda v: sum(w * v["x"][j] * v["n"][i] for (i, j), w in v["w"].items()),
        ),
        (
            "sum(i in S: sum(j in S if j <= i: sum(k in S if k <= j: x[k] * a[i])))",
            lambda v: sum(
                v["x"][k] * v["a"][i] for i in SET for j in SET for k in SET if k <= j <= i
            ),
        ),
        (
            "sum(i in S: sum(j in S if j >= 2: sum(k in S if k > i: x[j])))",
            lambda v: sum(v["x"][j] for i in SET for j in (2, 3) for k in SET if k > i),
        ),
        ("mean(i in S if i > 1: x[i]) * mean(n)", lambda v: (v["x"][2] + v["x"][3]) / 2
         * sum(v["n"].values()) / 3),
        ("sum(S: x * a) * sum(x)", lambda v: sum(v["x"][i] * v["a"][i] for i in SET)
         * sum(v["x"].values())),
    ],
)  # fmt: skip
def test_sums_in_sums(text: str, meaning: object) -> None:
    found, made = static(text)
    rng = np.random.default_rng(3)
    for _ in range(3):
        values = simulated(found, rng)
        env = environment(found, values)
        x = agrees(found, lower(found), values)
        assert made.objective @ x + made.offset == pytest.approx(meaning(env))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("limit", "meaning"),
    [
        ("cap[S]: sum(S: x) * a <= 0", lambda v, i: sum(v["x"].values()) * v["a"][i]),
        (
            "cap[S]: sum(S: x * a) + x * a <= 0",
            lambda v, i: sum(v["x"][j] * v["a"][j] for j in SET) + v["x"][i] * v["a"][i],
        ),
        (
            "cap[k in S]: sum(i in S if i <= k: sum(j in S if j != i: x[j])) <= 0",
            lambda v, k: sum(v["x"][j] for i in SET for j in SET if i <= k and j != i),
        ),
        (
            "cap[k in S]: max(j in S if j >= k: x[j]) <= 0",
            lambda v, k: max(v["x"][j] for j in SET if j >= k),
        ),
    ],
)
def test_rows_of_limits(limit: str, meaning: object) -> None:
    found, made = static("y", f"limit {limit}")
    values = simulated(found, np.random.default_rng(5))
    x = agrees(found, lower(found), values)
    (block,) = [b for b in made.row_blocks if b.role == "stated"]
    env = environment(found, values)
    activity = (made.matrix @ x)[block.start : block.start + 3]
    assert activity == pytest.approx([meaning(env, i) for i in SET])  # type: ignore[operator]


# --- what is made of products and quotients ------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "atoms", "count"),
    [
        ("sum(i in S: n[i] * (x[i] / n[i]))", [], 0),
        ("sum(i in S: (n[i] - 1) * x[i] / n[i])", ["ratio"], 3),
        ("sum(i in S: x[i] * n[i]) - sum(i in S: n[i] * x[i])", ["product"], 3),
        ("sum(i in S: a[i] * x[i] * n[i])", ["product"], 2),
        ("sum(i in S: 0 * x[i] * n[i]) + y", [], 0),
        ("sum(i in S: x[i]^2 / x[i])", [], 0),
        ("sum(i in S: a[i] / n[i])", ["reciprocal"], 0),
        ("(y + 5) * y", ["square"], 0),
        ("y * y * y", ["power 3"], 0),
        ("sqrt(x[1]) * sqrt(x[1])", ["sqrt", "square"], 0),
        ("sum(i in S, j in S: x[i] * x[j])", ["product"], 6),
        ("exp(y) + 2 * exp(y)", ["exp"], 0),
        ("(y - y)^2 + x[1]", [], 0),
        ("(y^2)^0.5", ["power 0.5", "square"], 0),
        ("(2 * x[1])^3", ["power 3"], 0),
    ],
)
def test_the_expected_atoms_only(text: str, atoms: list[str], count: int) -> None:
    _, made = static(text)
    assert kinds(made) == atoms
    assert len(made.products) == count


def test_what_cancels_leaves_no_entry() -> None:
    _, made = static("y", "limit c: sum(i in S: x[i]) - sum(j in S: x[j]) + y <= 1")
    (block,) = [b for b in made.row_blocks if b.role == "stated"]
    assert made.matrix[[block.start]].nnz == 1


def test_a_largest_of_nothing_is_refused() -> None:
    found = problem(
        f"model m {HEAD} limit c[i in S]: max(j in S if j > i: x[j]) <= 2 minimize {{ o: y }}",
        TABLES,
    )
    with pytest.raises(DiagnosticError) as caught:
        lower(found)
    assert [d.code for d in caught.value.diagnostics] == ["E4008"]


def test_spaces_of_size_zero() -> None:
    _, made = static(
        "y + sum(i in S if i > 9: x[i] * n[i])",
        "limit c[i in S if i > 9]: x[i] * n[i] + max(x[i], y) <= 3",
    )
    assert made.rows == 0 and len(made.products) == 0


def test_maximize_and_soft_limits() -> None:
    text = f"""model m {HEAD}
    prefer soft[i in S]: x[i] * n[i] <= 2 penalty a[i] + 1
    prefer even: y == 1 penalty 10
    maximize {{ o: y }}"""
    found = problem(text, TABLES)
    lowered = lower(found)
    made = lowered.program
    well_formed(made)
    values = simulated(found, np.random.default_rng(0))
    x = agrees(found, lowered, values)
    env = environment(found, values)
    penalty = sum((env["a"][i] + 1) * max(env["x"][i] * env["n"][i] - 2, 0) for i in SET)
    expected = env["y"] - penalty - 10 * abs(env["y"] - 1)
    assert made.objective @ x + made.offset == pytest.approx(expected)


# --- names ----------------------------------------------------------------------------------------


def test_names_of_columns_and_rows() -> None:
    text = """model m
    table county from "county.csv" key fips
    set County = county.fips
    time t : year = 2017 .. 2018 step 0.25
    decide spend[County, t] in 0 .. 10
    decide open[County] integer in 1 .. 3
    limit steady[c in County, t if t > start]: spend[c, t-1] - spend[c, t] <= 4
    limit viable[c in County, t]: spend[c, t] >= open[c]
    minimize { o: sum(c in County, t: spend[c, t] / open[c]) }"""
    made = lower(problem(text, {"county": (["fips"], [["44001"], ["44003"]])})).program
    columns = [made.column_name(j) for j in range(made.columns)]
    assert columns[:6] == [
        "spend[44001,2017]",
        "spend[44001,2017.25]",
        "spend[44001,2017.5]",
        "spend[44001,2017.75]",
        "spend[44001,2018]",
        "spend[44003,2017]",
    ]
    assert columns[10:12] == ["open[44001]", "open[44003]"]
    assert columns[12] == "ratio[spend[44001,2017],open[44001]]"
    rows = [made.row_name(i) for i in range(made.rows)]
    assert rows[:2] == ["steady[44001,2017.25]", "steady[44001,2017.5]"]
    assert rows[8] == "viable[44001,2017]"
    # steady[44003,2018]: spend at 2017.75 and at 2018
    i = rows.index("steady[44003,2018]")
    entries = {columns[j]: made.matrix[i, j] for j in made.matrix[[i]].indices}
    assert entries == {"spend[44003,2017.75]": 1.0, "spend[44003,2018]": -1.0}


# --- dynamics -------------------------------------------------------------------------------------

DYNAMICS = """model m
table d from "d.csv" key i
table l from "l.csv" key i, j
set S0 = d.i
set L = l.key
param a[S0] = d.a
param w[L] = l.w
time t : day = 0 .. 3 step {step} method {method}
compartment S[S0]
compartment I[S0]
compartment R[S0]
initial S[i in S0] = 90 + 10 * a[i]
initial I[i in S0] = 10
initial R[i in S0] = 0
flow infect[r in S0] : S -> I = {infect}
flow recover[r in S0] : I -> R = a[r] * I[r]
flow protect[r in S0] : S -> R = 0
decide z[S0, t] in 0 .. 2
decide n[S0] integer in 1 .. 4
effect protect[r in S0] += z[r] * (1 - 1 / n[r])
limit lag[r in S0, k in t if k > start]: z[r, k] - z[r, k-1] <= n[r]
limit beds[k in t]: sum(r in S0: I[r, k] * z[r, k]) <= 80
minimize {{ o: sum(r in S0, k in t: I[r, k]) + max(r in S0, k in t: I[r, k])
             + sum(r in S0: R[r, end]) }}
"""
PLACES = {
    "d": (["i", "a"], [[1, 0.2], [2, 0.1], [3, 0.3]]),
    "l": (["i", "j", "w"], [[1, 1, 0.5], [1, 2, 0.2], [2, 2, 0.4], [3, 1, 0.1]]),
}
INFECTIONS = {
    "linear": "0.1 * a[r] * S[r]",
    "product": "0.01 * S[r] * sum((r, q) in L: w[r, q] * I[q])",
    "smallest": "min(0.1 * S[r], a[r] * I[r], 3)",
    "share": "S[r] * I[r] / (S[r] + I[r] + R[r])",
}


@pytest.mark.parametrize(
    ("method", "infect"),
    [
        *(("euler", x) for x in INFECTIONS),
        *(("trapezoid", x) for x in INFECTIONS if x != "smallest"),
        ("exponential", "linear"),
    ],
)
@pytest.mark.parametrize("step", [1, 0.5])
def test_dynamics(method: str, infect: str, step: float) -> None:
    text = DYNAMICS.format(method=method, step=step, infect=INFECTIONS[infect])
    found = problem(text, PLACES)
    lowered = lower(found)
    made = lowered.program
    well_formed(made)
    rng = np.random.default_rng(7)
    for _ in range(3):
        values = simulated(found, rng)
        x = agrees(found, lowered, values)
        # People are neither made nor lost.
        total = sum(values[v] for v in found.states)
        assert total == pytest.approx(np.broadcast_to(total[:, :1], total.shape), rel=1e-9)
        assert np.isfinite(x).all()


def test_euler_steps_are_those_written_by_hand() -> None:
    text = DYNAMICS.format(method="euler", step=0.5, infect=INFECTIONS["product"])
    found = problem(text, PLACES)
    values = simulated(found, np.random.default_rng(2))
    named = {v.name: x for v, x in values.items()}
    a = np.array([0.2, 0.1, 0.3])
    w = np.array([[0.5, 0.2, 0.0], [0.0, 0.4, 0.0], [0.1, 0.0, 0.0]])
    s, i, r = 90 + 10 * a, np.full(3, 10.0), np.zeros(3)
    for k in range(6):
        infect, recover = 0.01 * s * (w @ i), a * i
        protect = named["z"][:, k] * (1 - 1 / named["n"])
        s, i, r = (
            s + 0.5 * (-infect - protect),
            i + 0.5 * (infect - recover),
            r + 0.5 * (recover + protect),
        )
        for name, state in (("S", s), ("I", i), ("R", r)):
            assert named[name][:, k + 1] == pytest.approx(state)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=4), seeds)
def test_exponents_that_differ_between_indices(exponents: list[int], seed: int) -> None:
    listed = " else ".join(f"if i == {i} then {k}" for i, k in enumerate(exponents[:-1]))
    found = problem(
        f"""
        set I = 0 .. {len(exponents) - 1}
        param k[i in I] = {listed} else {exponents[-1]}
        decide x[I] in 0 .. 3
        decide y in 0 .. 3
        minimize {{ own : sum(i in I: (1 + i) * x[i]^k[i])  common : sum(i in I: y^k[i]) }}
        """
    )
    lowered = lower(found)
    made = lowered.program
    well_formed(made)
    x = np.random.default_rng(seed).uniform(0, 3, len(exponents) + 1)
    values = dict(zip(found.decisions, (x[:-1], x[-1]), strict=True))
    agrees(found, lowered, {v: np.asarray(a) for v, a in values.items()})
    powers = np.array(exponents)
    own = float(np.sum(np.arange(1, len(powers) + 1) * x[:-1] ** powers))
    evaluate = Evaluation({v: np.asarray(a) for v, a in values.items()})
    assert [float(evaluate(t.node)) for t in found.terms] == pytest.approx(
        [own, float(np.sum(x[-1] ** powers))]
    )
