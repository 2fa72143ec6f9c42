"""The bound: the proof that the folder holds, and what the bound rests on where it holds none."""

from __future__ import annotations

import json
import math
from fractions import Fraction

from allocc.compiler.failures import listed
from allocc.compiler.programs.bounds import Infeasible
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.certifying.recipe import Recipe
from allocc.engine.certifying.witness import witnesses
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import measure
from allocc.engine.ledger import CONTRADICTION, ELSEWHERE, size_elsewhere
from allocc.engine.stages import sha256
from allocc.proof.checker import Program, Refused, Verdict, check
from allocc.questions.verify.opening import Opened
from allocc.results.exact_proof import PROGRAM, RECIPE, TEXT, ExactProof
from allocc.results.verification import Link
from allocc.tables import number, percent

#: So many feasible allocations are looked for, for so many seconds.
POINTS, SECONDS = 1000, 60.0
#: What a bound rests on, by the certificate's word.
_RESTS = {
    "proven": "the run says that it was computed anew from dual values",
    "agreed": "the run says that two solves agreed on it",
    "claimed": "it is the solver's own claim",
}


#: A gap that is stated and one that is computed anew are the same within this part of them.
MEASURED = 1e-6


def gap(opened: Opened) -> Link:
    """Whether gap and status follow from value and bound, measured by what the decisions lead to."""
    name, run = "gap", opened.run
    optimal = run.status == "optimal"
    asked = run.options.get("gap")
    if optimal and not (isinstance(asked, float) and 0 <= asked < 1):
        return Link(name, "fails", "called optimal, but the run does not say for which gap")
    if run.value is None or run.bound is None:
        if optimal or run.gap is not None:
            return Link(name, "fails", "a gap is claimed without a value or a bound")
        return Link(name, "absent", "the run states no gap")
    if run.gap is None:
        return Link(name, "fails", "value and bound are stated, but no gap")
    try:
        by = _measured(opened, run.value)
    except DiagnosticError as error:
        return Link(name, "fails", f"the model cannot be compiled: {error.diagnostics[0].message}")
    if by == 0.0 and run.value == 0.0:
        by = run.gap_measure or 0.0  # that of the largest cost of the program
    crossing = (run.bound - run.value) * (1.0 if run.sense == "minimize" else -1.0)
    if crossing > CONTRADICTION * max(abs(run.value), by):
        told = f"the value {number(run.value, 10)} is better than the bound {number(run.bound, 10)}"
        return Link(name, "fails", f"{told}, which says that there is none such")
    distance = abs(run.value - run.bound)
    anew = distance / by if by > 0 else (0.0 if distance == 0 else math.inf)
    wrong = run.gap_measure is None or abs(run.gap_measure - by) > MEASURED * by
    if wrong or abs(anew - run.gap) > MEASURED * max(run.gap, anew):
        told = f"the gap is stated as {percent(run.gap)}"
        return Link(name, "fails", f"{told}, but value and bound are {percent(anew)} apart")
    if optimal and asked is not None and run.gap > asked:
        return Link(
            name, "fails", f"called optimal, but the gap {percent(run.gap)} is larger than asked"
        )
    return Link(name, "holds", f"{percent(run.gap)}, which follows from value and bound")


def _measured(opened: Opened, value: float) -> float:
    """What a gap is measured by, at the folder's decisions."""
    problem = opened.problem
    own = assess(problem, opened.given.values).size
    return measure(value, max(own, ELSEWHERE * size_elsewhere(problem)))


def proof(opened: Opened) -> Link:
    """Whether the proof in the folder proves the bound; where there is none, what the bound rests on."""
    name, run = "proof", opened.run
    if run.exact_proof is None and (opened.folder / TEXT).is_file():
        return Link(name, "fails", f"result.json says nothing of the {TEXT} that is here")
    if run.exact_proof is not None:
        return _checked(opened, run.exact_proof)
    if run.status == "unbounded":
        return Link(name, "open", "no file proves that the objective has no bound")
    if run.status == "infeasible":
        said = "that no allocation meets every limit"
    elif run.bound is None or run.proof is None:
        return Link(name, "holds", "the run claims no bound")
    else:
        said = f"the bound {number(run.bound, 10)}"
    rests = _RESTS.get(run.proof or "", "nothing is said of how it was found")
    return Link(name, "open", f"no file proves {said}: {rests} (allocc solve --prove writes one)")


