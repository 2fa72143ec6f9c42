"""The time that a tree of a proof may take: what it says is written and checked after it."""

from __future__ import annotations

import numpy as np

from allocc.engine.loop import Loop


class Clock:
    """A part of the time that a loop has left, from now on; without a limit it only hears of stops."""

    def __init__(self, loop: Loop, part: float) -> None:
        self.loop = loop
        left = loop.remaining()
        self.end = np.inf if left is None else loop.seconds + part * left

    def stop(self) -> bool:
        """Whether the part is over, or a stop was asked for."""
        return self.loop.stopped or self.loop.seconds > self.end

    def remaining(self) -> float | None:
        """Seconds that are left of the part, None without a limit."""
        return None if np.isinf(self.end) else max(0.0, self.end - self.loop.seconds)
