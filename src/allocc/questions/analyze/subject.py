"""What is analyzed, as all parts of the analysis take it."""

from __future__ import annotations

from dataclasses import dataclass

from allocc.compiler.arrays import FloatArray
from allocc.compiler.equations.equations import Equations
from allocc.compiler.equations.rates import Rates
from allocc.questions.analyze.infection import Infection, Structure
from allocc.questions.analyze.symbolic.equations import SymbolicEquations


@dataclass(frozen=True, eq=False)
class Subject:
    """Equations, their structure, and who carries an infection; `start` is the begin.

    `symbolic` has expressions in parameters, None where the model is too large for formulas.
    """

    equations: Equations
    rates: Rates
    found: Structure
    of: Infection
    start: FloatArray
    symbolic: SymbolicEquations | None
