"""Bounds on nesting, so that no later stage can run out of stack on a tree."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

from allocc.dsl.tree import Source, Span, Statement

LIMIT = 200

_BRACKET = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"?|#[^\r\n]*|([(\[{])|([)\]}])')


def deepest_bracket(source: Source) -> Span | None:
    """The first bracket that is nested too deep, or None."""
    text = source.text
    if text.count("(") + text.count("[") + text.count("{") <= LIMIT:
        return None
    depth = 0
    for found in _BRACKET.finditer(text):
        if found[1]:
            depth += 1
            if depth > LIMIT:
                return Span(source, found.start(), found.end())
        elif found[2]:
            depth = max(0, depth - 1)
    return None


@cache
def _children(kind: type[Any]) -> tuple[str, ...]:
    if not dataclasses.is_dataclass(kind) or kind is Span:
        return ()
    return tuple(field.name for field in dataclasses.fields(kind) if field.name != "span")


def _below(node: Any) -> Iterator[Any]:
    if isinstance(node, tuple):
        yield from node
    else:
        for name in _children(cast(Hashable, type(node))):
            yield getattr(node, name)


def too_deep(statements: Iterable[Statement]) -> list[Span]:
    """The statements, or the expressions in them, that are nested too deep."""
    spans = []
    for statement in statements:
        # A level of nesting takes at least one character.
        if statement.span.stop - statement.span.start <= LIMIT:
            continue
        waiting: list[tuple[Any, int]] = [(statement, 0)]
        while waiting:
            node, depth = waiting.pop()
            deeper = depth if isinstance(node, tuple) else depth + 1
            if deeper > LIMIT:
                spans.append(node.span if hasattr(node, "span") else statement.span)
                break
            waiting.extend((child, deeper) for child in _below(node))
    return spans


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Room for expressions that are nested as deeply as the parser allows."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 20_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
