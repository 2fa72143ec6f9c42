"""The `report` statements of a model in a result: as blocks, and as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from allocc.dsl.escapes import one_line
from allocc.results.labelled import Block, label_columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from allocc.compiler.algebra.expression import Variable
    from allocc.compiler.unrolling.problem import Problem

    FloatArray = NDArray[np.float64]


def report_blocks(
    problem: Problem,
    values: Mapping[Variable, FloatArray],
    baseline: tuple[Problem, Mapping[Variable, FloatArray]] | None,
) -> tuple[list[Block], list[str]]:
    """Every report at the given decisions, beside its baseline; and what has no value, in words."""
    from allocc.compiler.unrolling.reports import report_values

    if not problem.model.reports:
        return [], []
    time = problem.model.time
    name = time.name if time is not None else None
    other = [r.values for r in report_values(*baseline)] if baseline is not None else []
    blocks, notes = [], []
    for k, found in enumerate(report_values(problem, values)):
        statement = found.symbol.statement
        block = Block(
            statement.name.name,
            "report",
            tuple(label_columns(s, name) for s in found.symbol.sets),
            found.values,
            statement.description or "",
            _unit(statement.unit),
            baseline=other[k] if other and not _all_lost(other[k]) else None,
        )
        blocks.append(block)
        if not _finite(block):
            why = f": {found.reason}" if found.reason else ""
            notes.append(f"report '{block.name}' has no value{_lost(block)}{why}")
    return blocks, notes


def _all_lost(values: FloatArray) -> bool:
    return not any(map(math.isfinite, values.ravel().tolist()))


def _unit(unit: Any) -> str:
    from allocc.compiler.units import as_written as units

    return units.text(unit)


def _finite(block: Block) -> bool:
    return all(math.isfinite(x) for x in block.values.ravel().tolist())


def _lost(block: Block) -> str:
    """Where a report has no value, unless nowhere."""
    lost = [
        one_line(_text(labels))
        for labels, x in zip(block.labels(), block.values.ravel().tolist(), strict=True)
        if not math.isfinite(x)
    ]
    if not block.axes or len(lost) == block.values.size:
        return ""
    more = f" and {len(lost) - 3:,} more" if len(lost) > 3 else ""
    return f" at {'; '.join(lost[:3])}{more}"


def _text(labels: Sequence[object]) -> str:
    from allocc.compiler.labels import label_text

    return ",".join(label_text(x) for x in labels)


def report_data(blocks: Sequence[Block]) -> dict[str, Any]:
    """Reports by name: a number, or numbers by label (`a,b` where there are several indices)."""
    found: dict[str, Any] = {}
    for block in blocks:
        if block.kind != "report":
            continue
        flat = block.values.ravel().tolist()
        found[block.name] = (
            dict(zip(map(_text, block.labels()), flat, strict=True)) if block.axes else flat[0]
        )
    return found
