"""`allocc simulate --stochastic`: what chance makes of decisions."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allocc.cli.terminal import color_on, put, say, stdout_kept_clean, write_json
from allocc.signals import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from allocc.api import Model


def stochastic(
    model: Model,
    decisions: str | None,
    rest: str | None,
    policy: str | None,
    courses: int,
    chance: Mapping[str, Any],
    run: str | None,
    as_json: bool,
    csv_file: str | None,
) -> None:
    """Draw the courses and tell of them; `chance` has the seed, the parts and the scale that are given."""
    from allocc.cli.progress import FOUND_SO_FAR, stoppable, working

    cancel = threading.Event()
    with stdout_kept_clean(), stoppable(cancel, FOUND_SO_FAR):
        given: object = decisions
        if policy is not None:
            with working("making the policy feasible"):
                given = model.policy(policy)
        with working(f"drawing {courses:,} courses"):
            found = model.simulate_stochastic(given, rest, courses, cancel=cancel, **chance)
    if csv_file is not None:
        from allocc.results.stochastic.files import write_bands
        from allocc.whole import write_whole

        write_whole(Path(csv_file), lambda part: write_bands(found, part), "the CSV file")
    if run is not None:
        found.save(run)
    if as_json:
        from allocc.results.stochastic.files import stochastic_data

        write_json({**stochastic_data(found), "csv": csv_file, "run": run})
    else:
        put(found.summary(color=color_on(sys.stdout)))
        if run is not None:
            put(f"\nEverything is in {run}")
    if csv_file is not None:
        say(f"the bands are in {csv_file}")
    if cancel.is_set():
        click.get_current_context().exit(EXIT_INTERRUPTED)
