"""`allocc lsp`: the language server that editors start."""

from __future__ import annotations

import click

from allocc.errors import require


@click.command()
@click.option("--stdio", is_flag=True, help="Talk on standard input and output; always the case.")
def lsp(stdio: bool) -> None:
    """Start the language server, for editors: mistakes as you type, hover, definitions.

    An editor starts it and talks to it; there is nothing to see in a terminal. It needs pygls:
    pip install 'allocc[lsp]'.
    """
    require("pygls.lsp.server", "the language server", "lsp")
    from allocc.lsp.server import serve

    serve()
