"""Versions of HiGHS: what some are known to do wrong, and one that writes where it should not."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections.abc import Iterator
from typing import Any

OLDEST = (1, 15, 1)
"""The oldest version that allocc is tested with."""

KNOWN_TO_ERR = {
    (1, 14, 0): "wrong optima for programs of two variables",
    (1, 16, 0): (
        "called small feasible programs infeasible, ended the process with signal 11 in hot sessions"
    ),
}
"""What was seen with a version of highspy; `pyproject.toml` does not allow them."""

WANTED = "highspy>=1.15.1,!=1.16.0"
"""The versions to install, as in `pyproject.toml`."""

_naming = threading.Lock()
_said_its_name = False


def known_to_err(version: str) -> str:
    """What a version is known to do wrong, or an empty string; those before `OLDEST` are not tested."""
    number = tuple(int(x) for x in re.findall(r"\d+", version)[:3])
    if not number:
        return ""
    if number in KNOWN_TO_ERR:
        return KNOWN_TO_ERR[number]
    oldest = ".".join(map(str, OLDEST))
    return f"older than {oldest}, the first that allocc is tested with" if number < OLDEST else ""


def silent_highs(core: Any) -> Any:
    """A new HiGHS that writes nothing; 1.16.0 writes its name on stdout once in a process."""
    global _said_its_name
    with _naming:
        if _said_its_name or (core.HIGHS_VERSION_MAJOR, core.HIGHS_VERSION_MINOR) < (1, 16):
            highs = core.Highs()
        else:
            with _without_stdout():
                highs = core.Highs()
            _said_its_name = True
    highs.setOptionValue("output_flag", False)
    return highs


@contextlib.contextmanager
def _without_stdout() -> Iterator[None]:
    sys.stdout.flush()
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)
