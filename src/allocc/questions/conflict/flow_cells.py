"""The data in the flows of a compartment: what drives it where it goes, each value with its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from allocc.compiler.algebra.index import Axis, Coordinate, spread
from allocc.compiler.evaluating.evaluator import Evaluator, reader
from allocc.compiler.names.structure import side_name
from allocc.compiler.scoping.model import BoundModel, CompartmentSymbol, FlowSymbol, Horizon
from allocc.compiler.scoping.scope import Now, Scope
from allocc.dsl import tree
from allocc.questions.conflict.cells import at_point, read_in
from allocc.results.findings import Cell


def flow_cells(model: BoundModel, compartment: str, point: Sequence[int], last: int) -> list[Cell]:
    """The cells that the flows into and out of a compartment read before the `last` point of time.

    `point` is the compartment's member, one position for each of its sets.
    """
    if model.time is None or last == 0:
        return []
    evaluator = reader(model)
    return read_in(evaluator, _within(model, model.time, evaluator, compartment, point, last))


def _within(
    model: BoundModel,
    time: Horizon,
    evaluator: Evaluator,
    compartment: str,
    point: Sequence[int],
    last: int,
) -> Iterator[tuple[tree.Expression, Scope]]:
    """Every value of such a flow, and of an effect on it, with the scope of its place."""
    axis = Axis(time.periods, last)
    positions = np.arange(last)
    here = Coordinate(time.points, (axis,), positions)
    now = Now(here, Coordinate(time.periods, (axis,), positions))
    for flow in model.flows.values():
        values = [(flow.statement.value, flow.space)]
        for effect in flow.effects:
            own = flow.space if effect.index is None else evaluator.space(effect.index)[0]
            values.append((effect.value, own))
        for at in _places(evaluator, flow, model.compartments[compartment], point):
            for value, space in values:
                yield value, at_point(space, at, now).with_names({time.name: here})


def _places(
    evaluator: Evaluator, flow: FlowSymbol, compartment: CompartmentSymbol, point: Sequence[int]
) -> list[tuple[int, ...]]:
    """The members of a flow that enter or leave a compartment's member."""
    name, sets = compartment.variable.name, compartment.variable.sets[:-1]
    shape = flow.space.shape
    found: np.ndarray = np.zeros(shape, dtype=bool)
    for side in (flow.statement.origin, flow.statement.target):
        if side is None or side_name(side) != name:
            continue
        if not sets:
            found[...] = True
        elif isinstance(side, tree.Name):
            found[tuple(point)] = True
        else:
            places, _ = evaluator.pick(name, sets, side.indices, flow.space.scope, side.span)
            hit: np.ndarray = np.ones(shape, dtype=bool)
            for place, member in zip(places, point, strict=True):
                same = place.positions == member
                hit &= spread(same, place.axes, flow.space.axes)
            found |= hit
    return [tuple(int(k) for k in at) for at in np.argwhere(found)]
