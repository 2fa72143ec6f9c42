"""`use`: statements of another `.alloc` file, from beside the model or from the library."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from allocc.compiler import errors
from allocc.dsl import tree
from allocc.dsl.diagnostics import AlloccError, Collector


def shipped() -> list[str]:
    """Names of the library's files."""
    folder = files("allocc.models") / "library"
    return sorted(p.name for p in folder.iterdir() if p.name.endswith(".alloc"))


def expand_uses(file: tree.File, path: Path | None, collector: Collector) -> list[tuple[Any, bool]]:
    """The statements of a file with those of the files that it uses; a flag marks the latter."""
    found: list[tuple[Any, bool]] = []
    seen: dict[str, tree.File] = {}
    taken: set[tuple[str, str]] = set()
    for statement in file.statements:
        if not isinstance(statement, tree.Use):
            found.append((statement, False))
            continue
        name = statement.file.value
        try:
            if name not in seen:
                seen[name] = _load(statement, path)
            found.extend(_chosen(statement, seen[name], taken))
        except errors.Failed as failed:
            for diagnostic in failed.diagnostics:
                collector.add(diagnostic)
        except AlloccError as failed_parse:
            for diagnostic in failed_parse.diagnostics:
                collector.add(diagnostic)
    return found


def _load(statement: tree.Use, path: Path | None) -> tree.File:
    from allocc.dsl.parser import parse, parse_file

    name = statement.file.value
    if path is not None:
        folder = path.parent.resolve()
        local = (folder / name).resolve()
        if local.is_relative_to(folder) and local.is_file():
            return parse_file(local)
    resource = files("allocc.models") / "library" / name
    if name not in shipped():
        raise errors.Failed(errors.missing_library(name, statement.file.span, shipped()))
    text = resource.read_text(encoding="utf-8")
    return parse(tree.Source(f"library {name}", text))


def _chosen(
    statement: tree.Use, file: tree.File, taken: set[tuple[str, str]]
) -> list[tuple[Any, bool]]:
    """The named statements of a file and the functions that they call."""
    functions = {s.name.name: s for s in file.statements if isinstance(s, tree.Function)}
    found: list[tuple[Any, bool]] = []
    wanted = [(i.name, i.span) for i in statement.names]
    while wanted:
        name, span = wanted.pop(0)
        if name not in functions:
            raise errors.Failed(
                errors.not_in_library(name, statement.file.value, span, list(functions))
            )
        if (statement.file.value, name) in taken:
            continue
        taken.add((statement.file.value, name))
        function = functions[name]
        found.append((function, True))
        wanted.extend((n, span) for n in sorted(_calls(function.value)) if n in functions)
    return found


def _calls(node: Any) -> set[str]:
    """Names of the functions that an expression calls."""
    names: set[str] = set()
    stack = [node]
    while stack:
        n = stack.pop()
        if isinstance(n, tree.Call):
            names.add(n.function.name)
        if isinstance(n, tuple):
            stack.extend(n)
        elif hasattr(n, "__dataclass_fields__") and not isinstance(n, tree.Span):
            stack.extend(getattr(n, f) for f in n.__dataclass_fields__ if f != "span")
    return names
