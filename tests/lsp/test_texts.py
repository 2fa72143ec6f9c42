"""The parts of the language server that need no editor: places, outlines, proposals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.names.uncertainty import DISTRIBUTIONS
from allocc.dsl import tree
from allocc.dsl.reading.parser import Parser, parse_file
from allocc.dsl.tree import Source
from allocc.dsl.walk import nodes
from allocc.dsl.words import METHODS, PLACES
from allocc.lsp.analysis import Analysis, check, mistakes, syntax, unknown_names
from allocc.lsp.completion import complete
from allocc.lsp.document_symbols import Symbol, symbols
from allocc.lsp.hover import hover
from allocc.lsp.outline import Outline, outline
from allocc.lsp.positions import definition, find
from allocc.lsp.text import DocumentText, Encoding
from allocc.questions.read_model import data_folder

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "examples").rglob("*.alloc"))
VACCINE = ROOT / "examples" / "vaccine" / "vaccine.alloc"


def of(text: str, path: Path | None = None) -> Outline:
    return outline(text, str(path or "model.alloc"), path, {})


def labels(text: str, path: Path | None = None, data: Path | None = None) -> list[str]:
    """What is proposed where `|` stands."""
    place = text.index("|")
    return [x.label for x in complete(of(text.replace("|", "", 1), path), place, data)]


# --- places ---------------------------------------------------------------------------------------


@given(st.text(max_size=60), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_places_go_both_ways(text: str, encoding: Encoding) -> None:
    here = DocumentText(text, encoding)
    for offset in range(len(text) + 1):
        line, column = here.position(offset)
        back = here.offset(line, column)
        # Between a carriage return and its line feed there is no place.
        assert back == offset or text[offset - 1 : offset + 1] == "\r\n"
        units = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[encoding]
        size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
        before = text[here.starts[line] : offset]
        assert column == len(before.encode(units, "surrogatepass")) // size


@given(st.text(max_size=60), st.integers(-3, 70), st.integers(-3, 70))
def test_no_place_is_outside(text: str, line: int, column: int) -> None:
    assert 0 <= DocumentText(text).offset(line, column) <= len(text)


# --- outlines -------------------------------------------------------------------------------------


def test_a_broken_statement_hides_no_other() -> None:
    text = VACCINE.read_text("utf-8")
    whole = of(text)
    assert whole.whole
    broken = of(text.replace("param room[c in County", "param room[[c in County", 1))
    assert not broken.whole
    assert set(whole.declared) - set(broken.declared) <= {"room", "used"}
    for name, statement in broken.declared.items():
        assert statement.span.text.split() == whole.declared[name].span.text.split()


def test_statements_of_a_broken_block_are_found() -> None:
    here = of(
        "intervention i {\n  decide x in 0 .. 1\n  limit a: x <= = 2\n  limit b: x <= 1\n}\n"
        "minimize { c: x }"
    )
    assert set(here.declared) == {"i", "x", "b"}
    assert here.declared["b"].span.text == "limit b: x <= 1"


def test_a_policy_is_a_block_whose_decisions_and_indices_are_known() -> None:
    text = (
        "set I = {a, b}\ndecide x[I] in 0 .. 1\nparam w[I] = 1\n"
        'policy p "by weight" { x[k in I] = w[k] }\nminimize { c: sum(x) }'
    )
    here = of(text)
    (block,) = [s for s in symbols(here) if s.kind == "block" and s.name == "p"]
    assert block.detail == "by weight"
    policy = here.declared["p"]
    assert isinstance(policy, tree.Policy)
    (rule,) = policy.assignments
    assert here.resolved.meaning(rule.name) is here.declared["x"]
    bound = here.resolved.in_sight(here.source, text.index("w[k]"))
    assert [b.name.name for b in bound] == ["k"]
    # A policy that is written still hides nothing of what stands around it.
    broken = of(text.replace("w[k] }", "w[k }"))
    assert {"I", "x", "w"} <= set(broken.declared)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_text_has_an_outline(data: st.DataObject) -> None:
    text = VACCINE.read_text("utf-8")[:1500]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = start + data.draw(st.integers(0, 40))
        text = text[:start] + data.draw(st.text(max_size=6)) + text[stop:]
    here = of(text)
    flat: list[Symbol] = symbols(here)
    for s in flat:
        flat.extend(s.children)
        assert 0 <= s.span.start <= s.name_span.start <= s.name_span.stop <= s.span.stop
        assert s.span.stop <= len(text)
    offset = data.draw(st.integers(0, len(text)))
    found = find(here, offset)
    if found is not None:
        assert hover(found, here, Analysis([]))
        definition(found, None)
    complete(here, offset, None)
    if here.whole:
        assert not syntax(text, "model.alloc").diagnostics


def test_files_that_use_each_other(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        text = f'use {other} from "{other}.alloc"\nparam {name} = 1\n'
        (tmp_path / f"{name}.alloc").write_text(text, "utf-8")
    path = tmp_path / "a.alloc"
    here = of(path.read_text("utf-8"), path)
    assert here.lookup("b") is not None
    assert not check(path.read_text("utf-8"), str(path), path, None, False).model


def test_an_open_file_counts_as_it_is_shown(tmp_path: Path) -> None:
    (tmp_path / "part.alloc").write_text("param old = 1\n", "utf-8")
    path = tmp_path / "model.alloc"
    opened = {(tmp_path / "part.alloc").resolve(): "param new = 1\n"}
    here = outline('use new from "part.alloc"\n', str(path), path, opened)
    assert here.lookup("new") is not None


# --- what is found --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.name)
def test_every_name_of_the_examples_has_a_definition_and_a_hover(path: Path) -> None:
    file = parse_file(path)
    here = outline(file.source.text, str(path), path, {})
    data = data_folder(path, file)
    found_analysis = check(file.source.text, str(path), path, None, False)
    count = 0
    for n in nodes(file.statements):
        if not isinstance(n, tree.Name) or n.name in PLACES or _is_label(n, file):
            continue
        if path.name == "policy.alloc" and n.name == "t":
            continue  # a part of other models, which have the time
        found = find(here, n.span.start)
        assert found is not None, f"{n.span.line}: {n.name}"
        place = definition(found, data)
        assert place is not None and place.span is not None
        assert place.span.text == n.name
        assert hover(found, here, found_analysis)
        count += 1
    assert count > 3


def _is_label(name: tree.Name, file: tree.File) -> bool:
    literals = [n for n in nodes(file.statements) if isinstance(n, tree.SetLiteral)]
    return any(name is m for x in literals for m in x.members)


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.name)
def test_no_name_of_the_examples_is_unknown(path: Path) -> None:
    found = [d.message for d in unknown_names(parse_file(path), path)]
    assert found == (["unknown name 't'"] if path.name == "policy.alloc" else [])


def test_hover_tells_values_and_sources() -> None:
    text = VACCINE.read_text("utf-8")
    here = outline(text, str(VACCINE), VACCINE, {})
    about = check(text, str(VACCINE), VACCINE, None, False)

    def shown(words: str, inside: int = 0) -> str:
        found = find(here, text.index(words) + inside)
        assert found is not None
        return hover(found, here, about)

    per_vial = shown("per_vial[b] * first")
    assert "doses in a vial" in per_vial and "unit: dose/vial" in per_vial
    assert "`brands.doses_per_vial` of `brands.csv`" in per_vial
    assert "values: " in per_vial
    assert "in `County`" in shown("c in County, k in period] \"a county's", 0)
    assert "3 members: pfizer, moderna" in shown("set Brand", 5)
    assert "columns: " in shown("brands.brand")
    assert "column `brand` of table `brands`" in shown("brands.brand", 8)


def test_hover_tells_the_unit_that_was_found(tmp_path: Path) -> None:
    text = "time t : week = 0 .. 4\nparam rate : 1/week = 0.1\ncompartment A : person\n"
    text += "initial A = 9\nflow leave : A -> = rate * A\n"
    text += "report held = A[end] / 2\ndecide x in 0 .. 1\nminimize { cost : x }\n"
    path = tmp_path / "model.alloc"
    here, about = of(text, path), check(text, str(path), path, None, False)

    def shown(words: str) -> str:
        found = find(here, text.index(words))
        assert found is not None
        return hover(found, here, about)

    assert "unit: person/week (found, not declared)" in shown("leave :")
    assert "unit: person (found, not declared)" in shown("held =")
    assert "unit: 1/week" in shown("rate * A") and "found" not in shown("rate * A")
    assert "unit" not in shown("x in")


# --- proposals ------------------------------------------------------------------------------------


def test_columns_after_a_dot(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("name,people\na,1\n", "utf-8")
    text = 'table c from "c.csv" key name\nparam p = c.|'
    assert labels(text, data=tmp_path) == ["name", "people", "key"]
    assert labels('table c from "c.csv"\nparam p = 0.|', data=tmp_path) == []


def test_files_in_quotes(tmp_path: Path) -> None:
    (tmp_path / "c.csv").touch()
    (tmp_path / "part.alloc").touch()
    path = tmp_path / "model.alloc"
    assert labels('table c from "|', path, tmp_path) == ["c.csv"]
    assert labels('use x from "|', path, tmp_path)[0] == "part.alloc"
    assert "equity.alloc" in labels('use x from "|', path, tmp_path)


def test_names_of_a_library_file() -> None:
    assert set(labels('use |l1 from "equity.alloc"')) >= {"l1", "gini", "worst_off"}
    assert "gini" in labels("use gi|")


def test_methods_and_texts() -> None:
    assert labels("time t = 0 .. 4 method |") == list(METHODS)
    assert labels('param p "share of |') == []
    assert labels("# a comment |") == []
    assert labels("param x = 1\nuncertain x ~ |") == list(DISTRIBUTIONS)
    assert labels("scenario World draws 5\ndecide x in 0 .. 1 after W|") == ["World"]
    assert "param" in labels('param p "text" |')


def test_index_names_are_known_where_they_are_bound() -> None:
    text = "set S = 1 .. 3\nlimit a[c in S]: sum(q in S: | q) <= 1\n"
    assert {"c", "q", "S"} <= set(labels(text))
    outside = text.replace("| ", "") + "let z = | 2"
    assert not {"c", "q"} & set(labels(outside))


# --- long texts -----------------------------------------------------------------------------------


def test_a_long_text_with_a_mistake_is_not_read_once_a_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "model long_one\n" + "".join(f"param a{k} = {k}\nlet b{k} = a{k}\n" for k in range(400))
    read: list[int] = []
    attempt = Parser.attempt

    def counted(self: Parser, source: Source, words: str) -> Any:
        read.append(len(words) - sum(c.isspace() for c in words))
        return attempt(self, source, words)

    monkeypatch.setattr(Parser, "attempt", counted)
    here = of(text.replace("let b7 =", "let b7"))
    assert {"a0", "b399"} <= here.declared.keys() and "b7" not in here.declared
    assert all(s.span.text.split()[1] in here.declared for s in here.statements[1:])
    # The whole, the pieces, the one that is wrong, and each statement by itself.
    assert sum(read) < 5 * len(text)
    read.clear()
    assert mistakes(text.replace("let b9 =", "let b9"), "model.alloc")
    assert mistakes(text.replace("let b9 = a9", "let b9 = 2"), "model.alloc") == []
    assert sum(read) < 500
