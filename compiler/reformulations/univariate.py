r"""Convex and concave functions of one variable by tangents and secants.

For :math:`f` convex on :math:`[l, u]`,

.. math::
    w \ge f(p) + f'(p) (x - p) \ \text{for points } p, \qquad
    w \le f(l) + \frac{f(u) - f(l)}{u - l} (x - l) ,

and for :math:`f` concave both are turned around: tangents on one side, one secant on the other.

:Source: ``w = f(x)`` for every smooth function (exp, log, powers, ...), with ``x`` in a bounded range.
:Target: Linear rows.
:Exact: Only where :math:`x` is fixed. A relaxation that tightens with more tangents and, over pieces,
    with shorter secants. Where only the tangents' side matters (see ``direction``) it is an outer
    approximation that converges.
:Reference: Kelley (1960), Journal of the Society for Industrial and Applied Mathematics 8:703-712.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import FunctionAtoms
from allocc.compiler.programs.reformulation import Atoms, Facts, Reformulation
from allocc.compiler.reformulations.pieces import PieceColumns

#: A line steeper than this, with argument and value measured by their ranges, is left out: solvers
#: cannot calculate with it, and it says little.
STEEPEST = 1e10


def _usable(build: Extension, x: Any, w: Any, rate: FloatArray) -> BoolArray:
    """Which slopes of w over x a solver can calculate with."""
    p = build.program
    size_x, size_w = (np.maximum(np.abs(p.lower[j]), np.abs(p.upper[j])) for j in (x, w))
    known = np.isfinite(size_x) & np.isfinite(size_w) & (size_x > 0) & (size_w > 0)
    with np.errstate(all="ignore"):
        unit = np.where(known, size_w / size_x, 1.0)
        return np.asarray(np.isfinite(rate) & (np.abs(rate) <= STEEPEST * unit))


def tangents(
    build: Extension,
    atoms: FunctionAtoms,
    which: IntArray,
    points: FloatArray,
    sign: IntArray,
) -> None:
    """Tangent rows at `points` for the atoms `which`, whose curvature is `sign`."""
    x, w = atoms.argument[which], atoms.result[which]
    value, rate = atoms.function.value(points), atoms.function.slope(points)
    good = np.flatnonzero(np.isfinite(value) & _usable(build, x, w, rate) & (sign != 0))
    level = value[good] - rate[good] * points[good]
    convex = sign[good] > 0
    build.rows(
        "tangent",
        [(w[good], 1.0), (x[good], -rate[good])],
        np.where(convex, level, -np.inf),
        np.where(convex, np.inf, level),
        count=len(good),
    )


def secants(
    build: Extension,
    atoms: FunctionAtoms,
    which: IntArray,
    low: FloatArray,
    high: FloatArray,
    sign: IntArray,
) -> None:
    """Secant rows over `low .. high` for the atoms `which`, whose curvature is `sign`."""
    x, w = atoms.argument[which], atoms.result[which]
    f_low, f_high = atoms.function.value(low), atoms.function.value(high)
    width = high - low
    with np.errstate(all="ignore"):
        rate = np.where(width > 0, (f_high - f_low) / np.where(width > 0, width, 1.0), 0.0)
        level = f_low - rate * low
    good = np.flatnonzero(np.isfinite(level) & _usable(build, x, w, rate) & (sign != 0))
    convex = sign[good] > 0
    build.rows(
        "secant",
        [(w[good], 1.0), (x[good], -rate[good])],
        np.where(convex, -np.inf, level[good]),
        np.where(convex, level[good], np.inf),
        count=len(good),
    )


def over_pieces(
    build: Extension, atoms: FunctionAtoms, k: int, copy: PieceColumns, points: FloatArray
) -> PieceColumns:
    """Write the k-th atom over the pieces of its argument: tangents and a secant in each.

    `w = sum_j w_j`, and every line of a piece is scaled by the piece's binary. Exact in pieces that
    are single points. Tangents are put at the ends, in the middle and at `points` of a piece.
    """
    f = atoms.function
    low, high = copy.low, copy.high
    f_low, f_high = f.value(low), f.value(high)
    sign = f.curvature(low, high)
    least, most = f.image(low, high)
    n = len(low)
    w_copy = build.columns("piece of curve", n, np.minimum(least, 0.0), np.maximum(most, 0.0))
    z = copy.binaries
    build.rows("curve >=", [(w_copy, 1.0), (z, -least)], 0.0, np.inf)
    build.rows("curve <=", [(w_copy, 1.0), (z, -most)], -np.inf, 0.0)
    whole = [(atoms.result[k : k + 1], 1.0), *((w_copy[j : j + 1], -1.0) for j in range(n))]
    build.rows("pieces of curve", whole, 0.0, 0.0)
    wide = np.flatnonzero((low < high) & (sign != 0))
    x_copy = copy.copies[0]

    def line(
        which: IntArray, at: FloatArray, value: FloatArray, rate: FloatArray, tangent: bool
    ) -> None:
        # w_j - rate x_j - (value - rate at) z_j >= 0 below a convex curve, <= 0 above it
        good = np.isfinite(value) & _usable(build, atoms.argument[k], atoms.result[k], rate)
        which, at, value, rate = which[good], at[good], value[good], rate[good]
        below = (sign[which] > 0) == tangent
        build.rows(
            "tangent in piece" if tangent else "secant in piece",
            [(w_copy[which], 1.0), (x_copy[which], -rate), (z[which], rate * at - value)],
            np.where(below, 0.0, -np.inf),
            np.where(below, np.inf, 0.0),
            count=len(which),
        )

    width = high[wide] - low[wide]
    line(wide, low[wide], f_low[wide], (f_high[wide] - f_low[wide]) / width, False)
    places = [(wide, low[wide] + share * width) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for x in points.tolist():
        inside = wide[(low[wide] < x) & (x < high[wide])]
        places.append((inside, np.full(len(inside), x)))
    for which, at in places:
        line(which, at, f.value(at), f.slope(at), True)
    return copy.with_copies(int(atoms.result[k]), w_copy)


def needs_secant(atoms: FunctionAtoms, sign: IntArray, down: BoolArray, up: BoolArray) -> BoolArray:
    """Where the secant's side matters: not where w may move there without harm."""
    if atoms.tangents_only:
        return np.zeros(len(atoms), dtype=bool)
    return np.where(sign > 0, ~down[atoms.result], ~up[atoms.result])