def _checked(opened: Opened, stated: ExactProof) -> Link:
    """What the checker says of the proof against the program, beside what the run states."""
    name, run = "proof", opened.run
    lacking = [file for file in (PROGRAM, TEXT, RECIPE) if file not in stated.hashes]
    if lacking:
        return Link(name, "fails", f"the run has no hash of {listed(lacking)}")
    changed = [
        file for file, digest in stated.hashes.items() if sha256(opened.folder / file) != digest
    ]
    if changed:
        return Link(name, "fails", f"changed since the run: {listed(changed)}")
    try:
        found = check(opened.folder / PROGRAM, opened.folder / TEXT)
    except Refused as refused:
        return Link(name, "fails", f"the proof is refused: {refused}")
    if found.derivations != stated.derivations:
        return Link(name, "fails", f"{TEXT} has {found.derivations:,} lines, not as many as stated")
    if found.infeasible:
        if run.status == "infeasible":
            return Link(name, "holds", f"{PROGRAM} has no point: {_size(found)}")
        return Link(name, "fails", f"{PROGRAM} is proven to have no point, and the run has one")
    minimize = opened.problem.sense == "minimize"
    if found.sense != ("min" if minimize else "max"):
        return Link(name, "fails", f"{PROGRAM} has another sense than the model")
    if found.bound is None or run.bound is None:
        return Link(name, "fails", f"{TEXT} proves no bound")
    if str(found.bound) != stated.bound:
        return Link(name, "fails", f"{TEXT} proves another bound than the run states")
    told = f"no value is {'below' if minimize else 'above'} {_shown(found.bound)}: {_size(found)}"
    off = found.bound - Fraction(run.bound)
    if off < 0 if minimize else off > 0:
        rests = _RESTS.get(run.proof or "", "")
        more = f"the stated bound {number(run.bound, 10)} says more, and no file proves it: {rests}"
        return Link(name, "open", f"{told}; {more}")
    return Link(name, "holds", told)


def _shown(bound: Fraction) -> str:
    return f"{float(bound):,.12g}"


def _size(found: Verdict) -> str:
    lines = "1 derivation" if found.derivations == 1 else f"{found.derivations:,} derivations"
    return f"{lines} over {found.columns:,} columns and {found.rows:,} rows, in exact numbers"


def program(opened: Opened) -> Link:
    """Whether the program that was proven says what the model says."""
    name, run = "program", opened.run
    if run.exact_proof is None:
        return Link(name, "absent", "there is no program beside a proof")
    try:
        recipe = Recipe.from_data(json.loads((opened.folder / RECIPE).read_text("utf-8")))
        file = Program()
        file.read(opened.folder / PROGRAM)
        decisions = []
        if run.has_allocation:
            decisions = [opened.given.values]
        found = witnesses(opened.problem, recipe, file, decisions, POINTS, SECONDS)
    except (Refused, KeyError, TypeError, ValueError) as wrong:
        return Link(name, "fails", f"{PROGRAM} is not what the model leads to: {wrong}")
    except DiagnosticError as error:
        return Link(name, "fails", f"the model cannot be compiled: {error.diagnostics[0].message}")
    except Infeasible:
        return Link(name, "fails", f"the model's ranges contradict each other, {PROGRAM} aside")
    if found.other:
        return Link(name, "fails", f"{PROGRAM} is not what the model leads to: {found.other}")
    if found.broken:
        return Link(name, "fails", found.broken)
    rows = f"it is what the model leads to, all {found.rows:,} rows of it"
    if run.status == "infeasible":
        if found.points:
            return Link(
                name, "fails", "an allocation meets every limit, and the run says none does"
            )
        return Link(name, "holds", f"{rows}; no allocation that was tried meets every limit")
    if not found.points:
        return Link(name, "open", f"{rows}, but no feasible allocation was found to try it with")
    points = (
        "1 feasible allocation lies"
        if found.points == 1
        else (f"{found.points:,} feasible allocations lie")
    )
    return Link(
        name,
        "holds",
        f"{rows}; {points} in it, and the program's value is nowhere worse than theirs",
    )
