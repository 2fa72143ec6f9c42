"""Numbers that a solver cannot take at their word: factors, coefficients and penalties far apart.

Solvers calculate with some sixteen digits and accept a row that is off by a millionth, a whole number
that is off by a millionth, and an objective that is off by ten millionths of its largest entry.
"""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.lint import messages
from allocc.compiler.lint.ranges import activity
from allocc.compiler.lint.subject import Subject
from allocc.compiler.programs.program import Program, ProgramBlock
from allocc.compiler.scoping.scope import Scope
from allocc.compiler.scoping.spaces import bind_index
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span

#: Solvers leave out what is below 1e-9 of a row that is brought to size one.
WIDEST_ROW = 1e9
#: How far from a whole number a solver still takes a column for whole (HiGHS, SCIP: 1e-6).
WHOLE = 1e-6
#: What a yes-or-no that is off by that may let through, relative to what it is there to stop.
LEAK = 1e-3
#: Costs that are further apart than solvers' tolerance for reduced costs (1e-7).
WIDEST_PENALTIES = 1e7


def check_coefficients(subject: Subject) -> list[Diagnostic]:
    """Statements with a row whose coefficients lie too far apart."""
    p = subject.program
    m = p.matrix
    if not m.nnz:
        return []
    size = np.abs(m.data)
    row_of = np.repeat(np.arange(p.rows), np.diff(m.indptr))
    largest, smallest = np.zeros(p.rows), np.full(p.rows, np.inf)
    np.maximum.at(largest, row_of, size)
    np.minimum.at(smallest, row_of, size)
    spread = np.where(largest > 0, largest / smallest, 1.0)
    found = []
    for block in p.row_blocks:
        mine = slice(block.start, block.start + block.count)
        if not block.count or not subject.own(block.span) or spread[mine].max() <= WIDEST_ROW:
            continue
        row = block.start + int(np.argmax(spread[mine]))
        entries = slice(int(m.indptr[row]), int(m.indptr[row + 1]))
        columns = m.indices[entries]
        least, most = int(np.argmin(size[entries])), int(np.argmax(size[entries]))
        assert block.span is not None
        found.append(
            messages.wide_row(
                block.statement,
                (p.column_name(int(columns[least])), f"{smallest[row]:.3g}"),
                (p.column_name(int(columns[most])), f"{largest[row]:.3g}"),
                f"{spread[row]:.0e}".replace("e+", "e"),
                block.span,
            )
        )
    return found


def check_switches(subject: Subject) -> list[Diagnostic]:
    """Limits where a yes-or-no that is off by a solver's tolerance lets through too much."""
    p = subject.program
    found = []
    for limit, blocks in subject.limits:
        for block in blocks:
            leak = _leak(p, block)
            if leak is not None:
                found.append(messages.leaky_switch(limit.name.name, *leak, limit.relation.span))
                break
    return found


def _leak(p: Program, block: ProgramBlock) -> tuple[str, str, str, str] | None:
    """The worst switch of a block: its name, factor, what that lets through, and of how much."""
    rows = np.arange(block.start, block.start + block.count)
    m = p.matrix[rows]
    row_of = np.repeat(np.arange(block.count), np.diff(m.indptr))
    binary = p.integer & (p.lower == 0) & (p.upper == 1)
    low, high = activity(p, rows, p.lower, p.upper)
    big = np.abs(m.data)
    # Over how much the rest of the row ranges, and whether it counts in whole steps.
    with np.errstate(invalid="ignore"):
        width = np.where(np.isfinite(high - low)[row_of], (high - low)[row_of] - big, np.inf)
    whole = p.integer[m.indices] & (m.data == np.rint(m.data))
    fractional = np.bincount(row_of, ~whole, block.count)[row_of] - ~whole
    through = big * WHOLE
    counted = (fractional == 0) & (np.diff(m.indptr)[row_of] > 1) & (through > 0.5)
    switch = binary[m.indices] & (width > 0) & ((through > LEAK * width) | counted)
    if not switch.any():
        return None
    k = int(np.argmax(np.where(switch, big, 0.0)))
    name = p.column_name(int(m.indices[k]))
    return name, f"{big[k]:.3g}", f"{through[k]:.3g}", f"{width[k]:,.6g}"


def check_penalties(subject: Subject) -> list[Diagnostic]:
    """Penalties of which the smallest is lost beside the largest."""
    evaluator = subject.evaluator
    weights: list[tuple[str, FloatArray, Span]] = []
    for prefer in (p for p in subject.model.prefers if subject.own(p.span)):
        space = bind_index(prefer.index, Scope(), evaluator, subject.model.declared.time_name)
        name = prefer.name.name
        data = evaluator.data(prefer.penalty, space.scope, f"the penalty of '{name}'")
        positive = data.values[data.values > 0]
        if positive.size:
            weights.append((name, positive, prefer.penalty.span))
    if not weights:
        return []
    low = min(weights, key=lambda w: float(w[1].min()))
    high = max(weights, key=lambda w: float(w[1].max()))
    least, most = float(low[1].min()), float(high[1].max())
    if most / least <= WIDEST_PENALTIES:
        return []
    return [
        messages.far_penalties(
            (low[0], f"{least:.3g}"),
            (high[0], f"{most:.3g}"),
            f"{most / least:.0e}".replace("e+", "e"),
            high[2],
            low[2],
        )
    ]
