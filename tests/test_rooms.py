"""Who may import whom: every import counts, also those inside of functions and those for types."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Where each package of ours lies in the repository.
PLACES = {
    "allocc.dsl": ROOT / "dsl",
    "allocc.compiler": ROOT / "compiler",
    "allocc.backends": ROOT / "backends",
    "allocc": ROOT / "src" / "allocc",
}
#: The rooms from the ground up: each may import those before it, and none after it.
ROOMS = (
    "allocc.proof",
    "allocc.dsl",
    "allocc.dsl.syntax_help",
    "allocc.dsl.reading",
    "allocc.dsl.layout",
    "allocc.compiler",
    "allocc.compiler.functions",
    "allocc.compiler.names",
    "allocc.compiler.units",
    "allocc.compiler.algebra",
    "allocc.compiler.data",
    "allocc.compiler.scoping",
    "allocc.compiler.evaluating",
    "allocc.compiler.binding",
    "allocc.compiler.unrolling",
    "allocc.compiler.worlds",
    "allocc.compiler.fitting",
    "allocc.compiler.enclosing",
    "allocc.compiler.equations",
    "allocc.compiler.programs",
    "allocc.compiler.reformulations",
    "allocc.compiler.lowering",
    "allocc.compiler.relaxing",
    "allocc.compiler.boxes",
    "allocc.compiler.pipeline",
    "allocc.compiler.lint",
    "allocc.backends",
    "allocc.version",
    "allocc.errors",
    "allocc.mistakes",
    "allocc.whole",
    "allocc.asked",
    "allocc.tables",
    "allocc.signals",
    "allocc.engine.judging",
    "allocc.engine.proving",
    "allocc.engine.heuristics",
    "allocc.engine",
    "allocc.engine.certifying",
    "allocc.results",
    "allocc.questions",
    "allocc.showing.rendering",
    "allocc.showing.picture",
    "allocc.showing.plots",
    "allocc.showing.analysis",
    "allocc.showing",
    "allocc.api",
    "allocc.loading",
    "allocc.lsp",
    "allocc.cli",
    "allocc.__main__",
)
#: Packages that gather names for those outside: their own imports count for nobody.
FRONTS = {"allocc", "allocc.dsl", "allocc.backends", "allocc.cli"}
#: Where a program begins.
STARTS = {("allocc.__main__", "allocc.cli")}
#: More files than this side by side are a heap, not a room.
MOST_FILES = 14


@cache
def modules() -> dict[str, Path]:
    """All modules of ours; the links under src/allocc/ lead to folders that are read by themselves."""
    found = {}
    for package, place in PLACES.items():
        for path in place.rglob("*.py"):
            if any(p.is_symlink() for p in path.parents):
                continue
            parts = path.relative_to(place).with_suffix("").parts
            found[".".join((package, *parts)).removesuffix(".__init__")] = path
    return found


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    known = modules()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("allocc"):
            assert node.level == 0, path
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in known else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "allocc")


@cache
def arrows() -> dict[str, frozenset[str]]:
    """What each module imports."""
    return {
        name: frozenset(imports(path)) - {name}
        for name, path in modules().items()
        if name not in FRONTS
    }


def room(module: str) -> int | None:
    """The number of a module's room; None for what has none here."""
    found = [k for k, name in enumerate(ROOMS) if module == name or module.startswith(f"{name}.")]
    return max(found, key=lambda k: len(ROOMS[k]), default=None)


def test_no_module_imports_from_a_room_that_stands_upon_its_own() -> None:
    wrong = []
    for name, others in arrows().items():
        for other in others:
            here, there = room(name), room(other)
            if here is not None and (there is None or there > here):
                wrong.append(f"{name} imports {other}")
    assert not wrong, "\n".join(sorted(wrong))


def test_there_is_no_circle() -> None:
    try:
        TopologicalSorter(arrows()).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_nothing_of_ours_asks_a_front_for_what_is_behind_it() -> None:
    """`allocc` and others gather names for those outside; inside, the module itself is named."""
    wrong = [
        f"{name} imports from {other}"
        for name, others in arrows().items()
        for other in others & FRONTS
        if (name, other) not in STARTS
    ]
    assert not wrong, "\n".join(sorted(wrong))


@pytest.mark.parametrize("package", sorted({str(p.parent) for p in modules().values()}))
def test_a_room_is_small_and_says_what_it_is(package: str) -> None:
    folder = Path(package)
    files = [p for p in folder.glob("*.py") if p.name != "__init__.py"]
    assert len(files) <= MOST_FILES, sorted(p.name for p in files)
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
    assert text
    if folder not in (ROOT / "src" / "allocc", ROOT / "models"):
        assert "In: " in text and "Out: " in text and re.search("may\\s+import|imports", text), (
            folder
        )


def test_tests_lie_as_the_code_does() -> None:
    """Each folder of tests below a room is a folder of the code; others are about several rooms."""
    packages = {name for name, path in modules().items() if path.name == "__init__.py"}
    tops = {name.split(".")[1] for name in packages if "." in name}
    found = {p.parent.relative_to(ROOT / "tests") for p in (ROOT / "tests").rglob("*.py")}
    below = [".".join(("allocc", *f.parts)) for f in found if f.parts and f.parts[0] in tops]
    assert below and not sorted(set(below) - packages)


def test_every_room_is_installed() -> None:
    """A folder that pyproject.toml does not name is there in a checkout, and missing where allocc is installed."""
    packages = {name for name, path in modules().items() if path.name == "__init__.py"}
    named = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    assert not sorted(packages - set(named["packages"]))
