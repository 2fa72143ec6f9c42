"""The bound: the proof that the folder holds, and what the bound rests on where it holds none."""

from __future__ import annotations

from allocc.questions.verify.opening import Opened
from allocc.results.verification import Link
from allocc.tables import number

PROOF = "proof.vipr.gz"
#: What a bound rests on, by the certificate's word.
_RESTS = {
    "proven": "it was computed anew from dual values when the run was solved",
    "agreed": "two solves agreed on it when the run was solved",
    "claimed": "it is the solver's own claim",
}


def proof(opened: Opened) -> Link:
    """Whether the proof in the folder proves the bound; where there is none, what the bound rests on."""
    name, run = "proof", opened.run
    if (opened.folder / PROOF).is_file():
        return Link(name, "open", f"{PROOF} was not checked")
    if run.status == "infeasible":
        said = "that no allocation meets every limit"
    elif run.bound is None or run.proof is None:
        return Link(name, "absent", "the run claims no bound")
    else:
        said = f"the bound {number(run.bound, 10)}"
    rests = _RESTS.get(run.proof or "", "nothing is said of how it was found")
    return Link(name, "absent", f"no file proves {said}: {rests}")
