"""What a worker of a sweep does: it takes one task after the other until its socket ends."""

from __future__ import annotations

import os
import signal
import socket

from allocc.backends.isolation.serving import end_with_parent
from allocc.backends.isolation.wire import Channel
from allocc.questions.sweep.solving import failure, solve_task
from allocc.results.sweeping.points import Answer


def main(connection: int, lifeline: int, flags: int) -> None:
    """Serve the process at the other end of the socket `connection`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    end_with_parent(lifeline)
    os.close(flags)
    channel = Channel(socket.socket(fileno=connection))
    try:
        channel.send("ready")
        while True:
            channel.send(_answer(channel))
    except (EOFError, OSError):
        pass
    finally:
        os._exit(0)  # threads of a solver that still run must not hold the process back


def _answer(channel: Channel) -> Answer:
    try:
        task = channel.receive()
    except (EOFError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - a setting of a class that is not known here
        reason = f"its settings cannot be read in another process: {error}"
        return Answer("", "error", error=reason)
    try:
        return solve_task(task)
    except KeyboardInterrupt:
        return failure(task, "error", "interrupted")
