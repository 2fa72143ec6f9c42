"""Whatever stands in a file: a message or a program comes of it, soon, and nothing else.

`benchmarks/fuzz.py` makes the inputs; `ALLOCC_MUTANTS=100000` makes the run as long as it can be.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from allocc.compiler.binding.bind import bind
from allocc.compiler.pipeline import chain
from allocc.compiler.unrolling.discretize import discretize
from allocc.dsl import DiagnosticError, Source, parse
from allocc.dsl.messages import render

ROOT = Path(__file__).parents[2]
NAMES = [
    "x",
    "y",
    "t",
    "S",
    "I",
    "County",
    "County.pop",
    "pop",
    "sum",
    "max",
    "l1",
    "end",
    "start",
    "period",
    "a",
    "b",
    "c",
]
STARTS = ["", "decide x in 0 .. 1\nminimize { c : x }\n", "time t = 0 .. 3\ncompartment S\n"]


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of memory are Linux's")
def test_mutants() -> None:
    inputs = os.environ.get("ALLOCC_MUTANTS", "2000")
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "fuzz.py", "--inputs", inputs],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"^{inputs} inputs", done.stdout, re.MULTILINE)
    # The inputs get far enough to mean something.
    codes = re.search(r"^codes +(\d+):", done.stdout, re.MULTILINE)
    assert codes is not None and int(codes[1]) > min(70, int(inputs) // 20)
    assert re.search(r"program \d+", done.stdout) and re.search(r"optimal \d+", done.stdout)


def _sentences() -> st.SearchStrategy[str]:
    """Sentences of the grammar, with names that a model could have."""
    lark = Lark(
        files("allocc.dsl.reading").joinpath("grammar.lark").read_text("utf-8"),
        start=["statement", "expression"],
        parser="lalr",
        lexer="contextual",
    )
    words: dict[str, st.SearchStrategy[str]] = {
        t.name: st.just(t.pattern.value.removesuffix(r"\b") + " ")
        for t in lark.terminals
        if t.pattern.value.endswith(r"\b")
    }
    words |= {
        "NAME": st.sampled_from([f" {n} " for n in NAMES if "." not in n]),
        "WORD": st.sampled_from(["pop", "key"]),
        "NUMBER": st.sampled_from(["0 ", "1 ", "2.5 ", "1e308 ", "5% "]),
        "STRING": st.sampled_from(['"n"', '"county.csv"', '"equity.alloc"']),
        "BLANK": st.just(" "),
        "COMMENT": st.just("# c\n"),
    }
    return from_lark(lark, start="statement", explicit=words) | from_lark(
        lark, start="expression", explicit=words
    ).map(lambda e: f"let z = {e}")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(STARTS), _sentences())
def test_sentences_of_the_grammar(start: str, sentence: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = bind(parse(Source("model.alloc", start + sentence)), Path("."))
            chain(discretize(model), "stated")
    except DiagnosticError as error:
        assert error.diagnostics
        assert render(error.diagnostics)


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text(text: str) -> None:
    try:
        parse(Source("model.alloc", text))
    except DiagnosticError as error:
        assert render(error.diagnostics)
