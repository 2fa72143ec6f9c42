"""The rooms: each asks only those before it, in whatever way it imports them; tests lie as the code does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: From the first to the last; rooms on one line do not ask each other.
ORDER: tuple[tuple[str, ...], ...] = (
    ("dsl",),
    ("compiler.arrays", "compiler.labels", "compiler.failures"),
    ("compiler.functions",),
    ("compiler.names",),
    ("compiler.units",),
    ("compiler.algebra",),
    ("compiler.data",),
    ("compiler.scoping",),
    ("compiler.evaluating",),
    ("compiler.binding",),
    ("compiler.unrolling",),
    ("compiler.programs",),
    ("compiler.reformulations",),
    ("compiler.lowering",),
    ("compiler.relaxing",),
    ("compiler.pipeline",),
    ("compiler.lint",),
    ("backends",),
    ("engine",),
    ("results",),
    ("questions", "showing"),
    ("api",),
    ("lsp",),
    ("cli",),
)
PLACE = {room: k for k, rooms in enumerate(ORDER) for room in rooms}


def room_of(module: str) -> str | None:
    """The room of a module, as `compiler.names` of `allocc.compiler.names.resolve`; None outside of them."""
    parts = module.split(".")[1:]
    found = [".".join(parts[:n]) for n in (1, 2) if ".".join(parts[:n]) in PLACE]
    return found[-1] if found else None


def place_of(room: str) -> Path:
    """The folder or the file of a room; the first three lie at the root of the repository."""
    top = ROOT if room.split(".")[0] in ("dsl", "compiler", "backends") else ROOT / "src" / "allocc"
    path = top / room.replace(".", "/")
    return path if path.is_dir() else path.with_suffix(".py")


def imported(file: Path) -> Iterator[tuple[int, str]]:
    """Everything of ours that a file imports, also within functions, with the line."""
    for n in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(n, ast.ImportFrom) and (n.module or "").split(".")[0] == "allocc":
            yield from ((n.lineno, f"{n.module}.{a.name}") for a in n.names)
        elif isinstance(n, ast.Import):
            yield from ((n.lineno, a.name) for a in n.names if a.name.startswith("allocc."))


@pytest.mark.parametrize("room", PLACE)
def test_a_room_asks_only_those_before_it(room: str) -> None:
    wrong = []
    place = place_of(room)
    for file in place.rglob("*.py") if place.is_dir() else [place]:
        for line, name in imported(file):
            other = room_of(name)
            if other is not None and other != room and PLACE[other] >= PLACE[room]:
                wrong.append(f"{file.relative_to(ROOT)}:{line} imports {name}")
    assert wrong == []


def test_every_room_has_its_place() -> None:
    rooms = {p.name for p in (ROOT / "compiler").iterdir() if (p / "__init__.py").exists()}
    files = {p.stem for p in (ROOT / "compiler").glob("*.py")} - {"__init__"}
    found = {r.split(".")[1] for r in PLACE if r.startswith("compiler.")}
    assert found == rooms | files


def test_tests_lie_as_the_code_does() -> None:
    """Each folder of tests below a room is a folder of the code; others are about several rooms."""
    tops = {room.split(".")[0] for room in PLACE}
    found = {p.parent.relative_to(ROOT / "tests") for p in (ROOT / "tests").rglob("*.py")}
    below = (f for f in found if f.parts and f.parts[0] in tops)
    assert [str(f) for f in below if not place_of(".".join(f.parts)).is_dir()] == []
