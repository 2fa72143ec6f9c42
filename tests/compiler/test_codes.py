"""Every code that the compiler makes is explained, and has a model that raises it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from allocc.compiler import (
    algebra_errors,
    data_errors,
    lowering_errors,
    name_errors,
    unit_errors,
)
from allocc.compiler.lint import messages
from allocc.dsl import syntax_errors
from allocc.dsl.catalogue import codes, explain
from allocc.dsl.parser import parse
from allocc.dsl.tree import Source

BAD = Path(__file__).parents[1] / "bad"
MODULES = (name_errors, data_errors, algebra_errors, lowering_errors, unit_errors, messages)
CODE = re.compile(r'"([EW]\d{4})"')
RAISED = sorted({c for m in MODULES for c in CODE.findall(inspect.getsource(m))})
SYNTAX = sorted(set(CODE.findall(inspect.getsource(syntax_errors))))

#: Codes that no model in `tests/bad` raises, and why.
WITHOUT_A_MODEL = {
    "E3003": "needs a file of more than 1 GB",
    "E4013": "the parser finds a limit without a comparison first (E1026)",
    "E4034": "needs hundreds of definitions; see test_binding.py",
    "E5001": "raised when the model is lowered, after the stages that the corpus runs",
    "E5002": "raised when the model is lowered, after the stages that the corpus runs",
    "E5004": "raised when the model is lowered, after the stages that the corpus runs",
}


def shown() -> set[str]:
    """The codes in the expected messages of the bad models."""
    texts = (p.read_text("utf-8") for p in BAD.rglob("expected.txt"))
    return {
        c for text in texts for c in re.findall(r"^(?:error|warning)\[(\w+)\]", text, re.MULTILINE)
    }


@pytest.mark.parametrize("code", [*RAISED, *SYNTAX])
def test_every_code_is_explained(code: str) -> None:
    text = explain(code)
    assert text is not None and text.startswith(f"## {code} ")
    for example in re.findall(r"```alloc\n(.*?)\n```", text, re.DOTALL) if code in RAISED else ():
        if code != "E4013":
            parse(Source("model.alloc", example))


def test_every_code_has_a_bad_model() -> None:
    found = shown()
    assert set(RAISED) - found == set(WITHOUT_A_MODEL)


def test_no_explanation_is_left_over() -> None:
    ours = {c for c in codes() if c[:2] in ("E2", "E3", "E4", "E5") or c[0] == "W"}
    assert ours >= set(RAISED)
    assert {c for c in ours if c[:2] in ("E2", "E3", "E4", "E5")} == {
        c for c in RAISED if c[0] == "E"
    }
