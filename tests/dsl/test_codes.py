"""Explanations, reserved words, and what an import costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from allocc.dsl import DiagnosticError, Source, parse
from allocc.dsl.code_pages import explain
from allocc.dsl.words import RESERVED


def test_explain_forgives_case_and_knows_its_limits() -> None:
    assert explain("e1001") == explain("E1001")
    assert explain("E9999") is None


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_words_are_no_names(word: str) -> None:
    with pytest.raises(DiagnosticError, match="E1004"):
        parse(Source("model.alloc", f"param {word} = 3"))


def test_import_does_not_load_the_parser() -> None:
    code = "import sys, allocc.dsl; print('lark' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
