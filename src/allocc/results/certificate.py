"""What is proven of a run: in words, and as data."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from allocc.results.run import Run
from allocc.results.run_folder.json_values import clean
from allocc.tables import LEAST_PERCENT, number, percent, rests

#: A gap below this is rounding, and nothing is said of it.
CLOSED = 1e-8
#: What is said of a bound with a gap of 100 % and more, as that of 0 for a cost of anything.
SAYS_LITTLE = "the bound is too far off to say much about how good it is"
_STOPPED = {
    "time_limit": "stopped at the time limit",
    "interrupted": "interrupted",
    "memory_limit": "stopped at the memory limit",
    "exhausted": "stopped because nothing more could be refined",
    "failed": "stopped because the solver failed",
}


def status_words(result: Run) -> str:
    """The status as a sentence without its full stop."""
    words = _status_words(result)
    return f"with limits loosened: {words}" if result.loosened else words


def _status_words(result: Run) -> str:
    why = _STOPPED.get(result.stopped, "")
    tail = f"; {why}" if why else ""
    gap = result.gap
    match result.status:
        case "optimal":
            return _optimal(result)
        case "feasible" if not keeps_limits(result):
            return f"an allocation is known, but it violates a limit{tail}"
        case "feasible" if gap is None:
            return f"an allocation is known; nothing is proven about how good it is{tail}"
        case "feasible" if says_little(result):
            return f"an allocation is known; {SAYS_LITTLE} (gap {percent(gap)}){tail}"
        case "feasible" if near_zero(result):
            return f"{_known(result)} no other is better by more than {_open(result)}{tail}"
        case "feasible":
            return f"{_known(result)} no other is more than {percent(gap)} better{tail}"
        case "infeasible" if result.proof == "agreed":
            return "no allocation meets every limit, as two solves agree"
        case "infeasible" if in_exact_numbers(result):
            return "no allocation meets every limit, as a proof in exact numbers shows"
        case "infeasible":
            return "no allocation meets every limit"
        case "unbounded":
            return "the objective has no bound: it can be made as good as one likes"
        case "simulated":
            return "simulated, not optimized"
        case _:
            return f"no allocation was found, and none was proven impossible{tail}"


def _optimal(result: Run) -> str:
    """How near to the best an allocation is, and what that rests on."""
    within = ""
    if result.gap is not None and result.gap > CLOSED:
        shown = percent(result.gap)
        if 100 * result.gap < LEAST_PERCENT:
            within = f" (gap {shown})"
        else:
            within = f" within {_open(result) if near_zero(result) else shown}"
    if result.proof in ("agreed", "claimed"):
        return f"optimal{within}{rests(result.proof, result.solver)}"
    return f"proven optimal{within}{', in exact numbers' if in_exact_numbers(result) else ''}"


def in_exact_numbers(result: Run) -> bool:
    """Whether a proof in rationals says all that the result does."""
    found = result.exact_proof
    if found is None:
        return False
    if found.value is None:
        return result.status == "infeasible"
    if result.bound is None:
        return False
    off = found.value - Fraction(result.bound)
    return off >= 0 if result.sense == "minimize" else off <= 0


def _known(result: Run) -> str:
    """The begin of what is said of an allocation whose gap is open."""
    said = rests(result.proof, result.solver)
    return f"an allocation is known;{said.removeprefix(',')}{',' if said else ''}"


def says_little(result: Run) -> bool:
    """Whether a bound is farther from the value than the value is from zero."""
    return result.gap is not None and result.gap >= 1 and not near_zero(result)


def near_zero(result: Run) -> bool:
    """Whether the gap is measured by the objective's terms, beside which the value is near zero."""
    if result.value is None or result.gap_measure is None:
        return False
    return result.gap_measure > abs(result.value) or result.gap_measure == 0


def _open(result: Run) -> str:
    """The distance of value and bound, in the objective's unit."""
    assert result.value is not None and result.bound is not None
    return number(abs(result.value - result.bound), 3)


def keeps_limits(result: Run) -> bool:
    """Whether every hard limit holds within the tolerance."""
    if result.violation is None:
        return True
    return bool(result.violation.relative <= violation_tolerance(result))


def violation_tolerance(result: Run) -> float:
    """The relative violation of a limit that counts as none."""
    return float(result.options.get("violation") or 1e-6)


def certificate(result: Run) -> dict[str, Any]:
    """What is proven and how: plain data that goes into JSON."""
    found: dict[str, Any] = clean(
        {
            "statement": status_words(result),
            "loosened": list(result.loosened),
            "status": result.status,
            "sense": result.sense,
            "value": result.value,
            "bound": result.bound,
            "proof": result.proof,
            "exact_proof": result.exact_proof,
            "gap": result.gap,
            "gap_measure": result.gap_measure,
            "gap_tolerance": result.options.get("gap"),
            "violation": result.violation,
            "violation_tolerance": result.options.get("violation"),
            "discretization": result.discretization,
            "discretization_parts": result.discretization_parts,
            "solver": result.solver,
            "solver_version": result.versions.get("solver", ""),
            "solver_package": result.versions.get("solver_package", ""),
            "method": result.method,
            "allocc_version": result.versions.get("allocc", ""),
            "files": result.files,
            "settings": result.settings,
        }
    )
    return found
