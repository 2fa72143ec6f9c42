r"""max and min of columns.

.. math::
    w = \max_i a_i: \qquad w \ge a_i \ \text{for all } i,

and, where w must not float above the largest,

.. math::
    w \le a_i + (W_U - a_{i,L}) (1 - z_i), \qquad \sum_i z_i = 1, \quad z_i \in \{0, 1\}.

Source: `w = max(a_1, ..., a_n)` or min (mirrored). Target: linear rows, and a binary an argument
where the direction needs it. Exact in both cases: the binaries are left out only where lowering w
harms nothing (see `direction`), so that an optimal w sits on the largest argument.
The big-M is the difference of two derived bounds.
"""

from __future__ import annotations

import numpy as np

from allocc.compiler.extension import Extension
from allocc.compiler.program import BoolArray, Extremes, FloatArray


def write(
    build: Extension,
    e: Extremes,
    lower: FloatArray,
    upper: FloatArray,
    down: BoolArray,
    up: BoolArray,
) -> int:
    """Add the rows; returns the number of binaries that were needed. Bounds must be finite there."""
    w = e.result[e.owner]
    is_max = e.sense == "max"
    build.rows(
        e.sense,
        [(w, 1.0), (e.argument, -1.0)],
        0.0 if is_max else -np.inf,
        np.inf if is_max else 0.0,
    )
    free = down if is_max else up
    needed = ~free[e.result]
    entries = np.flatnonzero(needed[e.owner])
    # An argument that can never be the largest needs no binary.
    if is_max:
        best = np.full(len(e), -np.inf)
        np.maximum.at(best, e.owner, lower[e.argument])
        entries = entries[upper[e.argument[entries]] >= best[e.owner[entries]]]
    else:
        best = np.full(len(e), np.inf)
        np.minimum.at(best, e.owner, upper[e.argument])
        entries = entries[lower[e.argument[entries]] <= best[e.owner[entries]]]
    if not len(entries):
        return 0
    owner, argument = e.owner[entries], e.argument[entries]
    w = e.result[owner]
    z = build.columns(f"which {e.sense}", len(entries), 0.0, 1.0, integer=True)
    big = upper[w] - lower[argument] if is_max else upper[argument] - lower[w]
    big = np.maximum(big, 0.0)
    if is_max:
        build.rows("max is", [(w, 1.0), (argument, -1.0), (z, big)], -np.inf, big)
    else:
        build.rows("min is", [(w, 1.0), (argument, -1.0), (z, -big)], -big, np.inf)
    owners, place = np.unique(owner, return_inverse=True)
    build.ragged("one is", place, z, 1.0, 1.0, 1.0, len(owners))
    return len(entries)
