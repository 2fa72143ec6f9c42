"""`use`: statements of another `.alloc` file, from beside the model or from the library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from allocc.compiler import failures
from allocc.compiler.names import errors as names_errors
from allocc.compiler.names.resolve import Bound, resolve
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector, DiagnosticError
from allocc.dsl.walk import nodes

#: Statements that a `use` can name.
_NAMED = (
    tree.Table
    | tree.SetDeclaration
    | tree.Parameter
    | tree.Let
    | tree.Function
    | tree.Decide
    | tree.Compartment
    | tree.Flow
    | tree.Intervention
    | tree.Report
    | tree.Fit
    | tree.Scenario
)

#: Statements that come along when a whole model is named.
_LOOSE = tree.Effect | tree.Limit | tree.Prefer | tree.Chance | tree.Policy | tree.Uncertain


#: What earlier `use` statements have brought: the statement of each name, by file and name.
Taken = dict[tuple[str, str], tree.Statement]


def shipped() -> list[str]:
    """Names of the library's files."""
    folder = files("allocc.models") / "library"
    return sorted(p.name for p in folder.iterdir() if p.name.endswith(".alloc"))


def shipped_in(name: str) -> str | None:
    """The library's file that declares a name, or None."""
    return next((file for file in shipped() if name in _named(_shipped_file(file))), None)


def expand_uses(
    file: tree.File, path: Path | None, collector: Collector
) -> tuple[list[tuple[Any, bool]], set[str]]:
    """The statements of a file with those of the files that it uses; a flag marks the latter.

    The second answer has the names that a `use` should have brought but did not.
    """
    found: list[tuple[Any, bool]] = []
    lost: set[str] = set()
    taken: Taken = {}
    for statement in file.statements:
        if not isinstance(statement, tree.Use):
            found.append((statement, False))
            continue
        try:
            used = _load(statement, path, ())
            found.extend((s, True) for s in _chosen(statement, used, taken))
            continue
        except failures.Failed as failed:
            problems = failed.diagnostics
        except DiagnosticError as unread:
            problems = unread.diagnostics
        lost.update(i.name for i in statement.names)
        for diagnostic in problems:
            collector.add(diagnostic)
    return found, lost


@lru_cache(maxsize=32)
def _shipped_file(name: str) -> tuple[tree.Statement, ...]:
    from allocc.dsl.reading.parser import parse

    text = (files("allocc.models") / "library" / name).read_text(encoding="utf-8")
    return parse(tree.Source(f"library {name}", text)).statements


def _load(
    statement: tree.Use, path: Path | None, active: tuple[Path, ...]
) -> tuple[tree.Statement, ...]:
    """The statements of the named file, with what it uses itself."""
    from allocc.dsl.reading.parser import parse_file

    name = statement.file.value
    local = _beside(name, path)
    if local is None:
        if name not in shipped():
            raise failures.Failed(
                names_errors.missing_library(name, statement.file.span, shipped())
            )
        return _shipped_file(name)
    here = local.resolve()
    if here in active:
        raise failures.Failed(names_errors.circular_use(name, statement.file.span))
    found: list[tree.Statement] = []
    taken: Taken = {}
    for inner in parse_file(local).statements:
        if isinstance(inner, tree.Use):
            found += _chosen(inner, _load(inner, local, (*active, here)), taken)
        else:
            found.append(inner)
    return tuple(found)


def _beside(name: str, path: Path | None) -> Path | None:
    """A file in the model's folder or below it, if there is one of that name."""
    if path is None:
        return None
    try:
        local = path.parent / name
        inside = local.resolve().is_relative_to(path.parent.resolve())
        return local if inside and local.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _named(statements: tuple[tree.Statement, ...]) -> dict[str, Any]:
    return {s.name.name: s for s in statements if isinstance(s, _NAMED)}


def _chosen(
    statement: tree.Use, statements: tuple[tree.Statement, ...], taken: Taken
) -> Iterator[tree.Statement]:
    """The named statements of a file and everything of it that they mention."""
    named = _named(statements)
    file = statement.file.value
    header = next((s for s in statements if isinstance(s, tree.ModelHeader)), None)
    wanted: list[str] = []
    loose: list[tree.Statement] = []
    for identifier in statement.names:
        if identifier.name not in named:
            if header is not None and identifier.name == header.name.name:
                # A whole model, but for its time and its objective, which the user's model has.
                wanted.extend(named)
                loose = [s for s in statements if isinstance(s, _LOOSE) and (file, "") not in taken]
                taken[file, ""] = header
                continue
            raise failures.Failed(
                names_errors.not_in_library(identifier.name, file, identifier.span, list(named))
            )
        wanted.append(identifier.name)
    starts: dict[str, list[tree.Initial]] = {}
    for s in statements:
        if isinstance(s, tree.Initial):
            starts.setdefault(s.name.name, []).append(s)
    chosen: dict[str, Any] = {}
    while wanted:
        name = wanted.pop(0)
        if name not in chosen:
            chosen[name] = named[name]
            mentioned = _mentioned((named[name], *starts.get(name, ())))
            wanted.extend(n for n in sorted(mentioned) if n in named)
    for argument in statement.arguments:
        bound = chosen.get(argument.name.name)
        if not isinstance(bound, tree.Parameter | tree.SetDeclaration):
            parameters = [
                n for n, s in chosen.items() if isinstance(s, tree.Parameter | tree.SetDeclaration)
            ]
            raise failures.Failed(
                names_errors.unknown_argument(
                    argument.name.name, file, argument.name.span, parameters
                )
            )
        name = argument.name.name
        known = taken.get((file, name))
        if known is not None and not _same_value(known, argument.value):
            raise failures.Failed(names_errors.argument_too_late(name, file, argument.name.span))
        chosen[name] = replace(bound, value=argument.value)
    loose += _units(statements, [*chosen.values(), *loose])
    fresh = {n: s for n, s in chosen.items() if (file, n) not in taken}
    taken.update({(file, n): s for n, s in fresh.items()})
    return iter([*fresh.values(), *(s for n in fresh for s in starts.get(n, ())), *loose])


def _units(statements: tuple[tree.Statement, ...], chosen: Iterable[Any]) -> list[tree.Statement]:
    """The units that a file declares and that the chosen statements are written in."""
    declared = {s.name.name: s for s in statements if isinstance(s, tree.UnitDeclaration)}
    found: dict[str, tree.Statement] = {}
    pending: list[Any] = [*chosen] if declared else []
    while pending:
        for n in nodes(pending.pop()):
            if isinstance(n, tree.UnitName) and n.name in declared and n.name not in found:
                found[n.name] = declared[n.name]
                pending.append(declared[n.name])
    return list(found.values())


def _same_value(known: tree.Statement, value: tree.Expression) -> bool:
    """Whether an earlier `use` has brought a parameter or a set with this very value."""
    own = getattr(known, "value", None)
    return own is not None and own.span.text.split() == value.span.text.split()


def _mentioned(statements: Sequence[tree.Statement]) -> set[str]:
    """Every name that statements mention, but for what an index or a function's head binds."""
    return {
        m.node.name
        for m in resolve(statements).mentions
        if not isinstance(m.node, tree.UnitName) and not isinstance(m.meaning, Bound)
    }
