"""The trust region of successive linear programming, whoever makes the linear programs.

A linear program is right near the point that it was made at. A step within the region is simulated:
the region grows where that is better, and shrinks where it is not, more where there is no point in it.
(Palacios-Gomez et al. 1982, Management Science 28:1106-1120.)
"""

from __future__ import annotations

from collections.abc import Callable

GROWS, SHRINKS, IS_EMPTY = 2.0, 0.4, 0.25


def improve(
    step: Callable[[float], bool | None],
    radius: float,
    least: float,
    stop: Callable[[], bool] = lambda: False,
    rounds: int = 40,
) -> None:
    """Take steps within a region, until it is smaller than `least`, or the rounds are over.

    `radius` is where it begins, in parts of the ranges of decisions, 1 at most. `step` says whether
    what it found is better; None where its program has no point.
    """
    for _ in range(rounds):
        if radius < least or stop():
            return
        better = step(radius)
        if better is None:
            radius *= IS_EMPTY
        else:
            radius = min(1.0, GROWS * radius) if better else SHRINKS * radius
