"""A frontier as text, and as a plot that is written without any library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from allocc.dsl.escapes import html, one_line
from allocc.results.frontier import Point, Tradeoff
from allocc.tables import duration, number, numbers, percent, rests, table

_WORDS = {
    "optimal": "every point is proven within the gap",
    "feasible": "not every point is proven",
    "infeasible": "no allocation meets every limit",
    "unbounded": "a term has no bound: it can be made as good as one likes",
    "unknown": "no allocation was found, and none was proven impossible",
}
_WHY = {
    "time_limit": "stopped at the time limit",
    "interrupted": "interrupted; the points that are known are kept",
    "memory_limit": "stopped at the memory limit",
    "exhausted": "stopped because nothing more could be refined",
    "failed": "stopped because the solver failed",
}
WIDTH, HEIGHT = 720, 480
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 66, 60


def summary(found: Tradeoff, color: bool = False) -> str:
    """The report for a terminal."""
    title = found.title or found.model
    first, second = found.axes
    words = _WORDS[found.status]
    said = rests(found.proof, found.solver)
    if found.status == "optimal" and said:
        words = f"every point is within the gap{said}"
    why = _WHY.get(found.stopped, "")
    words = f"{words}; {why}" if why else words
    lines = [
        f"\x1b[1m{one_line(title)}\x1b[0m" if color else one_line(title),
        f"{first.name} against {second.name}: {words}.",
        "",
        *table(["term", "what it is"], [[a.name, a.label] for a in found.axes]),
    ]
    if found.points:
        lines += ["", *_table(found), "", *_proven(found)]
    if found.left_out:
        lines += ["", f"Left out of the objective: {', '.join(found.left_out)}."]
    lines += [f"\nNote: {n}" for n in found.notes]
    if found.message:
        lines += ["", found.message]
    solves = f"{found.solves} solve{'' if found.solves == 1 else 's'}"
    lines += ["", f"{solves} with {found.solver}, {duration(found.seconds)}"]
    return "\n".join(lines)


def _table(found: Tradeoff) -> list[str]:
    first, second = found.axes
    both = numbers([x for p in found.points for x in (p.values[0], p.bound)], 7)
    other = numbers([x for p in found.points for x in (p.values[1], p.level)], 7)
    sign = "<=" if found.sense == "minimize" else ">="
    rows = [
        [
            str(k + 1),
            f"{sign} {other[2 * k + 1]}" if p.level is not None else "any",
            other[2 * k],
            both[2 * k],
            both[2 * k + 1],
            percent(p.gap),
            _remark(p),
        ]
        for k, p in enumerate(found.points)
    ]
    limit = f"{second.name} limit"
    head = ["point", limit, second.name, first.name, "bound", "gap", "remark"]
    return table(head, rows, right=[0, 1, 2, 3, 4, 5])


def _remark(p: Point) -> str:
    parts = [] if p.kind == "level" else [p.kind]
    if p.same_as is not None:
        parts.append(f"same as {p.same_as}")
    if p.dominated_by is not None:
        parts.append(f"dominated by {p.dominated_by}")
    if p.status != "optimal":
        parts.append("not closed")
    return ", ".join(parts)


def _proven(found: Tradeoff) -> list[str]:
    better = "below" if found.sense == "minimize" else "above"
    first, second = found.axes
    said = rests(found.proof, found.solver)
    within = f"bound: with {second.name} within its limit"
    lines = [f"{within} no allocation has {first.name} {better} this{said}."]
    for c in found.claims:
        if c.term == 1 and c.within is None:
            lines.append(
                f"No allocation at all has {second.name} {better} {number(c.bound, 7)}{said}."
            )
    return lines


# --- the plot ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """What both kinds of plot draw: the second term across, the first one up."""

    across: tuple[float, float]
    up: tuple[float, float]
    unreachable: list[tuple[float, float]]
    known: list[tuple[float, float]]
    points: list[tuple[float, float, Point]]
    labels: tuple[str, str]
    title: str


def picture(found: Tradeoff) -> Picture:
    """The window, and what is in it."""
    s = found.sign
    xs = [s * p.values[1] for p in found.points]
    ys = [s * p.values[0] for p in found.points]
    left, right = _window(xs)
    bottom, top = _window(ys)
    outline = staircase(corners(found), left, right, bottom, top)
    steps: list[tuple[float, float]] = []
    lowest = math.inf
    for x, y in sorted(zip(xs, ys, strict=True)):
        if y < lowest:
            steps += [(x, min(lowest, top)), (x, y)]
            lowest = y
    steps.append((right, lowest))
    return Picture(
        _span(s * left, s * right),
        _span(s * bottom, s * top),
        [(s * x, s * y) for x, y in outline],
        [(s * x, s * y) for x, y in steps],
        [(p.values[1], p.values[0], p) for p in found.points],
        (one_line(found.axes[1].label), one_line(found.axes[0].label)),
        one_line(found.title or found.model),
    )


def staircase(
    corners: Sequence[tuple[float, float]], left: float, right: float, bottom: float, top: float
) -> list[tuple[float, float]]:
    """The outline of the union of the quarter-planes below and left of `corners`, in a window."""
    height = bottom
    outline = [(right, bottom)]
    for x, y in sorted(corners, key=lambda c: (-c[0], c[1])):
        x, y = min(x, right), min(y, top)
        if y > height and x > left:
            outline += [(x, height), (x, y)]
            height = y
    return [*outline, (left, height), (left, bottom)]


def corners(found: Tradeoff) -> list[tuple[float, float]]:
    """Each claim as a corner (second, first) of what is out of reach; more is worse here."""
    s = found.sign
    return [
        (math.inf if c.within is None else s * c.within, s * c.bound)
        if c.term == 0
        else (s * c.bound, math.inf if c.within is None else s * c.within)
        for c in found.claims
    ]


def _span(a: float, b: float) -> tuple[float, float]:
    return (min(a, b), max(a, b))


def _window(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.12 * (high - low) or 0.1 * max(1.0, abs(high))
    return low - room, high + room


def ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Round numbers between two ends."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= raw)
    first = math.ceil(low / step)
    return [k * step for k in range(first, math.floor(high / step) + 1)]


def svg(found: Tradeoff) -> str:
    """The plot as an SVG document: no scripts, and readable in grey."""
    pic = picture(found)
    (x0, x1), (y0, y1) = pic.across, pic.up

    def across(x: float) -> float:
        return LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)

    def path(points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{across(x):.2f},{up(y):.2f}" for x, y in points)

    floor, wall = HEIGHT - BOTTOM, WIDTH - RIGHT
    size = max(8.0, min(15.0, round(900 / max(1, len(pic.title)), 1)))
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12" role="img">'
        ),
        (f"<title>{html(pic.title)}: {html(pic.labels[1])} against {html(pic.labels[0])}</title>"),
        (
            '<defs><pattern id="out" width="7" height="7" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><rect width="7" height="7" fill="#e4e4e4"/>'
            '<line x1="0" y1="0" x2="0" y2="7" stroke="#a8a8a8" stroke-width="1.4"/></pattern></defs>'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="{size:g}" font-weight="bold">{html(pic.title)}</text>',
        f'<polygon points="{path(pic.unreachable)}" fill="url(#out)"/>',
    ]
    for x, text in _marks(*pic.across):
        at = f"{across(x):.2f}"
        parts.append(f'<line x1="{at}" y1="{floor}" x2="{at}" y2="{floor + 5}" stroke="black"/>')
        parts.append(f'<text x="{at}" y="{floor + 20}" text-anchor="middle">{text}</text>')
    for y, text in _marks(*pic.up):
        at = f"{up(y):.2f}"
        parts.append(f'<line x1="{LEFT - 5}" y1="{at}" x2="{LEFT}" y2="{at}" stroke="black"/>')
        parts.append(f'<text x="{LEFT - 9}" y="{at}" text-anchor="end" dy="0.35em">{text}</text>')
    middle = (TOP + floor) / 2
    parts += [
        (
            f'<polyline points="{path(pic.known)}" fill="none" stroke="black" stroke-width="1.4" '
            'stroke-dasharray="6 4"/>'
        ),
        f'<path d="M{LEFT},{TOP} V{floor} H{wall}" fill="none" stroke="black"/>',
        (
            f'<text x="{(LEFT + wall) / 2}" y="{HEIGHT - 16}" text-anchor="middle">'
            f"{html(pic.labels[0])}</text>"
        ),
        (
            f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">'
            f"{html(pic.labels[1])}</text>"
        ),
    ]
    for x, y, p in pic.points:
        text = f"{number(x)}, {number(y)}; {percent(p.gap)} gap"
        parts.append(_dot(across(x), up(y), p, text))
    parts += [*_legend(rests(found.proof, found.solver)), "</svg>", ""]
    return "\n".join(parts)


def _marks(low: float, high: float) -> list[tuple[float, str]]:
    found = ticks(low, high)
    return list(zip(found, numbers(found), strict=True))


def _dot(x: float, y: float, p: Point, text: str) -> str:
    title = f"<title>{html(text)}</title>"
    if p.dominated_by is not None:
        cross = f"M{x - 4:.2f},{y - 4:.2f} l8,8 m0,-8 l-8,8"
        return f'<path d="{cross}" stroke="black" stroke-width="1.6" fill="none">{title}</path>'
    fill = "black" if p.status == "optimal" else "white"
    return (
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="4.5" fill="{fill}" stroke="black" '
        f'stroke-width="1.4">{title}</circle>'
    )


def _legend(said: str) -> list[str]:
    y = 46
    out = f"out of reach{said}" if said else "proven out of reach"
    return [
        f'<rect x="{LEFT}" y="{y - 9}" width="22" height="12" fill="url(#out)"/>',
        f'<text x="{LEFT + 28}" y="{y + 1}">{out}</text>',
        (
            f'<line x1="{LEFT + 160}" y1="{y - 3}" x2="{LEFT + 184}" y2="{y - 3}" stroke="black" '
            'stroke-width="1.4" stroke-dasharray="6 4"/>'
        ),
        f'<text x="{LEFT + 190}" y="{y + 1}">reached</text>',
        f'<circle cx="{LEFT + 262}" cy="{y - 3}" r="4.5"/>',
        f'<text x="{LEFT + 272}" y="{y + 1}">proven</text>',
        (
            f'<circle cx="{LEFT + 338}" cy="{y - 3}" r="4.5" fill="white" stroke="black" '
            'stroke-width="1.4"/>'
        ),
        f'<text x="{LEFT + 348}" y="{y + 1}">gap open</text>',
        f'<path d="M{LEFT + 424},{y - 7} l8,8 m0,-8 l-8,8" stroke="black" stroke-width="1.6"/>',
        f'<text x="{LEFT + 438}" y="{y + 1}">dominated</text>',
    ]
