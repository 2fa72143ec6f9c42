"""The `allocc` command. Solvers and NumPy are imported by the commands that need them."""

from __future__ import annotations

import gc
import sys

from allocc.cli.guard import EXIT_INTERRUPTED
from allocc.cli.root import cli

__all__ = ["cli", "main"]


def main() -> None:
    """Run the command line; the entry point of the console script."""
    # A command is one short process with many lasting objects: looking for cycles among them as
    # often as Python does by default takes longer than compiling a small model.
    gc.set_threshold(100_000, 50, 100)
    try:
        cli(prog_name="allocc")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
