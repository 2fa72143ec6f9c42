"""Which boxes and arrows stand in the picture of a model: compartments, flows, interventions."""

from __future__ import annotations

from dataclasses import dataclass

from allocc.compiler.names.structure import side_name
from allocc.dsl import tree
from allocc.dsl.walk import nodes
from allocc.showing.rendering.declared_names import Acting, Declared
from allocc.showing.rendering.plain_text import name as shown
from allocc.showing.rendering.plain_text import plain

#: Rates longer than this, in characters, are left to the formulas.
_LONG = 34
#: What is said of a compartment, and of an intervention, in about so many characters a line.
_LINE = 22


@dataclass(frozen=True, slots=True)
class Box:
    """A compartment; a source or a sink has no name."""

    key: str
    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    """What an intervention does to a flow: adds to it, or multiplies a rate in it."""

    text: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """A flow from one box to another; one of `only` interventions has no rate of its own."""

    origin: str
    target: str
    name: str
    rate: str
    tags: tuple[Tag, ...]
    only: bool


@dataclass(frozen=True, slots=True)
class Diagram:
    """Boxes in the order of the model, and the arrows between them."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def diagram(d: Declared) -> Diagram | None:
    """The picture of a model; None for a model without compartments."""
    if not d.every(tree.Compartment):
        return None
    boxes = [
        Box(c.name.name, shown(c.name.name), _about(d, c.name.name, c.description))
        for c in d.every(tree.Compartment)
    ]
    arrows = []
    for flow in d.every(tree.Flow):
        origin = side_name(flow.origin) or f"{flow.name.name} from outside"
        target = side_name(flow.target) or f"{flow.name.name} to outside"
        sources = [Box(origin, "")] if flow.origin is None else []
        sinks = [Box(target, "")] if flow.target is None else []
        boxes = [*sources, *boxes, *sinks]
        rate = plain(flow.value) or ""
        only = rate == "0"
        if only or len(rate) > _LONG:
            rate = ""
        tags = [Tag(f"+ {_who(a)}") for a in d.added(flow.name.name)]
        tags += [
            Tag(f"{shown(p)} × {_who(a)}") for p in _mentioned(flow.value) for a in d.scaled(p)
        ]
        arrows.append(
            Arrow(origin, target, flow.name.name.replace("_", " "), rate, tuple(tags), only)
        )
    return Diagram(d.title, tuple(boxes), tuple(arrows))


def _about(d: Declared, name: str, description: str | None) -> tuple[str, ...]:
    lines = wrapped(description) if description else []
    sets = [axis.key for axis in d.axes[name]]
    return (*lines, *([f"for each {', '.join(sets)}"] if sets else []))


def wrapped(text: str) -> list[str]:
    """A text in short lines."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LINE:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _who(acting: Acting) -> str:
    """The intervention's name, or what an effect without one does."""
    if acting.intervention is not None:
        return acting.intervention.name.name.replace("_", " ")
    text = plain(acting.effect.value)
    return text if text and len(text) <= _LONG else "an effect"


def _mentioned(node: tree.Expression) -> list[str]:
    """All names in an expression, each once."""
    return list(dict.fromkeys(n.name for n in nodes(node) if isinstance(n, tree.Name)))
