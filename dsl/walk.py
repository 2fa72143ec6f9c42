"""Walking over a part of the tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allocc.dsl import tree


def nodes(node: Any) -> Iterator[Any]:
    """A node of the tree (or a tuple of nodes) and all below it, in the order of the text."""
    stack = [node]
    while stack:
        n = stack.pop()
        if isinstance(n, tuple):
            stack.extend(reversed(n))
        elif hasattr(n, "__dataclass_fields__") and not isinstance(n, tree.Span | tree.Source):
            yield n
            stack.extend(getattr(n, f) for f in reversed(n.__dataclass_fields__))
