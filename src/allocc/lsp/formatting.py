"""The seam to the formatter: the one place that knows whether there is one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module


def formatter() -> Callable[[str], str] | None:
    """`format_source` of the language, None where this version has none."""
    found = getattr(import_module("allocc.dsl"), "format_source", None)
    if found is None:
        try:
            found = getattr(import_module("allocc.dsl.format"), "format_source", None)
        except ModuleNotFoundError:
            return None
    return found if callable(found) else None
