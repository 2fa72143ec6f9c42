"""The end of a solve that was asked for a proof in rationals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values
from allocc.engine.certifying.certify import certify
from allocc.engine.certifying.recipe import Form, Recipe
from allocc.engine.certifying.written import NoProof
from allocc.engine.endings import end
from allocc.engine.judging.assess import Assessment
from allocc.engine.judging.outcome import PROVING, Options, Outcome
from allocc.engine.loop import Loop
from allocc.engine.solve import run

#: The part of a time limit that the solve may take; the proof has the rest.
SOLVING = 0.6
#: What else a solve may end with says nothing that could be proven.
WORTH = ("optimal", "feasible", "infeasible")


def solve_and_prove(problem: Problem, options: Options, starts: Sequence[Values] = ()) -> Outcome:
    """As `allocc.engine.solve.solve`, with a proof in rationals at the end."""
    limit = options.time_limit
    first = options if limit is None else replace(options, time_limit=SOLVING * limit)
    loop = Loop(problem, first, run, starts)
    outcome = run(loop)
    loop.options = options
    return proven(loop, outcome)


def proven(loop: Loop, outcome: Outcome) -> Outcome:
    """The outcome with a proof of its bound; a note says why where there is none."""
    if outcome.status not in WORTH:
        return outcome
    before = loop.best
    loop.report_progress(PROVING)
    try:
        recipe = Recipe.of(loop.relaxation, loop.options.method, _form(loop))
        proof = certify(loop, recipe, infeasible=outcome.status == "infeasible")
    except NoProof as reason:
        return _ended(loop, outcome, before, f"there is no proof in rationals: {reason}")
    except KeyboardInterrupt:
        return _ended(loop, outcome, before, "there is no proof in rationals: interrupted")
    except MemoryError:
        return _ended(loop, outcome, before, "there is no proof in rationals: no memory is left")
    if proof.bound is None:
        return replace(outcome, proof=proof, word="proven", seconds=loop.seconds)
    known, bound = loop.bound, outward(proof.bound, loop.minimize)
    loop.prove(bound, "proven")
    if not loop.closes(bound):
        text = f"the proof in rationals ends at {bound:.10g}, short of the gap that is asked for"
        return replace(_ended(loop, outcome, before, text), proof=proof)
    notes = ""
    if known is not None and known != bound and loop.tighter(known, bound) == known:
        notes = (
            f"a bound of {known:.10g} was known; the proof is for the gap that is asked for (--gap)"
        )
    outcome = _ended(loop, outcome, before, notes)
    # What is told is what was proven to the last digit.
    return replace(
        outcome,
        status=loop.status,
        stopped="gap",
        bound=bound,
        gap=loop.gap_of(bound),
        word="proven",
        proof=proof,
    )


def _ended(loop: Loop, outcome: Outcome, before: Assessment | None, note: str) -> Outcome:
    """The outcome after a proof was tried, with a better allocation if the tree has found one."""
    if loop.best is not before:
        outcome = end(loop, loop.status, outcome.stopped, outcome.message)
    notes = (*outcome.notes, note) if note else outcome.notes
    return replace(outcome, notes=notes, seconds=loop.seconds)


def _form(loop: Loop) -> Form:
    """What the program of the proof is made of."""
    assert loop.stated is not None
    p, relaxation = loop.stated, loop.relaxation
    if relaxation is None:
        return "boxes" if len(p.products) else "stated"
    if loop.choice.method != "refine":
        return "exact"
    # What is cut into pieces there is a relaxation; boxes are about the products themselves.
    return "boxes" if len(relaxation.plan.multiplied) else "refine"


def outward(bound: Fraction, minimize: bool) -> float:
    """The nearest floating point number that says no more than a rational bound."""
    found = float(bound)
    wrong = Fraction(found) > bound if minimize else Fraction(found) < bound
    return float(np.nextafter(found, -np.inf if minimize else np.inf)) if wrong else found
