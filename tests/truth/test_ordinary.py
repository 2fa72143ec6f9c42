"""What allocc says of small ordinary models is true, and proven."""

from __future__ import annotations

import importlib.util

import pytest
from truth_models import Job, Verdict, run

from tests.truth import ordinary
from tests.truth.ordinary import Known

KNOWN = [*ordinary.EPIDEMICS, *ordinary.MONEY, *ordinary.SMALL]
LIMIT = 5.0
HAS_SCIP = importlib.util.find_spec("pyscipopt") is not None
#: What is also solved by SCIP: it has ended the process of the first one.
BY_SCIP = {
    "cube of a whole number": ("auto", ordinary.SMALL[-1].text),
    "tb": ("direct", ordinary.TB),
}


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Verdict]:
    """What allocc said of each model; in processes of their own, since some have crashed or hung."""
    jobs = {k.name: Job("", time_limit=LIMIT, text=k.text) for k in KNOWN}
    if HAS_SCIP:
        jobs |= {
            f"{name} by SCIP": Job("", solver="scip", method=method, time_limit=LIMIT, text=text)
            for name, (method, text) in BY_SCIP.items()
        }
    names = {job: name for name, job in jobs.items()}
    return {names[job]: verdict for job, verdict in run(list(jobs.values()), workers=1)}


@pytest.mark.parametrize("known", KNOWN, ids=lambda k: k.name)
def test_the_claim_is_the_truth(known: Known, verdicts: dict[str, Verdict]) -> None:
    v = verdicts[known.name]
    assert v.outcome == "proven", v
    if known.truth is None:
        assert v.answer.status == "infeasible", v
        return
    assert v.answer.status == "optimal", v
    assert v.answer.value == pytest.approx(known.truth, rel=1e-4, abs=known.near), v
    assert v.answer.bound == pytest.approx(known.truth, rel=1.1e-4, abs=known.near), v


def test_an_outbreak_in_shares_is_one_in_persons() -> None:
    """Ten days in which tests keep the ward within 3.2 beds, of ten million people."""
    jobs = [Job("", time_limit=LIMIT, text=ordinary.outbreak(u, 3.2)) for u in (1.0, 1e-7)]
    found = {job: verdict.answer for job, verdict in run(jobs, workers=1)}
    persons, shares = (found[j] for j in jobs)
    assert persons.status == shares.status == "optimal"
    assert shares.value == pytest.approx(persons.value, rel=1e-4)


@pytest.mark.skipif(not HAS_SCIP, reason="needs SCIP")
def test_scip_does_not_end_the_process(verdicts: dict[str, Verdict]) -> None:
    v = verdicts["cube of a whole number by SCIP"]
    assert v.outcome == "proven" and v.answer.value == pytest.approx(1.0), v


@pytest.mark.skipif(not HAS_SCIP, reason="needs SCIP")
def test_scip_does_not_deny_an_allocation(verdicts: dict[str, Verdict]) -> None:
    """Products of people and the money for each of them go to SCIP as they are."""
    v = verdicts["tb by SCIP"]
    assert v.outcome in ("proven", "open") and v.answer.status != "infeasible", v
    assert v.answer.bound is None or v.answer.bound >= ordinary.TB_VALUE * (1 - 1e-6), v
