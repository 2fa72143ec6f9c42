"""What is wrong with a text in an editor: the checks of `allocc check`, on the text that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from allocc.api import Model
from allocc.compiler.binding.bind import bind
from allocc.compiler.names.builtin import BUILTIN
from allocc.compiler.names.errors import unknown_name
from allocc.compiler.units.unit import Unit
from allocc.compiler.units.unit_check import units_of
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector, Diagnostic, DiagnosticError
from allocc.dsl.reading.parser import check_syntax
from allocc.dsl.tree import File, Source
from allocc.lsp.outline import Outline, read
from allocc.questions.read_model import data_folder

#: Without any of its tables a model can be read, but not bound: what only data could tell is left out.
_DATA_CODES = ("E3001", "E3022")


@dataclass(frozen=True)
class Analysis:
    """What was found in a text; `model` is there when it could be bound to its data."""

    diagnostics: list[Diagnostic]
    file: File | None = None
    model: Model | None = None
    data: Path | None = None
    path: Path | None = None

    @cached_property
    def units(self) -> Mapping[str, Unit | None]:
        """The units of what the text and its used files declare, also where none is written."""
        if self.file is None:
            return {}
        return units_of(self.file, self.path, Collector()).quantities


def syntax(text: str, name: str) -> Analysis:
    """Only what reading the text finds."""
    try:
        return Analysis([], read(Source(name, text)))
    except DiagnosticError as error:
        return Analysis(list(error.diagnostics))


def faults(text: str, name: str) -> list[Diagnostic]:
    """What reading the whole text finds wrong; the tree is kept for `check`."""
    return syntax(text, name).diagnostics


def mistakes(text: str, name: str) -> list[Diagnostic]:
    """The same; fast enough for every key, as only the statements that changed are read."""
    try:
        check_syntax(Source(name, text))
    except DiagnosticError as error:
        return list(error.diagnostics)
    return []


def check(text: str, name: str, path: Path | None, data: Path | None, pedantic: bool) -> Analysis:
    """Everything that `allocc check` finds in a text that would be saved as `path`.

    Tables and used files are read from disk: `data` is their folder, by default the one that
    `allocc check` takes. Where none of the tables is there, names are checked as far as that goes.
    """
    read = syntax(text, name)
    if read.file is None or path is None:
        return read
    file = read.file
    folder = data_folder(path, file) if data is None else data
    tables = [s.file.value for s in file.statements if isinstance(s, tree.Table)]
    missing = bool(tables) and not any((folder / t).is_file() for t in tables)
    try:
        bound = bind(file, folder, {}, path=path)
        model = Model(bound, folder, {})
        return Analysis(model.check(pedantic), file, model, folder, path)
    except DiagnosticError as error:
        found = list(error.diagnostics)
        if missing:
            found = [d for d in found if d.code not in _DATA_CODES]
            told = {d.span for d in found}
            found += [d for d in unknown_names(file, path) if d.span not in told]
        return Analysis(found, file, None, folder, path)


def unknown_names(file: File, path: Path) -> list[Diagnostic]:
    """Names that nothing declares, as far as the text alone tells; each is told of once.

    Where a used file cannot be read, nothing is: it might declare them.
    """
    here = Outline(file.source, path, file.statements, True)
    uses = [s for s in file.statements if isinstance(s, tree.Use)]
    if any(here.file(s.file.value) is None for s in uses):
        return []
    found: dict[str, Diagnostic] = {}
    pool = [*here.declared, *here.used, *BUILTIN]
    for m in here.resolved.mentions:
        name, span = m.node.name, m.node.span
        unknown = m.meaning is None and isinstance(m.node, tree.Name)
        if unknown and span.source == file.source and name not in found:
            found[name] = unknown_name(name, span, pool)
    return list(found.values())
