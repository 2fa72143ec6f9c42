"""`allocc explain`: what became of a model's nonlinear terms, or what a code means."""

from __future__ import annotations

import re
from pathlib import Path

import click

from allocc import mistakes
from allocc.cli.options import ModelPath, data_options, load_model
from allocc.cli.terminal import put
from allocc.dsl.diagnostics import DiagnosticError

_CODE = re.compile(r"[EW]\d{4}\Z", re.IGNORECASE)


@click.command()
@click.argument("what", type=ModelPath(), metavar="MODEL|CODE")
@data_options
def explain(what: str, data: str | None, settings: tuple[str, ...]) -> None:
    """Say what became of each nonlinear term of a model and why, or what a code means.

    \b
    allocc explain opioid.alloc
    allocc explain E2001
    """
    from allocc.cli import explained_codes

    if _CODE.match(what) or not (Path(what).exists() or what.endswith(".alloc") or "/" in what):
        text = explained_codes.explain(what)
        if text is None:
            raise DiagnosticError([mistakes.nothing_to_explain(what, explained_codes.codes())])
        put(_readable(text))
        return
    from allocc.showing.explain import explain_text

    put(explain_text(load_model(what, data, settings)))


def _readable(markdown: str) -> str:
    """Markdown without its signs: the heading bare, code indented."""
    lines = []
    inside = False
    for line in markdown.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif inside:
            lines.append(f"    {line}".rstrip())
        else:
            lines.append(line.removeprefix("## ").replace("`", "'"))
    text = "\n".join(lines)
    return re.sub(r"\n{3,}", "\n\n", text)
