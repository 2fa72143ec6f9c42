"""Diagnostics as text and as plain data."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocc.dsl import Diagnostic, DiagnosticError, Source, Span, parse
from allocc.dsl.diagnostics import DataPlace, Note
from allocc.dsl.messages import render, to_json


def at(text: str, words: str, name: str = "model.alloc") -> Span:
    start = text.index(words)
    return Span(Source(name, text), start, start + len(words))


def test_a_diagnostic_in_full() -> None:
    text = "param a = 1\nflow treat : A -> R = zetta * A\n"
    note = Note("the flow is declared here", at(text, "treat"))
    span = at(text, "zetta")
    hint = "did you mean 'zeta'?"
    assert render([Diagnostic("E2001", "unknown name 'zetta'", span, hint, None, (note,))]) == (
        "error[E2001]: unknown name 'zetta'\n"
        " --> model.alloc:2:23\n"
        "2 | flow treat : A -> R = zetta * A\n"
        "  |                       ^^^^^\n"
        "  = note: the flow is declared here\n"
        " --> model.alloc:2:6\n"
        "2 | flow treat : A -> R = zetta * A\n"
        "  |      ^^^^^\n"
        "  = help: did you mean 'zeta'?"
    )


def test_data_places() -> None:
    place = DataPlace("counties.csv", 4, "svi")
    assert render([Diagnostic("E3001", "not a number", data=place)]) == (
        "error[E3001]: not a number\n --> counties.csv, row 4, column 'svi'"
    )
    assert render([Diagnostic("E3002", "no such file", data=DataPlace("a.csv"))]).endswith("a.csv")


@pytest.mark.parametrize(
    ("codes", "line"),
    [
        (["E1001", "E1002", "W0001"], "2 errors, 1 warning"),
        (["E1001", "E1002"], "2 errors"),
        (["W0001", "W0002"], "2 warnings"),
    ],
)
def test_the_count(codes: list[str], line: str) -> None:
    assert render(Diagnostic(code, "text") for code in codes).splitlines()[-1] == line


def test_one_diagnostic_is_not_counted_and_none_is_nothing() -> None:
    assert render([Diagnostic("W0001", "text")]) == "warning[W0001]: text"
    assert render([]) == ""


def marked(text: str, words: str) -> tuple[str, str]:
    _, _, line, carets = render([Diagnostic("E1001", "m", at(text, words))]).splitlines()
    return line, carets


def test_tabs_and_wide_characters_keep_the_carets_in_place() -> None:
    line, carets = marked('\tparam x "病院" = yy', "yy")
    assert line == '1 |     param x "病院" = yy'
    assert carets == "  |                      ^^"
    _, carets = marked('param x "é" = yy', "yy")
    assert carets == "  |               ^^"


def test_spans_over_several_lines_are_underlined_on_the_first() -> None:
    _, carets = marked("param x = (a +\r\n  b)", "(a +\r\n  b)")
    assert carets == "  |           ^^^^"


def test_an_empty_span_gets_one_caret() -> None:
    source = Source("model.alloc", "param x =")
    shown = render([Diagnostic("E1023", "m", Span(source, 9, 9))])
    assert shown.splitlines()[-1] == "  |          ^"
    assert render([Diagnostic("E1001", "m", Span(Source("a", ""), 0, 0))]).endswith("  | ^")


def test_long_lines_are_cut_around_the_words() -> None:
    text = "param x = " + "a + " * 100 + "wrong" + " + b" * 100
    line, carets = marked(text, "wrong")
    assert len(line) <= 104 and line.startswith("1 | ...") and line.endswith("...")
    assert line[carets.index("^") :].startswith("wrong")
    assert carets.count("^") == 5


def test_colors_only_when_asked() -> None:
    diagnostic = Diagnostic("E1001", "m", at("abc", "b"), "mend")
    colored = render([diagnostic], color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render([diagnostic])


def test_json() -> None:
    text = "param x = (a +\n  b)"
    diagnostic = Diagnostic("E1001", "m", at(text, "(a +\n  b)"), "mend", DataPlace("a.csv", 2))
    data = to_json(diagnostic)
    assert data == {
        "code": "E1001",
        "severity": "error",
        "message": "m",
        "hint": "mend",
        "file": "model.alloc",
        "line": 1,
        "column": 11,
        "end_line": 2,
        "end_column": 5,
        "data": {"file": "a.csv", "row": 2, "column": None},
        "notes": [],
    }
    assert json.loads(json.dumps(data)) == data
    assert to_json(Diagnostic("W0001", "m"))["line"] is None


@given(st.text(max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_any_span_of_any_text_renders(text: str, start: int, length: int) -> None:
    start = min(start, len(text))
    span = Span(Source("a", text), start, min(len(text), start + length))
    shown = render([Diagnostic("E1001", "m", span)])
    assert "^" in shown and "\0" not in shown


def test_a_parse_error_renders() -> None:
    with pytest.raises(DiagnosticError) as caught:
        parse(Source("model.alloc", "param x 3"))
    assert "write '= 3'" in render(caught.value.diagnostics)


def test_words_that_are_cut_say_so_and_fit_a_narrow_terminal() -> None:
    text = f"limit a: {' + '.join(['treated'] * 30)} <= 3 # and no more than that"
    source = Source("m.alloc", text)
    long = Diagnostic("E1001", "odd", Span(source, 9, text.index(" <=")))
    for width in (100, 72, 50):
        line, marks = render([long], width=width).splitlines()[2:4]
        assert len(line) <= width + len("1 | ")
        marked = line[marks.index("^") : marks.rindex("^") + 1]
        assert marked.startswith("treated + ") and marked.endswith("...")
        assert line[marks.rindex("^") + 1 :].startswith(" <= 3")
