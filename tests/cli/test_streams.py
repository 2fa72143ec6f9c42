"""Output that is closed, full or in another encoding; names that the system refuses; signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import SOURCE, Run

Start = Callable[..., "subprocess.Popen[str]"]

MODEL = 'model m "Zürich — β"\ndecide x "größe" in 0 .. 4\nlimit a: x <= 3\nmaximize { o: x }\n'

pytestmark = pytest.mark.skipif(os.name == "nt", reason="descriptors and signals of Unix")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.alloc"
    path.write_text(MODEL, "utf-8")
    return path


def shell(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of a shell in which `allocc` is the command."""
    path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
    command = f'allocc() {{ "{sys.executable}" -m allocc "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )


COMMANDS = ["check m.alloc", "explain m.alloc", "solve m.alloc --json --run out", "--help"]
COMMANDS += ["check --help", "--version", "format - < m.alloc"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("target", "reason"), [(">&-", "it is closed"), ("> /dev/full", "no space left on device")]
)
def test_an_answer_that_cannot_be_written(
    model: Path, command: str, target: str, reason: str
) -> None:
    if "full" in target and not Path("/dev/full").exists():
        pytest.skip("no device that is full")
    done = shell(model.parent, f"allocc {command} {target}")
    said = done.stderr.decode()
    assert done.returncode == 1
    assert f"error[E7040]: the answer cannot be written to standard output: {reason}" in said
    assert said.count("error[") == 1 and "Traceback" not in said and "Exception ignored" not in said
    assert (model.parent / "out" / "result.json").exists() == command.startswith("solve")


@pytest.mark.parametrize("target", ["2>&-", "2> /dev/full"])
def test_messages_that_cannot_be_written(model: Path, target: str) -> None:
    if "full" in target and not Path("/dev/full").exists():
        pytest.skip("no device that is full")
    assert b"Decisions" in shell(model.parent, f"allocc solve m.alloc --no-run {target}").stdout
    assert shell(model.parent, f"allocc check no.alloc {target}").returncode == 1


def test_standard_input_that_is_closed(model: Path) -> None:
    done = shell(model.parent, "allocc format - <&-")
    assert done.returncode == 1 and b"E7041" in done.stderr and b"it is closed" in done.stderr


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_other_encodings(model: Path, encoding: str) -> None:
    more = {"PYTHONIOENCODING": encoding}
    for command in ("explain m.alloc", "render m.alloc", "solve m.alloc --no-run"):
        done = shell(model.parent, f"allocc {command}", **more)
        assert done.returncode == 0, done.stderr
        done.stdout.decode(encoding)
    done = shell(model.parent, "allocc solve m.alloc --no-run --json", **more)
    assert json.loads(done.stdout.decode(encoding))["title"] == "Zürich — β"


def test_no_locale(model: Path) -> None:
    bare = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}
    done = shell(model.parent, "allocc explain m.alloc", **bare)
    assert done.returncode == 0 and b"rich" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "check {}.alloc",
        "check m.alloc --data {}",
        "solve m.alloc --run {}",
        "simulate m.alloc --decisions {}",
        "simulate m.alloc --csv {}.csv",
        "compile m.alloc -o {}.mps",
        "render m.alloc -o {}.md",
        "format {}.alloc",
        "explain {}.alloc",
        "plot {}",
        "new first --into {}",
    ],
)
def test_a_name_that_is_too_long(run: Run, model: Path, command: str) -> None:
    done = run(*command.format("x" * 5000).split())
    assert done.exit_code == 1, done.output
    assert re.search(r"error\[E\d+\]", done.stderr) and "mistake of allocc" not in done.output


def test_ctrl_c_while_modules_load(tmp_path: Path) -> None:
    # The signal comes at the first module that the command line needs: before any guard of its own.
    text = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from allocc.__main__ import main
sys.argv[1:] = ["check", "none.alloc"] if sys.argv[1] != "numpy" else ["compile", "m.alloc"]
wanted = sys.argv
main()
"""
    (tmp_path / "m.alloc").write_text(MODEL, "utf-8")
    script = tmp_path / "script.py"
    for module in ("allocc.cli", "click", "allocc.mistakes", "allocc.cli.commands.lsp", "numpy"):
        # The finder must go on seeing the module's name after the arguments are replaced.
        script.write_text(
            text.replace("sys.argv[1]:", "SEEN:", 1).replace(
                "class Interrupt", "SEEN = sys.argv[1]\nclass Interrupt"
            ),
            "utf-8",
        )
        done = subprocess.run(
            [sys.executable, str(script), module],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr.strip()) == (130, "interrupted"), (module, done.stderr)
        assert done.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_ends_are_as_ctrl_c(
    run: Run, tmp_path: Path, number: int, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from allocc import Result
    from allocc.results.run_folder import writing

    before = writing._write_all

    def ended(result: Result, folder: Path) -> None:
        os.kill(os.getpid(), number)
        before(result, folder)

    monkeypatch.setattr(writing, "_write_all", ended)
    done = run("solve", model, "--run", "out")
    assert done.exit_code == 0
    assert Result.open(tmp_path / "out").value == 3


def test_a_command_that_is_to_outlive_its_terminal(model: Path) -> None:
    line = "trap '' HUP; allocc check m.alloc & wait"
    text = "import signal, allocc.signals as s; print(signal.SIGHUP in s.numbers())"
    python = f'trap "" HUP; "{sys.executable}" -c "{text}"'
    assert shell(model.parent, python).stdout == b"False\n"
    assert shell(model.parent, line).returncode == 0


def test_only_near_files_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "opioid.alloc").write_text(MODEL, "utf-8")
    (tmp_path / "a.csv").write_text("id\n1\n", "utf-8")
    (tmp_path / "t.alloc").write_text('table d from "b.csv" key id\n' + MODEL, "utf-8")
    for wrong in ("opiod.alloc", "opioid", "Opioid.alloc", tmp_path / "opioids.alloc"):
        assert "did you mean" in run("check", wrong).stderr
    for wrong in ("zebra.alloc", "z.alloc", "zebra", tmp_path / "zebra.alloc", "t.alloc"):
        done = run("check", wrong)
        assert done.exit_code == 1 and "did you mean" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["{}"],
        ["solve", "m.alloc", "--{}"],
        ["solve", "m.alloc", "--time-limit", "{}"],
        ["solve", "m.alloc", "--solver", "{}"],
        ["solve", "m.alloc", "--set", "{}=3"],
        ["explain", "{}"],
        ["check", "long.alloc"],
    ],
)
def test_long_names_are_not_repeated_in_full(
    run: Run, model: Path, tmp_path: Path, arguments: list[str]
) -> None:
    name = "x" * 100_000
    text = f"decide {name} in 0 .. 1\nminimize {{ c: {name} + {name}y }}\n"
    (tmp_path / "long.alloc").write_text(text, "utf-8")
    done = run(*(a.format(name) for a in arguments))
    assert done.exit_code in (1, 2)
    assert "xxx...xxx" in done.stderr and "x" * 81 not in done.stderr
    if "long.alloc" in arguments:
        assert "^" in done.stderr
