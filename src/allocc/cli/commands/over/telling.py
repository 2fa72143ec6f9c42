"""What commands about draws share: the file of draws, what is written and told at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from allocc.cli.terminal import color_on, put, write_json

if TYPE_CHECKING:
    from allocc.api import Over

F = TypeVar("F", bound=Callable[..., object])


def over_option(command: F) -> F:
    """--over, required."""
    return click.option(
        "--over",
        type=click.Path(),
        required=True,
        metavar="FILE|DIR",
        help="Draws: a CSV file with a row a draw and a column a parameter, or the folder of `allocc fit --draws N -o DIR`.",
    )(command)


def tell(found: Over, folder: str | None, as_json: bool) -> None:
    """Write an answer and print it."""
    if folder is not None:
        found.save(folder)
    if as_json:
        from allocc.results.over.files import over_data

        write_json({**over_data(found), "folder": folder})
        return
    put(found.summary(color=color_on(sys.stdout)))
    if folder is not None:
        put(f"\nEverything is in {folder}")


def check_folder(folder: str | None) -> None:
    """Raise E7007 before anything is computed for a folder that cannot be written."""
    from allocc.results.run_folder.place import check_free

    if folder is not None:
        check_free(Path(folder), "the answer")
