"""What draws are weighed by, as it is written."""

from __future__ import annotations

import re

from allocc.compiler.worlds.weighing import Measure
from allocc.dsl.diagnostics import DiagnosticError
from allocc.questions.over import errors

_TAIL = re.compile(r"cvar[\s:=(]*([0-9.]+)\s*(%?)\)?\Z")


def read_measure(given: object) -> Measure:
    """`mean`, `worst`, `regret`, or `cvar 90%`; raises E7285 for anything else."""
    if isinstance(given, Measure):
        return given
    text = str(given).strip().lower()
    if text in ("mean", "worst", "regret"):
        return Measure(text)  # type: ignore[arg-type]
    match = _TAIL.match(text)
    try:
        level = float(match[1]) / (100 if match[2] else 1) if match else -1.0
    except ValueError:
        level = -1.0
    if not 0 <= level < 1:
        raise DiagnosticError([errors.bad_measure(given)])
    return Measure("mean") if level == 0 else Measure("cvar", level)
