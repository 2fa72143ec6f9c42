"""Where text goes: reports and JSON to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click


def color_on(stream: IO[Any]) -> bool:
    """Whether a stream takes colors: a terminal, unless NO_COLOR or TERM=dumb say otherwise."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    try:
        return stream.isatty()
    except ValueError:
        return False


def columns(stream: IO[Any]) -> int | None:
    """How wide the terminal behind a stream is; None where there is none."""
    try:
        # A terminal that does not know says 0.
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def say(text: str) -> None:
    """A line for the person, on stderr."""
    click.echo(text, err=True, color=True if color_on(sys.stderr) else None)


def put(text: str) -> None:
    """The answer, on stdout."""
    click.echo(text, color=True if color_on(sys.stdout) else None)


def write_json(data: dict[str, Any]) -> None:
    """One JSON object on stdout."""
    from allocc.run_folder.plain import to_json

    click.echo(to_json(data))


@contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """Solvers that print on their own, from Python or from C, print to stderr."""
    try:
        sys.stdout.flush()
        own = sys.stdout.fileno() == 1
        saved = os.dup(1) if own else None
    except (OSError, ValueError, AttributeError):
        own, saved = False, None
    if saved is None:
        yield
        return
    try:
        os.dup2(2, 1)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)
