"""What a proof is before it is checked, and why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from allocc.compiler.programs.program import Program
from allocc.engine.certifying.vipr import ProofFile


class NoProof(Exception):
    """Why there is no proof in rationals, as a sentence without its full stop."""


@dataclass(frozen=True)
class Written:
    """A proof of a bound on the objective of a program, without its constant; None: that there is no point."""

    program: Program
    proof: ProofFile
    bound: Fraction | None
    leaves: int
