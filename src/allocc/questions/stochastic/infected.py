"""Whether an infection is left at the end of each course."""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import BoolArray
from allocc.compiler.equations.equations import read_equations
from allocc.compiler.equations.rates import Rates
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.stages import Stages
from allocc.questions.analyze.infection import infection, structure

#: Of more points than this the flows are not looked at for an infection.
MOST_POINTS = 500


def infected_points(model: Stages) -> dict[str, BoolArray]:
    """The points of each compartment that carry the infection, flat; empty where there is none to be seen.

    They are found from the flows, as `allocc analyze` finds them.
    """
    try:
        equations = read_equations(model.bound)
    except DiagnosticError:
        return {}
    if equations.size > MOST_POINTS or equations.looking_back() is not None:
        return {}
    with np.errstate(all="ignore"):
        rates = Rates(equations, {})
        if not np.isfinite(rates.amounts(rates.initial())).all():
            return {}
        mask = infection(structure(rates)).infected
    return {
        b.name: mask[b.start : b.stop] for b in equations.blocks if mask[b.start : b.stop].any()
    }
