"""Files and folders that appear whole or not at all, and of which a killed writer leaves nothing for long.

All is written into a hidden folder beside its place and moved from there. The folder is locked as long as
its writer lives, so that the next writer knows which ones nobody will finish, and takes them away.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there, and nothing of others taken away
    fcntl = None  # type: ignore[assignment]

_PREFIX = ".allocc-part-"
#: A folder younger than this may have a writer that has not locked it yet.
_SECONDS = 60.0


@contextlib.contextmanager
def part(parent: Path) -> Iterator[Path]:
    """A hidden folder in `parent` that is gone in the end; raises `OSError`."""
    _tidy(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_whole(path: Path, write: Callable[[Path], None], what: str) -> None:
    """Write a file, or write it anew with the permissions it has; a link stays one.

    `write` writes it at the path that it is given, and perhaps others beside it, which come along.
    What is no regular file, as /dev/null, is written to and not replaced.
    Raises E7008 where the system does not let us; `what` is written, in words. Nothing else changes then.
    """
    try:
        target = Path(os.path.realpath(path))
        if path.exists() and not path.is_file() and not path.is_dir():
            with part(Path(tempfile.gettempdir())) as folder:
                write(folder / target.name)
                with path.open("wb") as file:
                    file.write((folder / target.name).read_bytes())
            return
        with part(target.parent) as folder:
            write(folder / target.name)
            for new in sorted(folder.iterdir()):
                old = target.with_name(new.name)
                if old.exists():
                    shutil.copymode(old, new)
                os.replace(new, old)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise DiagnosticError([mistakes.cannot_write(what, str(path), reason)]) from None


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system gives it back when the process ends, however it ends."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some file systems over a network have no locks: nothing is taken away there, either.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _tidy(parent: Path) -> None:
    """Take away what dead writers have left."""
    if fcntl is None:
        return
    for left in parent.glob(f"{_PREFIX}*"):
        # Another's folder, or one that somebody else takes away at this moment, is none of ours.
        with contextlib.suppress(OSError):
            if time.time() - left.lstat().st_mtime > _SECONDS and not left.is_symlink():
                handle = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(left, ignore_errors=True)
                finally:
                    os.close(handle)
