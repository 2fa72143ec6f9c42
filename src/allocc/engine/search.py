"""Improving an allocation: neighbours of its integers, the rest solved to optimality each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allocc.compiler.program import FloatArray
from allocc.compiler.relaxation import Relaxation

if TYPE_CHECKING:
    from allocc.engine.solve import Loop


def improve(loop: Loop, relaxation: Relaxation, point: FloatArray) -> None:
    """Offer better allocations near the best one."""
