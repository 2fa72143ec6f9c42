"""The `.alloc` language: its tree, its parser, and its diagnostics.

In: a text. Out: `File`, a tree with a place on every node, or every independent mistake in it. It imports
nothing else of allocc, and knows no numbers. The parser is built at the first call of `parse`, not at import.
"""

from __future__ import annotations

from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.dsl.reading.parser import parse, parse_file
from allocc.dsl.tree import File, Source, Span

__all__ = [
    "Diagnostic",
    "DiagnosticError",
    "File",
    "Source",
    "Span",
    "parse",
    "parse_file",
    "tree",
]