def write(
    build: Extension,
    atoms: FunctionAtoms,
    facts: Facts,
    points: Sequence[FloatArray] = (),
    which: IntArray | None = None,
) -> None:
    """Tangents and secants over the whole ranges of the atoms `which`, by default all.

    `points` are further places for tangents, each an array with a place for each of the atoms.
    """
    low, high = facts.lower[atoms.argument], facts.upper[atoms.argument]
    sign = atoms.function.curvature(low, high)
    some = np.arange(len(atoms)) if which is None else which
    # Shares towards both ends, so that a curve too steep at its end has a tangent nearby.
    near = [2.0**-n for n in range(3, 14, 2)] if atoms.function.steep else []
    shares = [0.0, *near, 0.25, 0.5, 0.75, *(1 - x for x in near), 1.0]
    for at in [*(low + x * (high - low) for x in shares), *(np.clip(c, low, high) for c in points)]:
        tangents(build, atoms, some, at[some], sign[some])
    some = some[needs_secant(atoms, sign, facts.down, facts.up)[some]]
    secants(build, atoms, some, low[some], high[some], sign[some])


def _write(build: Extension, atoms: Atoms, facts: Facts) -> None:
    for f in atoms.functions:
        write(build, f, facts)


REFORMULATION = Reformulation(
    "tangents and secants",
    exact=False,
    takes=lambda p: Atoms(functions=tuple(f for f in p.functions if f.function.smooth)),
    write=_write,
)
