"""Proofs in rationals: accepted by the checker, and true where all allocations are enumerated."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.engine.certifying.proven import solve_and_prove
from allocc.engine.judging.outcome import PROVING, Options, Outcome, Step
from allocc.engine.judging.proof import Proof
from allocc.engine.solve import solve
from allocc.proof.checker import Refused, check
from tests.compiler.making import problem
from tests.engine import models

PROVE = Options(prove=True, time_limit=60)
#: Facilities with budgets, sizes, corners, curves, blends and small outbreaks; values from 1e-3 to 1e6.
KINDS: list[Callable[[np.random.Generator], models.Known]] = [
    models.facilities,
    models.sizes,
    models.corners,
    models.curves,
    models.blends,
    models.outbreak,
]


def proof_of(outcome: Outcome) -> Proof:
    assert outcome.proof is not None, outcome.notes
    return outcome.proof


def checked(proof: Proof, folder: Path) -> tuple[Path, Path]:
    program, text = folder / "program.mps", folder / "proof.vipr.gz"
    program.write_bytes(proof.program)
    text.write_bytes(proof.text)
    return program, text


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_proof_says_more_than_enumeration(
    kind: Callable[[np.random.Generator], models.Known], seed: int
) -> None:
    known = kind(np.random.default_rng(seed))
    outcome = solve_and_prove(known.problem, PROVE)
    if outcome.proof is None:
        # Where ranges alone contradict each other, functions may be left that no rows replace.
        assert outcome.status == "infeasible" or "rationals" in " ".join(outcome.notes)
        return
    bound = outcome.proof.bound
    if bound is None:
        assert known.value is None
        return
    assert known.value is not None
    sign = 1 if known.minimize else -1
    beyond = sign * (bound - Fraction(known.value))
    assert beyond <= Fraction(1, 10**9) * Fraction(abs(known.value) + 1.0)
    assert outcome.bound is not None
    assert sign * (Fraction(outcome.bound) - bound) <= 0


FACILITIES = """model facilities
set Town = {a, b, c}
param need[t in Town] = if t == "a" then 31.7 else if t == "b" then 12.9 else 20.3
decide open[Town] integer in 0 .. 3
decide spend[Town] in 0 .. 40
limit money: sum(spend) + 7.3 * sum(open) <= 61.1
limit most[t in Town]: spend[t] <= 15 * open[t]
minimize { unmet: sum(t in Town: need[t] * exp(-0.1 * spend[t])) }
"""


@pytest.mark.parametrize(
    "text",
    [
        FACILITIES,
        FACILITIES.replace("minimize { unmet: ", "maximize { met: -"),
        FACILITIES.replace("minimize { unmet: ", "minimize { unmet: 1000.5 + "),
    ],
)
def test_the_bound_closes_the_gap(text: str, tmp_path: Path) -> None:
    outcome = solve_and_prove(problem(text), PROVE)
    proof = proof_of(outcome)
    found = check(*checked(proof, tmp_path))
    assert found.bound == proof.bound
    assert outcome.status == "optimal"
    assert outcome.word == "proven"
    assert outcome.value == pytest.approx(float(proof.bound or 0), rel=1e-4)


def test_the_proof_is_the_same_each_time() -> None:
    one, other = (proof_of(solve_and_prove(problem(FACILITIES), PROVE)) for _ in range(2))
    assert (one.text, one.program, one.bound) == (other.text, other.program, other.bound)


@pytest.mark.parametrize("unit", [1e-6, 1e3, 1e9])
def test_another_unit_of_money(unit: float) -> None:
    text = FACILITIES.replace("40", f"{40 * unit!r}").replace("15 *", f"{15 * unit!r} *")
    text = text.replace("7.3 *", f"{7.3 * unit!r} *").replace("61.1", f"{61.1 * unit!r}")
    text = text.replace("-0.1 *", f"-{0.1 / unit!r} *")
    outcome = solve_and_prove(problem(text), PROVE)
    base = solve_and_prove(problem(FACILITIES), PROVE)
    assert outcome.status == base.status == "optimal"
    assert float(proof_of(outcome).bound or 0) == pytest.approx(
        float(proof_of(base).bound or 0), rel=2e-4
    )


def test_a_proof_for_another_program_is_refused(tmp_path: Path) -> None:
    proof = proof_of(solve_and_prove(problem(FACILITIES), PROVE))
    other = proof_of(solve_and_prove(problem(FACILITIES.replace("61.1", "61.2")), PROVE))
    program, text = checked(proof, tmp_path)
    program.write_bytes(other.program)
    with pytest.raises(Refused):
        check(program, text)


def test_a_bound_moved_in_its_last_place_is_refused(tmp_path: Path) -> None:
    proof = proof_of(solve_and_prove(problem(FACILITIES), PROVE))
    program, text = checked(proof, tmp_path)
    lines = gzip.decompress(proof.text).decode().split("\n")
    at = next(k for k, line in enumerate(lines) if line.startswith("RTP range"))
    bound = Fraction(lines[at].split()[2])
    lines[at] = f"RTP range {bound + Fraction(1, 10**12)} inf"
    text.write_bytes(gzip.compress("\n".join(lines).encode()))
    with pytest.raises(Refused):
        check(program, text)


def test_nothing_feasible_is_proven(tmp_path: Path) -> None:
    text = FACILITIES.replace("limit money", "limit least: sum(spend) >= 50\nlimit money")
    text = text.replace("7.3 * sum", "4.9 * sum").replace("61.1", "66.1")
    outcome = solve_and_prove(problem(text), PROVE)
    assert outcome.status == "infeasible"
    proof = proof_of(outcome)
    assert proof.bound is None
    assert check(*checked(proof, tmp_path)).infeasible


def test_a_time_limit_leaves_a_true_bound() -> None:
    text = FACILITIES.replace("{a, b, c}", "{a, b, c, d, e, f, g, h}")
    best = solve(problem(text), Options())
    outcome = solve_and_prove(problem(text), Options(prove=True, time_limit=0.6))
    if outcome.proof is not None and outcome.proof.bound is not None:
        assert best.value is not None
        assert float(outcome.proof.bound) <= best.value * (1 + 1e-9)
    else:
        assert any("rationals" in note for note in outcome.notes)


def test_a_stop_keeps_the_allocation_and_leaves_the_proof() -> None:
    cancel = threading.Event()

    def stop(step: Step) -> None:
        if step.phase.startswith(PROVING):
            cancel.set()

    outcome = solve_and_prove(
        problem(FACILITIES), Options(prove=True, cancel=cancel, on_progress=stop)
    )
    assert outcome.values is not None
    assert outcome.proof is None
    assert any("it was stopped" in note for note in outcome.notes)
