"""What makes a site of pages that are also read in the repository.

The index gets its tables of contents, and the index of a folder that of its folder. A line that is nothing but a link to a Markdown file outside
of docs/ is replaced by that file, and links to that file lead to the page. A section of the language
reference that is named by its number becomes a link.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
LINK = re.compile(r"\]\(([^)\s#:]+)(#[^)\s]*)?\)")
ALONE = re.compile(r"^\[[^\]]*\]\(([^)\s#:]+\.md)\)$", re.MULTILINE)
SECTION = re.compile(r"^Language reference: §(\d[\d.]*\d|\d)\.$", re.MULTILINE)
HEADING = re.compile(r"^#+ (\d+(?:\.\d+)*) (.+)$", re.MULTILINE)
CODE = re.compile(r"(^```.*?^```\s*?$)", re.MULTILINE | re.DOTALL)

#: Headings of the contents, and the pages below each; globs take what is there, or the folder's index.
CONTENTS = {
    "Tutorials": ["tutorials/first-model", "tutorials/*"],
    "How to": ["how-to/*"],
    "Reference": ["language", "certificate", "solvers", "python", "python-reference", "errors/*"],
    "Understand": ["when-not-to-use", "design", "reformulations/*"],
    "Examples": ["gallery/*"],
}


def contents() -> str:
    """The tables of contents that the index gets; pages that nothing names come last."""
    blocks, named = [], {"index"}
    for caption, patterns in CONTENTS.items():
        indices = [p.replace("*", "index") for p in patterns]
        entries = [
            index if (DOCS / f"{index}.md").exists() else pattern
            for index, pattern in zip(indices, patterns, strict=True)
        ]
        named.update(entries)
        found = [e for e in entries if any(DOCS.glob(f"{e}.md"))]
        blocks.append(toctree(found, f":caption: {caption}"))
    rest = sorted(p.stem for p in DOCS.glob("*.md") if p.stem not in named)
    if rest:
        blocks.append(toctree(rest, ":caption: More"))
    return "\n\n".join(["", *blocks, ""])


def toctree(entries: list[str], *options: str) -> str:
    """A table of contents that is shown at the side only."""
    lines = [":hidden:", ":glob:", ":maxdepth: 1", *options, "", *entries]
    return "\n".join(["```{toctree}", *lines, "```"])


@lru_cache
def pages() -> dict[Path, Path]:
    """The page of each file outside of docs/ that has one."""
    found = {}
    for page in DOCS.glob("**/*.md"):
        for match in ALONE.finditer(page.read_text("utf-8")):
            target = Path(os.path.normpath(page.parent / match[1]))
            if DOCS not in target.parents:
                found[target] = page
    return found


def site_text(page: Path) -> str:
    """A page of the repository as a page of the site."""
    text, parts, done = page.read_text("utf-8"), [], 0
    for match in ALONE.finditer(text):
        target = Path(os.path.normpath(page.parent / match[1]))
        if pages().get(target) == page:
            parts.append(relinked(text[done : match.start()], page.parent, page))
            parts.append(relinked(target.read_text("utf-8"), target.parent, page))
            done = match.end()
    parts.append(relinked(text[done:], page.parent, page))
    made = sections_linked("".join(parts), page)
    if page == DOCS / "index.md":
        return made + contents()
    if page.name == "index.md" and "{toctree}" not in made:
        return f"{made}\n\n{toctree(['*'])}\n"
    return made


def sections_linked(text: str, page: Path) -> str:
    """Sections that are named by their numbers, as links to the language reference."""
    language = DOCS / "language.md"
    headings = HEADING.findall(CODE.sub("", language.read_text("utf-8")))
    anchors = {number: anchor(f"{number} {title}") for number, title in headings}
    where = os.path.relpath(language, page.parent).replace(os.sep, "/")

    def link(match: re.Match[str]) -> str:
        return f"Language reference: [§{match[1]}]({where}#{anchors[match[1]]})."

    return SECTION.sub(link, text)


def anchor(heading: str) -> str:
    """The anchor that a heading has, in the repository as on the site."""
    return re.sub(r"[^\w\s-]", "", heading.replace("`", "").lower()).strip().replace(" ", "-")


def relinked(text: str, folder: Path, page: Path) -> str:
    """The links of a text from a file in `folder`, as they are right on a page of the site."""

    def change(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / match[1]))
        target = pages().get(target, target)
        where = os.path.relpath(target, page.parent).replace(os.sep, "/")
        return f"]({where}{match[2] or ''})"

    parts = CODE.split(text)
    return "".join(LINK.sub(change, p) if k % 2 == 0 else p for k, p in enumerate(parts))


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Change a page on its way in."""
    page = DOCS / f"{docname}.md"
    if page.is_file():
        source[0] = site_text(page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Listen to pages as they are read."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
