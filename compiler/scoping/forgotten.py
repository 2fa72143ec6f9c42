"""Where an index was forgotten: `d` or `d[t]` where `d[c]` or `d[c, t]` must be meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from allocc.compiler import failures
from allocc.compiler.algebra.expression import Node
from allocc.compiler.algebra.index import Axis
from allocc.compiler.names.structure import Declarations
from allocc.compiler.scoping import errors as scoping_errors
from allocc.dsl import tree

#: The names bound at a place, by the set that each runs over.
Sight = Mapping[str, str]


def forgotten_index(
    e: tree.Expression,
    sets: Sequence[str],
    index: tree.Index | None,
    declared: Declarations,
    now: bool = False,
) -> tuple[str, str] | None:
    """The first name in `e` that lacks an index over one of `sets` which is bound there.

    `index` is that of the statement; `now` says that the current time is implied, as in a flow.
    Returns the words as they stand and as they should; None where no such index is in sight.
    """
    search = _Search(set(sets), declared, {"period", declared.time_name} if now else set())
    return search.within(e, search.seeing({}, index))


def refuse_free(
    node: Node,
    axes: tuple[Axis, ...],
    what: str,
    e: tree.Expression,
    declared: Declarations,
    index: tree.Index | None = None,
    declare: str = "",
    now: bool = False,
) -> None:
    """Raise `errors.Failed` where the value of `e` still depends on an index that is none of `axes`.

    `what` is in words what it is, `index` and `now` as for `forgotten_index`. `declare` begins the
    statement that could be given the index, as in `limit cap`.
    """
    extra = [a.set.name for a in node.axes if a not in axes]
    if extra:
        mend = forgotten_index(e, extra, index, declared, now)
        time = declared.time_name
        raise failures.Failed(scoping_errors.free_index(what, extra, e.span, time, declare, mend))


@dataclass(frozen=True)
class _Search:
    """What is looked for: names that lack one of `sets`; `implied` are sets that never lack."""

    sets: set[str]
    declared: Declarations
    implied: set[str | None]

    def within(self, node: Any, sight: Sight) -> tuple[str, str] | None:
        """The first one in a node of the tree, or in a tuple of nodes."""
        parts: tuple[Any, ...] = ()
        match node:
            case tree.Name():
                return self._mend(node, (), sight)
            case tree.Subscript(base=tree.Name() as base, indices=indices):
                found = self._mend(base, indices, sight)
                if found is not None:
                    return found
                parts = indices
            case tree.Call(index=tree.Index() as index, body=body):
                sight = self.seeing(sight, index)
                parts = (index.condition, body)
            case tuple():
                parts = node
            case tree.Span():
                pass
            case _ if hasattr(node, "__dataclass_fields__"):
                parts = tuple(getattr(node, f) for f in node.__dataclass_fields__)
        for part in parts:
            found = self.within(part, sight)
            if found is not None:
                return found
        return None

    def _mend(
        self, base: tree.Name, indices: tuple[tree.Expression, ...], sight: Sight
    ) -> tuple[str, str] | None:
        wanted = [s for s in self._sets_of(base.name) if s not in self.implied]
        given = [i.span.text for i in indices]
        lacking = [s for s in wanted if sight.get(s) not in given]
        if base.name in sight.values() or not self.sets & set(lacking) or set(lacking) - set(sight):
            return None
        if len(set(wanted)) < len(wanted) or len(given) + len(lacking) != len(wanted):
            return None
        left = iter(given)
        full = [sight[s] if s in lacking else next(left) for s in wanted]
        written = f"{base.name}[{', '.join(given)}]" if given else base.name
        return written, f"{base.name}[{', '.join(full)}]"

    def _sets_of(self, name: str) -> list[str]:
        """The sets that a declared name is indexed by; empty where they have no names."""
        statement = self.declared.names.get(name)
        index = getattr(statement, "index", None)
        found: list[str] = []
        for binder in index.binders if index is not None else ():
            if not isinstance(binder.set_expression, tree.Name) or len(binder.names) > 1:
                return []
            found.append(binder.set_expression.name)
        if isinstance(statement, tree.Compartment) and self.declared.time_name is not None:
            found.append(self.declared.time_name)
        if isinstance(statement, tree.Flow):
            found.append("period")
        return found

    def seeing(self, sight: Sight, index: tree.Index | None) -> Sight:
        """What can be seen inside of an index list."""
        found = dict(sight)
        for binder in index.binders if index is not None else ():
            base = binder.set_expression
            if not isinstance(base, tree.Name):
                continue
            if len(binder.names) == 1:
                found[base.name] = binder.names[0].name
            elif not binder.names and base.name == self.declared.time_name:
                found[base.name] = base.name
        return found
