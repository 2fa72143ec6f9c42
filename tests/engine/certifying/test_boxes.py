"""Proofs over boxes: the checker accepts them, their bounds hold, and what is changed in them is refused."""

from __future__ import annotations

import gzip
import itertools
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocc.compiler.lowering.lowered import Places
from allocc.compiler.unrolling.problem import Problem
from allocc.engine.certifying.boxes import prove, tree
from allocc.engine.certifying.boxes.frame import Frame
from allocc.engine.certifying.boxes.ranges import Empty, Ranges
from allocc.engine.certifying.boxes.subject import Subject
from allocc.engine.certifying.exact import ExactProgram
from allocc.engine.certifying.proven import solve_and_prove
from allocc.engine.certifying.recipe import Recipe
from allocc.engine.certifying.vipr import ProofFile
from allocc.engine.certifying.witness import Witnesses, witnesses
from allocc.engine.certifying.written import NoProof
from allocc.engine.judging.assess import assess
from allocc.engine.judging.options import make_options
from allocc.engine.judging.outcome import Outcome
from allocc.engine.judging.proof import Proof
from allocc.proof.checker import Program, Refused, Verdict, check
from tests.backends.programs import program
from tests.compiler.making import problem

#: Doses in whole lots, and a tax on them; a wave that doses shorten.
WAVE = """
model wave
time t : day = 0 .. {days}
compartment S initial S = 900
compartment I initial I = 100
compartment R initial R = 0
flow infect : S -> I = 0.0008 * S * I
flow recover : I -> R = 0.3 * I
flow jab : S -> R = 0
decide u[period] integer in 0 .. 3
effect jab += 60 * u
{limit}
limit stock : sum(u) <= {stock}
minimize {{ ill : sum(k in period : infect[k])  cost : 7 * sum(u) }}
"""
#: Two towns that mix, and doses that are shared as one likes.
TOWNS = """
model towns
table town from "town.csv" key name
set Town = town.name
time t : week = 0 .. 3
compartment S[Town] initial S[r in Town] = town.people[r]
compartment I[Town] initial I[r in Town] = town.ill[r]
compartment R[Town] initial R[r in Town] = 0
flow infect[r in Town] : S -> I =
  0.0005 * S[r] * (I[r] + 0.2 * sum(q in Town : I[q]))
flow recover[r in Town] : I -> R = 0.4 * I[r]
flow jab[r in Town] : S -> R = 0
decide dose[Town, period] in 0 .. 80
effect jab[r in Town] += dose[r]
limit stock[p in period] : sum(r in Town : dose[r, p]) <= 100
minimize { ill : sum(r in Town, p in period : infect[r, p]) }
"""

#: The best point is where the product's limit is curved.
CORNER = """
model corner
decide x in 0.5 .. 4
decide y in 0.5 .. 4
limit l : x * y >= 2
minimize { z : x + y }
"""


def towns() -> Problem:
    return problem(TOWNS, {"town": (["name", "people", "ill"], [["n", 900, 90], ["s", 700, 10]])})


def wave(days: int = 3, stock: int = 4, limit: str = "") -> Problem:
    return problem(WAVE.format(days=days, stock=stock, limit=limit))


def proven(found: Problem, gap: float = 1e-4) -> Outcome:
    return solve_and_prove(found, make_options(gap=gap))


def checked(proof: Proof, folder: Path, text: bytes | None = None) -> Verdict:
    """The checker's verdict on a proof, or on another text in the place of its own."""
    mps, vipr = folder / "program.mps", folder / "proof.vipr"
    mps.write_bytes(proof.program)
    vipr.write_bytes(gzip.decompress(proof.text) if text is None else text)
    return check(mps, vipr)


def best_of_all(found: Problem) -> float:
    """The best value over all whole decisions."""
    (u,) = found.decisions
    values = [np.array(x, dtype=float) for x in itertools.product(range(4), repeat=u.size)]
    judged = [assess(found, {u: x.reshape(u.shape)}) for x in values]
    return min(a.value for a in judged if a.violation.relative <= 1e-9)


