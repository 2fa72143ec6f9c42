"""A run folder checked link by link, from its files to what it claims."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from allocc.questions.verify.bound import gap, program, proof
from allocc.questions.verify.decisions import decisions
from allocc.questions.verify.files import inputs, statements
from allocc.questions.verify.opening import Compile, Opened, open_run
from allocc.questions.verify.tables import tables
from allocc.results.verification import Link, Verification

#: The links in the order in which they are told; each finds by itself what it needs.
LINKS: tuple[Callable[[Opened], Link], ...] = (
    statements,
    inputs,
    decisions,
    tables,
    gap,
    proof,
    program,
)


def verify(
    folder: Path, compile_: Compile, model: Path | None = None, data: Path | None = None
) -> Verification:
    """Check a run folder; `model` and `data` go over the copies in it.

    Raises `DiagnosticError` for a folder that is no run, or whose model is neither in it nor named.
    """
    opened = open_run(folder, model, data, compile_)
    return Verification(folder, tuple(link(opened) for link in LINKS))
