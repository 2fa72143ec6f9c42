"""Reformulations: one file each, from a nonlinear atom to linear rows.

In: atoms of a program, or a program. Out: linear rows that say the same, or contain it. A module has a
`REFORMULATION` where it takes atoms of a program to rows, or a `PASS` where it takes a program to another one.
Both are found by walking this folder. It may import `allocc.compiler.programs` and what stands before that.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType

from allocc.compiler.programs.reformulation import Reformulation


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every module of this folder, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}") for name in names)


@cache
def reformulations() -> tuple[Reformulation, ...]:
    """What takes atoms to rows."""
    return tuple(m.REFORMULATION for m in modules() if hasattr(m, "REFORMULATION"))


@cache
def exact_forms() -> tuple[Reformulation, ...]:
    """Those whose rows say all that the atoms say."""
    return tuple(r for r in reformulations() if r.exact)
