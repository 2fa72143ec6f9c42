"""A text that is cut into pieces: nothing is lost, and the same mistakes are found in them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocc.dsl.diagnostics import DiagnosticError
from allocc.dsl.fragments import blank, pieces
from allocc.dsl.reading.parser import Parser, check_syntax, parse
from allocc.dsl.syntax_help import recovery
from allocc.dsl.tree import Source

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.alloc"))
JUNK = ["", "{", "}", "(", ")", "]", ":", "=", "limit", "param x", "+", "\n", "%", '"', " else "]
LINES = "param a{0} = {0}\nlet b{0} = sum(i in S: a{0})\nlimit c{0}: b{0} <= 2\n"


def found(read: Any, text: str) -> list[Any]:
    try:
        read(Source("model.alloc", text))
    except DiagnosticError as error:
        return [(d.code, d.message, d.span, d.hint) for d in error.diagnostics]
    return []


def large(statements: int) -> str:
    return "model m\n" + "".join(LINES.format(k) for k in range(statements // 3))


class Reads:
    """Counts what the parser is given to read, blanks left out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.characters = 0
        for name in ("attempt", "stop"):
            monkeypatch.setattr(Parser, name, self.counted(getattr(Parser, name)))

    def counted(self, method: Any) -> Any:
        def call(parser: Parser, *arguments: Any) -> Any:
            self.characters += sum(not c.isspace() for c in arguments[-1])
            return method(parser, *arguments)

        return call


@given(st.text(st.sampled_from('param let{}()[]"#\n\r \x0c='), max_size=80))
def test_pieces_are_the_whole_text(text: str) -> None:
    cut = pieces(text)
    assert "".join(text[start:stop] for start, stop in cut) == text
    assert len(blank(text)) == len(text)
    assert blank(text).splitlines() == [" " * len(line) for line in text.splitlines()] or not (
        set(text) <= set('param let{}()[]"#\n\r =')  # other line ends are blanked out, too
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_piece_of_a_model_reads_by_itself(path: Path) -> None:
    text = path.read_text("utf-8")
    whole = parse(Source("model.alloc", text)).statements
    cut = [parse(Source("piece", text[a:b])).statements for a, b in pieces(text)]
    assert [type(s) for piece in cut for s in piece] == [type(s) for s in whole]
    assert found(check_syntax, text) == []


@pytest.mark.parametrize("seed", range(60))
def test_the_same_mistakes_with_and_without_pieces(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    text = rng.choice(EXAMPLES).read_text("utf-8")
    for _ in range(rng.choice([1, 1, 2, 4])):
        place = rng.randrange(len(text))
        text = text[:place] + rng.choice(JUNK) + text[place + rng.choice([0, 0, 1, 8]) :]
    new = found(parse, text)
    assert found(check_syntax, text) == new
    monkeypatch.setattr(recovery, "_right", lambda *_: [])
    assert found(parse, text) == new


def test_many_mistakes_do_not_cost_a_reading_of_the_text_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = large(1800)
    size = sum(not c.isspace() for c in text)
    for k in range(20, 40):
        text = text.replace(f"param a{k} =", f"param a{k} ==")
    reads = Reads(monkeypatch)
    assert len(found(parse, text)) == 20
    assert reads.characters < 4 * size


def test_after_a_change_only_what_changed_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = large(600)
    assert found(check_syntax, text) == []
    reads = Reads(monkeypatch)
    assert found(check_syntax, text.replace("a70 = 70", "a70 = 71")) == []
    (wrong,) = found(check_syntax, text.replace("a90 = 90", "a90 == 90"))
    assert wrong[2].line == text[: text.index("a90 = 90")].count("\n") + 1
    assert reads.characters < 1500
