"""Problems from a text and small tables, and random points of them."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import FloatArray
from allocc.compiler.binding.bind import bind
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.lowering.lowered import Lowered
from allocc.compiler.unrolling.discretize import discretize
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values, simulate
from allocc.dsl import Source, parse

Tables = Mapping[str, tuple[Sequence[str], Sequence[Sequence[Any]]]]


def problem(text: str, tables: Tables | None = None) -> Problem:
    """A model's text, unrolled; `tables` maps a file's stem to its header and rows."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, (header, rows) in (tables or {}).items():
            lines = [",".join(header), *(",".join(str(x) for x in row) for row in rows)]
            Path(folder, f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
        return discretize(bind(parse(Source("model.alloc", text)), Path(folder)))


def decisions(found: Problem, rng: np.random.Generator) -> dict[Variable, FloatArray]:
    """Random decisions within their ranges (open ends are taken to be 10 away)."""
    chosen = {}
    for v in found.decisions:
        assert v.lower is not None and v.upper is not None
        low = np.where(np.isfinite(v.lower), v.lower, -10.0)
        high = np.where(np.isfinite(v.upper), v.upper, low + 10.0)
        x = rng.uniform(low, high)
        ends = rng.random(v.shape)
        x = np.where(ends < 0.15, low, np.where(ends > 0.85, high, x))
        chosen[v] = np.clip(np.rint(x), low, high) if v.integer else x
    return chosen


def completed(lowered: Lowered, values: Values) -> FloatArray:
    """The point of a lowered program that simulated values mean."""
    program, places = lowered.program, lowered.places
    given = places.mask(values, program.columns)
    complete = Completer(program, given)
    assert not len(complete.missing), [program.column_name(int(j)) for j in complete.missing]
    # Nothing is read where nothing is said.
    return complete(np.where(given, places.point(values, program.columns), np.nan))


def simulated(found: Problem, rng: np.random.Generator) -> Values:
    """Values of everything at random decisions."""
    return simulate(found, decisions(found, rng))
