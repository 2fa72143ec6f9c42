"""A backend that dies in the ways that solvers do; a worker imports it by its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from allocc.backends import Capabilities, LicenceLimit, Progress, Solution, SolveOptions
from allocc.backends.solution import Refused
from allocc.compiler.programs.program import Program


class Dying:
    name = "highs"
    package = ""
    interface = ""
    isolable = True
    capabilities = Capabilities(entry_seconds=1e-6)

    def __init__(self, how: str, mark: str = "") -> None:
        self.how = how
        self.mark = mark

    def version(self) -> str:
        return ""

    def solver_version(self) -> str:
        return ""

    def available(self) -> bool:
        return True

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        """Do what was asked for."""
        if self.mark:  # written before the stall, so that a test can wait for it
            Path(self.mark).write_text(str(os.getpid()))
        getattr(self, self.how)(options)
        point = np.ones(program.columns)
        value = float(program.objective @ point)
        return Solution("optimal", point, value, value, 0.0, solver=self.name)

    def nothing(self, options: SolveOptions) -> None: ...

    def segfault(self, options: SolveOptions) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def abort(self, options: SolveOptions) -> None:
        os.abort()

    def killed(self, options: SolveOptions) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def exit(self, options: SolveOptions) -> None:
        os._exit(3)

    def tells_and_dies(self, options: SolveOptions) -> None:
        assert options.on_progress is not None
        options.on_progress(Progress(0.1, 5.0, 4.0, 7))
        os.abort()

    def deaf(self, options: SolveOptions) -> None:
        time.sleep(600)

    def deaf_with_a_child(self, options: SolveOptions) -> None:
        code = "import time; time.sleep(600)"
        child = subprocess.Popen([sys.executable, "-c", code])
        Path(self.mark).write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)

    def holds_the_interpreter(self, options: SolveOptions) -> None:
        import ctypes

        ctypes.PyDLL(None).sleep(600)  # unlike CDLL, PyDLL gives no other thread its turn

    def listens(self, options: SolveOptions) -> None:
        assert options.cancel is not None
        assert options.cancel.wait(600)

    def eats(self, options: SolveOptions) -> None:
        """Memory, without looking at anything."""
        kept: list[Any] = []
        while len(kept) < 30:
            kept.append(np.ones(1_000_000))
        time.sleep(600)

    def bad_alloc(self, options: SolveOptions) -> None:
        raise MemoryError("std::bad_alloc")

    def speaks(self, options: SolveOptions) -> None:
        os.write(1, b"said on stdout\n")
        os.write(2, b"said on stderr\n")

    def refuses(self, options: SolveOptions) -> None:
        raise Refused("it does not like a number")

    def unlicensed(self, options: SolveOptions) -> None:
        raise LicenceLimit("highs", "the program is too large", "pip install more")

    def raises_what_cannot_be_sent(self, options: SolveOptions) -> None:
        class Own(Exception):
            pass

        raise Own("its own words")
