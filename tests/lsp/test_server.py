"""`allocc lsp` driven as an editor drives it: over standard input and output."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls", reason="pygls is not installed: pip install 'allocc[lsp]'")

from tests.lsp.editor import Editor

MODEL = """model doses "Doses for two clinics"
use worst_off from "equity.alloc"
use shown from "part.alloc"
table clinic from "clinics.csv" key name
set Clinic = clinic.name
param people[Clinic] "people nearby" : person = clinic.people
decide doses[Clinic] "doses given" : dose integer in 0 .. 80
limit stock[c in Clinic]: doses[c] <= people[c] * shown
maximize { reached "the least": worst_off(doses) }
"""
PART = 'param shown "share that comes" in 0 .. 1 = 0.5\n'
TABLE = "name,people\nnorth,30\nsouth,90\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.alloc").write_text(MODEL, "utf-8")
    (tmp_path / "part.alloc").write_text(PART, "utf-8")
    (tmp_path / "clinics.csv").write_text(TABLE, "utf-8")
    return tmp_path


@pytest.fixture
def editor(folder: Path) -> Iterator[Editor]:
    found = Editor(folder)
    yield found
    if found.process.poll() is None:
        found.process.kill()


def at(text: str, words: str, inside: int = 0) -> tuple[int, int]:
    """Line and column of some words."""
    place = text.index(words) + inside
    return text.count("\n", 0, place), place - text.rfind("\n", 0, place) - 1


def test_a_session(editor: Editor, folder: Path) -> None:
    path = folder / "model.alloc"
    wrong = MODEL.replace("people[c] * shown", "people[c] * shwn")
    editor.open(path, wrong)
    (found,) = editor.diagnostics(path)
    assert (found["code"], found["severity"], found["source"]) == ("E2001", 1, "allocc")
    assert found["message"] == "unknown name 'shwn'\nhelp: did you mean 'shown'?"
    line, column = at(wrong, "shwn")
    assert found["range"] == {
        "start": {"line": line, "character": column},
        "end": {"line": line, "character": column + 4},
    }

    # A text that does not parse, then one that is right: the buffer counts, not the file.
    editor.change(path, MODEL.replace("maximize {", "maximise {"))
    assert editor.diagnostics(path)[0]["code"].startswith("E10")
    editor.change(path, MODEL)
    assert editor.diagnostics(path) == []

    shown = editor.ask("hover", path, *at(MODEL, "people[c] * shown", 2))["contents"]["value"]
    assert "people nearby" in shown and "unit: person" in shown
    assert "values: 30 .. 90" in shown
    assert "`clinic.people` of `clinics.csv`" in shown
    assert (
        "the largest value"
        in editor.ask("hover", path, *_typed(editor, path, "max"))["contents"]["value"]
    )
    editor.change(path, MODEL)

    def target(words: str, inside: int = 0) -> tuple[str, Any]:
        found = editor.ask("definition", path, *at(MODEL, words, inside))
        return Path(found["uri"]).name, found["range"]["start"]

    line, column = at(MODEL, "people[Clinic]")
    assert target("people[c] * shown") == ("model.alloc", {"line": line, "character": column})
    assert target("shown\nmaximize") == ("part.alloc", {"line": 0, "character": 6})
    assert target("worst_off(doses)")[0] == "equity.alloc"
    assert target("clinic.people", 8) == ("clinics.csv", {"line": 0, "character": 5})
    assert target('"part.alloc"', 3) == ("part.alloc", {"line": 0, "character": 0})
    assert target('"clinics.csv"', 3)[0] == "clinics.csv"
    line, column = at(MODEL, "c in Clinic")
    assert target("doses[c]", 6) == ("model.alloc", {"line": line, "character": column})

    names = editor.ask("completion", path, *at(MODEL, "doses[c] <="))["items"]
    labels = {x["label"] for x in names}
    assert {"c", "people", "shown", "worst_off", "sum", "decide", "end"} <= labels
    assert "stock" not in labels
    half = MODEL + "let x = clinic."
    editor.change(path, half)
    columns = editor.ask("completion", path, *at(half, "clinic.", -1 + len(half)))["items"]
    assert [x["label"] for x in columns] == ["name", "people", "key"]

    editor.change(path, MODEL)
    outline = editor.request(
        "textDocument/documentSymbol", {"textDocument": {"uri": path.as_uri()}}
    )
    assert [s["name"] for s in outline][-3:] == ["doses", "stock", "maximize"]
    assert outline[-1]["children"][0]["detail"] == "the least"

    assert editor.capabilities["documentFormattingProvider"]
    assert editor.stop() == 0
    assert not editor.logged
    assert b"Traceback" not in b"".join(editor.errors)


def _typed(editor: Editor, path: Path, word: str) -> tuple[int, int]:
    """Type a word at the end of the model and say where it stands."""
    text = MODEL.replace("{ reached", f"{{ other: {word}(doses)  reached")
    editor.change(path, text)
    return at(text, f"{word}(doses)", 1)


def test_references_and_other_names(editor: Editor, folder: Path) -> None:
    path = folder / "model.alloc"
    editor.open(path)
    editor.diagnostics(path)

    def references(words: str, declared: bool = True) -> list[tuple[str, int]]:
        line, column = at(MODEL, words)
        about = {
            "textDocument": {"uri": path.as_uri()},
            "position": {"line": line, "character": column},
            "context": {"includeDeclaration": declared},
        }
        found = editor.request("textDocument/references", about)
        return [(Path(x["uri"]).name, x["range"]["start"]["line"]) for x in found]

    assert references("doses[c]") == [("model.alloc", n) for n in (6, 7, 8)]
    assert references("doses[c]", declared=False) == [("model.alloc", n) for n in (7, 8)]
    assert references("shown\nmaximize") == [
        ("part.alloc", 0),
        *[("model.alloc", n) for n in (2, 7)],
    ]
    assert references("clinic.people") == [("model.alloc", n) for n in (3, 4, 5)]

    def renamed(words: str, new: str) -> str | None:
        line, column = at(MODEL, words)
        about = {
            "textDocument": {"uri": path.as_uri()},
            "position": {"line": line, "character": column},
            "newName": new,
        }
        found = editor.request("textDocument/rename", about)
        if found is None:
            return None
        lines = MODEL.splitlines(keepends=True)
        edits = found["changes"][path.as_uri()]
        for edit in sorted(edits, key=lambda e: -e["range"]["start"]["character"]):
            start, end = edit["range"]["start"], edit["range"]["end"]
            row = lines[start["line"]]
            lines[start["line"]] = row[: start["character"]] + new + row[end["character"] :]
        return "".join(lines)

    assert renamed("c in Clinic", "k") == MODEL.replace("[c", "[k")
    assert renamed("people[Clinic]", "nearby") == (
        MODEL.replace("people[", "nearby[").replace("param people", "param nearby")
    )
    assert renamed("shown\nmaximize", "part") is None
    with pytest.raises(AssertionError, match="'sum' cannot be a name"):
        renamed("c in Clinic", "sum")
    assert editor.ask("prepareRename", path, *at(MODEL, "worst_off(doses)")) is None
    line, column = at(MODEL, "doses[c]")
    assert editor.ask("prepareRename", path, line, column)["start"]["character"] == column


def test_warnings_and_their_settings(folder: Path) -> None:
    path = folder / "model.alloc"
    (folder / "elsewhere").mkdir()
    (folder / "clinics.csv").rename(folder / "elsewhere" / "clinics.csv")
    idle = MODEL.replace("limit stock", "limit idle: sum(doses) <= 500\nlimit stock")
    editor = Editor(folder, {"dataFolder": "elsewhere", "pedantic": True})
    try:
        editor.open(path, idle)
        (found,) = editor.diagnostics(path)
        assert (found["code"], found["severity"]) == ("W6009", 2)
    finally:
        assert editor.stop() == 0


def test_mistakes_in_data_and_in_used_files_lead_there(editor: Editor, folder: Path) -> None:
    path = folder / "model.alloc"
    (folder / "clinics.csv").write_text("name,people\nnorth,30\nsouth,many\n", "utf-8")
    editor.open(path)
    (found,) = editor.diagnostics(path)
    assert found["code"] == "E3011"
    (place,) = found["relatedInformation"]
    assert place["location"]["uri"].endswith("clinics.csv")
    assert place["location"]["range"]["start"]["line"] == 2
    (folder / "clinics.csv").write_text(TABLE, "utf-8")
    (folder / "part.alloc").write_text("param shown = = 1\n", "utf-8")
    editor.notify("workspace/didChangeWatchedFiles", {"changes": []})
    (found,) = editor.diagnostics(path)
    assert found["message"].startswith(str(folder / "part.alloc"))
    assert found["range"]["start"]["line"] == 2
    assert found["relatedInformation"][0]["location"]["uri"].endswith("part.alloc")


def test_without_any_table_names_are_checked_all_the_same(editor: Editor, folder: Path) -> None:
    path = folder / "model.alloc"
    (folder / "clinics.csv").unlink()
    editor.open(path)
    assert editor.diagnostics(path) == []
    editor.change(path, MODEL + "limit other: dses <= 1\n")
    assert [d["code"] for d in editor.diagnostics(path)] == ["E2001"]


def test_columns_are_counted_as_the_editor_counts_them(editor: Editor, folder: Path) -> None:
    path = folder / "model.alloc"
    text = MODEL.replace('"people nearby"', '"people 🏥 nearby"').replace(
        "person = clinic", "person = clnic"
    )
    editor.open(path, text)
    found = editor.diagnostics(path)[0]
    line, column = at(text, "clnic")
    # The picture is one character, and two units of UTF-16.
    assert found["range"]["start"] == {"line": line, "character": column + 1}


def test_a_closed_file_has_no_mistakes(editor: Editor, folder: Path) -> None:
    path = folder / "model.alloc"
    editor.open(path, "nonsense")
    assert editor.diagnostics(path)
    editor.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})
    assert editor.published.get(timeout=20)["diagnostics"] == []
    assert editor.ask("hover", path, 0, 0) is None


def test_whatever_is_typed_the_server_answers(editor: Editor, folder: Path) -> None:
    rng = random.Random(7)
    path = folder / "model.alloc"
    editor.open(path)
    for _ in range(25):
        text = MODEL
        for _ in range(rng.randrange(1, 4)):
            start = rng.randrange(len(text))
            stop = start + rng.choice([0, 1, 5, 40])
            words = ["", "{", "}", '"', "[", "é🏥", "\r", "\x00", "\u2028", "limit", "..", "\t#"]
            text = text[:start] + rng.choice(words) * rng.choice([1, 1, 300]) + text[stop:]
        editor.change(path, text)
        line = rng.randrange(12)
        for method in ("hover", "definition", "completion", "prepareRename"):
            editor.ask(method, path, line, rng.randrange(90))
        uri = {"textDocument": {"uri": path.as_uri()}}
        editor.request("textDocument/documentSymbol", uri)
        options = {"tabSize": 2, "insertSpaces": True}
        editor.request("textDocument/formatting", {**uri, "options": options})
    editor.change(path, MODEL)
    assert editor.diagnostics(path) == []
    assert editor.stop() == 0
    assert not editor.logged
    assert b"Traceback" not in b"".join(editor.errors)


def test_formatting(editor: Editor, folder: Path) -> None:
    path = folder / "model.alloc"
    editor.open(path, "decide   x in 0 .. 1\nminimize{c:x}")
    options = {"tabSize": 2, "insertSpaces": True}
    about = {"textDocument": {"uri": path.as_uri()}, "options": options}
    (edit,) = editor.request("textDocument/formatting", about)
    assert "decide x in 0 .. 1" in edit["newText"]
    editor.change(path, "decide x in in")
    assert editor.request("textDocument/formatting", about) is None


def test_without_pygls_it_says_how_to_get_it(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Without:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'pygls': raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "from allocc.cli import main\nsys.argv = ['allocc', 'lsp']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert "error[E7060]" in done.stderr
    assert "needs the Python package pygls, which is not installed" in done.stderr
    assert "install it: pip install 'allocc[lsp]'" in done.stderr
