"""All functions of one variable, and ranges in which each has a value."""

from __future__ import annotations

from allocc.compiler.functions import BY_KIND, function
from allocc.compiler.functions.record import ScalarFunction

POWERS = (3.0, 4.0, 0.5, 1.5, -1.5, -2.0, -3.0)
#: Kinds and exponents: a function that is added is among them.
KINDS = [*((kind, 1.0) for kind in BY_KIND), *(("power", p) for p in POWERS)]
EVERY = [function(*kind) for kind in KINDS]
_WINDOWS = {
    "all": [(-20.0, 20.0)],
    "not negative": [(0.0, 1e4)],
    "positive": [(0.05, 30.0)],
    "not zero": [(-30.0, -0.05), (0.05, 30.0)],
}


def windows(f: ScalarFunction) -> list[tuple[float, float]]:
    """Ranges within the domain of a function."""
    return _WINDOWS[f.domain]
