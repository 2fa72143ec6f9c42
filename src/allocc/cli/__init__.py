"""The `allocc` command. Solvers and NumPy are imported by the commands that need them.

In: the command line. Out: text, files, an exit code. It may import everything. Solvers and NumPy are imported
by the commands that need them.
"""

from __future__ import annotations

import gc
import sys

from allocc import signals
from allocc.cli import streams
from allocc.cli.root import cli

__all__ = ["cli", "main"]


def main() -> None:
    """Run the command line in this process."""
    # A command is one short process with many lasting objects: looking for cycles among them as
    # often as Python does by default takes longer than compiling a small model.
    gc.set_threshold(100_000, 50, 100)
    streams.prepare()
    signals.install(signals.interrupt)
    try:
        cli(prog_name="allocc")
    except KeyboardInterrupt:
        sys.exit(signals.EXIT_INTERRUPTED)
    finally:
        signals.install(signals.leave)
