r"""Absolute values.

.. math::
    w = |x|: \qquad w \ge x, \quad w \ge -x,

and, where :math:`w` must not float above,

.. math::
    w \le x + 2 |x_L| z, \qquad w \le -x + 2 x_U (1 - z), \qquad z \in \{0, 1\}.

Arguments that are each other's opposite share :math:`w`, as the two differences of a pair do: a sum over
all pairs of n members has :math:`n (n - 1) / 2` of them, not :math:`n^2`.

:Source: ``w = |x|`` with a bounded :math:`x`.
:Target: Linear rows, and a binary where the direction needs it and the range of :math:`x` has both
    signs.
:Exact: Yes. The binary is left out only where lowering :math:`w` harms nothing (see ``direction``).
"""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.programs.bounds_needed import check_finite
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import FunctionAtoms
from allocc.compiler.programs.reformulation import Atoms, Facts, Reformulation


def write(
    build: Extension, atoms: FunctionAtoms, lower: FloatArray, upper: FloatArray, down: BoolArray
) -> int:
    """Add the rows; returns the number of binaries. Bounds of x must be finite where needed."""
    w, x = atoms.result, atoms.argument
    build.rows("abs", [(w, 1.0), (x, -1.0)], 0.0, np.inf)
    build.rows("abs", [(w, 1.0), (x, 1.0)], 0.0, np.inf)
    needed = ~down[w]
    mixed = np.flatnonzero(needed & (lower[x] < 0) & (upper[x] > 0))
    positive = np.flatnonzero(needed & (lower[x] >= 0))
    negative = np.flatnonzero(needed & (upper[x] <= 0) & (lower[x] < 0))
    build.rows("abs is", [(w[positive], 1.0), (x[positive], -1.0)], -np.inf, 0.0, len(positive))
    build.rows("abs is", [(w[negative], 1.0), (x[negative], 1.0)], -np.inf, 0.0, len(negative))
    if len(mixed):
        z = build.columns("sign", len(mixed), 0.0, 1.0, integer=True)
        low, high = -2 * lower[x[mixed]], 2 * upper[x[mixed]]
        build.rows("abs is", [(w[mixed], 1.0), (x[mixed], -1.0), (z, -low)], -np.inf, 0.0)
        build.rows("abs is", [(w[mixed], 1.0), (x[mixed], 1.0), (z, high)], -np.inf, high)
    return len(mixed)


def _write(build: Extension, atoms: Atoms, facts: Facts) -> None:
    for f in atoms.functions:
        x = f.argument
        # Bounds are needed only where both signs are possible and it could float.
        mixed = x[~facts.down[f.result] & (facts.lower[x] < 0) & (facts.upper[x] > 0)]
        check_finite(build.program, mixed, facts.lower, facts.upper)
        write(build, f, facts.lower, facts.upper, facts.down)


REFORMULATION = Reformulation(
    "absolute values",
    exact=True,
    takes=lambda p: Atoms(functions=tuple(f for f in p.functions if not f.function.smooth)),
    write=_write,
)
