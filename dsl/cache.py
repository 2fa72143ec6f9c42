"""What is kept between runs in the user's own cache folder: the parser's tables, and trees.

Building the tables takes as long as everything else that `check` does, and parsing an unchanged
model as long as most solves of it take outside of the solver. Names change with the text, with
this package's files, with Lark and with Python. Nobody else's files are ever read, and where there
is no such folder everything is done anew.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from allocc.dsl.tree import File, Source

#: So many trees are kept; the oldest go first.
MOST_TREES = 200


@lru_cache(maxsize=8)
def _folder(base: str) -> Path | None:
    """The cache folder, None where it cannot be had or is not the user's own."""
    folder = Path(base) / "allocc"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
    except OSError:
        return None
    return folder if own and os.access(folder, os.R_OK | os.W_OK) else None


def folder() -> Path | None:
    """Where things are kept, None where nothing can be."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return _folder(base)


def tables(grammar: str) -> str | bool:
    """The file of the parser's tables, False where there is no place for it."""
    place = folder()
    key = _digest(version("lark"), sys.version, grammar)
    return False if place is None else str(place / f"parser-{key}")


def tree(source: Source) -> File | None:
    """The tree of a source that was parsed before, or None."""
    place = _place(source)
    if place is None:
        return None
    try:
        found = pickle.loads(place.read_bytes())
    except Exception:  # noqa: BLE001 - a damaged file can raise anything: the text is parsed again
        return None
    return found if isinstance(found, File) and found.source == source else None


def keep(file: File) -> None:
    """Keep a tree for the next run."""
    place = _place(file.source)
    if place is None:
        return
    try:
        data = pickle.dumps(file, protocol=pickle.HIGHEST_PROTOCOL)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix="new-")
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.replace(name, place)
        trees = sorted(place.parent.glob("tree-*"), key=lambda p: p.stat().st_mtime)
        for old in trees[:-MOST_TREES]:
            old.unlink(missing_ok=True)
    except (OSError, RecursionError):
        # Keeping it is a convenience: a full disk or a very deep tree only means parsing again.
        return


def _place(source: Source) -> Path | None:
    place = folder()
    if place is None:
        return None
    return place / f"tree-{_digest(_package(), source.name, source.text)}"


@lru_cache(maxsize=1)
def _package() -> str:
    """What trees depend on apart from the text: this package's files, and Python."""
    here = Path(__file__).parent
    files = sorted((f.name, f.stat()) for f in here.iterdir() if f.suffix in (".py", ".lark"))
    return sys.version + "".join(f"{name} {s.st_size} {s.st_mtime_ns};" for name, s in files)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
