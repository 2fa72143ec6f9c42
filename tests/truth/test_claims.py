"""No claim about an ordinary model is false.

`benchmarks/truth.py` counts more of them; `ALLOCC_TRUTH=300` tries so many of each kind here.
"""

from __future__ import annotations

import os

import pytest
from truth_models import KINDS, Job, run

#: Models of each kind; and seconds for each, so that those that stay open do not take long.
COUNTS = {"epidemics": 200, "budgets": 100, "programs": 300}
LIMIT = 1.5


@pytest.mark.parametrize("kind", KINDS)
def test_no_claim_is_false(kind: str) -> None:
    count = int(os.environ.get("ALLOCC_TRUTH", COUNTS[kind]))
    jobs = [Job(kind, seed, time_limit=LIMIT) for seed in range(count)]
    found = list(run(jobs, workers=2))
    wrong = [
        f"{kind} {job.seed}: {v.outcome} {v.false or v.answer.error}\n{job.case().text}"
        for job, v in found
        if v.false or v.outcome in ("refused", "late", "crashed")
    ]
    assert not wrong, "\n".join(wrong)
    assert len(found) == count
