"""Everything that the documentation shows is tried: models, Python, and the command line.

```alloc               a complete model: read, bound to its data, unrolled in time, lowered
```alloc solve         the same, and solved to its gap
```alloc fragment      statements that are put into the file's first complete model
```alloc NAME.alloc    a complete model that the commands and the Python of the page find as a file;
                       with `fragment` before the name, the first complete model with the statements
```alloc wrong E4003   the same, but the compiler must refuse it with this code
```csv NAME.csv        a table that the models of the file read
```python              run; with `>>>`, what is shown must be what comes out
```console             lines after `$ allocc` and `$ python` are run; what is shown must be what comes out

In shown output `...` stands for anything. All blocks of a file share a folder, which is a copy of
what a user sees: it has the folder `examples`, and everything that is written goes there.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import allocc
from allocc.cli import cli
from allocc.dsl import Source, parse, tree

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/README.md")])
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """One fenced block of a page."""

    page: Path
    line: int
    words: tuple[str, ...]
    text: str

    @property
    def language(self) -> str:
        """The first word after the fence."""
        return self.words[0] if self.words else ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def shown(page: Path) -> list[Shown]:
    text = page.read_text("utf-8")
    return [
        Shown(page, text.count("\n", 0, m.start()) + 1, tuple(m[1].split()), m[2])
        for m in FENCE.finditer(text)
    ]


#: The pages of codes have tests of their own, in `tests/errors`.
OWN = ROOT / "docs" / "errors"


def blocks(*languages: str) -> list[Any]:
    found = [
        b for page in PAGES if page.parent != OWN for b in shown(page) if b.language in languages
    ]
    return [pytest.param(b, id=str(b)) for b in found]


def pages(language: str) -> list[Any]:
    found = [p for p in PAGES if any(b.language == language for b in shown(p))]
    return [pytest.param(p, id=str(p.relative_to(ROOT))) for p in found]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a reader tries things."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_tables(page: Path, folder: Path) -> None:
    for block in shown(page):
        if block.language == "csv" and len(block.words) > 1:
            (folder / block.words[1]).write_text(block.text, "utf-8")


def write_models(page: Path, folder: Path) -> None:
    """The models that the page names as files."""
    for block in shown(page):
        if block.language == "alloc" and block.words[-1].endswith(".alloc"):
            text = around(block) if "fragment" in block.words else block.text
            (folder / block.words[-1]).write_text(text, "utf-8")


# --- models --------------------------------------------------------------------------------------


def is_complete(block: Shown) -> bool:
    return block.language == "alloc" and bool(re.match(r"\s*(#[^\n]*\s*)*model\b", block.text))


def names(statement: Any) -> set[tuple[str, str]]:
    """What a statement declares; two statements that declare the same exclude each other."""
    if isinstance(statement, tree.Objective):
        return {("objective", "")}
    if isinstance(statement, tree.Time):
        return {("time", ""), ("name", statement.name.name)}
    if isinstance(statement, tree.Initial):
        return {("initial", statement.name.name)}
    if isinstance(statement, tree.Limit | tree.Prefer):
        return {("rule", statement.name.name)}
    if isinstance(statement, tree.Use):
        return {("name", i.name) for i in statement.names}
    if isinstance(statement, tree.Effect | tree.Uncertain):
        return set()
    return {("name", statement.name.name)}


def around(fragment: Shown) -> str:
    """The file's first complete model without what the fragment declares itself."""
    model = next(b for b in shown(fragment.page) if is_complete(b))
    mine = parse(Source("fragment", fragment.text)).statements
    taken = {n for s in mine for n in names(s)}
    kept = [
        s.span.text for s in parse(Source("model", model.text)).statements if not names(s) & taken
    ]
    return "\n".join([*kept, fragment.text])


@pytest.mark.parametrize("block", blocks("alloc"))
def test_models(block: Shown, folder: Path) -> None:
    write_tables(block.page, folder)
    kind = block.words[1] if len(block.words) > 1 else ""
    kind = "" if kind.endswith(".alloc") else kind
    assert kind in ("", "solve", "fragment", "wrong"), "an unknown kind of block"
    if kind == "wrong":
        refused(block, folder)
        return
    text = around(block) if kind == "fragment" else block.text
    assert kind == "fragment" or is_complete(block), "mark parts of a model as `alloc fragment`"
    path = folder / "shown.alloc"
    path.write_text(text, "utf-8")
    model = allocc.load(path)
    assert model.lowered.program.columns >= 0
    if kind == "solve":
        result = model.solve(time_limit=20)
        assert result.status == "optimal", result


