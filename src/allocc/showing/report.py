"""What a person reads: the status in words, the tables of a result, the lines of a running solve."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from allocc.dsl.escapes import one_line
from allocc.engine.judging.outcome import PROVING
from allocc.results.certificate import (
    CLOSED,
    in_exact_numbers,
    keeps_limits,
    near_zero,
    says_little,
    status_words,
    violation_tolerance,
)
from allocc.results.exact_proof import ExactProof
from allocc.results.run import Run, relative_change
from allocc.showing.decision_tables import decision_tables
from allocc.showing.findings import conflict_lines, escape_lines, loosening_lines
from allocc.showing.report_tables import report_tables
from allocc.tables import duration, number, numbers, percent, rests, table, wrap

if TYPE_CHECKING:
    from allocc.engine.judging.outcome import Step
    from allocc.engine.stages import Stages
    from allocc.results.labelled import Block

#: A line is said after so many seconds, whatever has changed.
SILENCE = 15.0
#: What is further off continuous time than this is told with what to do.
FAR_OFF = 0.1


def summary(result: Run, color: bool = False) -> str:
    """The whole report of a result."""

    def bold(text: str) -> str:
        shown = one_line(text)
        return f"\x1b[1m{shown}\x1b[0m" if color else shown

    lines = [bold(result.title or result.model), _status_line(result, color), ""]
    lines += _facts(result)
    if result.objective:
        lines += ["", bold("Objective"), *term_table(result)]
    decisions = [b for b in result.blocks if b.kind == "decision"]
    if decisions:
        lines += ["", bold("Decisions"), *decision_tables(decisions)]
    ends = end_table(result)
    if ends:
        lines += ["", bold(end_heading(result)), *ends]
    reports = [b for b in result.blocks if b.kind == "report"]
    if reports:
        lines += ["", bold("Reports"), *report_tables(reports)]
    for note in result.notes:
        lines += ["", f"Note: {one_line(note)}"]
    return "\n".join([*lines, *_findings(result, color)])


def _findings(result: Run, color: bool) -> list[str]:
    """Why there is no allocation or no best one, and what would have to be loosened."""
    if result.conflict is None and result.loosening is None and result.escape is None:
        return []
    lines: list[str] = []
    if result.conflict is not None:
        lines += ["", *conflict_lines(result.conflict)]
    if result.escape is not None:
        lines += ["", *escape_lines(result.escape)]
    if result.loosening is not None:
        lines += ["", *loosening_lines(result.loosening)]
        loose = result.loosening.result
        if loose is not None:
            lines += ["", "The model with these limits loosened", ""]
            lines += [f"  {x}".rstrip() for x in summary(loose, color).splitlines()]
    return lines


def _status_line(result: Run, color: bool) -> str:
    words = status_words(result)
    words = words[:1].upper() + words[1:] + "."
    if not color:
        return words
    good = {"optimal": "32", "simulated": "36"}.get(result.status, "33")
    return f"\x1b[{good}m{words}\x1b[0m"


def facts(result: Run) -> list[tuple[str, str]]:
    """The certificate's lines: a name and what there is to say."""
    rows: list[tuple[str, str]] = []
    better = "lower" if result.sense == "minimize" else "higher"
    if result.value is not None:
        both = numbers([result.value, result.bound], 8)
        rows.append(("value", f"{both[0]}  ({better} is better, as simulated)"))
        if result.bound is not None:
            said = f"no allocation is {_beyond(result)} this{rests(result.proof, result.solver)}"
            said += "; far off the value, it says little" if says_little(result) else ""
            rows.append(("bound", f"{both[1]}  ({said})"))
    elif result.bound is not None:
        rows.append(("bound", number(result.bound, 8)))
    if result.value is not None and result.baseline_value is not None:
        share = relative_change(result.value, result.baseline_value)
        told = []
        if share is not None:
            told.append(f"with interventions {percent(share, sign=True)}")
        broken = result.baseline_violation
        if broken is not None and broken.relative > violation_tolerance(result):
            told.append(f"breaks limits, most {broken.where} by {percent(broken.relative)}")
        text = f"  ({'; '.join(told)})" if told else ""
        rows.append(("baseline", f"{number(result.baseline_value, 8)}{text}"))
    if result.gap is not None:
        asked = result.options.get("gap")
        told = [f"asked: {percent(asked)}"] if isinstance(asked, float) else []
        if near_zero(result) and result.gap > CLOSED:
            told.append(f"of {number(result.gap_measure, 3)}: the value is near zero")
        text = f"  ({'; '.join(told)})" if told else ""
        rows.append(("gap", f"{percent(result.gap)}{text}"))
    if result.exact_proof is not None:
        rows.append(("proof", _proof(result, result.exact_proof)))
    if result.violation is not None:
        rows.append(("violation", _violation(result)))
    if result.discretization is not None:
        rows.append(("time step", _discretization(result)))
    if result.solver:
        rounds = f", {result.rounds} rounds" if result.rounds > 1 else ""
        rows.append(("solved by", f"{result.solver}, {duration(result.seconds)}{rounds}"))
        why = f" ({result.explanation})" if result.explanation else ""
        rows.append(("method", f"{result.method}{why}"))
    if result.message:
        rows.append(("message", result.message))
    return rows


