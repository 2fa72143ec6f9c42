"""Allocations compared: each side read or simulated, and everything set beside the first one."""

from __future__ import annotations

from collections.abc import Sequence

from allocc.errors import reported
from allocc.questions.compare.limits import limits
from allocc.questions.compare.members import (
    at_the_end,
    main_set,
    names_of,
    side_by_side,
    summed,
)
from allocc.questions.compare.sides import Compile, Make, Models, Opened, asked, opened
from allocc.results.certificate import keeps_limits, status_words
from allocc.results.comparing.comparison import Comparison, Members, Row, Side
from allocc.results.run import Run
from allocc.results.run_folder.made_with import RunOrigin, other_than
from allocc.tables import percent


@reported()
def compare(given: Sequence[object], compile_: Compile, model: Make | None = None) -> Comparison:
    """Set runs, the baseline and policies beside the first of them.

    Each of `given` is a `Run`, the path of a run folder, `baseline` or `policy:NAME`. `model` makes the
    model that is named, with settings; without it, the copies in run folders are used, where there are some.
    Raises `DiagnosticError` for what cannot be compared.
    """
    sides = opened(asked(given), Models(model, compile_))
    return _compared(sides)


def _compared(sides: Sequence[Opened]) -> Comparison:
    runs = [s.run for s in sides]
    first = runs[0]
    decided = [[b for b in r.blocks if b.kind == "decision"] for r in runs]
    hows = {b.name: b.how_totalled for blocks in decided for b in blocks}
    timeless = [[b.without_time() for b in blocks] for blocks in decided]
    members = [side_by_side(n, timeless, hows[n]) for n in names_of(timeless)]
    last = [[at_the_end(b) for b in r.blocks if b.kind == "compartment"] for r in runs]
    ends = [side_by_side(n, last, "at the end") for n in names_of(last)]
    group = main_set(members)
    rows, told = limits(sides)
    return Comparison(
        first.title or first.model,
        first.sense,
        tuple(Side(s.name, s.kind, _text(s.run), s.run.value, s.run.bound) for s in sides),
        Row("total", tuple(r.value for r in runs)),
        _terms(runs),
        _totals(members),
        tuple(members),
        _totals(ends),
        _single_reports(runs),
        group,
        tuple(_by_group([*members, *ends], group)),
        rows,
        (*_unlike(sides), *_of_sides(sides), *told, *_left_out(sides)),
    )


def _text(run: Run) -> str:
    """What is known of a run: how it ended, and the limit that it breaks most."""
    broken = run.violation
    if broken is None or keeps_limits(run) or run.status != "simulated":
        return status_words(run)
    return f"{status_words(run)}; breaks limits, most {broken.where} by {percent(broken.relative)}"


def _terms(runs: Sequence[Run]) -> tuple[Row, ...]:
    """The terms of the objective; a term that a side does not have adds nothing there."""
    about = {t.name: t.description for r in reversed(runs) for t in r.objective}
    names = dict.fromkeys(t.name for r in runs for t in r.objective)
    return tuple(Row(n, tuple(r.terms.get(n) for r in runs), "", about[n]) for n in names)


def _totals(members: Sequence[Members]) -> tuple[Row, ...]:
    return tuple(m.total for m in members if m.total is not None)


def _single_reports(runs: Sequence[Run]) -> tuple[Row, ...]:
    """The reports that are a single number."""
    single = [[b for b in r.blocks if b.kind == "report" and not b.axes] for r in runs]
    rows = [side_by_side(n, single).total for n in names_of(single)]
    return tuple(r for r in rows if r is not None)


def _by_group(quantities: Sequence[Members], group: str | None) -> list[Members]:
    """What is over the main set: compartments, and decisions that are over other sets besides."""
    found = []
    for m in quantities:
        decision_alone = m.columns == (group,) and m.how != "at the end"
        total = None if group is None or decision_alone else summed(m, group)
        if total is not None:
            found.append(total)
    return found


def _unlike(sides: Sequence[Opened]) -> list[str]:
    """In what other sides were made otherwise than the first."""
    first, *others = sides
    here = RunOrigin(first.run.settings, first.run.files)
    notes = []
    for side in others:
        if side.run.model != first.run.model:
            notes.append(
                f"{side.name} is of another model, '{side.run.model}' and not '{first.run.model}': "
                "what has the same name is taken for the same"
            )
        if side.run.sense != first.run.sense:
            notes.append(f"{side.name} is to {side.run.sense}, {first.name} to {first.run.sense}")
        there = RunOrigin(side.run.settings, side.run.files)
        notes += [f"{side.name} {text}" for text in other_than(there, here, first.name)]
    notes += [
        f"{s.name} has no allocation: {status_words(s.run)}"
        for s in sides
        if not s.run.has_allocation
    ]
    return notes


def _of_sides(sides: Sequence[Opened]) -> list[str]:
    """What was noted of each side, and of what a policy was made into."""
    own = [n for s in sides for n in s.notes]
    return [*own, *(n for s in sides if s.kind == "policy" for n in s.run.notes)]


def _left_out(sides: Sequence[Opened]) -> list[str]:
    lost = [s.name for s in sides if s.model is None and s.run.has_allocation and not s.notes]
    if not lost:
        return []
    names = " and ".join(lost)
    return [
        f"which limits bind is not told for {names}: no copy of the model, name it with --model"
    ]
