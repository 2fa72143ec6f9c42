"""Trees that are kept between runs are those that a fresh parse gives, or are not used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from allocc.dsl import cache, parser
from allocc.dsl.diagnostics import AlloccError

TEXT = 'model kept "A model"  # remark\ndecide x in 0 .. 1\nminimize { cost : x }\n'


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache._folder.cache_clear()
    yield tmp_path / "cache" / "allocc"
    cache._folder.cache_clear()


def trees(folder: Path) -> list[Path]:
    return sorted(folder.glob("tree-*"))


def write(folder: Path, text: str = TEXT) -> Path:
    path = folder / "kept.alloc"
    path.write_text(text, "utf-8")
    return path


def test_the_same_tree(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path)
    first = parser.parse_file(path)
    assert len(trees(kept)) == 1
    monkeypatch.setattr(parser, "parse", lambda _: pytest.fail("parsed again"))
    again = parser.parse_file(path)
    assert again == first
    assert again.comments == first.comments
    assert [s.span for s in again.statements] == [s.span for s in first.statements]


def test_another_text_or_name_is_parsed(kept: Path, tmp_path: Path) -> None:
    parser.parse_file(write(tmp_path))
    assert len(parser.parse_file(write(tmp_path, TEXT + "limit a: x <= 1\n")).statements) == 4
    (tmp_path / "other").mkdir()
    found = parser.parse_file(write(tmp_path / "other"))
    assert found.source.name.endswith("other/kept.alloc")
    assert len(trees(kept)) == 3


def test_damaged_files_are_not_used(kept: Path, tmp_path: Path) -> None:
    path = write(tmp_path)
    first = parser.parse_file(path)
    for damage in (b"", b"not a pickle", trees(kept)[0].read_bytes()[:-20]):
        trees(kept)[0].write_bytes(damage)
        assert parser.parse_file(path) == first


def test_mistakes_are_not_kept(kept: Path, tmp_path: Path) -> None:
    path = write(tmp_path, "decide x in\n")
    for _ in range(2):
        with pytest.raises(AlloccError, match="E1"):
            parser.parse_file(path)
    assert not trees(kept)


def test_only_so_many(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_TREES", 3)
    for k in range(5):
        path = write(tmp_path, TEXT + f"limit a: x <= {k + 1}\n")
        parser.parse_file(path)
        newest = max(trees(kept), key=lambda p: p.stat().st_mtime_ns)
        os.utime(newest, ns=(k * 10**9, k * 10**9))
    assert len(trees(kept)) == 3


def test_without_a_folder(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(parser.parse_file(write(tmp_path)).statements) == 3
