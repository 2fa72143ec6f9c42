"""What is told about a small model, without the line that says how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import allocc
from allocc.api import Model
from allocc.showing.findings import conflict_lines


def load(folder: Path, text: str, tables: Mapping[str, str] | None = None) -> Model:
    """A model in the current folder, so that places are short in messages."""
    for name, rows in (tables or {}).items():
        (folder / f"{name}.csv").write_text(rows, "utf-8")
    (folder / "m.alloc").write_text(text, "utf-8")
    return allocc.load("m.alloc")


def told(model: Model, solver: str = "highs") -> str:
    """The conflict as it is printed; what is behind it must be infeasible."""
    assert model.solve(solver=solver).status == "infeasible"
    found = model.conflict(solver=solver)
    lines = conflict_lines(found)
    assert lines[-1].startswith(f"Found by {solver} in ")
    return "\n".join(lines[:-1]).rstrip("\n")
