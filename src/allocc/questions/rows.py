"""What the labels of a limit's rows are."""

from __future__ import annotations

from allocc.compiler.scoping.model import BoundModel
from allocc.dsl import tree


def timed(model: BoundModel, statement: tree.Limit) -> list[bool]:
    """Whether each label of a limit's rows is a time."""
    if statement.index is None or model.time is None:
        return []
    found: list[bool] = []
    for binder in statement.index.binders:
        base = binder.set_expression
        mine = isinstance(base, tree.Name) and base.name in (model.time.name, "period")
        found += [mine] * max(1, len(binder.names))
    return found


def without_time(labels: tuple[str, ...], times: list[bool]) -> tuple[str, ...]:
    """A row's labels without those of time: rows that differ in time alone share them."""
    if len(times) != len(labels):
        return labels
    return tuple(x for x, is_time in zip(labels, times, strict=True) if not is_time)