def refused(block: Shown, folder: Path) -> None:
    code = block.words[2]
    with pytest.raises(allocc.AlloccError) as caught:
        try:
            text = around(block)
        except allocc.dsl.DiagnosticError:
            text = block.text
        (folder / "shown.alloc").write_text(text, "utf-8")
        _ = allocc.load(folder / "shown.alloc").plan
    assert code in {d.code for d in caught.value.diagnostics}, str(caught.value)


# --- Python --------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", pages("python"))
def test_python(page: Path, folder: Path) -> None:
    """All blocks of a page, in order and with the same names."""
    write_tables(page, folder)
    write_models(page, folder)
    space: dict[str, Any] = {"__name__": "__docs__"}
    for block in shown(page):
        if block.language != "python":
            continue
        if ">>>" not in block.text:
            exec(compile(block.text, str(block), "exec"), space)  # noqa: S102 - our own pages
            continue
        parser = doctest.DocTestParser()
        test = parser.get_doctest(block.text, space, str(block), str(page), block.line)
        runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
        wrong: list[str] = []
        runner.run(test, out=wrong.append, clear_globs=False)
        space = test.globs
        assert not runner.failures, "".join(wrong)


# --- the command line ----------------------------------------------------------------------------


def commands(block: Shown) -> Iterator[tuple[str, int, str]]:
    """Each command of a block, its exit code, and what it is said to print."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        while line.endswith("\\"):
            more, _, output = output.partition("\n")
            line = f"{line[:-1]} {more.removeprefix('> ').strip()}"
        code = re.search(r"#\s*exit code (\d+)\s*$", line)
        yield line.split(" #")[0].strip(), int(code[1]) if code else 0, output


@pytest.mark.parametrize("page", pages("console"))
def test_console(page: Path, folder: Path) -> None:
    """All commands of a page, in order and in one folder."""
    write_tables(page, folder)
    write_models(page, folder)
    for block in shown(page):
        if block.language != "console":
            continue
        for line, code, output in commands(block):
            words = shlex.split(line)
            if words[0] not in ("allocc", "python"):
                continue
            if words[:2] == ["allocc", "plot"]:
                pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
            found, printed = run(words)
            assert found == code, f"{block}: {line}\n{printed}"
            if output.strip():
                check(block, line, output, printed)


def run(words: list[str]) -> tuple[int, str]:
    """The exit code of a command and what it prints."""
    if words[0] == "python":
        done = subprocess.run(
            [sys.executable, *words[1:]], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr
    found = CliRunner().invoke(cli, words[1:], prog_name="allocc")
    return found.exit_code, found.output


def check(block: Shown, line: str, want: str, got: str) -> None:
    checker = doctest.OutputChecker()
    if checker.check_output(want, got, FLAGS):
        return
    example = doctest.Example(line, want)
    raise AssertionError(f"{block}\n{checker.output_difference(example, got, FLAGS)}")


# --- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in PAGES])
def test_links(page: Path) -> None:
    """Every link to a file leads to one, and every anchor to a heading."""
    text = FENCE.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = page if not name else Path(os.path.normpath(page.parent / name))
        assert file.exists(), f"{page.name} links to {target}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text("utf-8"))
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE):
        plain = re.sub(r"[^\w\s-]", "", heading.replace("`", "").lower())
        found.add(plain.strip().replace(" ", "-"))
    return found


def test_reserved_words() -> None:
    """The reference lists exactly the words that the scanner keeps."""
    from allocc.dsl.words import RESERVED, SOFT

    text = (ROOT / "docs" / "language.md").read_text("utf-8")
    section = text.split("Reserved words", 1)[1]
    for word in (*RESERVED, *SOFT):
        assert f"`{word}`" in section, word


def test_codes_exist() -> None:
    """Every code that a page mentions is one that the software has."""
    sources = [
        p for room in ("dsl", "compiler", "src/allocc") for p in (ROOT / room).glob("**/*.py")
    ]
    known = {c for p in sources for c in re.findall(r"\b[EW]\d{4}\b", p.read_text("utf-8"))}
    for page in (p for p in PAGES if p.parent != OWN):
        for code in re.findall(r"\b[EW]\d{4}\b", page.read_text("utf-8")):
            assert code in known, f"{page.name} mentions {code}"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
