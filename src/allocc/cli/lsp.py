"""`allocc lsp`: the language server that editors start."""

from __future__ import annotations

from importlib.util import find_spec

import click

from allocc import mistakes
from allocc.dsl.diagnostics import AlloccError


@click.command()
@click.option("--stdio", is_flag=True, help="Talk on standard input and output; always the case.")
def lsp(stdio: bool) -> None:
    """Start the language server, for editors: mistakes as you type, hover, definitions.

    An editor starts it and talks to it; there is nothing to see in a terminal. It needs pygls:
    pip install 'allocc[lsp]'.
    """
    if find_spec("pygls") is None:
        raise AlloccError([mistakes.needs_package("allocc lsp", "pygls", "allocc[lsp]")])
    from allocc.lsp.server import serve

    serve()
