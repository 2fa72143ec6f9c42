"""`python -m allocc` is the `allocc` command."""

from allocc.cli import main

if __name__ == "__main__":
    main()
