"""The examples of every code do what they say: the bad one raises the code, the mended one not.

A code that is new finds its way in by its section in a `codes.md`. Where its example needs more
statements than it shows, they stand in `around.py`.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import allocc
from allocc.cli import cli, explained_codes
from allocc.dsl import DiagnosticError, Source, parse, tree
from tests.errors.around import AROUND, FILES, OBJECTIVE, TABLE_MODEL

SECTIONS = explained_codes.sections()
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def examples(code: str) -> list[tuple[bool, str, str]]:
    """Whether it is the mended one, the language, and the text of each example."""
    found = []
    bad, _, mended = SECTIONS[code].partition("\nMend:\n")
    for is_mended, part in ((False, bad), (True, mended)):
        found += [(is_mended, m[1], m[2]) for m in FENCE.finditer(part)]
    return found


def cases(language: str) -> list[object]:
    return [
        pytest.param(code, mended, text, id=f"{code}-{'mended' if mended else 'bad'}-{k}")
        for code in SECTIONS
        for k, (mended, kind, text) in enumerate(examples(code))
        if kind == language
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "model"
    for name, text in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, "utf-8")
    (tmp_path / "counties.csv").write_text(FILES["counties.csv"], "utf-8")
    monkeypatch.chdir(place)
    return place


def declared(statement: tree.Statement) -> tuple[str, str]:
    """What two statements cannot both declare."""
    if isinstance(statement, tree.Objective | tree.Time | tree.ModelHeader):
        return (type(statement).__name__, "")
    if isinstance(statement, tree.Initial):
        return ("initial", statement.name.name)
    if isinstance(statement, tree.Limit | tree.Prefer):
        return ("rule", statement.name.name)
    if isinstance(statement, tree.Use | tree.Effect | tree.Uncertain):
        return (type(statement).__name__, statement.span.text)
    return ("name", statement.name.name)


def whole(code: str, text: str) -> str:
    """An example with what stands around it."""
    if "\nmodel " in f"\n{text}":
        return text
    mine = parse(Source("example", text)).statements
    taken = {declared(s) for s in mine}
    around = parse(Source("around", AROUND.get(code, ""))).statements
    kept = [s.span.text for s in around if declared(s) not in taken]
    if not any(isinstance(s, tree.Objective) for s in (*mine, *around)):
        kept.append(OBJECTIVE)
    return "\n".join([*kept, text])


def raised(text: str, pedantic: bool = False, simulated: bool = False) -> set[str]:
    """The codes of a model, up to its relaxation or `simulated`; what follows does not count."""
    path = Path("example.alloc")
    path.write_text(text, "utf-8")
    try:
        model = allocc.load(path)
        found = model.check(pedantic) if not simulated else []
        if simulated:
            model.simulate()
    except DiagnosticError as error:
        found = list(error.diagnostics)
    codes = {d.code for d in found}
    return codes - {"W2001", "W7001"} or codes


@pytest.mark.parametrize(("code", "mended", "text"), cases("alloc"))
def test_model(code: str, mended: bool, text: str, folder: Path) -> None:
    if code[1] == "1":
        found = set()
        try:
            parse(Source("example", text))
        except DiagnosticError as error:
            found = {d.code for d in error.diagnostics}
        assert found == (set() if mended else {code})
        return
    if code == "E4013" and not mended:
        pytest.skip("the parser finds a limit without a comparison first (E1026)")
    if code == "E2016" and not mended:
        Path("clinic.alloc").write_text(text, "utf-8")
    found = raised(whole(code, text), code.startswith("W6"), code.startswith("E502"))
    if mended:
        assert not {c for c in found if c.startswith(("E", "W6")) or c == code}
    else:
        assert found == {code}


@pytest.mark.parametrize(("code", "mended", "text"), cases("csv"))
def test_table(code: str, mended: bool, text: str, folder: Path) -> None:
    Path("counties.csv").write_text(text + "\n", "utf-8")
    assert raised(TABLE_MODEL + OBJECTIVE) - {"W2001"} == (set() if mended else {code})


@pytest.mark.parametrize(("code", "mended", "text"), cases(""))
def test_command(code: str, mended: bool, text: str, folder: Path) -> None:
    if code == "E7031":
        pytest.skip("pictures need a package that is not always there; see the tests of plots")
    for line in text.splitlines():
        words = shlex.split(line)
        if words[:1] != ["allocc"]:
            continue
        ended = CliRunner().invoke(cli, words[1:], prog_name="allocc")
        shown = set(re.findall(r"^(?:error|warning)\[(\w+)\]", ended.output, re.MULTILINE))
        if mended:
            assert code not in shown and ended.exit_code in (0, 3, 5), ended.output
        else:
            assert shown == {code} and ended.exit_code == 1, ended.output
