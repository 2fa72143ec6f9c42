"""Text of others says what it says and does nothing, wherever it is shown."""

from __future__ import annotations

import html.parser
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from allocc.dsl import escapes
from allocc.dsl.diagnostics import Diagnostic, Note
from allocc.dsl.messages import render, to_json

#: Pieces of what could be meant badly, with which random text would rarely begin.
PIECES = [
    "![p](https://evil.example/p.png)",
    "[run](command:foo)",
    "[a][b]",
    "<img src=x onerror=alert(1)>",
    "<https://evil.example>",
    "<!--",
    "```",
    "`",
    "\\",
    "$$",
    "|",
    "&lt;b&gt;",
    "\r",
    "\n",
    "\r\n\r\n# Forged",
    "\n    - proven optimal",
    "\u2028",
    "\x85",
    "\x1b[2J",
    "\x1b]8;;https://evil.example\x07",
    "\x9b31m",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\ud800",
    "- ",
    "1. ",
    "---",
    "===",
    "a_b*c*",
]
hostile = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=10)), max_size=8).map(
    "".join
)


def unseen(text: str) -> list[str]:
    return [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def kinds(text: str) -> list[str]:
    """All tokens that Markdown finds in a text, but those of plain text."""
    found = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        found += [token.type, *(t.type for t in token.children or ())]
    return [k for k in found if k not in ("text", "inline")]


@given(hostile)
def test_one_line(text: str) -> None:
    shown = escapes.one_line(text)
    assert unseen(shown) == [] and len(shown.splitlines()) <= 1
    assert escapes.one_line(shown) == shown


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_what_can_be_seen_stays(text: str) -> None:
    assert escapes.one_line(text) == text == escapes.terminal(text)


@given(st.lists(hostile, max_size=4))
def test_terminal(texts: list[str]) -> None:
    lines = [escapes.one_line(t) for t in texts]
    shown = escapes.terminal("\n".join(lines))
    assert shown.split("\n") == (lines or [""])
    shown = escapes.terminal("\n".join(texts))
    assert set(unseen(shown)) <= {"\n"}
    colored = escapes.terminal("\n".join(texts) + "\x1b[1mours\x1b[0m", color=True)
    assert colored.endswith("\x1b[1mours\x1b[0m")
    assert set(unseen(re.sub(r"\x1b\[[0-9;]*m", "", colored))) <= {"\n"}


@given(hostile)
def test_markdown_has_text_only(text: str) -> None:
    shown = escapes.markdown(text)
    assert unseen(shown) == []
    # Behind other words, as a description stands; and in a cell.
    assert kinds(f"say {shown} end") == ["paragraph_open", "paragraph_close"]
    cell = kinds(f"| a | b |\n| --- | --- |\n| {shown} | end |")
    assert cell == kinds("| a | b |\n| --- | --- |\n| harmless | end |")


@given(hostile)
@example("a|b&lt;<b>`~~x~~")
def test_markdown_shows_the_text(text: str) -> None:
    # Markdown takes blanks at both ends away.
    shown = " ".join(escapes.one_line(text).split())
    (inline,) = MarkdownIt("commonmark").parseInline(f"say {escapes.markdown(text)} end")
    words = "".join(t.content for t in inline.children or ())
    assert " ".join(words.split()) == f"say {shown} end".replace("say  ", "say ")


@pytest.mark.parametrize("text", ["https://evil.example", "www.evil.example", "me@evil.example"])
def test_addresses_are_no_links(text: str) -> None:
    assert text not in escapes.markdown(text)
    assert text not in escapes.latex(text)


@given(hostile)
def test_markdown_code(text: str) -> None:
    found = kinds(f"say {escapes.markdown_code(text)} end")
    assert found == ["paragraph_open", "code_inline", "paragraph_close"]
    lines = escapes.markdown_block(text, "alloc")
    assert kinds(lines) == ["fence"]
    assert set(unseen(lines)) <= {"\n"}


@given(hostile)
def test_html(text: str) -> None:
    tags: list[str] = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.append(tag)

        def handle_comment(self, data: str) -> None:
            tags.append(data)

    Reader().feed(f"<p title='{escapes.html(text)}'>{escapes.html(text)}</p>")
    assert tags == ["p"] and unseen(escapes.html(text)) == []


@given(hostile)
def test_latex_in_markdown(text: str) -> None:
    shown = escapes.latex(text)
    found = kinds(f"say $\\text{{{shown}}}$ end")
    assert not {k for k in found if "link" in k or "image" in k or "html" in k}
    assert unseen(shown) == []
    # Every brace has its partner, and every special character a backslash before it.
    assert re.sub(r"\\[{}]", "", shown).count("{") == re.sub(r"\\[{}]", "", shown).count("}")


@given(hostile, hostile, hostile, st.booleans())
def test_messages_forge_no_lines(text: str, hint: str, note: str, color: bool) -> None:
    harmless = render([Diagnostic("E1001", "m", None, "h", None, (Note("n"),))])
    given = Diagnostic("E1001", f"'{text}'", None, f"h {hint}", None, (Note(note),))
    shown = render([given], color)
    assert len(shown.split("\n")) == len(harmless.split("\n"))
    assert set(unseen(re.sub(r"\x1b\[[0-9;]*m", "", shown))) <= {"\n"}
    assert unseen(str(to_json(given)["message"])) == []


@given(st.integers(1, 5), st.sampled_from(["x", "é", "x/"]))
def test_long_names_are_shortened_in_the_middle(tens: int, letter: str) -> None:
    name = "begin" + letter * 10**tens + "end"
    shown = escapes.message(f"there is no '{name}' here")
    assert shown.startswith("there is no 'begin") and shown.endswith("end' here")
    assert len(shown) < 400 and max(map(len, shown.split())) <= (300 if "/" in letter else 80)
    assert ("..." in shown) == (len(name) + 2 > (300 if "/" in letter else 80))


def test_a_short_message_stays() -> None:
    text = f"'{'x' * 78}' is no name; did you mean '{'y' * 60}'?"
    assert escapes.message(text) == text
