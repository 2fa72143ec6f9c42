"""How wide the terminal is that messages are shown in."""

from __future__ import annotations

import fcntl
import io
import os
import struct
import sys
import termios
from pathlib import Path

import pytest

from allocc.cli.guard import show
from allocc.cli.terminal import columns
from allocc.dsl import DiagnosticError, Source, parse


def test_messages_fit_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    far, near = os.openpty()
    fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    with pytest.raises(DiagnosticError) as caught:
        parse(Source("m.alloc", f"limit a: {' + '.join(['treated'] * 30)} <= ) 3"))
    with os.fdopen(near, "w", encoding="utf-8") as stream:
        assert columns(stream) == 80
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr(sys, "stderr", stream)
        show(caught.value.diagnostics)
        stream.flush()
        shown = os.read(far, 10_000).decode()
    os.close(far)
    excerpt = [line for line in shown.splitlines() if "|" in line]
    assert excerpt and max(len(line) for line in excerpt) <= 80


def test_no_terminal(tmp_path: Path) -> None:
    assert columns(io.StringIO()) is None
    with (tmp_path / "log").open("w") as file:
        assert columns(file) is None
