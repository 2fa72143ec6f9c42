"""A running solve as a person sees it: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from allocc import signals
from allocc.cli.terminal import say

if TYPE_CHECKING:
    from allocc.engine.judging.outcome import Step

_SHOW_CURSOR = b"\x1b[?25h"
#: What is told where there is no allocation to keep.
FOUND_SO_FAR = "stopping; what is found so far is told (Ctrl-C again leaves at once)"
_STOPPING = "stopping, the best allocation is kept (Ctrl-C again leaves at once)"


@contextmanager
def stoppable(cancel: threading.Event, said: str = _STOPPING) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM, or SIGHUP) asks for a clean stop; the second one leaves at once.

    `said` is what a person is told at the first one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminal = sys.stderr.isatty()

    def stop(number: int, frame: FrameType | None) -> None:
        if cancel.is_set():
            if terminal:
                signals.tell(_SHOW_CURSOR)
            signals.tell(b"\nleft at once; nothing was kept\n")
            os._exit(signals.EXIT_INTERRUPTED)
        cancel.set()
        signals.tell(f"\n{said}\n".encode())

    before = {s: signal.signal(s, stop) for s in signals.numbers()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def working(phase: str, quiet: bool = False) -> Iterator[None]:
    """Show on a terminal what is being done and for how long; nothing elsewhere."""
    if quiet or not _terminal():
        yield
        return
    with _live(phase):
        yield


def _terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def watching(quiet: bool, phase: str = "compiling") -> Iterator[Callable[[Step], None] | None]:
    """A callback for the steps of a solve; None when nothing is to be shown.

    `phase` is shown on a terminal until the first step.
    """
    if quiet:
        yield None
    elif _terminal():
        with _live(phase) as callback:
            yield callback
    else:
        from allocc.showing.report import progress_printer

        yield progress_printer(say)


@contextmanager
def _live(phase: str) -> Iterator[Callable[[Step], None]]:
    from rich.console import Console
    from rich.live import Live

    line = LiveLine(phase)
    with Live(line, console=Console(stderr=True), refresh_per_second=8, transient=True):
        yield line.tell


class LiveLine:
    """The latest step, with a clock that runs between two steps."""

    def __init__(self, phase: str) -> None:
        self.started = time.perf_counter()
        self.phase = phase
        self.step: Step | None = None

    def tell(self, step: Step) -> None:
        """Show this step from now on."""
        self.step = step

    def __rich__(self) -> Any:
        from rich.text import Text

        from allocc.tables import duration, numbers, percent

        elapsed = duration(time.perf_counter() - self.started)
        step = self.step
        if step is None:
            shown = f"{elapsed}  {self.phase}"
            return Text(shown, style="dim", no_wrap=True, overflow="ellipsis")
        bound, value = numbers([step.bound, step.value], 7)
        text = Text(no_wrap=True, overflow="ellipsis")
        for name, shown, style in (
            ("bound", bound, "cyan"),
            ("value", value, "bold green"),
            ("gap", percent(step.gap), "bold yellow"),
            ("round", str(step.round), ""),
        ):
            text.append(f"{name} ", style="dim")
            text.append(f"{shown}   ", style=style)
        text.append(f"{elapsed}   ")
        text.append(step.phase, style="dim")
        return text
