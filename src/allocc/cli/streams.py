"""The process's own streams: closed ones, and those that cannot say every character."""

from __future__ import annotations

import io
import os
import sys


def prepare() -> None:
    """Make the three streams safe to use; called once, before anything is opened.

    Python has no stream for a descriptor that was closed (`>&-`), and the next file that is opened would
    get its number. So the number is taken here by something that cannot be written, or read: whoever
    tries is told as on any other failure. Characters that an encoding lacks are written as escapes.
    """
    # The flag is the wrong way round on purpose, except where messages go: those may be lost.
    for number, name, flag in (
        (0, "stdin", os.O_WRONLY),
        (1, "stdout", os.O_RDONLY),
        (2, "stderr", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, flag)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
