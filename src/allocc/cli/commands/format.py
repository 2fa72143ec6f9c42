"""`allocc format`: the one layout of model files."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import click

from allocc import mistakes
from allocc.cli.guard import EXIT_MISTAKE, show
from allocc.cli.options import ModelPath
from allocc.cli.terminal import put, put_bytes, say
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.dsl.reading.parser import decoded, read_bytes
from allocc.whole import write_whole

_STDIN = "-"


@click.command("format")
@click.argument("paths", nargs=-1, required=True, type=ModelPath())
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file would be changed.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would be changed.")
@click.pass_context
def format_models(ctx: click.Context, paths: tuple[str, ...], check: bool, diff: bool) -> None:
    """Give model files their one layout. PATHS are files, folders, or - for standard input.

    Only blanks and line breaks change. Comments and empty lines stay, and the model says the same.
    A file with a syntax error is left as it is.
    """
    wrong: list[Diagnostic] = []
    changed: list[str] = []
    same = 0
    for path in _files(paths):
        try:
            old, new = _formatted(path)
            if path == _STDIN and not check and not diff:
                put_bytes(new)
            elif old != new:
                changed.append(path)
                if diff:
                    difference = _difference(path, old, new)
                    if sys.stdout.isatty():
                        put(difference)
                    else:
                        # A patch has the file's own characters.
                        put_bytes(f"{difference}\n".encode())
                elif not check:
                    write_whole(Path(path), partial(_write, data=new), "the model")
            else:
                same += 1
        except DiagnosticError as error:
            wrong.extend(error.diagnostics)
    _report(changed, same, written=not check and not diff)
    if wrong:
        show(wrong)
    if wrong or (check and changed):
        ctx.exit(EXIT_MISTAKE)


def _files(paths: Iterable[str]) -> Iterator[str]:
    """The files that are meant, each once; raises `DiagnosticError` for what is not there."""
    found: dict[str, None] = {}
    missing = []
    for path in paths:
        place = Path(path)
        if path == _STDIN or place.is_file():
            found[path] = None
            continue
        inside = _below(place) if place.is_dir() else []
        if not inside:
            missing.append(mistakes.no_model(path, []))
        found.update(dict.fromkeys(inside))
    if missing:
        raise DiagnosticError(missing)
    return iter(found)


def _below(folder: Path) -> list[str]:
    """All model files of a folder; what is hidden is left out."""
    return [
        str(path)
        for path in sorted(folder.rglob("*.alloc"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    ]


def _formatted(path: str) -> tuple[bytes, bytes]:
    """A file's bytes as they are, and as they are to be."""
    from allocc.dsl.layout.format import format_source

    old = _stdin() if path == _STDIN else read_bytes(path)
    name = "standard input" if path == _STDIN else path
    return old, format_source(decoded(name, old).text, name).encode()


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _stdin() -> bytes:
    try:
        return sys.stdin.buffer.read()
    except OSError as problem:
        closed = problem.errno == errno.EBADF
        reason = "it is closed" if closed else problem.strerror or str(problem)
        raise DiagnosticError([mistakes.refused("standard input", reason)]) from None


def _difference(path: str, old: bytes, new: bytes) -> str:
    from difflib import unified_diff

    before, after = (text.decode("utf-8").splitlines() for text in (old, new))
    return "\n".join(unified_diff(before, after, path, f"{path} (formatted)", lineterm=""))


def _report(changed: list[str], same: int, written: bool) -> None:
    """What happened, for a person, on stderr."""
    verb = "formatted" if written else "would be formatted"
    for path in changed:
        say(f"{'standard input' if path == _STDIN else path}: {verb}")
    if same:
        say(f"{same} {'file has' if same == 1 else 'files have'} the layout already")
