"""Labels and descriptions from files that others wrote, in everything that a person reads."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from markdown_it import MarkdownIt

import allocc
from allocc.cli import cli
from tests.dsl.test_escapes import hostile, unseen

MODEL = """model m "{words}"
table d from "d.csv" key id
set S "{words}" = d.id
param v[S] "{words}" = d.v
decide x[S] "{words}" in 0 .. 1
limit most "{words}": sum(i in S: x[i]) <= 1.5
report r[S] "{words}" = v[i] * x[i] {{}}
maximize {{ gain "{words}": sum(i in S: v[i] * x[i]) }}
""".replace(" {{}}", "").replace("report r[S]", "report r[i in S]")


def written(folder: Path, words: str, label: str) -> Path:
    """A model that says `words` everywhere, and has a member `label`."""
    inside = words.replace("\\", "\\\\").replace('"', '\\"')
    (folder / "m.alloc").write_text(MODEL.format(words=inside), "utf-8", newline="")
    with (folder / "d.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "v"], [label, 1], ["other", 2]])
    return folder / "m.alloc"


def shown(words: str, label: str, *command: str) -> str:
    folder = Path(tempfile.mkdtemp())
    try:
        path = written(folder, words, label)
        done = CliRunner().invoke(cli, [command[0], str(path), *command[1:]], prog_name="allocc")
        assert done.exit_code == 0, done.output
        return done.stdout.replace(str(folder), "")
    finally:
        shutil.rmtree(folder)


def as_words(text: str) -> str:
    """What ends a line cannot stand in a string of a model; a table can have it."""
    return re.sub(r"[\r\n\ud800]", "", text)


def as_label(text: str) -> str:
    return re.sub(r"[\x00\ud800]", "", text).strip() or "label"


COMMANDS = [
    ("solve", "--no-run", "--quiet"),
    ("simulate",),
    ("explain",),
    ("compile", "--emit", "model"),
    ("compile", "--emit", "problem"),
    ("compile", "--emit", "program"),
    ("compile", "--emit", "tree"),
    ("render",),
    ("render", "--to", "latex"),
    ("render", "--program"),
    ("prices",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@given(words=hostile, label=hostile)
@settings(max_examples=12, deadline=None)
def test_no_line_is_forged(command: tuple[str, ...], words: str, label: str) -> None:
    said = as_words(words)
    found = shown(said, as_label(label), *command)
    # As long, because what is long gets a line of its own; blanks alone are no description.
    harmless = shown("w" * len(said) if said.strip() else said, "label", *command)
    assert set(unseen(found)) <= {"\n"}
    if command[0] != "compile" and "latex" not in command:
        assert len(found.split("\n")) == len(harmless.split("\n")), (found, harmless)


@given(hostile, hostile)
@settings(max_examples=20, deadline=None)
def test_formulas_have_no_links(words: str, label: str) -> None:
    page = shown(as_words(words), as_label(label), "render")
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    kinds = {t.type for token in tokens for t in (token, *(token.children or ()))}
    assert not {k for k in kinds if "link" in k or "image" in k or "html" in k}, page


@given(hostile, hostile)
@settings(max_examples=10, deadline=None)
def test_json_and_html(words: str, label: str) -> None:
    found = shown(as_words(words), as_label(label), "solve", "--no-run", "--json", "--quiet")
    assert set(unseen(found)) <= {"\n"}
    assert len(json.loads(found)["reports"]["r"]) == 2


def test_notebooks(tmp_path: Path) -> None:
    label = "<img src=x onerror=alert(1)>\x1b[31m\u202e"
    result = allocc.load(written(tmp_path, label, label)).solve(progress=False)
    page = result._repr_html_()
    assert "<img" not in page and unseen(page.replace("\n", "")) == []
