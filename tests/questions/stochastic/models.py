"""Models whose laws are known."""

from __future__ import annotations

from pathlib import Path

import allocc
from allocc.api import Model

DEATH = """model death "Pure death"
param mu : 1/year = 0.3
time t : year = 0 .. 4 step STEP
compartment I "alive" : person
compartment X "dead by one cause" : person
compartment Y "dead by another" : person
initial I = 60
initial X = 0
initial Y = 0
flow first : I -> X = mu * I
flow second : I -> Y = 2 * mu * I
"""

IMMIGRATION = """model immigration "Immigration and death"
param lambda : person/year = 6
param mu : 1/year = 0.5
time t : year = 0 .. 4 step 1
compartment I "here" : person
initial I = 0
flow arrive : -> I = lambda
flow die : I -> = mu * I
"""

SIR = """model sir "Closed epidemic"
param beta : 1/day = 0.4
param gamma : 1/day = 0.2
param first : person = 20
param everyone : person = 1000
param beds : person = 160
time t : day = 0 .. 60 step 2
compartment S "susceptible" : person
compartment I "infectious" : person
compartment R "recovered" : person
initial S = everyone - first
initial I = first
initial R = 0
flow infect : S -> I = beta * S * I / everyone
flow recover : I -> R = gamma * I
decide care in 0 .. 1
limit room[t] "beds": I[t] <= beds
limit careful: care <= 0.5
minimize { ill "person-days": sum(t: I[t]) * 2 cost: care }
"""


def model(folder: Path, text: str, **settings: object) -> Model:
    """A model from its text."""
    path = folder / "model.alloc"
    path.write_text(text, encoding="utf-8")
    return allocc.load(path, **settings)
