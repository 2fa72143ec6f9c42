"""Where text goes: reports and JSON to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError
from allocc.dsl.escapes import terminal
from allocc.signals import point_at_nothing


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


# click writes UTF-8 to streams that say ASCII, unless it is told which stream is meant.


def say(text: str) -> None:
    """A line for the person, on stderr."""
    try:
        color = color_on(sys.stderr)
        click.echo(terminal(text, color), file=sys.stderr, color=color or None)
    except BrokenPipeError:
        raise
    except OSError:
        # There is no other place to say it; the exit code still tells.
        _silence(sys.stderr)


def put(text: str) -> None:
    """The answer, on stdout; raises E7040 where it cannot be written."""
    with answering():
        color = color_on(sys.stdout)
        click.echo(terminal(text, color), file=sys.stdout, color=color or None)


def put_bytes(data: bytes) -> None:
    """The answer as it is, without another line break."""
    with answering():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def write_json(data: dict[str, Any]) -> None:
    """One JSON object on stdout; JSON has its own escapes for what an encoding lacks."""
    from allocc.results.run_folder.json_values import to_json

    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    with answering():
        click.echo(to_json(data, ascii_only=not unicode), file=sys.stdout)


@contextmanager
def answering() -> Iterator[None]:
    """Turn a failure to write to stdout into E7040; a pipe that nobody reads any more is none."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        if problem.filename is not None:
            raise
        silence_stdout()
        closed = problem.errno == errno.EBADF
        reason = "it is closed" if closed else problem.strerror or str(problem)
        raise DiagnosticError([mistakes.no_answer(reason)]) from None


def silence_stdout() -> None:
    """Nobody reads any more, or nothing can be written: let the last flush go nowhere."""
    _silence(sys.stdout)


def _silence(stream: IO[Any]) -> None:
    # A stream of a program that calls this one may have no descriptor.
    with contextlib.suppress(OSError, ValueError):
        point_at_nothing(stream.fileno())


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
