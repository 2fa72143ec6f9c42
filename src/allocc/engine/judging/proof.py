"""A proof in rationals, as a solve ends with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Proof:
    """A proof that was checked, and what it is about.

    `bound` is on the objective, its constant included; None where the proof is that nothing is feasible.
    `program` and `names` are the MPS file and its map of names, `text` the compressed proof, and `recipe` says
    how the program is made from the model.
    """

    bound: Fraction | None
    leaves: int
    derivations: int
    program: bytes
    names: bytes
    text: bytes
    recipe: Mapping[str, Any]
    seconds: float
    seconds_to_check: float