def _beyond(result: Run) -> str:
    return "below" if result.sense == "minimize" else "above"


def _proof(result: Run, proof: ExactProof) -> str:
    """What the proof in rationals is, and how it is checked."""
    weaker = proof.value is not None and not in_exact_numbers(result)
    said = f"reaches {number(float(proof.value or 0), 8)} only; " if weaker else ""
    parts = f"{proof.leaves:,} lea{'ves' if proof.leaves != 1 else 'f'}"
    size = f"{proof.size / 1e6:.3g} MB" if proof.size >= 1e5 else f"{proof.size / 1e3:.2g} kB"
    seconds = proof.seconds_to_check
    checked = "less than 0.1 s" if seconds < 0.1 else duration(seconds)
    return f"{said}{parts}, {size}, checked in {checked}  (allocc verify RUN checks it again)"


def _violation(result: Run) -> str:
    v = result.violation
    assert v is not None
    if v.relative == 0:
        return "none: every limit holds"
    if keeps_limits(result):
        return f"none beyond rounding ({v.relative:.1e})"
    amount = f"{number(v.absolute)} {v.unit}".rstrip()
    return f"{amount} in {v.where} ({percent(v.relative)})"


def _discretization(result: Run) -> str:
    worst = result.discretization_parts[0]
    text = f"{percent(worst.relative)} off continuous time"
    if len(result.discretization_parts) > 1 and worst.relative > 0:
        text += f", most in {'the term ' if worst.kind == 'term' else ''}{worst.name}"
    if worst.relative > FAR_OFF:
        text += (
            "; these steps are too long to stand for continuous time: choose a shorter `step`, or"
            " `method trapezoid`, unless time itself goes in such steps"
        )
    return text


def _facts(result: Run) -> list[str]:
    rows = facts(result)
    width = max((len(name) for name, _ in rows), default=0)
    lines = []
    for name, text in rows:
        first, *rest = wrap(text, 96 - width)
        lines.append(f"  {name.ljust(width)}  {first}")
        lines += [f"  {' ' * width}  {line}" for line in rest]
    return lines


def term_table(result: Run) -> list[str]:
    """The parts of the objective, and their total."""
    terms = result.objective
    values = numbers([*(t.value for t in terms), result.value])
    rows = [
        [t.name, text, f"{t.description}{' (penalty)' if t.penalty else ''}".strip()]
        for t, text in zip(terms, values, strict=False)
    ]
    if len(terms) > 1:
        rows.append(["total", values[-1], ""])
    return table(["term", "value", "what it is"], rows, right=[1])


# --- compartments --------------------------------------------------------------------------------


def end_heading(result: Run) -> str:
    """The heading above the compartments at the end."""
    from allocc.compiler.labels import shown_label

    last = next(
        (
            a.members[-1][0]
            for b in result.blocks
            if b.kind == "compartment"
            for a in b.axes
            if a.time
        ),
        None,
    )
    when = f" at {shown_label(last)}" if last is not None else " at the end"
    unit = f" ({result.time_unit})" if result.time_unit else ""
    return f"Compartments{when}{unit}"


