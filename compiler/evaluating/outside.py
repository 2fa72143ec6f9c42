"""Why a subscript reaches outside of its set, in the names and labels of the model.

`subscripts.py` finds that it does. The message names the labels that are lost where an index is
itself the subscript, else what the indices are where it first happens, and how the author may mean
it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra.index import Coordinate, IndexSet
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.scope import Scope
from allocc.dsl import tree
from allocc.dsl.tree import Span


def outside_error(
    coordinate: Coordinate,
    guilty: Sequence[tree.Expression],
    scope: Scope,
    span: Span,
    time_name: str | None,
) -> failures.Outside:
    """The error for a coordinate that is outside of its set somewhere.

    `guilty` are the subscripts that it may come from, `span` is that of the whole expression.
    """
    target, text = coordinate.set, span.text
    bad = np.broadcast_to(coordinate.positions < 0, tuple(a.size for a in coordinate.axes))
    at = dict(zip(coordinate.axes, (int(p) for p in np.argwhere(bad)[0]), strict=True))
    indices = {
        name: local
        for name, local in scope.locals.items()
        if isinstance(local, Coordinate) and local.axes and set(local.axes) <= set(at)
    }
    (only,) = guilty if len(guilty) == 1 else (None,)
    if isinstance(only, tree.Name) and only.name in indices:
        local = indices[only.name]
        lost = local.positions[local.into(target).positions < 0].ravel()
        labels = list(dict.fromkeys(_label(local.set, int(p)) for p in lost))
        if labels:
            hint = "there is a period between each two points: bind `p in period`, or `if t < end`"
            of_time = target.kind == "time"
            return scoping_errors.outside_set(
                text, target.name, labels, span, hint if of_time else None
            )
    where = ", ".join(
        f"{name} = {_label(c.set, int(c.positions[tuple(at[a] for a in c.axes)]))}"
        for name, c in indices.items()
    )
    labels = []
    hint = "give a value for it with `else`, as in `x[i-1] else 0`, or leave it out with a filter"
    if target.kind == "time":
        hint = (
            f"give a value for it, as in `{text} else 0`,"
            f" or leave the point out: `if {time_name} > start`, `if {time_name} < end`"
        )
    elif any(isinstance(e, tree.Binary) for e in guilty):
        hint = f"give a value for it, as in `{text} else 0`, or leave it out with a filter"
    elif where:
        labels = [where]
    return scoping_errors.outside_set(text, target.name, labels, span, hint, where)


def _label(index_set: IndexSet, position: int) -> str:
    return ", ".join(t[position] for t in index_set.texts)
