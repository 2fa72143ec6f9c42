"""What is given from outside: whether it is a number, and what it is a path to."""

from __future__ import annotations

from numbers import Integral, Real
from os import PathLike
from pathlib import Path

from allocc import mistakes
from allocc.errors import AlloccError


def is_number(value: object) -> bool:
    """Whether a value is a number, of Python's or of NumPy's."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Whether a value is a whole number, of Python's or of NumPy's."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def as_path(value: object, what: str) -> Path:
    """A path from outside; raises E7054 for what is none, `what` says in words what it names."""
    if not isinstance(value, (str, PathLike)) or isinstance(value, bytes):
        raise AlloccError([mistakes.no_path(what, f"an object of type {type(value).__name__}")])
    path = Path(value)
    reason = "a null byte is in it" if "\0" in str(path) else ""
    try:
        # A name that is too long fails here rather than somewhere later.
        path.exists()
    except OSError as problem:
        reason = problem.strerror or str(problem)
    if reason:
        shown = str(path)[:60].replace("\0", "\\0")
        raise AlloccError([mistakes.no_path(what, f"'{shown}': {reason[:1].lower()}{reason[1:]}")])
    return path
