"""A frontier as text."""

from __future__ import annotations

from allocc.dsl.escapes import one_line
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
