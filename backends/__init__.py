"""Solvers behind one question (`SolveOptions`) and one honest answer (`Solution`).

In: a program and `SolveOptions`. Out: `Solution`, in the program's own columns. It may import
`allocc.compiler.programs` and what stands before that: one file a solver, and the file formats.
"""

from allocc.backends.highs_session import HighsSession
from allocc.backends.isolation import Session, isolated, open_session
from allocc.backends.point_check import PointCheck, check_point
from allocc.backends.registry import Backend, get, names
from allocc.backends.solution import (
    Capabilities,
    LicenceLimit,
    MissingSolver,
    Progress,
    Solution,
    SolveOptions,
    Termination,
)

__all__ = [
    "Backend",
    "Capabilities",
    "HighsSession",
    "LicenceLimit",
    "MissingSolver",
    "PointCheck",
    "Progress",
    "Session",
    "Solution",
    "SolveOptions",
    "Termination",
    "check_point",
    "get",
    "isolated",
    "names",
    "open_session",
]
