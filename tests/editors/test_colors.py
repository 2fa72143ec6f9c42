"""The Pygments lexer and the TextMate grammar know the grammar's words, and every shipped model."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pygments", reason="Pygments is not installed")

from pygments.token import Comment, Error, Keyword, Name, Number, Operator

from allocc.compiler.evaluating import calls
from allocc.compiler.names.builtin import BUILTIN, FUNCTIONS
from allocc.dsl.words import DATA_FUNCTIONS, PLACES, REPLACEABLE, SOFT, STATEMENTS, WORDS
from allocc.showing.pygments_lexer import AllocLexer

ROOT = Path(__file__).parents[2]
VSCODE = ROOT / "editors" / "vscode"
MODELS = sorted([*(ROOT / "examples").rglob("*.alloc"), *(ROOT / "models").rglob("*.alloc")])
GRAMMAR = files("allocc.dsl.reading").joinpath("grammar.lark").read_text("utf-8")
TEXTMATE: dict[str, Any] = json.loads(
    (VSCODE / "syntaxes" / "alloc.tmLanguage.json").read_text("utf-8")
)


def keywords() -> list[str]:
    """The words of the grammar, in its order; those kept for their place are not in NAME."""
    return re.findall(r"^[A-Z]+\.2: /([a-z]+)\\b[/(]", GRAMMAR, re.MULTILINE)


def reserved() -> set[str]:
    found = re.search(r"^NAME: /\(\?!\(\?:([a-z|]+)\)", GRAMMAR, re.MULTILINE)
    assert found is not None
    return set(found[1].split("|"))


def tokens(text: str) -> list[tuple[Any, str]]:
    return [(kind, word) for kind, word in AllocLexer().get_tokens(text) if word.strip()]


def kind_of(text: str, word: str) -> Any:
    return next(kind for kind, found in tokens(text) if found == word)


def alternatives(rule: str) -> set[str]:
    """The words that a rule of the TextMate grammar lists."""
    found = re.search(r"\(((?:[a-z]+\|)+[a-z]+)\)", TEXTMATE["repository"][rule]["match"])
    assert found is not None
    return set(found[1].split("|"))


def test_the_scanner_has_the_grammars_words() -> None:
    assert set(keywords()) == {*STATEMENTS, *WORDS, *SOFT}
    assert reserved() == {*STATEMENTS, *WORDS}


def test_the_lexer_has_the_grammars_words() -> None:
    soft = set(keywords()) - reserved()
    for word in reserved():
        kind = kind_of(f"{word} x", word)
        assert kind in Keyword or kind in Operator.Word, word
    for word in soft:
        assert kind_of(f"{word} x", word) in Keyword, word
        for name in (f"{word} = 1", f"{word}: 1", f"{word}[1]", f"2 * {word}", f"{word}(1)"):
            assert kind_of(f"{name} - 1", word) not in Keyword or name.startswith("2"), name
    for word in FUNCTIONS:
        assert kind_of(f"{word}(x)", word) is Name.Builtin
    for word in PLACES:
        assert kind_of(f"x[{word}]", word) is Name.Builtin.Pseudo


def test_the_textmate_grammar_has_the_grammars_words() -> None:
    assert alternatives("statement") == set(STATEMENTS)
    assert alternatives("operatorWord") | alternatives("word") == set(WORDS)
    assert alternatives("soft") == set(keywords()) - reserved()
    assert alternatives("builtin") == set(FUNCTIONS)
    assert alternatives("place") == set(PLACES)
    declared = alternatives("declaration") | {"function", "use", "minimize", "maximize"}
    assert declared == set(STATEMENTS)
    included = [p["include"].removeprefix("#") for p in TEXTMATE["patterns"]]
    assert sorted(included) == sorted(TEXTMATE["repository"])
    for rule in TEXTMATE["repository"].values():
        for pattern in rule.get("patterns", [rule]):
            re.compile(pattern["match"])


def test_the_functions_are_those_that_are_built_in() -> None:
    assert {*BUILTIN, *REPLACEABLE} == {*FUNCTIONS, *PLACES}
    assert set(calls.BUILT_IN) == set(FUNCTIONS)
    assert set(calls.LATER) == set(DATA_FUNCTIONS)


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.name)
def test_shipped_models(path: Path) -> None:
    text = path.read_text("utf-8")
    found = list(AllocLexer().get_tokens_unprocessed(text))
    assert "".join(word for _, _, word in found) == text
    assert not [word for _, kind, word in found if kind in Error]


def test_words_in_their_places() -> None:
    text = 'flow cap[c in S] "5": A -> B = 12_000.5e-3 * x.set # why\nfunction f(x) = -x .. 5%'
    assert kind_of(text, "cap") is Name.Variable
    assert kind_of(text, "in") is Operator.Word
    assert kind_of(text, "set") is Name.Attribute
    assert kind_of(text, "12_000.5e-3") is Number.Float
    assert kind_of(text, "# why") is Comment.Single
    assert kind_of(text, "f") is Name.Function
    assert kind_of(text, "..") is Operator
    assert kind_of(text, "5%") is Number.Integer


@given(st.text(max_size=80))
def test_no_text_is_lost(text: str) -> None:
    assert "".join(word for _, _, word in AllocLexer().get_tokens_unprocessed(text)) == text


def test_the_lexer_is_an_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    module, _, name = project["entry-points"]["pygments.lexers"]["alloc"].partition(":")
    assert (module, name) == (AllocLexer.__module__, AllocLexer.__name__)