def test_an_epidemic_is_proven_to_the_gap(tmp_path: Path) -> None:
    found = wave()
    outcome = proven(found)
    assert outcome.proof is not None, outcome.notes
    assert outcome.status == "optimal" and outcome.gap is not None and outcome.gap <= 1e-4
    verdict = checked(outcome.proof, tmp_path)
    best = best_of_all(found)
    assert verdict.bound is not None and verdict.bound == outcome.proof.bound
    assert best * (1 - 1.1e-4) <= verdict.bound <= Fraction(best)
    # The file says what in it is beyond the format, and the program is the model's.
    text = gzip.decompress(outcome.proof.text).decode()
    assert text.startswith("%") and "mul i j r" in text[: text.index("VER")]
    assert b"closed" not in outcome.proof.program


def test_shared_doses_are_proven(tmp_path: Path) -> None:
    outcome = proven(towns())
    assert outcome.proof is not None, outcome.notes
    assert outcome.status == "optimal" and outcome.value is not None
    bound = checked(outcome.proof, tmp_path).bound
    assert bound is not None and outcome.value * (1 - 1e-4) <= bound <= outcome.value


def test_nothing_feasible_is_proven(tmp_path: Path) -> None:
    found = wave(limit="limit beds[t] : I[t] <= 120")
    (u,) = found.decisions
    assert assess(found, {u: np.full(u.shape, 3.0)}).violation.relative > 1e-3
    outcome = proven(found)
    assert outcome.status == "infeasible" and outcome.proof is not None, outcome.notes
    assert checked(outcome.proof, tmp_path).infeasible


def changed_envelopes(text: str) -> Iterator[str]:
    """The text with one coefficient of an envelope changed by a little, for some of them."""
    lines = text.splitlines(keepends=True)
    places = [i for i, line in enumerate(lines) if line[0] == "D" and "{ mul" in line]
    for i in places[:: max(1, len(places) // 5)]:
        words = lines[i].split(" ")
        # name, sense, side, count, then column and coefficient of each term
        for k in range(5, 4 + 2 * int(words[3]), 2):
            number = Fraction(words[k])
            for other in (number + Fraction(1, 10**9), number - Fraction(1, 10**9)):
                mine = [*words[:k], str(other), *words[k + 1 :]]
                yield "".join([*lines[:i], " ".join(mine), *lines[i + 1 :]])


def test_a_changed_envelope_is_refused(tmp_path: Path) -> None:
    proof = proven(wave()).proof
    assert proof is not None
    text = gzip.decompress(proof.text).decode()
    count = 0
    for other in changed_envelopes(text):
        count += 1
        with pytest.raises(Refused):
            checked(proof, tmp_path, other.encode())
    assert count >= 10


def test_a_split_beside_its_value_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "PASSES", 0)  # with shorter ranges the whole program is one box
    proof = proven(problem(CORNER), gap=1e-3).proof
    assert proof is not None and proof.leaves > 1
    text = gzip.decompress(proof.text).decode()
    found = list(re.finditer(r"^D\d+ G (\S+) 1 \d+ 1 { asm }", text, flags=re.MULTILINE))
    assert found
    for match in found:
        above = Fraction(match[1]) + Fraction(1, 10**6)
        other = text[: match.start(1)] + str(above) + text[match.end(1) :]
        with pytest.raises(Refused):
            checked(proof, tmp_path, other.encode())


def test_a_level_beyond_the_optimum_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    found = wave()
    best = best_of_all(found)
    level = prove._level

    def beyond(loop: object, program: object) -> tuple[Fraction, float]:
        level(loop, program)  # type: ignore[arg-type]
        return Fraction(best) + 1, best + 1

    monkeypatch.setattr(prove, "_level", beyond)
    outcome = proven(found)
    assert outcome.proof is None
    assert any("could not be shown to hold nothing" in note for note in outcome.notes)
    assert outcome.bound is not None and outcome.bound <= best


def test_no_gap_at_all_ends_a_little_short(tmp_path: Path) -> None:
    outcome = proven(wave(), gap=0.0)
    assert outcome.proof is not None, outcome.notes
    bound = checked(outcome.proof, tmp_path).bound
    assert bound is not None and outcome.value is not None
    assert outcome.value * (1 - 1e-7) <= bound <= Fraction(outcome.value)


def test_products_without_ranges_are_no_mistake_of_the_model() -> None:
    # A pass that only helps relaxations may have brought the ranges.
    stated = program([1, 1, 0], products=[(2, 0, 1)])
    with pytest.raises(NoProof, match="without ends"):
        Subject.of(wave(), Places(), stated, "auto")


def test_functions_are_named() -> None:
    text = "model m\ndecide x in 0 .. 2\ndecide y in 0.5 .. 2\nlimit l : x * y >= 1"
    outcome = proven(problem(f"{text}\nminimize {{ z : x + y - log(x + 1) }}"))
    assert outcome.proof is None
    assert any("functions that no rows replace: log" in note for note in outcome.notes)


def test_what_is_unfinished_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "PASSES", 0)
    made = problem(CORNER)
    monkeypatch.setattr(prove, "MOST_BOXES", 2)
    assert "not grown to its end, after 2 boxes" in proven(made, gap=1e-6).notes[-1]
    monkeypatch.setattr(prove, "MOST_BOXES", 1000)
    monkeypatch.setattr(tree, "MOST_PARTS", 10)
    assert "the proof would be too large, after" in proven(made, gap=1e-6).notes[-1]


