"""The picture of a model as SVG: boxes for compartments, arrows for flows, dashes for interventions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from allocc.dsl.escapes import html
from allocc.showing.picture.diagram import Arrow, Box, Diagram
from allocc.showing.picture.placing import Edge, PlacedItem, Route, place

_FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_INK = "#222222"
_GREY = "#555555"
#: Dark, so that it stays readable in grey.
_ACTING = "#0b4f8a"
_NAME, _TEXT, _TITLE = 20.0, 12.0, 16.0
_LINE = 15.0
_PORTS = 16.0
_MARGIN = 20.0
_END = 7.0
#: A line that returns to its own box comes back so far below.
_BACK = 14.0


def text_width(text: str, size: float, bold: bool = False) -> float:
    """About how wide a text is; rather more than less."""
    narrow, wide = "ijltfI.,:;'|()[]/ ", "mwMW×Σ"
    units = sum(
        0.34 if c in narrow else 0.92 if c in wide else 0.7 if c.isupper() else 0.59 for c in text
    )
    return units * size * (1.2 if bold else 1.0)


def svg(picture: Diagram) -> str:
    """The picture as a document of its own."""
    keys = {box.key: k for k, box in enumerate(picture.boxes)}
    ends = [(keys[a.origin], keys[a.target]) for a in picture.arrows]
    items = [_box_item(box, k, ends) for k, box in enumerate(picture.boxes)]
    edges = [
        Edge(*pair, *_label_size(arrow)) for pair, arrow in zip(ends, picture.arrows, strict=True)
    ]
    placed = place(items, edges)
    top = _MARGIN + _TITLE + 20
    acting = any(a.tags or a.only for a in picture.arrows)
    width = max(placed.width, text_width(picture.title, _TITLE, True)) + 2 * _MARGIN
    height = top + placed.height + _MARGIN + (24 if acting else 0)
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{_FONT}">',
        f"<title>{html(picture.title)}</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
        _text(picture.title, _MARGIN, _MARGIN + _TITLE, _TITLE, anchor="start", weight="bold"),
        f'<g transform="translate({(width - placed.width) / 2:.1f} {top:.1f})">',
    ]
    ports = _ports(placed.boxes, placed.routes)
    for k, (arrow, route) in enumerate(zip(picture.arrows, placed.routes, strict=True)):
        lines += _line(arrow, route, ports, k)
    for box, item in zip(picture.boxes, placed.boxes, strict=True):
        lines += _box(box, item)
    for arrow, route in zip(picture.arrows, placed.routes, strict=True):
        lines += _label(arrow, route.label)
    lines.append("</g>")
    if acting:
        lines += _legend(height - 16)
    return "\n".join([*lines, "</svg>"]) + "\n"


# --- sizes ---


def _box_item(box: Box, k: int, ends: Sequence[tuple[int, int]]) -> PlacedItem:
    if not box.name:
        return PlacedItem(16.0, 8.0, 8.0, box=True)
    width = max(
        text_width(box.name, _NAME, True), *(text_width(line, _TEXT) for line in box.lines), 44.0
    )
    after = sum(min(pair) == k for pair in ends)
    before = sum(max(pair) == k for pair in ends)
    height = max(_NAME + _LINE * len(box.lines) + 14, _PORTS * max(after, before) + 8)
    return PlacedItem(width + 20, height / 2, height / 2, box=True)


def _label_size(arrow: Arrow) -> tuple[float, float, float]:
    texts = [text_width(arrow.name, _TEXT), text_width(arrow.rate, _TEXT)]
    tags = [text_width(tag.text, _TEXT) + 14 for tag in arrow.tags]
    above = _LINE * (2 if arrow.rate else 1) + 5
    below = 23.0 * len(tags) + 9 if tags else 5.0
    back = _BACK if arrow.origin == arrow.target else 0.0
    return max(*texts, *tags, 0.0) + 6, above, below + back


# --- lines ---

_Port = tuple[int, int]


def _ports(boxes: Sequence[PlacedItem], routes: Sequence[Route]) -> dict[_Port, float]:
    """The height at which each line leaves its left box (0) and enters its right one (1)."""
    sides: dict[tuple[int, bool], list[tuple[float, _Port]]] = {}
    for k, route in enumerate(routes):
        chain = route.places[::-1] if route.turned else route.places
        loop = chain[0] is chain[-1]
        sides.setdefault((id(chain[0]), True), []).append((chain[1].y, (k, 0)))
        sides.setdefault((id(chain[-1]), loop), []).append((chain[-2].y, (k, 1)))
    by_id = {id(item): item for item in boxes}
    found: dict[_Port, float] = {}
    for (key, _), lines in sides.items():
        item = by_id[key]
        gap = min(_PORTS, (item.above + item.below - 8) / len(lines))
        for number, (_, port) in enumerate(sorted(lines)):
            found[port] = item.y + (number - (len(lines) - 1) / 2) * gap
    return found


def _line(arrow: Arrow, route: Route, ports: dict[_Port, float], k: int) -> Iterator[str]:
    """The line of a flow, curved between the layers, and its head."""
    chain = route.places[::-1] if route.turned else route.places
    first, last = chain[0], chain[-1]
    loop = first is last
    points = [(first.x + first.width / 2, ports[k, 0]), (first.x + first.span / 2, ports[k, 0])]
    for item in [] if loop else chain[1:-1]:
        points += [(item.x - item.span / 2, item.y), (item.x + item.span / 2, item.y)]
    if loop:
        label = route.label
        left, right, y = label.x - label.span / 2, label.x + label.width / 2, label.y
        points += [(left, y), (right, y), (right, y + _BACK), (left, y + _BACK)]
    side = 1 if loop else -1
    points.append((last.x + side * last.span / 2, ports[k, 1]))
    points.append((last.x + side * last.width / 2, ports[k, 1]))
    if route.turned:
        points.reverse()
    x, y = points[-1]
    direction = -1 if route.turned or loop else 1
    points[-1] = (x - direction * _END, y)
    path = f"M {points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 == x1 and loop:
            path += f" A {_BACK / 2} {_BACK / 2} 0 0 1 {x1:.1f} {y1:.1f}"
        elif y0 == y1:
            path += f" L {x1:.1f} {y1:.1f}"
        else:
            middle = (x0 + x1) / 2
            path += f" C {middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    color = _ACTING if arrow.only else _INK
    dashed = ' stroke-dasharray="6 4"' if arrow.only else ""
    yield f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.5"{dashed}/>'
    back = x - direction * (_END + 2)
    yield (
        f'<path d="M {x:.1f} {y:.1f} L {back:.1f} {y - 4.5:.1f} L {back:.1f} {y + 4.5:.1f} Z" '
        f'fill="{color}"/>'
    )


# --- boxes and words ---


def _box(box: Box, item: PlacedItem) -> Iterator[str]:
    if not box.name:
        yield (
            f'<circle cx="{item.x:.1f}" cy="{item.y:.1f}" r="6" fill="white" '
            f'stroke="{_INK}" stroke-width="1.5"/>'
        )
        return
    left, top = item.x - item.width / 2, item.y - item.above
    yield (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{item.width:.1f}" '
        f'height="{item.above + item.below:.1f}" rx="7" fill="#f3f3f0" stroke="{_INK}" '
        'stroke-width="1.5"/>'
    )
    y = item.y - (_NAME + _LINE * len(box.lines)) / 2 + _NAME * 0.82
    yield _text(box.name, item.x, y, _NAME, weight="bold")
    for line in box.lines:
        y += _LINE
        yield _text(line, item.x, y, _TEXT, color=_GREY)


def _label(arrow: Arrow, item: PlacedItem) -> Iterator[str]:
    y = item.y - 6
    if arrow.rate:
        yield _text(arrow.rate, item.x, y, _TEXT)
        y -= _LINE
    color = _ACTING if arrow.only else _GREY
    yield _text(arrow.name, item.x, y, _TEXT, color=color, style="italic")
    top = item.y + 9 + (_BACK if arrow.origin == arrow.target else 0.0)
    if arrow.tags:
        yield f'<circle cx="{item.x:.1f}" cy="{item.y:.1f}" r="3" fill="{_ACTING}"/>'
        yield (
            f'<path d="M {item.x:.1f} {item.y:.1f} V {top:.1f}" stroke="{_ACTING}" '
            'stroke-width="1.3" stroke-dasharray="3 2"/>'
        )
    for tag in arrow.tags:
        width = text_width(tag.text, _TEXT) + 14
        yield (
            f'<rect x="{item.x - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" height="19" '
            f'rx="9" fill="white" stroke="{_ACTING}" stroke-width="1.3" stroke-dasharray="5 3"/>'
        )
        yield _text(tag.text, item.x, top + 13.5, _TEXT, color=_ACTING)
        top += 23


def _legend(y: float) -> Iterator[str]:
    yield (
        f'<path d="M {_MARGIN} {y - 4:.1f} h 30" stroke="{_ACTING}" stroke-width="1.5" '
        'stroke-dasharray="5 3"/>'
    )
    yield _text("what an intervention does", _MARGIN + 38, y, _TEXT, color=_GREY, anchor="start")


def _text(
    words: str,
    x: float,
    y: float,
    size: float,
    color: str = _INK,
    anchor: str = "middle",
    weight: str = "",
    style: str = "",
) -> str:
    extra = (f' font-weight="{weight}"' if weight else "") + (
        f' font-style="{style}"' if style else ""
    )
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.0f}" text-anchor="{anchor}" '
        f'fill="{color}"{extra}>{html(words)}</text>'
    )
