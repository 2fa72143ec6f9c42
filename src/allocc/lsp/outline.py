"""What a text declares, also while parts of it cannot be read.

A text that does not parse is read statement by statement, each by itself; those that did not change are
only moved to their places. What cannot be read is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from allocc.compiler.failures import Failed
from allocc.compiler.names.library import _chosen, shipped
from allocc.compiler.names.resolve import Named, Resolved, flat, resolve
from allocc.dsl import tree
from allocc.dsl.diagnostics import DiagnosticError
from allocc.dsl.reading.parser import parse, read_alone, read_source
from allocc.dsl.scanner import scan
from allocc.dsl.tree import Source


@dataclass(frozen=True, eq=False)
class Outline:
    """The statements of a file that could be read, and where its `use`d files lie."""

    source: Source
    path: Path | None
    statements: tuple[tree.Statement, ...]
    whole: bool
    #: Files that are open in the editor, by their resolved path, and those that use this one.
    open_files: Mapping[Path, str] = field(default_factory=dict)
    chain: frozenset[Path] = frozenset()

    @cached_property
    def flat(self) -> tuple[tree.Statement, ...]:
        """All statements, those inside of blocks too."""
        return tuple(flat(self.statements))

    @cached_property
    def declared(self) -> dict[str, Named]:
        """The file's own names, with the statements that declare them."""
        found: dict[str, Named] = {}
        for s in self.flat:
            if isinstance(s, Named):
                found.setdefault(s.name.name, s)
        return found

    @cached_property
    def brought(self) -> tuple[tree.Statement, ...]:
        """The statements that `use` takes from other files, with what they mention."""
        found: list[tree.Statement] = []
        for s in self.statements:
            if not isinstance(s, tree.Use):
                continue
            other = self.file(s.file.value)
            if other is None:
                continue
            every = (*other.statements, *other.brought)
            try:
                found.extend(_chosen(s, every, {}))
            except Failed:
                # A name that is not there yet: what is there may still be asked for.
                named = {i.name for i in s.names}
                found.extend(x for x in every if isinstance(x, Named) and x.name.name in named)
        return tuple(found)

    @cached_property
    def used(self) -> dict[str, Named]:
        """The names that come from other files."""
        found: dict[str, Named] = {}
        for s in flat(self.brought):
            if isinstance(s, Named):
                found.setdefault(s.name.name, s)
        return found

    @cached_property
    def resolved(self) -> Resolved:
        """What the names in the file and in what it uses mean."""
        return resolve((*self.statements, *self.brought))

    def lookup(self, name: str) -> Named | None:
        """What declares a name, here or in a used file."""
        return self.declared.get(name) or self.used.get(name)

    def file(self, name: str) -> Outline | None:
        """The outline of a file that is used, from beside the model or from the library."""
        place = self.path_of(name)
        chain = self.chain | ({self.path} if self.path is not None else set())
        if place is None or place in chain:
            return None
        text = self.open_files.get(place)
        found = outline(text, str(place), place, {}) if text is not None else on_disk(place)
        return replace(found, open_files=self.open_files, chain=chain) if found else None

    def path_of(self, name: str) -> Path | None:
        """Where a used file lies, None where there is none."""
        if self.path is not None and name:
            try:
                local = (self.path.parent / name).resolve()
                if local.is_relative_to(self.path.parent.resolve()) and local.is_file():
                    return local
            except (OSError, ValueError):
                return None
        if name in shipped():
            return Path(str(files("allocc.models") / "library" / name)).resolve()
        return None


@lru_cache(maxsize=8)
def read(source: Source) -> tree.File:
    """The tree of a text that parses; the checks and the outline ask for the same one."""
    return parse(source)


def outline(text: str, name: str, path: Path | None, open_files: Mapping[Path, str]) -> Outline:
    """The outline of a text; `name` is shown in messages, `path` is where it is (to be) saved."""
    source = Source(name, text)
    try:
        return Outline(source, path, read(source).statements, True, open_files)
    except DiagnosticError:
        return Outline(source, path, tuple(_recovered(source)), False, open_files)


def _recovered(source: Source) -> Iterator[tree.Statement]:
    """The statements that can be read one by one; those of blocks stand on their own."""
    lexemes = scan(source, source.text).lexemes
    places = [k for k, x in enumerate(lexemes) if x.keyword]
    for k, place in enumerate(places):
        start = lexemes[place].start
        following = places[k + 1] if k + 1 < len(places) else len(lexemes)
        stop = lexemes[following].start if following < len(lexemes) else len(source.text)
        # The brace that closes a block belongs to none of the statements in it.
        ends = [stop, *(x.stop for x in reversed(lexemes[place:following]))]
        for end in ends[:4]:
            statement = _read(source, start, end)
            if statement is not None:
                yield statement
                break


def _read(source: Source, start: int, stop: int) -> tree.Statement | None:
    """One statement of a text, in its place."""
    text = source.text[start:stop]
    opened = text.count("{") - text.count("}")
    if text.startswith(("intervention", "chance", "policy", "fit")) and opened == 1:
        text += "}"
    statements = read_alone(text)
    if statements is None or len(statements) != 1:
        return None
    placed: tree.Statement = _placed(statements[0], source, start)
    return placed


def _placed(node: Any, source: Source, start: int) -> Any:
    """A part of the tree that was read by itself, in its place in a source."""
    if isinstance(node, tuple):
        return tuple(_placed(n, source, start) for n in node)
    if isinstance(node, tree.Span):
        stop = min(start + node.stop, len(source.text))
        return tree.Span(source, start + node.start, stop)
    if not hasattr(node, "__dataclass_fields__"):
        return node
    names = node.__dataclass_fields__
    return replace(node, **{n: _placed(getattr(node, n), source, start) for n in names})


def on_disk(path: Path) -> Outline | None:
    """The outline of a saved file, None where it cannot be read."""
    try:
        return _on_disk(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=64)
def _on_disk(path: Path, stamp: int) -> Outline | None:
    try:
        source = read_source(path)
    except DiagnosticError:
        return None
    return outline(source.text, str(path), path, {})