def looked_at(found: Problem, proof: Proof, mps: str) -> Witnesses:
    file = Program()
    with tempfile.NamedTemporaryFile("w", suffix=".mps") as opened:
        opened.write(mps)
        opened.flush()
        file.read(Path(opened.name))
    return witnesses(found, Recipe.from_data(proof.recipe), file, [], 20, 20.0)


def test_the_program_is_the_models() -> None:
    found = wave()
    proof = proven(found).proof
    assert proof is not None and proof.recipe["form"] == "boxes"
    mps = proof.program.decode()
    assert looked_at(found, proof, mps).holds
    # Another product, another coefficient, a row less.
    first = re.search(r"QCMATRIX product0\n( (\S+) (\S+) -0.5)\n( \S+ \S+ -0.5)\n", mps)
    assert first is not None
    twice = mps.replace(first[0], first[0].replace("-0.5", "-0.25"))
    assert not looked_at(found, proof, twice).holds
    rate = mps.replace("-0.0008", "-0.0007")
    assert rate != mps and not looked_at(found, proof, rate).holds
    less = re.sub(r"^.* row_0( .*)?\n", "", mps, flags=re.MULTILINE)
    with pytest.raises(ValueError, match="rows"):
        looked_at(found, proof, less)


@pytest.mark.parametrize(
    ("steps", "goal"),
    [("method trapezoid", "I[end]"), ("", "max(t : I[t])"), ("", "abs(S[end] - I[end])")],
)
def test_allocations_lie_in_programs_with_more_than_products(steps: str, goal: str) -> None:
    text = WAVE.format(days=2, stock=3, limit="").replace("0 .. 2\n", f"0 .. 2 {steps}\n", 1)
    found = problem(re.sub(r"ill : .* cost", f"ill : {goal}  cost", text))
    proof = proven(found, gap=1e-3).proof
    assert proof is not None and proof.recipe["form"] == "boxes"
    assert looked_at(found, proof, proof.program.decode()).holds


NUMBERS = st.integers(-4, 4).map(lambda k: k / 2)


@st.composite
def bilinear(draw: st.DrawFn) -> tuple[str, list[tuple[float, float]]]:
    """A small program with products, and the ranges of its columns."""
    n = draw(st.integers(2, 4))
    ranges = []
    for _ in range(n):
        low = draw(NUMBERS)
        ranges.append((low, low + draw(st.integers(1, 3))))
    names = [f"x{j}" for j in range(n)]
    kinds = [draw(st.sampled_from(["", "", "integer "])) for _ in names]
    ranges = [
        (float(np.floor(a)), float(np.ceil(b))) if kind else (a, b)
        for (a, b), kind in zip(ranges, kinds, strict=True)
    ]
    lines = ["model m"]
    for name, kind, (low, high) in zip(names, kinds, ranges, strict=True):
        lines.append(f"decide {name} {kind}in {low} .. {high}")
    pairs = list(itertools.combinations_with_replacement(range(n), 2))

    def terms() -> str:
        some = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=3))
        parts = [f"{draw(NUMBERS)} * {names[a]} * {names[b]}" for a, b in some]
        parts += [f"{draw(NUMBERS)} * {name}" for name in names]
        return " + ".join(f"({part})" for part in parts)

    if draw(st.booleans()):
        lines.append(f"limit l : {terms()} <= {draw(NUMBERS)}")
    sense = draw(st.sampled_from(["minimize", "maximize"]))
    lines.append(f"{sense} {{ z : {terms()} + {draw(NUMBERS)} }}")
    return "\n".join(lines), ranges


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(bilinear())
def test_bounds_of_small_programs_hold(
    tmp_path_factory: pytest.TempPathFactory, found: tuple[str, list[tuple[float, float]]]
) -> None:
    text, _ = found
    made = problem(text)
    outcome = proven(made, gap=1e-3)
    assert outcome.proof is not None, (text, outcome.notes)
    verdict = checked(outcome.proof, tmp_path_factory.mktemp("proof"))
    sign = 1 if made.sense == "minimize" else -1
    axes = []
    for v in made.decisions:
        assert v.lower is not None and v.upper is not None
        low, high = float(v.lower.item()), float(v.upper.item())
        axes.append(np.arange(low, high + 1) if v.integer else np.linspace(low, high, 5))
    for point in itertools.product(*axes):
        values = {v: np.full(v.shape, x) for v, x in zip(made.decisions, point, strict=True)}
        judged = assess(made, values)
        if judged.violation.relative <= 0:
            assert not verdict.infeasible, text
            assert verdict.bound is not None
            assert sign * judged.value >= sign * float(verdict.bound) - 1e-9, text


