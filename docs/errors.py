"""Write the pages of `docs/errors/` from the `codes.md` of every room.

python docs/errors.py

The pages are kept in the repository, so that a code in a message leads to its page wherever the
repository is read; a test says when they are to be written again.
"""

from __future__ import annotations

from pathlib import Path

from allocc.cli.explained_codes import pages

FOLDER = Path(__file__).resolve().parent / "errors"


def main() -> None:
    """Write all pages, and remove those of codes that are gone."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
