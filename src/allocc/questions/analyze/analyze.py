"""`analyze`: what a model does by itself, without any intervention and any solver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from allocc import mistakes
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.equations.equations import Equations, read_equations
from allocc.compiler.equations.rates import Rates, names
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.questions.analyze.disease_free import Rest, disease_free
from allocc.questions.analyze.infection import (
    given_infection,
    imported,
    infection,
    structure,
)
from allocc.questions.analyze.reproduction import reproduction
from allocc.questions.analyze.rest import states_of_rest
from allocc.questions.analyze.settling import MOST_POINTS as MOST_SETTLING
from allocc.questions.analyze.settling import settles
from allocc.questions.analyze.stays import stays
from allocc.questions.analyze.steps import safe_step
from allocc.questions.analyze.subject import Subject
from allocc.questions.analyze.symbolic.equations import SymbolicEquations, symbolic_equations
from allocc.questions.analyze.symbolic.writing import formula
from allocc.results.dynamics.analysis import (
    Analysis,
    ConservedTotal,
    FlowFormula,
    RateFormula,
    Reproduction,
    SafeStep,
    StateOfRest,
)

#: Of more points than this, matrices of all of them become slow.
MOST_POINTS = 500
#: Of more points than this, rates are not written out one by one.
MOST_WRITTEN = 12


@reported()
def to_sympy(model: Stages) -> SymbolicEquations:
    """The equations of a model as SymPy expressions; raises as `analyze` does."""
    return symbolic_equations(_equations(model))


@reported()
def analyze(model: Stages, infected: Sequence[str] = ()) -> Analysis:
    """What a model does by itself.

    `infected` names the compartments that carry the infection, as `I` or `I[North]`; without it they are
    found from the flows. Raises `DiagnosticError` for a model without compartments (E7230), a flow that looks
    back (E7231), a model that is too large (E7232), a name that is no compartment's (E7233), or a flow that
    has no value at the start (E7234).
    """
    subject = _subject(_equations(model), infected)
    free, number, rest, more = _infection(subject)
    settled = settles(subject.rates)
    rest, resting = states_of_rest(subject, settled, rest)
    around = free.state if free is not None else subject.start
    time = model.bound.time
    assert time is not None
    every = names(subject.equations)
    return Analysis(
        model.name,
        model.title,
        time.unit,
        tuple(_flows(subject)),
        tuple(_rates(subject)),
        tuple(compact(subject.equations, subject.of.infected)),
        tuple(dict.fromkeys(n for n, t in zip(every, subject.of.transmits, strict=True) if t)),
        "given" if infected else "structure",
        rest,
        number,
        resting,
        tuple(_totals(subject)),
        tuple(_steps(subject, free, settled)),
        time.step,
        time.method,
        stays(subject.rates, subject.found, around),
        (*_notes(model, subject), *more),
    )


def _infection(
    subject: Subject,
) -> tuple[Rest | None, Reproduction | None, StateOfRest | None, tuple[str, ...]]:
    """The state without the disease, in numbers and as it is told, R0, and notes; None where there is none."""
    if not subject.of.any:
        return None, None, None, ()
    bringing = imported(subject.found, subject.of, subject.rates)
    if bringing.any():
        every = names(subject.equations)
        flows = dict.fromkeys(n for n, b in zip(every, bringing, strict=True) if b)
        note = (
            f"the disease also comes from elsewhere, by {_listed(list(flows))}: there is no state without it,"
            " and no basic reproduction number"
        )
        return None, None, None, (note,)
    free = disease_free(subject.rates, subject.found, subject.of)
    return free, *reproduction(subject, free)


def _steps(subject: Subject, free: Rest | None, settled: FloatArray | None) -> Iterator[SafeStep]:
    """At the start, and at rest."""
    yield safe_step(subject.rates, subject.found, subject.start, "start")
    if free is not None and free.at_rest:
        yield safe_step(subject.rates, subject.found, free.state, "disease-free")
    elif free is None and settled is not None:
        yield safe_step(subject.rates, subject.found, settled, "rest")


def _equations(model: Stages) -> Equations:
    bound = model.bound
    if bound.time is None or not bound.compartments or not bound.flows:
        raise DiagnosticError([mistakes.nothing_to_analyze(_missing(model))])
    equations = read_equations(bound)
    back = equations.looking_back()
    if back is not None:
        raise DiagnosticError([mistakes.looks_back(back[0].name, back[1])])
    if equations.size > MOST_POINTS:
        raise DiagnosticError([mistakes.too_large_to_analyze(equations.size, MOST_POINTS)])
    return equations


def _missing(model: Stages) -> str:
    bound = model.bound
    if bound.time is None:
        return "it has no time"
    return "it has no flow" if bound.compartments else "it has no compartment"


def _subject(equations: Equations, infected: Sequence[str]) -> Subject:
    rates = Rates(equations, {})
    start = rates.initial()
    amounts = rates.amounts(start)
    if not np.isfinite(amounts).all():
        flow = names(equations)[int(np.argmin(np.isfinite(amounts)))]
        raise DiagnosticError([mistakes.no_rate_at_start(flow)])
    found = structure(rates)
    of = given_infection(found, _named(equations, infected)) if infected else infection(found)
    small = equations.size <= MOST_WRITTEN
    symbolic = symbolic_equations(equations, zeros=True) if small else None
    return Subject(equations, rates, found, of, start, symbolic)


def _named(equations: Equations, infected: Sequence[str]) -> BoolArray:
    """The points that names mean: a compartment's, or one of them."""
    mask = np.zeros(equations.size, dtype=bool)
    wrong = []
    for name in infected:
        here = [b.name == name for b in equations.blocks for _ in range(b.start, b.stop)]
        here = here if any(here) else [_bare(label) == _bare(name) for label in equations.labels]
        if not any(here):
            known = [b.name for b in equations.blocks]
            wrong.append(mistakes.not_a_compartment(name, known))
        mask |= np.array(here, dtype=bool)
    if wrong:
        raise DiagnosticError(wrong)
    return mask