def end_table(result: Run) -> list[str]:
    """Compartments at the end beside the baseline, in total over their indices."""
    ends = result.ends()
    if not ends:
        return []
    values = numbers([x for e in ends for x in (e.value, e.baseline)], 7)
    rows = [
        [
            e.name,
            values[2 * k],
            values[2 * k + 1] if e.baseline is not None else "",
            percent(e.change, sign=True) if e.change is not None else "",
            e.description,
        ]
        for k, e in enumerate(ends)
    ]
    head = ["name", "value", "without interventions", "change", "what it is"]
    return table(head, rows, right=[1, 2, 3])


# --- cards ---------------------------------------------------------------------------------------


def card(result: Run) -> str:
    """A result in a few lines."""
    lines = [f"<allocc.Result {result.model}: {status_words(result)}>"]
    shown = ("value", "bound", "gap", "violation", "solved by")
    lines += [f"  {name:<10}{text}" for name, text in facts(result) if name in shown]
    names = ", ".join(_shape(b) for b in result.blocks if b.kind == "decision")
    if names:
        lines.append(f"  {'decisions':<10}{names}")
    return "\n".join(lines)


def _shape(block: Block) -> str:
    return f"{block.name}[{', '.join(block.columns)}]" if block.axes else block.name


def model_card(model: Stages) -> str:
    """A model in a few lines."""
    lines = [f"<allocc.Model {model.name}: {model.title}>"]
    lines += [f"  {name:<13}{text}" for name, text in model_facts(model)]
    return "\n".join(lines)


def model_facts(model: Stages) -> list[tuple[str, str]]:
    """What a model is made of."""
    bound = model.bound
    rows = [
        ("decisions", ", ".join(f"{v.name} ({v.size:,})" for v in bound.decisions)),
        ("compartments", ", ".join(bound.compartments)),
        ("flows", ", ".join(bound.flows)),
        ("parameters", ", ".join(bound.parameters)),
        ("sets", ", ".join(f"{n} ({len(s):,})" for n, s in bound.sets.items())),
        ("limits", ", ".join(x.name.name for x in bound.limits)),
        ("preferences", ", ".join(x.name.name for x in bound.prefers)),
        ("reports", ", ".join(r.statement.name.name for r in bound.reports)),
        ("policies", ", ".join(p.name for p in bound.policies)),
        ("uncertain", ", ".join(u.name for u in bound.uncertain)),
        ("scenario", "" if bound.scenario is None else bound.scenario.name),
        ("after it", ", ".join(bound.after)),
    ]
    if bound.objective is not None:
        terms = ", ".join(t.name.name for t in bound.objective.terms)
        rows.append(("objective", f"{bound.objective.sense} {terms}"))
    if bound.time is not None:
        t = bound.time
        first, last = number(float(t.values[0]), 10), number(float(t.values[-1]), 10)
        first, last = first.replace(",", ""), last.replace(",", "")
        rows.append(
            ("time", f"{t.name} = {first} .. {last} step {t.step:g} {t.unit}, {t.method}".strip())
        )
    return [(name, text) for name, text in rows if text]


# --- progress ------------------------------------------------------------------------------------


def progress_line(step: Step) -> str:
    """One step of a running solve as a line."""
    both = numbers([step.bound, step.value], 7)
    return (
        f"{step.seconds:7.1f} s  bound {both[0]:>12}  value {both[1]:>12}  "
        f"gap {percent(step.gap):>9}  round {step.round:>3}  {step.phase}"
    ).rstrip()


def progress_printer(say: Callable[[str], None]) -> Callable[[Step], None]:
    """A callback that says a line when the value or the bound improves, at most once a second.

    A new value is always said, and that a proof in rationals begins; after a while of silence, where it stands.
    """
    last: tuple[float | None, float | None] = (None, None)
    said, proving = -math.inf, False

    def tell(step: Step) -> None:
        nonlocal last, said, proving
        now, before = (step.bound, step.value), proving
        proving = step.phase.startswith(PROVING)
        silent = step.seconds - said
        nothing_new = now == last or (step.value == last[1] and silent < 1.0)
        if nothing_new and proving == before and silent < SILENCE:
            return
        last, said = now, step.seconds
        say(progress_line(step))

    return tell
