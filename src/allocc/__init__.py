"""allocc: decide who gets scarce help, and prove how good the decision is.

    import allocc
    model = allocc.load("RI.alloc", data="data/RI")
    result = model.solve(gap=1e-3, time_limit=60)
    result["spend"]

Everything is loaded on first use, so that `import allocc` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allocc.version import __version__

if TYPE_CHECKING:
    from allocc.api import Model, Result
    from allocc.backends.solution import LicenceLimit, MissingSolver
    from allocc.errors import AlloccError, MissingLibrary
    from allocc.loading import compare, load, sweep, verify

__all__ = [
    "AlloccError",
    "LicenceLimit",
    "MissingLibrary",
    "MissingSolver",
    "Model",
    "Result",
    "__version__",
    "compare",
    "load",
    "sweep",
    "verify",
]

_HOMES = {
    "AlloccError": "allocc.errors",
    "LicenceLimit": "allocc.backends.solution",
    "MissingLibrary": "allocc.errors",
    "MissingSolver": "allocc.backends.solution",
    "Model": "allocc.api",
    "Result": "allocc.api",
    "compare": "allocc.loading",
    "load": "allocc.loading",
    "sweep": "allocc.loading",
    "verify": "allocc.loading",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'allocc' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
