"""How long may be looked for a conflict."""

from __future__ import annotations

import threading
import time


class Budget:
    """Seconds that may be spent, from now on; a set `cancel` ends them."""

    def __init__(self, seconds: float, cancel: threading.Event | None = None) -> None:
        self.seconds = seconds
        self.cancel = cancel
        self.started = time.perf_counter()

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> float:
        """Seconds that are left."""
        if self.cancel is not None and self.cancel.is_set():
            return 0.0
        return max(0.0, self.seconds - self.spent)
