"""The extension's files fit together, and fit the server; its own tests run where they can."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from allocc.cli import cli

VSCODE = Path(__file__).parents[2] / "editors" / "vscode"


def read(name: str) -> Any:
    return json.loads((VSCODE / name).read_text("utf-8"))


def test_the_package_names_files_that_are_there() -> None:
    package = read("package.json")
    (language,) = package["contributes"]["languages"]
    (grammar,) = package["contributes"]["grammars"]
    assert (VSCODE / language["configuration"]).is_file()
    assert (VSCODE / grammar["path"]).is_file()
    assert grammar["language"] == language["id"] == "alloc"
    assert grammar["scopeName"] == read(grammar["path"])["scopeName"]
    assert language["extensions"] == [".alloc"]
    assert package["activationEvents"] == ["onLanguage:alloc"]
    # What `npm run build` bundles is what the package starts.
    built = re.search(r"esbuild (\S+) .*--outfile=(\S+)", package["scripts"]["build"])
    assert built is not None
    assert (VSCODE / built[1]).is_file()
    assert package["main"] == f"./{built[2]}"


def test_the_client_starts_what_the_command_line_has() -> None:
    settings = read("package.json")["contributes"]["configuration"]["properties"]
    program, command = settings["allocc.command"]["default"]
    assert program == "allocc" and command in cli.commands
    source = (VSCODE / "src" / "extension.js").read_text("utf-8")
    server = (VSCODE.parents[1] / "src" / "allocc" / "lsp" / "server.py").read_text("utf-8")
    for setting in ("dataFolder", "pedantic"):
        assert f"allocc.{setting}" in settings
        assert f'"{setting}"' in source
        assert f'"{setting}"' in server


def test_brackets_and_comments_are_those_of_the_language() -> None:
    about = read("language-configuration.json")
    assert about["comments"]["lineComment"] == "#"
    assert about["brackets"] == [["{", "}"], ["[", "]"], ["(", ")"]]
    word = re.compile(about["wordPattern"])
    assert word.fullmatch("grant_2") and not word.fullmatch("2x")
    rules = about["indentationRules"]
    assert re.search(rules["increaseIndentPattern"], 'intervention expand "Open" {')
    assert re.search(rules["increaseIndentPattern"], "minimize {")
    for line in ("set S = {a, b}", "param p = 1 # {", 'model m "{"'):
        assert not re.search(rules["increaseIndentPattern"], line)
    assert re.search(rules["decreaseIndentPattern"], "  }")


def test_its_own_tests() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not (VSCODE / "node_modules").is_dir():
        pytest.skip("`npm install` was not run in editors/vscode")
    tests = sorted(str(p) for p in (VSCODE / "test").glob("*.test.js"))
    done = subprocess.run([node, "--test", *tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
