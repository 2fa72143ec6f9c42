"""What goes to a worker as options, and what its replies are as solutions."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from allocc.backends.isolation.watching import Ended, Reply
from allocc.backends.isolation.wire import whole
from allocc.backends.solution import Capabilities, Solution, SolveOptions
from allocc.compiler.programs.program import Program

#: The options that are sent and their defaults.
_USUAL = [
    (f.name, f.default)
    for f in fields(SolveOptions)
    if f.name not in ("on_progress", "cancel", "patience")
]


def reading(able: Capabilities, program: Program) -> float:
    """Seconds that a solver may take to read a program, outside of its limit, on a busy machine."""
    return able.entry_seconds * (program.columns + program.rows + len(program.matrix.data))


def sent(options: SolveOptions, stoppable: bool) -> tuple[dict[str, Any], bool, bool]:
    """The options that are not as usual, without what stays here; whether to look and to tell."""
    changed = {
        name: value for name, usual in _USUAL if (value := getattr(options, name)) is not usual
    }
    return changed, stoppable, options.on_progress is not None


def told(reply: Reply) -> Solution:
    """The worker's solution with the reason for its stop, which only this process knows."""
    found = whole(reply.content)
    if found.termination == "interrupted" and reply.asked is not None:
        found = replace(found, termination=reply.asked)
    if reply.keyboard and not found.message:
        found = replace(found, message="stopped by Ctrl-C")
    return found


def failed(name: str, end: Ended) -> Solution:
    """The answer of a solver whose worker has ended."""
    return Solution(end.termination, None, None, None, end.seconds, solver=name, message=str(end))
