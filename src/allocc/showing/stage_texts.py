"""The compiler's stages as text: the tree, the bound model, the problem, the program."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from allocc.showing.method_program import is_exact, method_program, solved
from allocc.tables import number, percent, table

if TYPE_CHECKING:
    from allocc.dsl.tree import File
    from allocc.engine.stages import Stages


#: What the first pass does.
LOWERED = "every statement as rows; products, functions and rows on a condition are kept as such"


def tree_text(file: File) -> str:
    """The syntax tree: one line a node, children indented."""
    return "\n".join(line for s in file.statements for line in _node(s, 0, ""))


def _node(value: Any, depth: int, label: str) -> Iterator[str]:
    lead = "  " * depth + (f"{label}: " if label else "")
    if not dataclasses.is_dataclass(value):
        yield f"{lead}{value!r}"
        return
    kind = type(value).__name__
    parts = [
        (f.name, getattr(value, f.name))
        for f in dataclasses.fields(value)
        if f.name != "span" and getattr(value, f.name) not in (None, ())
    ]
    plain = [(n, v) for n, v in parts if not _nested(v)]
    if len(parts) == 1 and plain and kind in ("Name", "Identifier", "Number", "Text"):
        yield f"{lead}{kind} {plain[0][1]}"
        return
    yield f"{lead}{kind}" + "".join(f" {n}={v!r}" for n, v in plain)
    for name, v in parts:
        if isinstance(v, tuple) and _nested(v):
            for item in v:
                yield from _node(item, depth + 1, name)
        elif _nested(v):
            yield from _node(v, depth + 1, name)


def _nested(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(_nested(v) for v in value)
    return dataclasses.is_dataclass(value)


def model_text(model: Stages) -> str:
    """Names with their shapes and values, as bound to the data."""
    bound = model.bound
    units = {name: unit or "" for name, unit in model.units().items()}
    lines = [f"model {bound.name}" + (f'  "{bound.title}"' if bound.title else "")]
    lines.append(f"data  {model.data}")
    if bound.time is not None:
        t = bound.time
        lines.append(
            f"time  {t.name}, {len(t.points):,} points, step {t.step:g} {t.unit}, {t.method}"
        )
    if bound.sets:
        rows = [[n, f"{len(s):,}", _some(s)] for n, s in bound.sets.items()]
        lines += ["", "Sets", *table(["name", "members", "begin"], rows, right=[1])]
    if bound.parameters:
        rows = []
        for n, p in bound.parameters.items():
            low, high = _range(p.values)
            about = p.statement.description or ""
            rows.append([_indexed(n, p.sets), low, high, units.get(n, ""), about])
        lines += [
            "",
            "Parameters",
            *table(["name", "from", "to", "unit", "what it is"], rows, right=[1, 2]),
        ]
    rows = []
    for v in bound.decisions:
        kind = "whole" if v.integer else ""
        low, high = _range(v.lower)[0], _range(v.upper)[1]
        rows.append([_indexed(v.name, v.sets), f"{v.size:,}", kind, low, high, units[v.name]])
    head = ["name", "number", "kind", "from", "to", "unit"]
    lines += ["", "Decisions", *table(head, rows, right=[1, 3, 4])] if rows else []
    rows = []
    for n, c in bound.compartments.items():
        total = number(float(c.initial.sum())) if c.initial is not None else ""
        shown = [_indexed(n, c.variable.sets[:-1]), total, units[n], c.variable.description]
        rows.append(shown)
    head = ["name", "at the start", "unit", "what it is"]
    lines += ["", "Compartments", *table(head, rows, right=[1])] if rows else []
    rows = [
        [_indexed(n, f.sets), units[n], _source(f.statement.value)] for n, f in bound.flows.items()
    ]
    lines += ["", "Flows", *table(["name", "unit", "amount"], rows)] if rows else []
    rows = [
        [_indexed(n, x.sets), units[n], _source(x.statement.value)] for n, x in bound.lets.items()
    ]
    lines += ["", "Named expressions", *table(["name", "unit", "value"], rows)] if rows else []
    return "\n".join(lines)


def _indexed(name: str, sets: Sequence[Any]) -> str:
    return f"{name}[{', '.join(s.name for s in sets)}]" if sets else name


def _some(index_set: Any) -> str:
    texts = [", ".join(row) for row in zip(*(t[:6] for t in index_set.texts), strict=True)]
    shown = [f"({t})" if index_set.arity > 1 else t for t in texts]
    return ", ".join(shown) + (", ..." if len(index_set) > 6 else "")


def _range(values: Any) -> tuple[str, str]:
    if values is None or not values.size:
        return "", ""
    if values.dtype.kind not in "fiub":
        return str(values.flat[0]), str(values.flat[-1])
    return number(float(values.min())), number(float(values.max()))


def _source(node: Any) -> str:
    text = " ".join(node.span.text.split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def problem_text(model: Stages) -> str:
    """Blocks of unknowns, steps, limits and terms, as unrolled in time."""
    p = model.problem
    rows = [
        [
            _indexed(v.name, v.sets),
            "decision" if v.kind == "decision" else "compartment",
            f"{v.size:,}",
        ]
        for v in p.variables
    ]
    for f in p.flows:
        where = f"{f.variable.size:,}" if f.variable is not None else "put where it is used"
        rows.append([_indexed(f.symbol.statement.name.name, f.symbol.sets), "flow", where])
    lines = [f"problem {p.model.name}", "", "Unknowns"]
    lines += table(["name", "kind", "number"], rows, right=[2])
    if p.constraints:
        rows = [[c.name, f"{_count(c):,}", _text(c.span)] for c in p.constraints]
        lines += ["", "Limits", *table(["name", "number", "as written"], rows, right=[1])]
    for b in p.chances:
        rows = [
            [x.constraint.name, f"{_count(x.constraint):,}", _text(x.constraint.span)]
            for x in b.limits
        ]
        heading = f"Limits of {b.name}, with probability {percent(b.probability)}"
        lines += ["", heading, *table(["name", "number", "as written"], rows, right=[1])]
    if p.terms:
        rows = [[t.name, "penalty" if t.penalty else "", _text(t.span)] for t in p.terms]
        heading = p.sense[:1].upper() + p.sense[1:]
        lines += ["", heading, *table(["term", "kind", "as written"], rows)]
    if p.model.reports:
        rows = [
            [_indexed(r.statement.name.name, r.sets), _source(r.statement.value)]
            for r in p.model.reports
        ]
        lines += ["", "Reports", *table(["name", "as written"], rows)]
    return "\n".join(lines)


def _count(constraint: Any) -> int:
    return math.prod(a.size for a in constraint.axes)


def _text(span: Any) -> str:
    text = " ".join(span.text.split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def passes_text(model: Stages, method: str) -> str:
    """Every pass between the problem and what a solver gets: why it is there, and what it changes.

    It is the chain that `solve` runs, up to the first program that a solver gets.
    """
    choice, found = solved(model, method)
    counts = ("columns", "rows", "coefficients", "products", "functions")
    first = found.steps[0].before
    sizes = [("lower", first), *((step.name, step.after) for step in found.steps)]
    rows = [[name, *(f"{getattr(size, c):,}" for c in counts)] for name, size in sizes]
    reasons = [["lower", LOWERED], *([step.name, step.why] for step in found.steps)]
    return "\n".join(
        [
            f"{found.program.name}: method {choice.method}, {choice.reason}",
            "",
            *table(["after", *counts], rows, right=[1, 2, 3, 4, 5]),
            "",
            *table(["pass", "what it does"], reasons),
        ]
    )


def program_text(model: Stages, method: str) -> str:
    """Blocks of columns and rows of the program of a method."""
    p = method_program(model, method)
    lines = [_size_line(p, method, model), "", "Columns"]
    rows = []
    for b in p.column_blocks:
        part = slice(b.start, b.start + b.count)
        low, high = p.lower[part], p.upper[part]
        if not b.count:
            continue
        whole = "whole" if p.integer[part].all() else ""
        ends = [number(float(low.min())), number(float(high.max()))]
        rows.append([b.name, f"{b.count:,}", whole, *ends, b.role])
    head = ["name", "number", "kind", "from", "to", "role"]
    lines += table(head, rows, right=[1, 3, 4])
    rows = [[b.name, f"{b.count:,}", b.role, b.statement] for b in p.row_blocks if b.count]
    lines += ["", "Rows", *table(["name", "number", "role", "statement"], rows, right=[1])]
    return "\n".join(lines)


def _size_line(program: Any, method: str, model: Stages) -> str:
    nonlinear = len(program.products) + sum(len(f) for f in program.functions)
    also = f", {nonlinear:,} products and functions" if nonlinear else ""
    return (
        f"{program.name}: {program.columns:,} columns ({int(program.integer.sum()):,} whole), "
        f"{program.rows:,} rows, {program.matrix.nnz:,} coefficients{also}; {kind(model, method)}"
    )


def kind(model: Stages, method: str) -> str:
    """Whether the program of a method says the same as the model."""
    if is_exact(model, method):
        return "exact: it has the same optimum as the model"
    return "relaxed: its optimum is a bound, not an allocation; `allocc explain` says why"


def written_text(model: Stages, method: str, path: str) -> str:
    """What was written, in words."""
    return (
        f"{path}: {_size_line(method_program(model, method), method, model)}\n"
        f"{path}.map.json: from the file's names to the model's"
    )
