"""The `allocc` command. Solvers and NumPy are imported by the commands that need them."""

from __future__ import annotations

import sys

from allocc.cli.guard import EXIT_INTERRUPTED
from allocc.cli.root import cli

__all__ = ["cli", "main"]


def main() -> None:
    """Run the command line; the entry point of the console script."""
    try:
        cli(prog_name="allocc")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
