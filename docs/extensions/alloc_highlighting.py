"""Names for blocks of these pages that are not models; for those allocc itself has the lexer."""

from __future__ import annotations

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

from allocc.showing.pygments_lexer import AllocLexer


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the lexers known; that of the tree at hand, whatever is installed."""
    app.add_lexer("alloc", AllocLexer)
    app.add_lexer("csv", TextLexer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
