"""What signals do to a command: Ctrl-C, a polite end (SIGTERM), a terminal that hangs up (SIGHUP)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

EXIT_INTERRUPTED = 130

Handler = Callable[[int, FrameType | None], object]


def numbers() -> tuple[int, ...]:
    """The signals that ask a command to end; one that whoever started us ignores is none (nohup)."""
    found = (getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP"))
    return tuple(s for s in found if s is not None and signal.getsignal(s) is not signal.SIG_IGN)


def install(handler: Handler) -> None:
    """Let one function answer all of them."""
    for number in numbers():
        signal.signal(number, handler)


def leave(number: int, frame: FrameType | None) -> NoReturn:
    """End at once: nothing has begun, or all is done. An exception would show where modules load."""
    tell(b"interrupted\n")
    os._exit(EXIT_INTERRUPTED)


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does, so that what is half-written is taken away."""
    raise KeyboardInterrupt


def tell(text: bytes) -> None:
    """Say something from within a handler. A terminal that has hung up takes no more from anybody."""
    try:
        os.write(2, text)
    except OSError:
        for number in (1, 2):
            if os.isatty(number) or number == 2:
                point_at_nothing(number)


def point_at_nothing(number: int) -> None:
    """Let a descriptor's output go nowhere from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
