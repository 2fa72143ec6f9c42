"""The bound: the proof that the folder holds, and what the bound rests on where it holds none."""

from __future__ import annotations

import math

from allocc.questions.verify.opening import Opened
from allocc.results.verification import Link
from allocc.tables import number, percent

PROOF = "proof.vipr.gz"
#: What a bound rests on, by the certificate's word.
_RESTS = {
    "proven": "it was computed anew from dual values when the run was solved",
    "agreed": "two solves agreed on it when the run was solved",
    "claimed": "it is the solver's own claim",
}


#: A gap that is stated and one that is computed anew are the same within this.
ROUNDING = 1e-9


def gap(opened: Opened) -> Link:
    """Whether gap and status follow from value and bound."""
    name, run = "gap", opened.run
    if run.value is None or run.bound is None or run.gap is None:
        return Link(name, "absent", "the run states no gap")
    by = run.gap_measure or 0.0
    distance = abs(run.value - run.bound)
    anew = distance / by if by > 0 else (0.0 if distance == 0 else math.inf)
    if by < abs(run.value) * (1 - ROUNDING) or abs(anew - run.gap) > ROUNDING * max(1.0, anew):
        told = f"the gap is stated as {percent(run.gap)}"
        return Link(name, "fails", f"{told}, but value and bound are {percent(anew)} apart")
    asked = run.options.get("gap")
    if run.status == "optimal" and asked is not None and run.gap > asked:
        return Link(
            name, "fails", f"called optimal, but the gap {percent(run.gap)} is larger than asked"
        )
    return Link(name, "holds", f"{percent(run.gap)}, which follows from value and bound")


def proof(opened: Opened) -> Link:
    """Whether the proof in the folder proves the bound; where there is none, what the bound rests on."""
    name, run = "proof", opened.run
    if (opened.folder / PROOF).is_file():
        return Link(name, "open", f"{PROOF} was not checked")
    if run.status == "infeasible":
        said = "that no allocation meets every limit"
    elif run.bound is None or run.proof is None:
        return Link(name, "holds", "the run claims no bound")
    else:
        said = f"the bound {number(run.bound, 10)}"
    rests = _RESTS.get(run.proof or "", "nothing is said of how it was found")
    return Link(name, "absent", f"no file proves {said}: {rests}")
