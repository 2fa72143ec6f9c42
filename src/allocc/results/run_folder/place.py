"""Where a run is written: a new folder, that appears when it is complete or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError
from allocc.whole import part


def default_folder(model: str) -> Path:
    """A new name under `runs/` of the current folder; two runs of one second get a number."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    base = Path("runs") / f"{model}-{stamp}"
    folder, number = base, 1
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder


def check_free(folder: Path, what: str = "the run folder") -> None:
    """Raise E7007 when a folder holds something already."""
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as problem:
        reason = problem.strerror or str(problem)
        found = mistakes.cannot_write(what, str(folder), reason)
        raise DiagnosticError([found]) from None
    if taken:
        raise DiagnosticError([mistakes.folder_taken(str(folder))])


def write_folder(
    target: Path,
    write: Callable[[Path], None],
    another: Callable[[], Path] | None = None,
    what: str = "the run folder",
) -> Path:
    """A new folder with what `write` puts into it; it appears when it is complete, or not at all.

    Where its name is taken meanwhile, `another` gives the next one; `what` is written, in words.
    Raises E7007 for a folder that holds something, E7008 where the system does not let us write.
    """
    check_free(target, what)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part(target.parent) as hidden:
            # One within it, so that it has the permissions that a new folder has here.
            new = hidden / "new"
            new.mkdir()
            write(new)
            while not _moved(new, target):
                # Another run of this second was faster.
                if another is None:
                    raise DiagnosticError([mistakes.folder_taken(str(target))])
                target = another()
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise DiagnosticError([mistakes.cannot_write(what, str(target), reason)]) from None
    return target


def _moved(new: Path, target: Path) -> bool:
    """Give a written folder its name; False where the name was taken meanwhile."""
    try:
        # An empty folder may be replaced; one that was filled meanwhile makes this fail.
        os.replace(new, target)
    except OSError as problem:
        if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        if problem.errno != errno.EBUSY:
            raise
        # The current folder, or one where a disk is mounted, stays: what belongs into it is moved.
        for child in sorted(new.iterdir()):
            os.replace(child, target / child.name)
    return True
