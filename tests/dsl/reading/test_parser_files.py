"""Reading a model runs nobody's code: no file but the model and the package's own is opened."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

TEXT = 'model kept "A model"\ndecide x in 0 .. 1\nminimize { cost : x }\n'

#: Parses twice, and tells of each file that is opened and of each name that a pickle asks for.
WATCHED = """
import sys
told = []
def watch(event, arguments):
    if event == "pickle.find_class":
        told.append("pickle")
    elif event == "open" and isinstance(arguments[0], str):
        told.append(arguments[0])
from allocc.dsl.reading import parser
sys.addaudithook(watch)
for path in sys.argv[1:]:
    parser.parse_file(path)
    parser.syntax(open(path).read())
print("\\n".join(told))
"""


class Planted:
    """What runs when its pickle is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('planted code has run')",))


def watched(folder: Path, *paths: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, paths)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


def test_a_planted_pickle_is_never_loaded(tmp_path: Path) -> None:
    model = tmp_path / "kept.alloc"
    model.write_text(TEXT, "utf-8")
    places = {
        "XDG_CACHE_HOME": tmp_path / "cache",
        "HOME": tmp_path / "home",
        "TMPDIR": tmp_path / "temporary",
    }
    for place in places.values():
        place.mkdir()
    environment = {name: str(place) for name, place in places.items()}
    first = watched(tmp_path, model, **environment)
    assert first.returncode == 0, first.stderr
    # Whatever a run leaves is replaced by another's code; a run that loads it ends otherwise.
    left = [p for place in places.values() for p in place.rglob("*") if p.is_file()]
    for path in left:
        path.write_bytes(pickle.dumps(Planted()))
    again = watched(tmp_path, model, model, **environment)
    assert again.returncode == 0, again.stderr
    opened = again.stdout.splitlines()
    assert str(model) in opened
    assert "pickle" not in opened
    assert not [name for name in opened if any(name.startswith(str(p)) for p in places.values())]
    assert left == []
