"""Certificates against enumeration: every bound holds, every value is reached, gaps close."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

from allocc.backends import registry
from allocc.backends.point_check import check_point
from allocc.compiler.lowering.lower import lower
from allocc.compiler.relaxing.relaxation import Built, Relaxation
from allocc.compiler.unrolling.simulate import simulate
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.solve import solve
from tests.compiler.making import completed, problem
from tests.engine.models import FAMILIES, Known

SEEDS = range(12)


def certified(known: Known, found: Outcome, gap: float = 1e-4) -> None:
    """Every bound of the history is one, every value can be had, and the end is honest."""
    if known.value is None:
        assert found.status == "infeasible" and found.value is None and found.values is None
        return
    sign = 1.0 if known.minimize else -1.0
    size = 2e-6 * (1 + abs(known.value))
    for step in found.history:
        if step.bound is not None:
            assert sign * (known.value - step.bound) >= -size, step
        if step.value is not None:
            assert sign * (step.value - known.value) >= -size, step
    bounds = [sign * s.bound for s in found.history if s.bound is not None]
    assert bounds == sorted(bounds)
    assert not found.notes
    assert found.status == "optimal" and found.stopped == "gap", (found.status, found.gap)
    assert found.gap is not None and found.gap <= gap
    assert found.value is not None and found.values is not None and found.bound is not None
    assert abs(found.value - known.value) <= gap * abs(found.value) + size
    # What is reported is what the decisions lead to.
    judged = assess(known.problem, {v: found.values[v] for v in known.problem.decisions})
    assert judged.value == pytest.approx(found.value)
    assert sum(found.terms.values()) == pytest.approx(found.value)
    assert judged.violation.relative <= 1e-6
    for v in known.problem.decisions:
        if v.integer:
            assert (found.values[v] == np.rint(found.values[v])).all()


def mixed_cube(known: Known) -> bool:
    """x^3 over both signs has no relaxation but its range."""
    first = known.problem.decisions[0]
    assert first.lower is not None and first.upper is not None
    return "n0^3" in known.text and bool(first.lower < 0 < first.upper)


@pytest.mark.parametrize("method", ["auto", "refine"])
@pytest.mark.parametrize("family", FAMILIES)
def test_against_enumeration(family: str, method: str) -> None:
    for seed in SEEDS:
        known = FAMILIES[family](np.random.default_rng([seed, len(method)]))
        if mixed_cube(known):
            continue
        options = Options(method=method, time_limit=20)  # type: ignore[arg-type]
        certified(known, solve(known.problem, options))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("family", ["facilities", "blends", "outbreak", "curves"])
def test_direct_agrees(family: str, seed: int) -> None:
    if not registry.get("scip").available():
        pytest.skip("pyscipopt is not installed: `--method direct` is not tested")
    known = FAMILIES[family](np.random.default_rng([seed, 4]))
    found = solve(known.problem, Options(solver="scip", method="direct", gap=1e-6))
    certified(known, found, gap=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_all_methods_agree(seed: int) -> None:
    known = FAMILIES["facilities"](np.random.default_rng([seed, 77]))
    asked = [("highs", "exact"), ("highs", "refine")]
    if registry.get("scip").available():
        asked += [("scip", "exact"), ("scip", "direct")]
    for solver, method in asked:
        options = Options(solver=solver, method=method, gap=1e-7)  # type: ignore[arg-type]
        found = solve(known.problem, options)
        if known.value is None:
            assert found.status == "infeasible"
        else:
            assert found.value == pytest.approx(known.value, rel=1e-6, abs=1e-6)
            assert found.bound == pytest.approx(known.value, rel=1e-6, abs=1e-6)


@dataclass
class Recorded:
    """Programs that a solve built, as long as nothing feasible may have been left out."""

    built: list[Built] = field(default_factory=list)


@pytest.mark.parametrize("family", ["facilities", "sizes", "curves"])
def test_no_refinement_cuts_off_the_optimum(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded()
    original = Relaxation.build

    def build(self: Relaxation, *args: object, **rest: object) -> Built:
        made = original(self, *args, **rest)  # type: ignore[arg-type]
        boxed = any(a is not None for a in args[:2]) or {"lower", "upper"} & rest.keys()
        if not boxed and not getattr(self, "dropped", False):
            recorded.built.append(made)
        return made

    monkeypatch.setattr(Relaxation, "build", build)
    checked = 0
    for seed in range(8):
        known = FAMILIES[family](np.random.default_rng([seed, 5]))
        if known.point is None:
            continue
        recorded.built.clear()
        solve(known.problem, Options(method="refine", time_limit=5))
        base = completed(lower(known.problem), simulate(known.problem, known.point))
        for made in recorded.built:
            point = made.lift_point(base)
            if np.isnan(point).any():
                continue
            check = check_point(made.program, point)
            assert check.holds(1e-7), (check, made.program.row_name(check.worst_row or 0))
            checked += 1
    assert checked


# --- endings --------------------------------------------------------------------------------------


def test_nothing_is_feasible_as_propagation_shows() -> None:
    found = solve(
        problem("model m decide x in 0 .. 3 limit c: x >= 4 minimize { o: x }"), Options()
    )
    assert found.status == "infeasible" and found.values is None and found.value is None


@pytest.mark.parametrize("method", ["auto", "exact", "refine"])
@pytest.mark.parametrize("most", [11, 11 * 17 // 3])
def test_no_single_value_of_a_factor_is_feasible(method: str, most: int) -> None:
    """The ranges leave something; cut into single values they leave nothing."""
    text = f"""model m
    decide a integer in 0 .. {most // 3} decide b integer in 0 .. {most // 3}
    limit many: a * b >= {(most / 6) ** 2 - 0.3}
    limit few: 3 * a + 3 * b <= {most}
    minimize {{ o: a + b }}"""
    found = solve(problem(text), Options(method=method))  # type: ignore[arg-type]
    assert found.status == "infeasible" and found.value is None and found.values is None


@pytest.mark.parametrize("method", ["auto", "refine"])
def test_nothing_is_feasible_as_the_solver_shows(method: str) -> None:
    text = """model m
    decide n integer in 0 .. 10 decide k integer in 0 .. 10
    limit even: 2 * n - 2 * k == 1 limit l: n * k <= 90
    minimize { o: n * k }"""
    found = solve(problem(text), Options(method=method))  # type: ignore[arg-type]
    assert found.status == "infeasible" and found.value is None


@pytest.mark.parametrize("sense", ["minimize { o: n - x }", "maximize { o: n + x }"])
def test_there_is_no_end(sense: str) -> None:
    text = f"model m decide x in 0 .. decide n integer in 0 .. 3 {sense}"
    assert solve(problem(text), Options()).status == "unbounded"


def test_nothing_to_decide() -> None:
    text = """model m
    time t : day = 0 .. 3
    compartment S initial S = 8
    flow leave : S -> = 0.5 * S
    minimize { o: S[end] }"""
    found = solve(problem(text), Options())
    assert found.status == "optimal" and found.value == found.bound == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("decide x in 0 .. decide y in 0 .. 3 minimize { o: 0 - x * y + x }", "x"),
        ("decide x in .. 4 decide n integer in 0 .. 3 minimize { o: n * x }", "x"),
        ("decide x in 0 .. minimize { o: exp(x) }", "x"),
    ],
)
def test_a_factor_without_bounds_is_named(text: str, name: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        solve(problem(f"model m {text}"), Options())
    assert [d.code for d in caught.value.diagnostics] == ["E5001"]
    assert f"'{name}'" in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    "text",
    [
        "decide x in 0 .. 3 decide y in 0 .. 3 minimize { o: y / x }",
        "decide n integer in 0 .. 3 decide y in 1 .. 3 minimize { o: y / n }",
        "decide x in -1 .. 3 minimize { o: 1 / x }",
        "decide x in 0 .. 3 minimize { o: 0 - log(x) }",
        "decide x in 0 .. 3 decide y in -2 .. 3 limit c: x + y >= 0 minimize { o: 1 / (x + y) }",
    ],
)
def test_outside_of_the_domain(text: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        solve(problem(f"model m {text}"), Options())
    assert {d.code for d in caught.value.diagnostics} == {"E5002"}


def test_a_limit_that_bounds_a_factor_is_enough() -> None:
    text = """model m
    decide x in 0 .. decide y in 0 .. 3 limit c: x + y <= 5
    maximize { o: x * y }"""
    found = solve(problem(text), Options(time_limit=20))
    assert found.value == pytest.approx(6.25, rel=2e-4)
    assert found.bound is not None and found.bound >= 6.25 - 1e-6


def test_a_fixed_factor_needs_no_bounds() -> None:
    text = """model m
    decide n integer in 3 .. 3 decide x in 0 ..
    limit c: n * x >= 6 minimize { o: x + n * x }"""
    found = solve(problem(text), Options())
    assert found.status == "optimal" and found.value == pytest.approx(8.0)


def hard(count: int = 24) -> Known:
    """Many products of whole numbers with weights of both signs."""
    rng = np.random.default_rng(3)
    pairs = [[i, j, rng.integers(-9, 10)] for i in range(count) for j in range(i)]
    text = f"""model m
    table q from "q.csv" key i, j
    set L = q.key
    set S = 0 .. {count - 1}
    param weight[L] = q.weight
    decide n[S] integer in 0 .. 12
    limit l: sum(i in S: n[i]) <= {4 * count}
    minimize {{ o: sum((i, j) in L: weight[i, j] * n[i] * n[j]) }}"""
    return Known(problem(text, {"q": (["i", "j", "weight"], pairs)}), text, None, None)


def honest(found: Outcome) -> None:
    assert found.status == "feasible"
    assert found.value is not None and found.values is not None
    assert found.bound is None or found.bound <= found.value
    assert found.violation is not None and found.violation.relative <= 1e-6


def test_a_time_limit_leaves_the_best_that_is_known() -> None:
    known = hard()
    found = solve(known.problem, Options(time_limit=0.5))
    if found.value is not None:
        honest(found)
        assert found.stopped == "time_limit"
    else:
        assert found.status == "unknown" and found.stopped == "time_limit"


def test_cancelling_leaves_the_best_that_is_known() -> None:
    known, stop = hard(), threading.Event()
    timer = threading.Timer(1.0, stop.set)
    timer.start()
    found = solve(known.problem, Options(cancel=stop, time_limit=30))
    timer.cancel()
    assert found.stopped == "interrupted"  # and not "time_limit"
    if found.value is not None:
        honest(found)


def test_cancelled_before_it_starts() -> None:
    stop = threading.Event()
    stop.set()
    found = solve(hard(8).problem, Options(cancel=stop, time_limit=30))
    assert found.stopped == "interrupted" and found.status in ("unknown", "feasible")


@pytest.mark.parametrize("family", ["facilities", "outbreak"])
def test_the_same_seed_gives_the_same_history(family: str) -> None:
    histories = []
    for _ in range(2):
        known = FAMILIES[family](np.random.default_rng(8))
        found = solve(known.problem, Options(method="refine", seed=5))
        histories.append([(s.bound, s.value, s.round) for s in found.history])
    assert histories[0] == histories[1]


def test_one_cause_is_told_once_over_all_periods() -> None:
    """The message names the first place, a note some others, and how many more."""
    text = """model m set G = {a, b} time t = 0 .. 8
        compartment S[G] initial S = 0
        compartment I[G] initial I = 0
        decide x[G, period] in 0 .. 1
        flow go[g in G] : -> S = x[g]
        flow ill[g in G] : S -> I = 0.1 * S[g] / (S[g] + I[g])
        minimize { o: sum(g in G: I[g, end]) }"""
    with pytest.raises(DiagnosticError) as caught:
        solve(problem(text), Options())
    (told,) = caught.value.diagnostics
    assert told.code == "E5002" and "[a,0]" in told.message
    (note,) = told.notes
    assert note.message.startswith("the same at ") and "[a,1]" in note.message
    assert note.message.endswith(" and 11 more")
