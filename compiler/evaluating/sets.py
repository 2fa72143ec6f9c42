"""Set expressions: columns, ranges, literals, filters and products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.index import Coordinate, IndexSet
from allocc.compiler.data import errors as data_errors
from allocc.compiler.evaluating.columns import Columns
from allocc.compiler.labels import label_text
from allocc.compiler.names import errors as names_errors
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.scope import Closure, Scope
from allocc.compiler.scoping.spaces import bind_index
from allocc.dsl import tree
from allocc.dsl.tree import Span

#: A set has at most this many members.
LARGEST_SET = 1_000_000


class Sets(Columns):
    """The part of an evaluator that reads set expressions."""

    def index_set(self, e: tree.Expression, scope: Scope) -> IndexSet:
        """The index set that an expression means."""
        match e:
            case tree.Name(name=name):
                local = scope.locals.get(name)
                if isinstance(local, IndexSet):
                    return local
                if isinstance(local, Closure | Coordinate):
                    is_a = "an argument" if isinstance(local, Closure) else "an index"
                    raise failures.Failed(scoping_errors.not_a_set(e.span, name, is_a))
                found = self.symbols.set_named(e)
                if found is None:
                    raise failures.Failed(
                        scoping_errors.not_a_set(e.span, name, self.symbols.kind(name))
                    )
                return found
            case tree.Field(table=identifier, column=column):
                table = self.symbols.table(identifier)
                usage = self.symbols.usage
                usage.note(table, None)
                if column.name == "key" and "key" not in table.header and table.keys:
                    return table.key_set
                if column.name not in table.header:
                    raise failures.Failed(
                        data_errors.unknown_column(
                            table.name, table.file, column.name, column.span, table.header
                        )
                    )
                if table.keys == (column.name,):
                    return table.key_set
                usage.words[table].add(column.name)
                return table.label_set((column.name,))
            case tree.Range(low=low, high=high):
                ends = [self.data(x, scope, "the end of a range") for x in (low, high)]
                for end, x in zip(ends, (low, high), strict=True):
                    if end.axes or abs(float(end.values) - round(float(end.values))) > 1e-9:
                        raise failures.Failed(
                            names_errors.wrong_kind(
                                x.span.text, "not whole", "a whole number", x.span
                            )
                        )
                first, last = (round(float(d.values)) for d in ends)
                if last - first + 1 > LARGEST_SET:
                    raise failures.Failed(
                        algebra_errors.too_large(
                            "this range", last - first + 1, LARGEST_SET, e.span
                        )
                    )
                return IndexSet("range", [range(first, last + 1)], "integer")
            case tree.SetLiteral(members=members):
                return _literal(members)
            case tree.SetFilter(index=index):
                space = bind_index(index, scope, self, self.symbols.time_name)
                sets = space.sets()
                if len(sets) == 1:
                    return sets[0]
                return _product(sets, e.span)
            case tree.Binary(operator="*", left=left, right=right):
                sets = (self.index_set(left, scope), self.index_set(right, scope))
                return _product(sets, e.span)
            case _:
                raise failures.Failed(scoping_errors.not_a_set(e.span, e.span.text))


def _literal(members: Sequence[tree.Expression]) -> IndexSet:
    labels: list[Any] = []
    seen: set[str] = set()
    for m in members:
        match m:
            case tree.Name(name=name):
                labels.append(name)
            case tree.Text(value=value):
                labels.append(value)
            case tree.Number(value=number):
                labels.append(_number_label(number))
            case tree.Unary(operator="-", operand=tree.Number(value=number)):
                labels.append(_number_label(-number))
            case _:
                raise failures.Failed(
                    names_errors.wrong_kind(m.span.text, "an expression", "a label", m.span)
                )
        text = label_text(labels[-1])
        if text in seen:
            raise failures.Failed(scoping_errors.repeated_member(text, m.span))
        seen.add(text)
    whole = bool(labels) and all(isinstance(x, int) for x in labels)
    if any(isinstance(x, str) for x in labels):
        labels = [label_text(x) for x in labels]
    return IndexSet("set", [labels], "integer" if whole else "label")


def _number_label(number: float) -> int | float:
    return int(number) if number == int(number) else number


def _product(sets: Sequence[IndexSet], span: Span) -> IndexSet:
    size = math.prod(len(s) for s in sets)
    if size > LARGEST_SET:
        raise failures.Failed(algebra_errors.too_large("this set", size, LARGEST_SET, span))
    grids = np.indices([len(s) for s in sets]).reshape(len(sets), -1)
    components: list[list[Any]] = []
    names: list[str] = []
    for index_set, positions in zip(sets, grids, strict=True):
        for component, name in zip(index_set.components, index_set.component_names, strict=True):
            components.append([component[int(p)] for p in positions])
            names.append(name)
    return IndexSet(" * ".join(s.name for s in sets), components, "label", tuple(names))
