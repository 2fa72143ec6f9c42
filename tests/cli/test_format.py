"""`allocc format` on files, folders and standard input."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from allocc.cli import cli
from allocc.dsl.layout.format import format_source
from tests.helpers import Run

UGLY = "set   A={a , b}\nparam x[A]=1 # one\n"
TIDY = "set   A = {a, b}\nparam x[A] = 1   # one\n"
BROKEN = "set A = {a\nparam x = 1\n"


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_a_file_and_its_permissions(run: Run) -> None:
    path = write("m.alloc", UGLY)
    path.chmod(0o640)
    found = run("format", "m.alloc")
    assert found.exit_code == 0 and "m.alloc: formatted" in found.output
    assert path.read_text() == TIDY
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir() == ["m.alloc"]
    before = path.stat().st_mtime_ns
    again = run("format", "m.alloc")
    assert again.exit_code == 0 and "1 file has the layout already" in again.output
    assert path.stat().st_mtime_ns == before


def test_folders_without_what_is_hidden(run: Run) -> None:
    inner = write("models/deep/a.alloc", UGLY)
    hidden = write("models/.kept/b.alloc", UGLY)
    other = write("models/c.txt", UGLY)
    assert run("format", "models", "models/deep/a.alloc").exit_code == 0
    assert inner.read_text() == TIDY
    assert hidden.read_text() == UGLY and other.read_text() == UGLY


def test_check_and_diff_write_nothing(run: Run) -> None:
    path = write("m.alloc", UGLY)
    tidy = write("t.alloc", TIDY)
    found = run("format", "--check", ".")
    assert found.exit_code == 1
    assert "m.alloc: would be formatted" in found.output and "t.alloc:" not in found.output
    shown = run("format", "--diff", ".")
    assert shown.exit_code == 0
    assert "+param x[A] = 1   # one" in shown.stdout and "-param x[A]=1 # one" in shown.stdout
    assert run("format", "--check", "--diff", ".").exit_code == 1
    assert path.read_text() == UGLY
    assert run("format", "--check", str(tidy)).exit_code == 0


def test_standard_input(run: Run) -> None:
    found = CliRunner().invoke(cli, ["format", "-"], input=UGLY)
    assert found.exit_code == 0 and found.stdout == TIDY
    assert CliRunner().invoke(cli, ["format", "--check", "-"], input=UGLY).exit_code == 1
    bad = CliRunner().invoke(cli, ["format", "-"], input=BROKEN)
    assert bad.exit_code == 1 and bad.stdout == "" and "standard input:1:9" in bad.output


def test_a_file_with_a_mistake_is_left_alone(run: Run) -> None:
    bad, good = write("bad.alloc", BROKEN), write("good.alloc", UGLY)
    found = run("format", ".")
    assert found.exit_code == 1
    assert "bad.alloc:1:9" in found.output and "good.alloc: formatted" in found.output
    assert bad.read_text() == BROKEN and good.read_text() == TIDY


def test_what_is_not_there(run: Run) -> None:
    Path("empty").mkdir()
    for name in ("none.alloc", "empty"):
        found = run("format", name)
        assert found.exit_code == 1 and "E7001" in found.output and name in found.output
    assert run("format").exit_code == 2
    latin = write("latin.alloc", "")
    latin.write_bytes('param x "d\xe9j\xe0" = 1\n'.encode("latin-1"))
    found = run("format", "latin.alloc")
    assert found.exit_code == 1 and "UTF-8" in found.output


def test_line_ends_and_links_are_kept(run: Run) -> None:
    path = write("m.alloc", UGLY.replace("\n", "\r\n"))
    link = Path("link.alloc")
    link.symlink_to("m.alloc")
    assert run("format", "link.alloc").exit_code == 0
    assert link.is_symlink() and path.read_bytes() == TIDY.replace("\n", "\r\n").encode()


def test_the_example_of_the_page() -> None:
    """The second model on the page is the first one in its layout."""
    page = Path(__file__).parents[2] / "docs" / "how-to" / "format-and-render.md"
    before, after = re.findall(
        r"^```alloc[^\n]*\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert format_source(before) == after


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written(run: Run) -> None:
    path = write("locked/m.alloc", UGLY)
    path.parent.chmod(0o555)
    try:
        found = run("format", str(path))
    finally:
        path.parent.chmod(0o755)
    assert found.exit_code == 1 and "E7008" in found.output
    assert path.read_text() == UGLY
