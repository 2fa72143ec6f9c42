"""Which columns may be lowered (or raised) without harm: the ground of one-sided reformulations.

If lowering a column can break no row and worsen no objective, then a relaxation only needs to keep
it from below: w >= f(x) instead of w = f(x) has the same optimum, and any point of the one gives a
point of the other by lowering w. A column that a definition row defines hands the question on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allocc.compiler.arrays import BoolArray, IntArray
from allocc.compiler.programs.program import Program


def monotone_directions(program: Program, atoms_only: bool = False) -> tuple[BoolArray, BoolArray]:
    """Whether each column may be lowered, and whether it may be raised, without harm.

    With `atoms_only` a linear program is answered for the results of its atoms alone, which is all
    that reformulations ask for; every other column is said to be harmful to move.
    """
    p = program
    n = p.columns
    own = np.zeros(n, dtype=bool)
    for block in p.column_blocks:
        if block.role != "stated":
            own[block.start : block.start + block.count] = True
    sign = 1.0 if p.sense == "minimize" else -1.0
    down = own & (sign * p.objective >= 0)
    up = own & (sign * p.objective <= 0)
    # A column with a stated range of its own may not leave it.
    m = p.matrix
    defined = p.defined if p.defined is not None else np.full(p.rows, -1, dtype=np.int64)
    entries, rows, asked = _entries_that_matter(p, defined, atoms_only)
    down &= asked
    up &= asked
    columns, values = m.indices[entries], m.data[entries]
    target = defined[rows]
    is_definition = target >= 0
    itself = target == columns
    free_below, free_above = np.isneginf(p.row_lower)[rows], np.isposinf(p.row_upper)[rows]
    plain = ~is_definition
    for positive in (True, False):
        entry = plain & ((values > 0) == positive)
        # Lowering x with a > 0 lowers the row, which needs an open lower side.
        np.logical_and.at(down, columns[entry], (free_below if positive else free_above)[entry])
        np.logical_and.at(up, columns[entry], (free_above if positive else free_below)[entry])
    # A column that is defined by a row and also a state's step is fixed by what it is made of.
    for _ in range(n + 1):
        before = int(down.sum()) + int(up.sum())
        through = is_definition & ~itself
        goal = np.maximum(target, 0)
        rises = values < 0  # row: d + a x = 0, so d moves with x when a < 0
        down_ok = np.where(rises, down[goal], up[goal])
        up_ok = np.where(rises, up[goal], down[goal])
        np.logical_and.at(down, columns[through], down_ok[through])
        np.logical_and.at(up, columns[through], up_ok[through])
        for e in p.extremes:
            w = e.result[e.owner]
            np.logical_and.at(down, e.argument, down[w])
            np.logical_and.at(up, e.argument, up[w])
        q = p.products
        for side in (q.left, q.right, q.result):
            # A factor moves the product in a way that depends on the other's sign; leave it be.
            # The top of a ratio is a quantity of the model; the result of a product is its own.
            mine = side if side is not q.result else q.result[q.is_ratio]
            down[mine] = False
            up[mine] = False
        for f in p.functions:
            if f.function.monotone:
                below, above = (down, up) if f.function.monotone > 0 else (up, down)
                below_ok, above_ok = below[f.result], above[f.result]
                np.logical_and.at(down, f.argument, below_ok)
                np.logical_and.at(up, f.argument, above_ok)
            else:
                down[f.argument] = False
                up[f.argument] = False
        if int(down.sum()) + int(up.sum()) == before:
            break
    return down, up


def _entries_that_matter(
    program: Program, defined: IntArray, atoms_only: bool
) -> tuple[Any, IntArray, BoolArray]:
    """Entries of the matrix with a column that is asked for, their rows, and those columns.

    In a linear program these can be the results of abs, min and max and what they are defined into.
    """
    m = program.matrix
    curved = len(program.products) or any(f.function.smooth for f in program.functions)
    if curved or not atoms_only:
        rows = np.repeat(np.arange(program.rows), np.diff(m.indptr))
        return slice(None), rows, np.ones(program.columns, dtype=bool)
    wanted = np.zeros(program.columns, dtype=bool)
    for f in program.functions:
        wanted[f.result] = True
    for e in program.extremes:
        wanted[e.result] = True
        wanted[e.argument] = True
    while True:
        entries = np.flatnonzero(wanted[m.indices]) if wanted.any() else np.zeros(0, dtype=np.int64)
        rows = np.searchsorted(m.indptr, entries, side="right") - 1
        further = defined[rows]
        further = further[further >= 0]
        if wanted[further].all():
            return entries, rows, wanted
        wanted[further] = True
