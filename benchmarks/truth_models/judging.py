"""What is false in an answer of allocc, given what the model's oracle knows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from truth_models.case import Best, Case

#: Relative errors that are forgiven: in a bound or a value, and in the limits of an allocation.
EXACT, VIOLATION = 1e-6, 2e-6


@dataclass
class Answer:
    """What allocc said of a model; `error` where it raised."""

    status: str = ""
    stopped: str = ""
    value: float | None = None
    bound: float | None = None
    gap: float | None = None
    violation: float | None = None
    decisions: dict[str, list[float]] = field(default_factory=dict)
    proof: str | None = None
    error: str = ""
    seconds: float = 0.0


@dataclass
class Verdict:
    """How a solve ended: proven, open, refused, late or crashed; and what is false in it, if anything."""

    outcome: str
    false: str = ""
    answer: Answer = field(default_factory=Answer)

    def plain(self) -> dict[str, Any]:
        """As data for JSON."""
        return asdict(self)


def judge(case: Case, answer: Answer, gap: float = 1e-4) -> Verdict:
    """The verdict on an answer about a model that was solved to a gap."""
    return Verdict(ended(answer), "" if answer.error else _false(case, answer, gap), answer)


def ended(answer: Answer) -> str:
    """How a solve ended, whether that is true or not."""
    if answer.error:
        return "refused"
    return "proven" if answer.status in ("optimal", "infeasible") else "open"


def _false(case: Case, a: Answer, gap: float) -> str:
    if a.status == "unbounded":
        return "unbounded, though every range is finite"
    if a.decisions:
        wrong = _false_allocation(case, a)
        if wrong:
            return wrong
    best = case.best()
    if best.value is None:
        return ""
    if a.status == "infeasible":
        return f"infeasible, though {best.decisions} has {best.value!r}"
    return _false_bound(case, a, best) or _false_optimum(case, a, best, gap)


def _false_allocation(case: Case, a: Answer) -> str:
    """A value that the decisions do not have, or decisions that break a limit."""
    look = case.look(a.decisions)
    if look.violation > VIOLATION:
        return f"allocation {a.decisions} breaks a limit by {look.violation:.2g} of its size"
    if a.value is None or not abs(a.value - look.value) <= EXACT * _scale(look.value, look.terms):
        return f"value {a.value!r} of {a.decisions}, which has {look.value!r}"
    return ""


def _false_bound(case: Case, a: Answer, best: Best) -> str:
    assert best.value is not None
    if a.bound is None:
        return ""
    over = a.bound - best.value if case.sense == "minimize" else best.value - a.bound
    if math.isnan(a.bound) or over > EXACT * _scale(best.value, best.terms):
        return f"bound {a.bound!r}, though {best.decisions} has {best.value!r}"
    return ""


def _false_optimum(case: Case, a: Answer, best: Best, gap: float) -> str:
    assert best.value is not None
    if a.status != "optimal":
        return ""
    if a.value is None:
        return "optimal without a value"
    worse = a.value - best.value if case.sense == "minimize" else best.value - a.value
    forgiven = 1.1 * gap * max(abs(a.value), abs(best.value)) + EXACT * EXACT * best.terms
    if not worse <= forgiven:
        return f"optimal at {a.value!r}, though {best.decisions} has {best.value!r}"
    return ""


def _scale(value: float, terms: float) -> float:
    """What an error is relative to: the value, or the objective's terms where it is near zero."""
    return max(abs(value), 0.01 * terms)
