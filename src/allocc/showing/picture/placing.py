"""A layered drawing of a small graph, from left to right: nobody's box, label or line on another's.

After Sugiyama, Tagawa and Toda (1981). Boxes stand in even layers, by the longest path in the order
of the model; an arrow that goes against that order is turned round for the layout only. An arrow
passes through every layer between its ends, and its label has a place of its own in an odd one.
Within the layers the order with the fewest crossings that sweeping by means finds is taken; heights
are then the least squares to the neighbours' that keep all apart (pool adjacent violators).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_SWEEPS = 12
_STARTS = 24
_SETTLING = 300
#: A graph with more in its layers than this is ordered from one start only.
_MANY = 120


@dataclass(slots=True)
class PlacedItem:
    """Something in a layer: a box, a label, or a place that a line passes.

    `above` and `below` are its heights over and under the line through it, `span` the width of its
    layer, `x` and `y` the middle of the line in it.
    """

    width: float
    above: float
    below: float
    box: bool = False
    layer: int = 0
    span: float = 0.0
    x: float = 0.0
    y: float = 0.0
    order: int = 0
    neighbours: list[PlacedItem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between two boxes, with the size of its label."""

    origin: int
    target: int
    width: float
    above: float
    below: float


@dataclass(frozen=True, slots=True)
class Route:
    """Where an edge passes, from its origin to its target; `label` is one of the places."""

    places: tuple[PlacedItem, ...]
    label: PlacedItem
    turned: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """Boxes and routes with their places, and the size of everything."""

    boxes: list[PlacedItem]
    routes: list[Route]
    width: float
    height: float


def place(
    boxes: Sequence[PlacedItem], edges: Sequence[Edge], apart: float = 18.0, between: float = 44.0
) -> Placed:
    """Give every box and every label a place; `apart` and `between` are the least distances."""
    _layers(boxes, edges)
    items = [*boxes]
    routes = []
    for edge in edges:
        route, new = _route(boxes, edge)
        items += new
        routes.append(route)
    layers = _grouped(items)
    _order(layers)
    _heights(layers, apart)
    width = _columns(layers, between)
    top = min(item.y - item.above for item in items)
    for item in items:
        item.y -= top
    height = max(item.y + item.below for item in items)
    return Placed(list(boxes), routes, width, height)


def _layers(boxes: Sequence[PlacedItem], edges: Sequence[Edge]) -> None:
    """Even layers by the longest path; boxes are in the order of the model, which has no circle."""
    after: Mapping[int, list[int]] = {k: [] for k in range(len(boxes))}
    entered = set()
    for edge in edges:
        first, second = sorted((edge.origin, edge.target))
        if first != second:
            after[first].append(second)
            entered.add(second)
    for k in range(len(boxes)):
        for later in after[k]:
            boxes[later].layer = max(boxes[later].layer, boxes[k].layer + 2)
    # What begins somewhere stands just before what it leads to, as sources do.
    for k in reversed(range(len(boxes))):
        if k not in entered and after[k]:
            boxes[k].layer = min(boxes[later].layer for later in after[k]) - 2


def _route(boxes: Sequence[PlacedItem], edge: Edge) -> tuple[Route, list[PlacedItem]]:
    """Places in all layers between the ends of an edge, and the label's among them."""
    turned = edge.origin > edge.target
    first, last = boxes[min(edge.origin, edge.target)], boxes[max(edge.origin, edge.target)]
    if first is last:
        # Round the box: the label stands behind it.
        label = PlacedItem(edge.width, edge.above, edge.below, layer=first.layer + 1)
        _join(first, label)
        return Route((first, label, first), label, False), [label]
    middle = (first.layer + last.layer) // 2
    middle += 1 - middle % 2
    inner = [
        PlacedItem(edge.width, edge.above, edge.below, layer=layer)
        if layer == middle
        else PlacedItem(0.0, 5.0, 5.0, layer=layer)
        for layer in range(first.layer + 1, last.layer)
    ]
    chain = [first, *inner, last]
    for left, right in pairwise(chain):
        _join(left, right)
    label = next(item for item in inner if item.layer == middle)
    return Route(tuple(reversed(chain) if turned else chain), label, turned), inner


