"""Limits that can never bind or never hold, and preferences that never cost: proven by ranges.

A limit is judged without its own rows: whatever is said of it follows from the ranges of the
decisions, from the dynamics and from the other limits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc.compiler.algebra.expression import (
    Add,
    Data,
    Extreme,
    Multiply,
    Node,
    Reduce,
    children,
    is_zero,
)
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.labels import shown_label
from allocc.compiler.lint import messages
from allocc.compiler.lint.ranges import TOLERANCE, Directions, Ranges, activity, ranges
from allocc.compiler.lint.subject import Subject, probed
from allocc.compiler.programs.program import Program, ProgramBlock
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic

#: A limit that misses by less than this, relative to the size of its end, a solver lets pass.
BROKEN = 1e-6


def check_limits(subject: Subject) -> list[Diagnostic]:
    """Limits that nothing can meet; where there are none, those that everything meets."""
    program = subject.program
    if not subject.limits:
        return []
    definitions = np.zeros(program.rows, dtype=bool)
    for block in program.row_blocks:
        definitions[block.start : block.start + block.count] = block.role == "definition"
    found = []
    directions = Directions(program)
    alone = ranges(directions, definitions)
    for limit, blocks in subject.limits if alone is not None else ():
        assert alone is not None
        hopeless = _never_holds(program, alone, blocks)
        if hopeless is not None:
            found.append(messages.never_holds(limit.name.name, *hopeless, limit.relation.span))
    if found:
        return found
    everything = ranges(directions, np.ones(program.rows, dtype=bool))
    if everything is None:
        return []
    for limit, blocks in subject.limits:
        rows = _rows(blocks)
        used = np.ones(program.rows, dtype=bool)
        used[rows] = False
        # A first, generous look: the limit's own rows have narrowed these ranges, too.
        narrow = replace(everything, used=used)
        if (_slack(program, rows, *narrow.activity(rows)) < -BROKEN).any():
            continue
        others = ranges(directions, used)
        if others is None:
            continue
        if (_slack(program, rows, *others.activity(rows)) >= -TOLERANCE).all():
            found.append(_idle(program, limit, blocks, rows, others))
    return found


def _rows(blocks: list[ProgramBlock]) -> IntArray:
    return np.concatenate([np.arange(b.start, b.start + b.count) for b in blocks])


def _size(ends: FloatArray) -> FloatArray:
    return np.maximum(1.0, np.where(np.isfinite(ends), np.abs(ends), 0.0))


def _slack(program: Program, rows: IntArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """How far each row stays from its nearer end, relative to the sizes of both; negative beyond.

    Whatever the coefficients are, a row that can be broken by a noticeable part of itself is.
    """
    found = np.full(len(rows), np.inf)
    for end, reached, sign in (
        (program.row_upper[rows], high, 1.0),
        (program.row_lower[rows], low, -1.0),
    ):
        bounded = np.isfinite(end)
        size = np.maximum(np.abs(end), np.where(np.isfinite(reached), np.abs(reached), 0.0))
        with np.errstate(invalid="ignore"):
            distance = sign * (end - reached) / np.where(size > 0, size, 1.0)
        found = np.where(bounded, np.minimum(found, distance), found)
    return found


def _never_holds(
    program: Program, alone: Ranges, blocks: list[ProgramBlock]
) -> tuple[str, str] | None:
    """By how much the worst row of a limit is broken at least, and its labels."""
    rows = _rows(blocks)
    low, high = activity(program, rows, alone.lower, alone.upper)
    least, most = program.row_lower[rows], program.row_upper[rows]
    excess = np.maximum(low - most, least - high)
    broken = np.maximum((low - most) / _size(most), (least - high) / _size(least)) > BROKEN
    if not broken.any():
        return None
    k = int(np.argmax(np.where(broken, excess, -np.inf)))
    return f"{excess[k]:,.6g}", _labels(blocks, int(rows[k]))


def _labels(blocks: list[ProgramBlock], row: int) -> str:
    for block in blocks:
        if block.start <= row < block.start + block.count and block.labels is not None:
            return ", ".join(shown_label(x) for x in block.labels(row - block.start))
    return ""


def _idle(
    program: Program, limit: tree.Limit, blocks: list[ProgramBlock], rows: IntArray, others: Ranges
) -> Diagnostic:
    """What to say of a limit that all else implies: how far its sides stay apart, and where."""
    low, high = others.activity(rows)
    apart = np.minimum(program.row_upper[rows] - high, low - program.row_lower[rows])
    k = int(np.argmin(apart))
    far = _slack(program, rows, low, high)[k] > BROKEN and np.isfinite(apart[k])
    distance = f"{apart[k]:,.6g}" if far else ""
    where = _labels(blocks, int(rows[k])) if far else ""
    return messages.never_binds(limit.name.name, distance, where, limit.relation.span)


def check_preferences(subject: Subject) -> list[Diagnostic]:
    """Preferences whose excess is zero whatever is decided."""
    prefers = {p.name.name: p for p in subject.model.prefers if subject.own(p.span)}
    excesses: list[tuple[str, Node]] = []
    for term in subject.problem.terms:
        if term.penalty and term.name in prefers:
            excesses += [(term.name, body) for body in _excesses(term.node)]
    if not excesses:
        return []
    program, probes = probed(subject.problem, [body for _, body in excesses])
    everything = ranges(Directions(program), np.ones(program.rows, dtype=bool))
    if everything is None:
        return []
    free = dict.fromkeys((name for name, _ in excesses), True)
    for (name, _), here in zip(excesses, probes, strict=True):
        low, high = everything.lower[here], everything.upper[here]
        rounding = TOLERANCE * np.where(np.isfinite(low), np.abs(low), 0.0)
        free[name] &= bool((high <= rounding).all())
    return [messages.never_costs(name, prefers[name].relation.span) for name in free if free[name]]


def _excesses(node: Node) -> list[Node]:
    """The bodies of the `max(body, 0)` that a penalty adds up."""
    match node:
        case Extreme(sense="max", parts=(body, zero)) if is_zero(zero):
            return [body]
        case Add() | Multiply(left=Data()) | Reduce(operation="sum"):
            return [b for n in children(node) if not isinstance(n, Data) for b in _excesses(n)]
        case _:
            return []
