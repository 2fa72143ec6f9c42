"""The `allocc` command, also as `python -m allocc`."""

from allocc import signals


def main() -> None:
    """Run the command line; the entry point of the console script."""
    # Loading modules takes a moment, in which Ctrl-C would show a traceback.
    signals.install(signals.leave)
    from allocc.cli import main as run

    run()


if __name__ == "__main__":
    main()
