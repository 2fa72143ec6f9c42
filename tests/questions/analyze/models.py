"""Small models, written for a test, and their analysis."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import allocc
from allocc.results.dynamics.analysis import Analysis


def load(text: str, **settings: Any) -> allocc.Model:
    """A model without tables."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.alloc"
        path.write_text(f"model small\n{text}", "utf-8")
        found: allocc.Model = allocc.load(path, **settings)
        return found


def analyze(text: str, infected: str | list[str] = (), **settings: Any) -> Analysis:  # type: ignore[assignment]
    """The analysis of a model without tables."""
    return load(text, **settings).analyze(infected)


SIR = """
param N "people" : person = 1000
param beta "transmission" : 1/day = 0.5
param gamma "recovery" : 1/day = 0.2
param ill "ill today" : person = 10
time t : day = 0 .. 10
compartment S : person initial S = N - ill
compartment I : person initial I = ill
compartment R : person initial R = 0
flow infect  : S -> I = beta * S * I / N
flow recover : I -> R = gamma * I
"""

SEIR = """
param N : person = 1000
param mu : 1/day = 0.01
param beta : 1/day = 0.9
param sigma : 1/day = 0.3
param gamma : 1/day = 0.2
time t : day = 0 .. 10
compartment S : person initial S = N - 5
compartment E : person initial E = 0
compartment I : person initial I = 5
compartment R : person initial R = 0
flow born   : -> S = mu * N
flow infect : S -> E = beta * S * I / N
flow onset  : E -> I = sigma * E
flow recover : I -> R = gamma * I
flow die_S  : S -> = mu * S
flow die_E  : E -> = mu * E
flow die_I  : I -> = mu * I
flow die_R  : R -> = mu * R
"""

ROSS_MACDONALD = """
param H "people" : person = 1000
param M "mosquitos" : mosquito = 5000
param a "bites" : 1/day = 0.3
param b "infections of people by a bite" : person/mosquito = 0.2
param c "infections of mosquitos by a bite" : 1 = 0.4
param r "recovery" : 1/day = 0.05
param g "death of mosquitos" : 1/day = 0.1
time t : day = 0 .. 10
compartment Sh : person   initial Sh = H - 10
compartment Ih : person   initial Ih = 10
compartment Sv : mosquito initial Sv = M
compartment Iv : mosquito initial Iv = 0
flow bitten   : Sh -> Ih = a * b * Iv * Sh / H
flow recover  : Ih -> Sh = r * Ih
flow catch    : Sv -> Iv = a * c * Sv * Ih / H
flow hatch    : -> Sv = g * M
flow die_Sv   : Sv -> = g * Sv
flow die_Iv   : Iv -> = g * Iv
"""
