"""Where a relaxation is wrong at a point, and what is refined there: pieces and tangents."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.relaxing.relaxation import Built, Relaxation

#: Below every number that a model means.
TINY = 1e-300


def split_active(
    relaxation: Relaxation,
    built: Built,
    point: FloatArray,
    tolerance: float,
    best: FloatArray | None = None,
) -> int:
    """Split every piece that a point of the relaxation uses and in which a product is wrong.

    `point` may be fractional in the pieces: a piece used with weight z stands at x_j / z. What is
    split there is split at the point `best` as well: whatever is better often lies near it.
    Returns the number of splits.
    """
    cut = {c.variable: c for c in built.copies}
    splits = 0
    for j in relaxation.plan.cut_columns:
        copy = cut.get(j)
        if copy is None:
            x = point[j : j + 1]
            error = _errors(relaxation, j, x, np.ones(1), lambda columns: point[columns][:, None])
        else:
            z = point[copy.binaries]
            which = np.flatnonzero((copy.low < copy.high) & (z > 1e-6))
            if not len(which):
                continue
            low, high = copy.low[which], copy.high[which]
            x = np.clip(point[copy.copies[0, which]] / z[which], low, high)
            error = _errors(relaxation, j, x, z[which], copy.reader(point, which))
        places = x[error > tolerance].tolist()
        if places and best is not None:
            places.append(float(best[j]))
        splits += sum(relaxation.split(j, at) for at in places)
    return splits


def _errors(
    relaxation: Relaxation,
    j: int,
    x: FloatArray,
    weight: FloatArray,
    value: Callable[[IntArray], FloatArray],
) -> FloatArray:
    """The largest relative error of the products and curves of column j where it is x.

    There is one x and one weight for each piece that is looked at; `value` gives columns there,
    an array of shape (columns, pieces).
    """
    p, q = relaxation.program, relaxation.program.products
    mine = relaxation.plan.products_of(j)
    w = q.result[mine]
    other = np.where(q.left[mine] == j, q.right[mine], q.left[mine])
    off = [np.abs(value(w) - x * value(other)) / _width(relaxation, w)[:, None]]
    for number, n in relaxation.plan.curved.get(j, ()):
        atoms = p.functions[number]
        w = atoms.result[n : n + 1]
        true = atoms.function.value(x)
        off.append(np.abs(value(w) - weight * true) / _width(relaxation, w)[:, None])
    return np.asarray(np.concatenate(off).max(axis=0, initial=0.0))


def _width(relaxation: Relaxation, columns: IntArray) -> FloatArray:
    p = relaxation.program
    width = np.abs(p.upper[columns] - p.lower[columns])
    # What has no width is not wrong by more than rounding.
    return np.where(width > 0, width, np.maximum(np.abs(p.upper[columns]), TINY))


def add_tangents(relaxation: Relaxation, point: FloatArray, tolerance: float) -> int:
    """Remember where function atoms stand at a point: tangents are put there.

    Returns how many atoms the relaxation had on the tangents' side by more than `tolerance`,
    relative to their range.
    """
    p = relaxation.program
    count = 0
    for number, atoms in enumerate(p.functions):
        if not atoms.function.smooth:
            continue
        x = point[atoms.argument]
        sign = atoms.function.curvature(p.lower[atoms.argument], p.upper[atoms.argument])
        true = atoms.function.value(x)
        short = sign * (true - point[atoms.result]) / _width(relaxation, atoms.result)
        here = short > tolerance
        count += int(np.sum(here))
        # Elsewhere a tangent would say nothing; there is none where there is no number.
        relaxation.cuts[number].append(np.where(here, x, np.nan))
    return count