def ranges_of(found: object) -> Ranges:
    exact = ExactProgram.of(found)  # type: ignore[arg-type]
    x = exact.program
    rows = [f"r{i}" for i in range(x.rows + len(x.products))]
    ranges = Ranges.of(Frame(exact, ProofFile(exact, [f"c{j}" for j in range(x.columns)], rows)))
    ranges.propagate()
    return ranges


def step(low: float, high: float) -> object:
    """n = s - 0.1 w, w = s i, s in 1 .. 3, i in 2 .. 5, n in `low` .. `high`."""
    return replace(
        program(
            [0, 0, 0, 1],
            [[-1, 0, 0.1, 1]],
            [0],
            [0],
            lower=[1, 2, -np.inf, low],
            upper=[3, 5, np.inf, high],
            products=[(2, 0, 1)],
        ),
        defined=np.array([3]),
    )


def test_a_step_has_its_own_range() -> None:
    # Row by row it would be from 1 - 1.5 to 3 - 0.2.
    ranges = ranges_of(step(-np.inf, np.inf))
    low, high = (side[3] for side in ranges.facts)
    assert low is not None and high is not None
    assert low.side <= Fraction(1, 2) <= low.side + Fraction(1, 1000)
    assert high.side - Fraction(1, 1000) <= Fraction(12, 5) <= high.side


SIDES = st.integers(-12, 12).map(lambda k: k / 4)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(SIDES, min_size=3, max_size=3),
    st.lists(st.tuples(SIDES, SIDES).map(sorted), min_size=3, max_size=3),
    st.sampled_from([(0, 1), (0, 0)]),
)
def test_ranges_hold_every_point(
    costs: list[float], sides: list[list[float]], pair: tuple[int, int]
) -> None:
    """n = c a + d b + e w, w = a b or a a, and n in a range as well: no point of it is lost."""
    (c, d, e), (a_ends, b_ends, n_ends) = costs, sides
    found = replace(
        program(
            [0, 0, 0, 1],
            [[-c, -d, -e, 1]],
            [0],
            [0],
            lower=[a_ends[0], b_ends[0], -np.inf, n_ends[0]],
            upper=[a_ends[1], b_ends[1], np.inf, n_ends[1]],
            products=[(2, *pair)],
        ),
        defined=np.array([3]),
    )
    points = []
    for a, b in itertools.product(np.linspace(*a_ends, 5), np.linspace(*b_ends, 5)):
        w = a * (b, a)[pair == (0, 0)]
        n = c * a + d * b + e * w
        if n_ends[0] <= n <= n_ends[1]:
            points.append((a, b, w, n))
    try:
        ranges = ranges_of(found)
    except Empty:
        assert not points
        return
    for point in points:
        for j, x in enumerate(point):
            low, high = (side[j] for side in ranges.facts)
            assert low is not None and high is not None
            assert low.side - Fraction(1, 10**12) <= Fraction(x) <= high.side + Fraction(1, 10**12)


def test_crossed_ranges_are_absurd() -> None:
    with pytest.raises(Empty) as caught:
        ranges_of(step(2.5, np.inf))
    assert caught.value.fact.terms == ()