def _bare(label: str) -> str:
    return "".join(c for c in label if c not in "\"' ")


def compact(equations: Equations, mask: BoolArray) -> Iterator[str]:
    """Names of points: the compartment alone where all of its points are among them."""
    for block in equations.blocks:
        here = mask[block.start : block.stop]
        if here.all() and len(here):
            yield block.name
        else:
            yield from (equations.labels[block.start + k] for k in np.nonzero(here)[0])


def _notes(model: Stages, subject: Subject) -> Iterator[str]:
    bound = model.bound
    if bound.decisions:
        yield "no intervention acts here, and every decision is at its lower end, as in the baseline"
    last = replace(subject.rates, period_at=len(bound.time.periods) - 1 if bound.time else 0)
    now, then = (r.amounts(subject.start + 1.0) for r in (subject.rates, last))
    changing = ~np.isclose(now, then, rtol=1e-12, atol=0.0, equal_nan=True)
    if changing.any():
        every = names(subject.equations)
        flows = list(dict.fromkeys(n for n, c in zip(every, changing, strict=True) if c))
        yield f"{_listed(flows)} {'changes' if len(flows) == 1 else 'change'} with time, and {'is' if len(flows) == 1 else 'are'} taken as in the first period"
    size = subject.equations.size
    if subject.symbolic is None:
        yield f"formulas are written for at most {MOST_WRITTEN} points of compartments; here are {size}"
    if size > MOST_SETTLING:
        yield f"where the model settles is worked out for at most {MOST_SETTLING} points"


def _listed(flows: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in flows)


def _flows(subject: Subject) -> Iterator[FlowFormula]:
    for flow in subject.equations.flows:
        statement = flow.value.symbol.statement
        amount = None
        if subject.symbolic is not None and flow.name in subject.symbolic.flows:
            amount = formula(subject.symbolic.flows[flow.name], subject.symbolic.states)
        origin, target = (
            "" if side is None else _in_one_line(side.span.text)
            for side in (statement.origin, statement.target)
        )
        written = _in_one_line(statement.value.span.text)
        yield FlowFormula(flow.name, origin, target, written, amount, statement.description or "")


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _rates(subject: Subject) -> Iterator[RateFormula]:
    if subject.symbolic is not None:
        for name, rate in subject.symbolic.rates.items():
            yield RateFormula(name, formula(rate, subject.symbolic.states))


def _totals(subject: Subject) -> Iterator[ConservedTotal]:
    found = subject.found
    within = found.group[found.origin[found.acts & (found.origin >= 0)]]
    for group in np.nonzero(found.closed)[0]:
        if group not in within:
            continue  # nothing ever moves there
        mine = found.group == group
        labels: list[Any] = [subject.equations.labels[k] for k in np.nonzero(mine)[0]]
        yield ConservedTotal(tuple(labels), float(subject.start[mine].sum()))
