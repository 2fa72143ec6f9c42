"""A page for each reformulation, made from the docstring of its module.

The pages are written to docs/reformulations/ whenever the site is built; they are not kept.
"""

from __future__ import annotations

import ast
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "compiler" / "reformulations"


def pages() -> dict[str, str]:
    """The pages as reStructuredText, by the names of the modules."""
    found = {}
    for file in sorted(MODULES.glob("[a-z]*.py")):
        text = ast.get_docstring(ast.parse(file.read_text("utf-8")))
        if not text:
            raise ValueError(f"{file.name} has no docstring to make a page from")
        head, _, body = text.partition("\n")
        title = head.rstrip(".")
        line = "=" * len(title)
        where = f"*Code:* ``compiler/reformulations/{file.name}``"
        found[file.stem] = f"{line}\n{title}\n{line}\n\n{body.strip()}\n\n{where}\n"
    return found


def write(app: Sphinx) -> None:
    """Write the pages that are new or have changed, and remove those whose module is gone."""
    folder = Path(app.srcdir) / "reformulations"
    made = pages()
    for name, text in made.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
    for path in folder.glob("*.rst"):
        if path.stem not in made:
            path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before they are looked for."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