def _join(left: PlacedItem, right: PlacedItem) -> None:
    left.neighbours.append(right)
    right.neighbours.append(left)


def _grouped(items: Sequence[PlacedItem]) -> list[list[PlacedItem]]:
    layers: dict[int, list[PlacedItem]] = {}
    for item in items:
        layers.setdefault(item.layer, []).append(item)
    for layer in layers.values():
        _number(layer)
    return [layers[k] for k in sorted(layers)]


def _crossings(layers: Sequence[Sequence[PlacedItem]]) -> int:
    count = 0
    for layer, following in pairwise(layers):
        right = following[0].layer
        lines = [
            (item.order, n.order) for item in layer for n in item.neighbours if n.layer == right
        ]
        count += sum(
            (a[0] - b[0]) * (a[1] - b[1]) < 0 for k, a in enumerate(lines) for b in lines[:k]
        )
    return count


def _order(layers: list[list[PlacedItem]]) -> None:
    """Orders with few crossings: sweeps to and fro from the first order, and from shuffled ones."""
    chance = random.Random(0)
    many = sum(map(len, layers))
    best, fewest = [[*layer] for layer in layers], _crossings(layers)
    for start in range(_STARTS if many <= _MANY else 1):
        if start:
            for layer in layers:
                chance.shuffle(layer)
                _number(layer)
        for sweep in range(_SWEEPS):
            if not fewest:
                break
            _sweep(layers, forward=sweep % 2 == 0)
            count = _crossings(layers)
            if count < fewest:
                fewest, best = count, [[*layer] for layer in layers]
    for layer, order in zip(layers, best, strict=True):
        layer[:] = order
        _number(layer)


def _number(layer: Sequence[PlacedItem]) -> None:
    for k, item in enumerate(layer):
        item.order = k


def _sweep(layers: Sequence[list[PlacedItem]], forward: bool) -> None:
    """Sort each layer by the mean place of its neighbours in the one before."""
    for layer in layers if forward else reversed(layers):
        means = {}
        for item in layer:
            side = [n.order for n in item.neighbours if (n.layer < item.layer) == forward]
            means[id(item)] = sum(side) / len(side) if side else float(item.order)
        layer.sort(key=lambda item: means[id(item)])
        _number(layer)


def _heights(layers: Sequence[list[PlacedItem]], apart: float) -> None:
    """Everything near the mean height of its neighbours, and no two things too near.

    Places of one line pull harder at each other than boxes do, so that long lines are straight.
    """
    for layer in layers:
        _spread(layer, [0.0] * len(layer), apart)
    for round_ in range(_SETTLING):
        for layer in layers if round_ % 2 == 0 else reversed(layers):
            wanted = []
            for item in layer:
                pull = [(2.0 if item.box or n.box else 3.0, n.y) for n in item.neighbours]
                total = sum(weight for weight, _ in pull)
                wanted.append(sum(w * y for w, y in pull) / total if total else item.y)
            _spread(layer, wanted, apart)


def _spread(layer: Sequence[PlacedItem], wanted: Sequence[float], apart: float) -> None:
    """The heights nearest to the wanted ones, in least squares, that keep the order and distances."""
    shift = [0.0]
    for upper, lower in pairwise(layer):
        shift.append(shift[-1] + upper.below + apart + lower.above)
    pools: list[tuple[float, int]] = []
    for want, down in zip(wanted, shift, strict=True):
        pools.append((want - down, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, m), (b, n) = pools[-2:]
            pools[-2:] = [((a * m + b * n) / (m + n), m + n)]
    level = [mean for mean, count in pools for _ in range(count)]
    for item, mean, down in zip(layer, level, shift, strict=True):
        item.y = mean + down


def _columns(layers: Sequence[Sequence[PlacedItem]], between: float) -> float:
    """Place the layers side by side; the answer is the width of all."""
    x = 0.0
    for layer in layers:
        width = max(item.width for item in layer)
        for item in layer:
            item.x, item.span = x + width / 2, width
        x += width + between
    return x - between
