"""Several independent errors in one run, and none of their consequences."""

from __future__ import annotations

import pytest

from allocc.dsl import Diagnostic, DiagnosticError, Source, Span, parse


def errors(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(DiagnosticError) as caught:
        parse(Source("model.alloc", text))
    return caught.value.diagnostics


def places(text: str) -> list[tuple[str, int]]:
    return [(found.code, found.span.line) for found in errors(text) if found.span is not None]


def test_several_errors_in_one_run() -> None:
    text = """\
model m "title"
param a 3
param b = 4 +
comparment S : person
intervention i {
  decide x in 0 1
  limit cap: x = 3
  limit fine: x <= 3
}
param c = 'text'
param d = (1 + 2
minimize { cost: x }
"""
    assert places(text) == [
        ("E1005", 2),
        ("E1023", 3),
        ("E1002", 4),
        ("E1017", 6),
        ("E1006", 7),
        ("E1011", 10),
        ("E1008", 11),
    ]


def test_a_broken_header_does_not_condemn_its_block() -> None:
    assert places("intervention {\n  decide x\n}\nparam y 3") == [("E1004", 1), ("E1005", 4)]
    assert places("intervention a\n  decide x\n}\nparam y 3") == [("E1001", 1), ("E1005", 4)]
    assert places("chance a {\n  limit b: x <= 1\n}\nparam y 3") == [("E1024", 1), ("E1005", 4)]


def test_an_unclosed_block_is_told_once() -> None:
    text = "intervention a {\n  decide x\n  limit b: x <= 1\nminimize { c: x }\nparam y 3"
    assert places(text) == [("E1008", 1), ("E1005", 5)]


def test_misplaced_statements_are_told_together() -> None:
    text = "intervention a {\n  time t = 0 .. 1\n  model m\n}\nflow f: -> = 3"
    assert places(text) == [("E1025", 2), ("E1025", 3), ("E1030", 5)]


def test_notes_point_at_the_opening_word() -> None:
    (found,) = errors("param x = if a > b\n  3 else 4")
    assert found.notes[0].span is not None
    assert found.notes[0].span.text == "if"


def test_very_many_errors_end_somewhere() -> None:
    assert len(errors("param x 3\n" * 500)) == 25


def test_a_text_of_only_closers_is_refused() -> None:
    assert {code for code, _ in places(")" * 30)} == {"E1009"}


def test_the_order_is_the_file_then_the_place_then_the_code() -> None:
    first, second = Source("a.alloc", "param b = 2"), Source("b.alloc", "param c = 3")
    due = [
        Diagnostic("E4001", "m", Span(first, 2, 4)),
        Diagnostic("E2001", "m", Span(first, 6, 7)),
        Diagnostic("W2001", "m", Span(first, 6, 9)),
        Diagnostic("E1001", "m", Span(second, 0, 5)),
        Diagnostic("E3001", "m"),
        Diagnostic("W7001", "m"),
    ]
    assert DiagnosticError(due[::-1]).diagnostics == tuple(due)
