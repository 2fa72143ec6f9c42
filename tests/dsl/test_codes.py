"""Every syntax code is documented, with a text that raises it and one that does not."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

from allocc.dsl import AlloccError, Source, parse, syntax_errors
from allocc.dsl.catalogue import codes, explain
from allocc.dsl.scanner import RESERVED

RAISED = sorted(set(re.findall(r'"(E\d{4})"', inspect.getsource(syntax_errors))))
# What one would need a file, or a very long text, to show.
WITHOUT_EXAMPLE = {"E1018", "E1019", "E1020"}


def blocks(code: str) -> list[str]:
    return re.findall(r"```alloc\n(.*?)\n```", explain(code) or "", re.DOTALL)


@pytest.mark.parametrize("code", RAISED)
def test_every_code_is_documented_by_example(code: str) -> None:
    text = explain(code)
    assert text is not None and text.startswith(f"## {code} ")
    if code in WITHOUT_EXAMPLE:
        return
    bad, mended = blocks(code)
    with pytest.raises(AlloccError) as caught:
        parse(Source("model.alloc", bad))
    assert [found.code for found in caught.value.diagnostics] == [code]
    parse(Source("model.alloc", mended))


def test_every_documented_syntax_code_is_raised() -> None:
    assert [code for code in codes() if code.startswith("E1")] == RAISED
    assert len(set(codes())) == len(codes())


def test_explain_forgives_case_and_knows_its_limits() -> None:
    assert explain("e1001") == explain("E1001")
    assert explain("E9999") is None


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_words_are_no_names(word: str) -> None:
    with pytest.raises(AlloccError, match="E1004"):
        parse(Source("model.alloc", f"param {word} = 3"))


def test_import_does_not_load_the_parser() -> None:
    code = "import sys, allocc.dsl; print('lark' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
