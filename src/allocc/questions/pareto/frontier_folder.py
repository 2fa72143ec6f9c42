"""Frontiers on disk, and read back: what `allocc pareto --run DIR` writes.

frontier.json      all points with their bounds, what is proven, and how it was found
frontier.csv       one row a point
frontier.svg       the picture
decisions-N.csv    the decisions of point N, as `allocc simulate` reads them
"""

from __future__ import annotations

from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc.results.run_folder import FORMAT
from allocc.results.run_folder.place import write_folder
from allocc.results.run_folder.plain import to_json
from allocc.results.run_folder.reading import read_json, readable, violation_of
from allocc.results.run_folder.tidy import write_long

if TYPE_CHECKING:
    from allocc.questions.pareto.frontier import Frontier

FILE = "frontier.json"


def save(found: Frontier, folder: str | PathLike[str]) -> Path:
    """Write a frontier; the folder appears when it is complete. Never writes over anything.

    Raises `AlloccError` E7007 for a folder that holds something, E7008 where it cannot be written.
    """
    from allocc.questions.pareto.frontier import frontier_data
    from allocc.showing.pareto_report import write_csv, write_plot

    def write(part: Path) -> None:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        data = {"format": FORMAT, "created": created, **frontier_data(found)}
        (part / FILE).write_text(to_json(data) + "\n", encoding="utf-8")
        if found.points:
            write_csv(found, part / "frontier.csv")
            write_plot(found, part / "frontier.svg")
        for k, point in enumerate(found.points, 1):
            write_long(part / f"decisions-{k}.csv", point.blocks, kinds=False)

    return write_folder(Path(folder), write)


def read(folder: str | PathLike[str]) -> Frontier:
    """The frontier in a folder; raises E7014 where there is none that can be read."""
    path = Path(folder)
    with readable(path):
        return _frontier(read_json(path / FILE))


def _frontier(data: dict[str, Any]) -> Frontier:
    from allocc.questions.pareto.frontier import Axis, Claim, Frontier

    first, second = (Axis(a["term"], a["description"], a["unit"]) for a in data["between"])
    names = (first.name, second.name)
    claims = []
    for c in data["proven"]:
        term = names.index(c["term"])
        within = None if c["where"] is None else float(c["where"][names[1 - term]])
        # Folders of earlier versions do not say what a bound rests on.
        claims.append(Claim(term, float(c["bound"]), within, c.get("proof")))
    return Frontier(
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


def _point(p: dict[str, Any], names: tuple[str, str]) -> Any:
    from allocc.questions.pareto.frontier import Point

    violation = violation_of(p["violation"])
    assert violation is not None
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
        violation=violation,
        terms=p["terms"],
        seconds=float(p["seconds"]),
        same_as=p["same_as"],
        dominated_by=p["dominated_by"],
    )
