"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from allocc import mistakes
from allocc.dsl.diagnostics import AlloccError


def replace(path: Path, content: bytes, what: str) -> None:
    """Write a file, or write it anew with the permissions it has; a link stays one.

    Raises E7008 where the system does not let us; `what` is written, in words. Nothing else changes
    then.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
        if target.exists():
            shutil.copymode(target, part)
        os.replace(part, target)
    except OSError as problem:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        reason = problem.strerror or str(problem)
        raise AlloccError([mistakes.cannot_write(what, str(path), reason)]) from None
