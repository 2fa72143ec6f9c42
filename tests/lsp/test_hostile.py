"""A hover is Markdown, in which a label or a description may be no picture, link, command or tag."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from allocc.dsl import tree
from allocc.dsl.walk import nodes
from allocc.lsp.analysis import check
from allocc.lsp.completion import complete
from allocc.lsp.hover import hover
from allocc.lsp.outline import outline
from allocc.lsp.positions import find
from tests.dsl.test_escapes import hostile, unseen
from tests.showing.test_hostile import as_label, as_words, written


def forbidden(text: str) -> set[str]:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    kinds = {t.type for token in tokens for t in (token, *(token.children or ()))}
    return {k for k in kinds if "link" in k or "image" in k or "html" in k or "heading" in k}


@given(hostile, hostile, st.booleans())
@settings(max_examples=25, deadline=None)
def test_hovers_and_proposals_have_text_only(words: str, label: str, only_column: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = written(Path(name), as_words(words), as_label(label))
        if only_column:
            with (path.parent / "d.csv").open("a", encoding="utf-8", newline="") as file:
                csv.writer(file).writerow([as_label(label), "no number"])
        text = path.read_bytes().decode()
        here = outline(text, str(path), path, {})
        about = check(text, str(path), path, None, False)
        offsets = [
            n.span.start
            for s in here.statements
            for n in nodes(s)
            if isinstance(n, tree.Name | tree.Field)
        ]
        offsets += [s.name.span.start for s in here.declared.values()]
        shown = [hover(f, here, about) for o in offsets if (f := find(here, o)) is not None]
        assert len(shown) > 5
        shown += [item.description for item in complete(here, len(text), about.data)]
        for page in shown:
            assert forbidden(page) == set(), page
            assert set(unseen(page)) <= {"\n"}
