"""Text of others, as names, labels and descriptions, in what a person reads: one function for each target.

What is written in a model, a table or a path says what it says and nothing else: no line of its own, no
color, no other order of letters, no picture, link or tag.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata

#: Longer words in a message are shortened in their middle: nobody names a thing so. Paths can be long.
LONGEST_WORD = 80
_LONGEST_PATH = 300
#: A longer message has a name or a number in it that is no name or number.
_LONGEST = 1000

_BREAKS = re.compile(r"\r\n|[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_OURS = re.compile(r"(\x1b\[[0-9;]*m|\n)")
_MARK = "\ufffd"
#: Controls, formats (which also turn the order of letters, or have no width), surrogates, separators.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")

_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")

_MARKDOWN = re.compile(
    r"[\\`*_{}\[\]<>#|$~]"  # what begins a span, a link, a tag, a cell or a formula
    r"|&(?=#?\w+;)"  # an entity
    r"|:(?=//)|(?<=\w)@(?=\w)|(?<=www)\.",  # what some readers make a link of without being asked
    re.IGNORECASE,
)
_LATEX = re.compile(r"[\\_%&#${}~^<>\[\]]|:(?=//)|@|(?<=www)\.", re.IGNORECASE)
#: A pair of braces prints nothing in LaTeX, and breaks what Markdown takes for a tag or a link.
_IN_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "<{}",
    "[": "{[}",
    "]": "{]}",
    ":": ":{}",
    "@": "@{}",
    ".": ".{}",
    ">": ">",
}


def one_line(text: str) -> str:
    """Text without line breaks and with a mark for each character that cannot be seen."""
    if text.isascii() and text.isprintable():
        return text
    return _seen(_BREAKS.sub(" ", text))


def terminal(text: str, color: bool = False) -> str:
    """Lines for a terminal: line breaks stay, and with `color` also the colors that are in it."""
    parts = _OURS.split(text)
    kept = [
        p if p == "\n" or (color and k % 2) else _seen(_BREAKS.sub(" ", p))
        for k, p in enumerate(parts)
    ]
    return "".join(kept)


def markdown(text: str) -> str:
    """Text as Markdown shows it."""
    return _MARKDOWN.sub(lambda m: f"\\{m[0]}", one_line(text))


def markdown_code(text: str) -> str:
    """Text as code in a line of Markdown."""
    shown = one_line(text)
    fence = "`" * (_longest_run(shown) + 1)
    # Blanks at both ends are taken off; a text without any other character would stay as it is.
    return f"{fence} {shown} {fence}" if "`" in shown or not shown.strip() else f"`{shown}`"


def markdown_block(text: str, language: str) -> str:
    """Lines as a block of code in Markdown."""
    shown = terminal(text.replace("\r\n", "\n").replace("\t", "    "))
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def html(text: str) -> str:
    """Text as HTML and SVG show it, also in an attribute."""
    return _html.escape(one_line(text))


def latex(text: str) -> str:
    """Text as LaTeX prints it, also within a formula that stands in Markdown."""
    return _LATEX.sub(lambda m: _IN_LATEX.get(m[0], f"\\{m[0]}"), one_line(text))


def message(text: str) -> str:
    """What a message says, in one line, with words and all of it of a length that can be read."""
    shown = _WORD.sub(lambda m: _middle(m[0]), one_line(text))
    if len(shown) > _LONGEST:
        shown = f"{shown[: _LONGEST // 2]} ... {shown[-_LONGEST // 4 :]}"
    return shown


def _middle(word: str) -> str:
    """A word without most of its middle; a path, which somebody may want to copy, keeps more."""
    most = _LONGEST_PATH if "/" in word or "\\" in word else LONGEST_WORD
    if len(word) <= most:
        return word
    end = (most - 3) // 3
    return f"{word[: most - 3 - end]}...{word[-end:]}"


def _seen(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(_MARK if unicodedata.category(c) in _UNSEEN else c for c in text)


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
