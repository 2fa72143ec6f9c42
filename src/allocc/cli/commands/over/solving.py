"""`allocc solve --over`: one allocation for many draws."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from allocc.cli.commands.over.telling import check_folder, tell
from allocc.cli.terminal import stdout_kept_clean
from allocc.dsl.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from allocc.api import Model
    from allocc.engine.judging.outcome import Options


def over_worlds(
    loaded: Model,
    over: str | None,
    draws: int | None,
    nominal: bool,
    by: str | None,
    information: bool | None,
) -> bool:
    """Whether more than one world is asked for; raises E7289 for options that exclude each other."""
    from allocc.questions.over import errors

    given = {"--over": over, "--draws": draws, "--by": by, "--information": information}
    asked = [name for name, value in given.items() if value is not None]
    if nominal and asked:
        raise DiagnosticError([errors.one_way("--nominal", asked[0])])
    if over is not None and draws is not None:
        raise DiagnosticError([errors.one_way("--over", "--draws")])
    return bool(asked) or (loaded.bound.scenario is not None and not nominal)


def solve_over(
    loaded: Model,
    over: str | int | None,
    by: str | None,
    information: bool | None,
    options: Options,
    run: str | None,
    no_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Solve, write and tell; the exit code."""
    from allocc.api import Over
    from allocc.cli.guard import exit_code
    from allocc.cli.progress import stoppable, working
    from allocc.questions.over.asked import solve_asked
    from allocc.results.run_folder.place import default_folder
    from allocc.signals import EXIT_INTERRUPTED

    check_folder(run)
    cancel = options.cancel or threading.Event()
    with stdout_kept_clean(), stoppable(cancel), working("deciding for all draws", quiet):
        found = Over.of(solve_asked(loaded, over, by, information, options))
    folder: Path | None = None
    if not no_run:
        folder = default_folder(loaded.name) if run is None else Path(run)
    tell(found, None if folder is None else str(folder), as_json)
    if found.stopped == "interrupted" or cancel.is_set():
        return EXIT_INTERRUPTED
    return exit_code(found)
