"""Functions of one variable: one record a function, in a file of its own.

In: arrays. Out: `ScalarFunction`, found by its kind. It may import the arrays alone: every other room may read
it, from the units and the evaluator to the bounds, the relaxation, the formulas and the editor.

A file is found by walking this folder: a function is added by adding its file.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from allocc.compiler.functions.powers import power
from allocc.compiler.functions.record import ScalarFunction, Word

#: All functions by their kind, but the powers, of which each exponent makes one.
BY_KIND: dict[str, ScalarFunction] = {
    found.kind: found
    for module in sorted(m.name for m in iter_modules(__path__))
    for found in vars(import_module(f"{__name__}.{module}")).values()
    if isinstance(found, ScalarFunction)
}
#: What a model may call: the functions that are words of the language, by their kind.
WORDS: dict[str, Word] = {kind: f.word for kind, f in sorted(BY_KIND.items()) if f.word is not None}


def function(kind: str, exponent: float = 1.0) -> ScalarFunction:
    """The function of a kind; `exponent` is that of a power."""
    return power(exponent) if kind == "power" else BY_KIND[kind]
