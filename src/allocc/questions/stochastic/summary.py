"""Many numbers in a few: means, deviations and quantiles over courses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import FloatArray
from allocc.compiler.labels import label_text
from allocc.results.labelled import Block
from allocc.results.run import Run
from allocc.results.stochastic.courses import LEVELS, Band, Spread

#: A compartment with more members than this has no band for each.
MOST_MEMBERS = 5_000


def quantiles(over: FloatArray) -> FloatArray:
    """Values that are taken, so that counts stay whole: the least that a share of courses does not exceed."""
    found: FloatArray = np.quantile(over, LEVELS, axis=-1, method="inverted_cdf")
    return found


def spread_of(name: str, plain: float, over: FloatArray, description: str = "") -> Spread:
    """A number over all courses beside the deterministic one."""
    return Spread(
        name,
        float(plain),
        float(over.mean()),
        float(over.std(ddof=1)),
        tuple(map(float, quantiles(over))),
        description,
    )


def bands(
    plain: Run, states: Mapping[Variable, FloatArray], order: Sequence[Variable]
) -> tuple[Band, ...]:
    """The bands of all compartments in total over their indices, scenario by scenario."""
    blocks = {b.name: b for b in plain.blocks if b.kind == "compartment"}
    return tuple(b for v in order for b in _totals(blocks[v.name], states[v]))


def members(
    plain: Run, states: Mapping[Variable, FloatArray], order: Sequence[Variable]
) -> tuple[Band, ...]:
    """The bands of each member of compartments that have an index."""
    blocks = {b.name: b for b in plain.blocks if b.kind == "compartment"}
    return tuple(b for v in order for b in _members(blocks[v.name], states[v]))


def _totals(block: Block, over: FloatArray) -> Iterator[Band]:
    apart = [k for k, a in enumerate(block.axes) if a.exclusive]
    rest = tuple(k for k, a in enumerate(block.axes) if not a.exclusive and not a.time)
    added = over.sum(axis=rest)
    lines = added.reshape(-1, *added.shape[-2:])
    labels = itertools.product(*(block.axes[k].members for k in apart))
    for parts, course, line in zip(labels, block.over_time(), lines, strict=True):
        yield _band(block, [x for part in parts for x in part], course.values, line)


def _members(block: Block, over: FloatArray) -> Iterator[Band]:
    own = block.axes[:-1]
    lines = over.reshape(-1, *over.shape[-2:])
    if not own or len(lines) > MOST_MEMBERS:
        return
    plain = block.values.reshape(-1, block.values.shape[-1])
    labels = itertools.product(*(a.members for a in own))
    for parts, values, line in zip(labels, plain, lines, strict=True):
        yield _band(block, [x for part in parts for x in part], values, line)


def _band(block: Block, labels: Sequence[object], plain: FloatArray, over: FloatArray) -> Band:
    """`over` has points of time and courses."""
    lines = quantiles(over)
    return Band(
        block.name,
        tuple(label_text(x) for x in labels),
        tuple(map(float, plain)),
        tuple(map(float, over.mean(axis=-1))),
        tuple(tuple(map(float, line)) for line in lines),
        int((over[-1] == 0).sum()),
        block.description,
        block.unit,
    )
