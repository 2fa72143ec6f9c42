r"""Products by their convex and concave envelopes (McCormick).

With :math:`a \in [a_L, a_U]` and :math:`b \in [b_L, b_U]`,

.. math::
    w \ge a_L b + b_L a - a_L b_L, \qquad w \ge a_U b + b_U a - a_U b_U, \\
    w \le a_U b + b_L a - a_U b_L, \qquad w \le a_L b + b_U a - a_L b_U .

These are the tightest linear rows for the product on its box. The shorter a range, the less is between
them.

:Source: ``w = a * b`` with both factors bounded.
:Target: Four linear rows.
:Exact: Where one factor is fixed or at an end of its range, so for every binary factor; else a
    relaxation.
:Reference: McCormick (1976), Mathematical Programming 10:147-175.
"""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.reformulation import Atoms, Facts, Reformulation


def envelope(
    build: Extension,
    result: IntArray,
    left: IntArray,
    right: IntArray,
    lower: FloatArray,
    upper: FloatArray,
    below: BoolArray | bool = True,
    above: BoolArray | bool = True,
) -> None:
    """Add the envelope rows; `below` and `above` say which side each product needs."""
    al, au, bl, bu = lower[left], upper[left], lower[right], upper[right]
    below = np.broadcast_to(below, len(result))
    above = np.broadcast_to(above, len(result))
    # A product with a fixed factor is linear, whatever the range of the other.
    left_fixed = al == au
    right_fixed = (bl == bu) & ~left_fixed
    fixed = left_fixed | right_fixed
    for p, q, side, name in (
        (al, bl, below, "product >="),
        (au, bu, below & ~fixed, "product >="),
        (au, bl, above & ~fixed, "product <="),
        (al, bu, above, "product <="),
    ):
        # w - q a - p b  >= (or <=)  -p q, with p an end of a's range and q one of b's
        p, q = np.where(right_fixed, 0.0, p), np.where(left_fixed, 0.0, q)
        used = np.flatnonzero(side & np.isfinite(p) & np.isfinite(q))
        level = -p[used] * q[used]
        is_lower = name.endswith(">=")
        build.rows(
            name,
            [(result[used], 1.0), (left[used], -q[used]), (right[used], -p[used])],
            level if is_lower else -np.inf,
            np.inf if is_lower else level,
            count=len(used),
        )


def _write(build: Extension, atoms: Atoms, facts: Facts) -> None:
    q = atoms.products
    sides = ~facts.up[q.result], ~facts.down[q.result]
    envelope(build, q.result, q.left, q.right, facts.lower, facts.upper, *sides)


REFORMULATION = Reformulation(
    "envelopes",
    exact=False,
    takes=lambda p: Atoms(products=p.products),
    write=_write,
)
