"""Where a run is written: a new folder, that appears when it is complete or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from allocc import mistakes
from allocc.dsl.diagnostics import AlloccError


def default_folder(model: str) -> Path:
    """A new name under `runs/` of the current folder; two runs of one second get a number."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    base = Path("runs") / f"{model}-{stamp}"
    folder, number = base, 1
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder


def check_free(folder: Path) -> None:
    """Raise E7007 when a folder holds something already."""
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as problem:
        reason = problem.strerror or str(problem)
        found = mistakes.cannot_write("the run folder", str(folder), reason)
        raise AlloccError([found]) from None
    if taken:
        raise AlloccError([mistakes.folder_taken(str(folder))])


def write_folder(
    target: Path, write: Callable[[Path], None], another: Callable[[], Path] | None = None
) -> Path:
    """A new folder with what `write` puts into it; it appears when it is complete, or not at all.

    Where its name is taken meanwhile, `another` gives the next one.
    Raises E7007 for a folder that holds something, E7008 where the system does not let us write.
    """
    check_free(target)
    part: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent)
        write(Path(part))
        os.chmod(part, 0o777 & ~_umask())
        while not _moved(part, target):
            # Another run of this second was faster.
            if another is None:
                raise AlloccError([mistakes.folder_taken(str(target))])
            target = another()
    except OSError as problem:
        reason = problem.strerror or str(problem)
        found = mistakes.cannot_write("the run folder", str(target), reason)
        raise AlloccError([found]) from None
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
    return target


def _moved(part: str, target: Path) -> bool:
    """Give a written folder its name; False where the name was taken meanwhile."""
    try:
        # An empty folder may be replaced; one that was filled meanwhile makes this fail.
        os.replace(part, target)
    except OSError as problem:
        if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
