"""Frontiers on disk, and read back: what `allocc pareto --run DIR` writes.

frontier.json      all points with their bounds, what is proven, and how it was found
frontier.csv       one row a point
frontier.svg       the picture, where Matplotlib is installed
decisions-N.csv    the decisions of point N, as `allocc simulate` reads them
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from allocc.engine.judging.outcome import Violation
from allocc.results.frontier import Claim, FrontierAxis, Point, Tradeoff
from allocc.results.run_folder import FORMAT
from allocc.results.run_folder.json_values import read_as, to_json
from allocc.results.run_folder.place import write_folder
from allocc.results.run_folder.reading import read_json, readable
from allocc.results.run_folder.tidy import write_long

FILE = "frontier.json"


def save(
    found: Tradeoff, folder: str | PathLike[str], picture: Callable[[Tradeoff], bytes | None]
) -> Path:
    """Write a frontier; the folder appears when it is complete. Never writes over anything.

    `picture` makes its SVG file, where there are points and something to draw them with.

    Raises `AlloccError` E7007 for a folder that holds something, E7008 where it cannot be written.
    """

    def write(part: Path) -> None:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        data = {"format": FORMAT, "created": created, **frontier_data(found)}
        (part / FILE).write_text(to_json(data) + "\n", encoding="utf-8")
        if found.points:
            write_csv(found, part / "frontier.csv")
            if (svg := picture(found)) is not None:
                (part / "frontier.svg").write_bytes(svg)
        for k, point in enumerate(found.points, 1):
            write_long(part / f"decisions-{k}.csv", point.blocks, kinds=False)

    return write_folder(Path(folder), write)


def write_csv(found: Tradeoff, path: Path) -> None:
    """One row a point; raises `OSError`."""
    first, second = (a.name for a in found.axes)
    head = ["point", f"{second}_limit", second, first, f"{first}_bound", f"{second}_bound", "gap"]
    head += ["status", "same_as", "dominated_by", *found.left_out]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        for k, p in enumerate(found.points, 1):
            row: list[object] = [
                k,
                p.level,
                p.values[1],
                p.values[0],
                p.bound,
                p.other_bound,
                p.gap,
            ]
            row += [p.status, p.same_as, p.dominated_by]
            row += [p.terms[n] for n in found.left_out]
            writer.writerow(["" if x is None else x for x in row])


def frontier_data(found: Tradeoff) -> dict[str, Any]:
    """The frontier as JSON holds it."""
    names = [a.name for a in found.axes]
    return {
        "model": found.model,
        "title": found.title,
        "status": found.status,
        "stopped": found.stopped,
        "sense": found.sense,
        "between": [
            {"term": a.name, "description": a.description, "unit": a.unit} for a in found.axes
        ],
        "left_out": list(found.left_out),
        "asked_gap": found.asked_gap,
        "points": [
            {
                "point": k,
                "kind": p.kind,
                "level": p.level,
                "values": dict(zip(names, p.values, strict=True)),
                "bounds": dict(zip(names, (p.bound, p.other_bound), strict=True)),
                "gap": p.gap,
                "status": p.status,
                "stopped": p.stopped,
                "violation": p.violation,
                "terms": p.terms,
                "same_as": p.same_as,
                "dominated_by": p.dominated_by,
                "seconds": p.seconds,
            }
            for k, p in enumerate(found.points, 1)
        ],
        "proven": [
            {
                "term": names[c.term],
                "bound": c.bound,
                "where": None if c.within is None else {names[1 - c.term]: c.within},
                "proof": c.proof,
            }
            for c in found.claims
        ],
        "solver": found.solver,
        "solves": found.solves,
        "seconds": found.seconds,
        "message": found.message,
        "notes": list(found.notes),
    }


def read(folder: str | PathLike[str]) -> Tradeoff:
    """The frontier in a folder; raises E7014 where there is none that can be read."""
    path = Path(folder)
    with readable(path):
        return _frontier(read_json(path / FILE))


def _frontier(data: dict[str, Any]) -> Tradeoff:
    first, second = (FrontierAxis(a["term"], a["description"], a["unit"]) for a in data["between"])
    names = (first.name, second.name)
    claims = []
    for c in data["proven"]:
        term = names.index(c["term"])
        within = None if c["where"] is None else float(c["where"][names[1 - term]])
        # Folders of earlier versions do not say what a bound rests on.
        claims.append(Claim(term, float(c["bound"]), within, c.get("proof")))
    return Tradeoff(
        model=data["model"],
        title=data["title"],
        sense=data["sense"],
        axes=(first, second),
        left_out=tuple(data["left_out"]),
        asked_gap=float(data["asked_gap"]),
        status=data["status"],
        stopped=data["stopped"],
        points=tuple(_point(p, names) for p in data["points"]),
        claims=tuple(claims),
        notes=tuple(data["notes"]),
        solver=data["solver"],
        solves=int(data["solves"]),
        seconds=float(data["seconds"]),
        message=data["message"],
    )


def _point(p: dict[str, Any], names: tuple[str, str]) -> Point:
    first, second = names
    return Point(
        kind=p["kind"],
        level=p["level"],
        values=(float(p["values"][first]), float(p["values"][second])),
        bound=p["bounds"][first],
        other_bound=p["bounds"][second],
        gap=p["gap"],
        status=p["status"],
        stopped=p["stopped"],
        violation=read_as(Violation, p["violation"]),
        terms=p["terms"],
        seconds=float(p["seconds"]),
        same_as=p["same_as"],
        dominated_by=p["dominated_by"],
    )
