"""A result with texts that can stand in a picture, whatever a model and its tables hold.

Names, labels, units and descriptions come from outside. A line break or a control character in them would
push other things away, or make an SVG file that no program reads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from allocc.dsl.escapes import one_line
from allocc.showing.plots.style import short

if TYPE_CHECKING:
    from allocc.results.labelled import Block, Labels
    from allocc.results.run import Run

#: The most characters of a unit or the name of an index, which stand beside axes.
MOST = 24


def readable(result: Run) -> Run:
    """The same result with one-line texts, and units and index names of a bounded length."""
    return replace(
        result,
        model=one_line(result.model),
        title=one_line(result.title),
        time_unit=short(one_line(result.time_unit), MOST),
        blocks=tuple(_block(b) for b in result.blocks),
        targets=tuple(
            replace(t, statement=one_line(t.statement), description=one_line(t.description))
            for t in result.targets
        ),
    )


def _block(block: Block) -> Block:
    amount = block.amount
    return replace(
        block,
        description=one_line(block.description),
        unit=short(one_line(block.unit), MOST),
        axes=tuple(_labels(a) for a in block.axes),
        amount=amount and replace(amount, unit=short(one_line(amount.unit), MOST)),
    )


def _labels(axis: Labels) -> Labels:
    return replace(
        axis,
        names=tuple(short(one_line(n), MOST) for n in axis.names),
        members=tuple(tuple(_label(x) for x in m) for m in axis.members),
    )


def _label(label: Any) -> Any:
    return one_line(label) if isinstance(label, str) else label
