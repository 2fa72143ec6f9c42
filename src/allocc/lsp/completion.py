"""What can stand at a place: names, columns, words of the language, files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from allocc.compiler.names.builtin import FUNCTIONS
from allocc.compiler.names.library import shipped
from allocc.compiler.names.uncertainty import DISTRIBUTIONS
from allocc.dsl import tree, words
from allocc.dsl.escapes import markdown
from allocc.lsp.data_tables import header
from allocc.lsp.document_symbols import kind_of
from allocc.lsp.outline import Outline

_COLUMN = re.compile(r"([A-Za-z_]\w*)\.([A-Za-z_]\w*)?\Z")
_FRACTION = re.compile(r"[0-9]\.[0-9]*\Z")
_FILE = re.compile(r'\b(use|table|scenario)\b[^"]*(?:"[^"\r\n]*"\s*)?\bfrom\s+"([^"\r\n]*)\Z')
_METHOD = re.compile(r"\bmethod\s+\w*\Z")
_AFTER = re.compile(r"\bdecide\b.*\bafter\s+\w*\Z")
_DISTRIBUTION = re.compile(r"\buncertain\b.*~\s*\w*\Z")
_USE = re.compile(r"\buse\s+(?:\w+\s*,\s*)*\w*\Z")
_FROM = re.compile(r'\s*(?:,\s*\w+\s*)*from\s+"([^"\r\n]*)"')

#: Statements whose names no expression mentions.
_UNMENTIONED = (
    tree.Limit
    | tree.Prefer
    | tree.Chance
    | tree.Intervention
    | tree.Fit
    | tree.Policy
    | tree.Scenario
)

Kind = Literal["name", "index", "column", "word", "function", "file", "method"]


@dataclass(frozen=True)
class Proposal:
    """One proposal."""

    label: str
    kind: Kind
    detail: str = ""
    description: str = ""


def complete(outline: Outline, offset: int, data: Path | None) -> list[Proposal]:
    """What can stand at a place of a text."""
    text = outline.source.text
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    # A `use` may run over several lines: look back to where the statement begins.
    before = text[max(0, offset - 2000) : offset]
    file = _FILE.search(before)
    if file is not None and before.count("\n", file.start(2)) == 0:
        return _files(file[1], outline, data)
    if _in_text_or_comment(line) or _FRACTION.search(line):
        return []
    column = _COLUMN.search(line)
    if column is not None:
        table = outline.lookup(column[1])
        return _columns(table, data) if isinstance(table, tree.Table) else []
    if _METHOD.search(line):
        return [Proposal(name, "method", about) for name, about in words.METHODS.items()]
    if _DISTRIBUTION.search(line):
        told = {name: f"{name}({', '.join(given)})" for name, given in DISTRIBUTIONS.items()}
        return [Proposal(name, "function", about) for name, about in told.items()]
    if _AFTER.search(line):
        every = {**outline.used, **outline.declared}.items()
        return [Proposal(n, "name", "scenario") for n, s in every if isinstance(s, tree.Scenario)]
    if _USE.search(before):
        return _usable(outline, _FROM.match(text, offset))
    return [*_names(outline, offset), *_words()]


def _in_text_or_comment(line: str) -> bool:
    """Whether a line ends within a text or a comment."""
    open_text = False
    for place, character in enumerate(line):
        if character == '"' and not (open_text and line[place - 1 : place] == "\\"):
            open_text = not open_text
        elif character == "#" and not open_text:
            return True
    return open_text


def _files(word: str, outline: Outline, data: Path | None) -> list[Proposal]:
    if word != "use":
        folder = data
        names = sorted(p.name for p in folder.glob("*.csv")) if folder is not None else []
        return [Proposal(n, "file", "table") for n in names]
    beside: list[str] = []
    if outline.path is not None and outline.path.parent.is_dir():
        beside = sorted(p.name for p in outline.path.parent.glob("*.alloc") if p != outline.path)
    library = [Proposal(n, "file", "library") for n in shipped() if n not in beside]
    return [*(Proposal(n, "file", "beside the model") for n in beside), *library]


def _columns(table: tree.Table, data: Path | None) -> list[Proposal]:
    about = f"column of {table.file.value}"
    names = (c if c.isidentifier() and c.isascii() else f'"{c}"' for c in header(table, data))
    found = [Proposal(name, "column", about) for name in names]
    return [*found, Proposal("key", "column", "the set of the keys")] if table.keys else found


def _usable(outline: Outline, file: re.Match[str] | None) -> list[Proposal]:
    """Names that a `use` can take: those of its file, or of the whole library."""
    names = [file[1]] if file is not None else shipped()
    found: dict[str, Proposal] = {}
    for name in names:
        other = outline.file(name)
        for declared, statement in other.declared.items() if other is not None else ():
            description = markdown(getattr(statement, "description", None) or "")
            found.setdefault(declared, Proposal(declared, "name", f"from {name}", description))
    return list(found.values())


def _names(outline: Outline, offset: int) -> list[Proposal]:
    found: dict[str, Proposal] = {}
    for bound in outline.resolved.in_sight(outline.source, offset):
        text = " ".join(bound.by.span.text.split())
        found.setdefault(bound.name.name, Proposal(bound.name.name, "index", text))
    for names in (outline.declared, outline.used):
        for name, statement in names.items():
            if isinstance(statement, _UNMENTIONED):
                continue
            unit = getattr(statement, "unit", None)
            kind = type(statement).__name__.removesuffix("Declaration").lower()
            detail = f"{kind} : {unit.span.text}" if unit is not None else kind
            description = markdown(getattr(statement, "description", None) or "")
            sort: Kind = "function" if kind_of(statement) == "function" else "name"
            found.setdefault(name, Proposal(name, sort, detail, description))
    return list(found.values())


def _words() -> list[Proposal]:
    found = [Proposal(w, "word", about) for w, about in words.STATEMENTS.items()]
    found += [Proposal(w, "function", about) for w, about in FUNCTIONS.items()]
    found += [Proposal(w, "name", about) for w, about in words.PLACES.items()]
    return [*found, *(Proposal(w, "word") for w in (*words.WORDS, *words.SOFT))]
