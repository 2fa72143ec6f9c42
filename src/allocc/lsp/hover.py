"""What hovering shows: a statement as written, its values, and where its data come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc.compiler.names.builtin import FUNCTIONS
from allocc.compiler.names.resolve import Bound, Named
from allocc.compiler.units.unit_check import QUANTITIES
from allocc.dsl import tree, words
from allocc.dsl.escapes import markdown, markdown_block
from allocc.dsl.escapes import markdown_code as code
from allocc.dsl.walk import nodes
from allocc.lsp.analysis import Analysis
from allocc.lsp.data_tables import header, rows, table_file
from allocc.lsp.outline import Outline
from allocc.lsp.positions import Found
from allocc.tables import number

if TYPE_CHECKING:
    from allocc.compiler.algebra.index import IndexSet

#: A statement is shown up to so many lines.
MOST_LINES = 12


def hover(found: Found, outline: Outline, analysis: Analysis) -> str:
    """Markdown about what was found."""
    if isinstance(found.meaning, Bound):
        return _bound(found.meaning, analysis)
    if found.column is not None:
        return _column(*found.column, analysis)
    if found.file is not None:
        return f"the file {code(found.file.name)}\n\n{_names(outline.file(found.file.name))}"
    assert found.meaning is not None
    return _statement(found.meaning, outline, analysis)


def word(text: str) -> str | None:
    """Markdown about a word of the language."""
    for kind in (words.STATEMENTS, FUNCTIONS, words.PLACES):
        if text in kind:
            return f"**{text}**: {kind[text]}"
    return None


def _bound(bound: Bound, analysis: Analysis) -> str:
    name, by = bound.name, bound.by
    if isinstance(by, tree.Formal):
        if name is not by.name:
            return f"{code(name.name)}, a set of the argument {code(by.name.name)}"
        over = ", ".join(s.name for s in by.sets)
        return f"argument {code(name.name)}" + (f" over {code(over)}" if over else "")
    text = " ".join(by.set_expression.span.text.split())
    size = ""
    if analysis.model is not None and text in analysis.model.bound.sets:
        size = f", {_members(analysis.model.bound.sets[text])}"
    return f"index {code(name.name)} in {code(text)}{size}"


def _members(index_set: IndexSet) -> str:
    first = [", ".join(t[k] for t in index_set.texts) for k in range(min(len(index_set), 6))]
    more = ", ..." if len(index_set) > len(first) else ""
    shown = ", ".join(f"({x})" if index_set.arity > 1 else x for x in first)
    return f"{len(index_set):,} members: {markdown(shown)}{more}"


def _column(table: tree.Table, column: str, analysis: Analysis) -> str:
    lines = [
        f"column {code(column)} of table {code(table.name.name)}, file {code(table.file.value)}"
    ]
    file = table_file(table, analysis.data)
    if file is None:
        return lines[0]
    found = rows(file)
    if column == "key":
        lines = [
            f"the key of table {code(table.name.name)}: {markdown(', '.join(k.name for k in table.keys))}"
        ]
    elif found and column in found[0]:
        k = found[0].index(column)
        cells = [row[k] for row in found[1:] if k < len(row)]
        lines.append(f"{markdown(', '.join(cells[:6]))}{', ...' if len(cells) > 6 else ''}")
    else:
        columns = markdown(", ".join(found[0])) if found else ""
        lines.append(f"the file has no such column: it has {columns}")
    return "\n\n".join(lines)


def _statement(statement: Named, outline: Outline, analysis: Analysis) -> str:
    lines = statement.span.text.splitlines()
    shown = "\n".join(lines[:MOST_LINES]) + ("\n..." if len(lines) > MOST_LINES else "")
    parts = [markdown_block(shown, "alloc")]
    description = getattr(statement, "description", None)
    if description:
        parts.append(markdown(description))
    unit = getattr(statement, "unit", None)
    if unit is not None:
        parts.append(f"unit: {markdown(unit.span.text)}")
    elif isinstance(statement, QUANTITIES):
        inferred = analysis.units.get(statement.name.name)
        parts += (
            [f"unit: {markdown(str(inferred))} (found, not declared)"]
            if inferred is not None
            else []
        )
    parts += _values(statement, analysis)
    parts += _sources(statement, outline, analysis)
    if statement.span.source.name != outline.source.name:
        parts.append(f"from {code(Path(statement.span.source.name).name)}")
    return "\n\n".join(parts)


def _values(statement: Named, analysis: Analysis) -> list[str]:
    """What the bound model knows of a name."""
    if analysis.model is None:
        return []
    bound, name = analysis.model.bound, statement.name.name
    if isinstance(statement, tree.SetDeclaration) and name in bound.sets:
        return [_members(bound.sets[name])]
    if isinstance(statement, tree.Parameter) and name in bound.parameters:
        return _range("values", bound.parameters[name].values)
    if isinstance(statement, tree.Let) and name in bound.lets:
        return _range("values", bound.lets[name].values)
    if isinstance(statement, tree.Compartment) and name in bound.compartments:
        return _range("at the start", bound.compartments[name].initial)
    if isinstance(statement, tree.Decide):
        for variable in bound.decisions:
            if variable.name == name:
                low, high = variable.lower, variable.upper
                assert low is not None and high is not None
                if low.size:
                    ends = f"{number(float(low.min()))} .. {number(float(high.max()))}"
                    return [f"{variable.size:,} decisions in {ends}"]
    if isinstance(statement, tree.Time) and bound.time is not None:
        count = len(bound.time.points)
        return [f"{count:,} points, {bound.time.count:,} periods, method {bound.time.method}"]
    return []


def _range(what: str, values: Any) -> list[str]:
    if values is None or not values.size:
        return []
    if values.dtype.kind not in "fiub":
        first = ", ".join(str(x) for x in values.ravel()[:6])
        return [f"{what}: {markdown(first)}"]
    if values.size == 1:
        return [f"{what}: {number(float(values.ravel()[0]))}"]
    low, high = number(float(values.min())), number(float(values.max()))
    return [f"{what}: {low} .. {high} ({values.size:,} of them)"]


def _sources(statement: Named, outline: Outline, analysis: Analysis) -> list[str]:
    """The columns that a statement reads, with their files."""
    found: dict[str, None] = {}
    if isinstance(statement, tree.Table):
        columns = header(statement, analysis.data)
        where = table_file(statement, analysis.data)
        about = f"columns: {markdown(', '.join(columns))}" if columns else "the file is not there"
        return [f"{about}", f"file: {code(str(where))}"] if where is not None else [about]
    if isinstance(statement, tree.Intervention):
        return []
    for n in nodes(statement):
        if isinstance(n, tree.Field):
            table = outline.lookup(n.table.name)
            if isinstance(table, tree.Table):
                field = code(f"{n.table.name}.{n.column.name}")
                found[f"{field} of {code(table.file.value)}"] = None
    return [f"data: {', '.join(found)}"] if found else []


def _names(other: Outline | None) -> str:
    if other is None:
        return ""
    return ", ".join(code(n) for n in list(other.declared)[:30])
