"""The points of a sweep: every combination of data folders and of values of settings."""

from __future__ import annotations

import glob
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from allocc import mistakes
from allocc.asked import is_number
from allocc.dsl.diagnostics import DiagnosticError
from allocc.results.fitting.found import FitResult
from allocc.results.sweeping.points import Point

#: One value of a list, up to its comma; commas within quotes belong to it.
_VALUE = re.compile(r"""\s*("[^"]*"|'[^']*'|[^,]*?)\s*(,|\Z)""", re.DOTALL)
#: 1,000,000 is a number to people, and a list here.
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass(frozen=True)
class Grid:
    """The points, and the names of what differs between them."""

    axes: tuple[str, ...]
    points: tuple[Point, ...]


def listed_values(name: str, text: str) -> list[str]:
    """The values in a `--set NAME=VALUE,VALUE`; raises E7250 where one of them is empty."""
    found, at = [], 0
    while True:
        match = _VALUE.match(text, at)
        assert match is not None
        found.append(match[1])
        at = match.end()
        if not match[2]:
            break
    if not all(found):
        reason, hint = "a value between two commas is empty", "write NAME=1,2,3"
        raise DiagnosticError([mistakes.bad_values(name, text, reason, hint)])
    if _GROUPED.fullmatch(text) and any(x.startswith("0") for x in found[1:]):
        reason = "it can be read as one number, and as a list"
        hint = f"write {text.replace(',', '')} or {text.replace(',', '_')} for the number"
        raise DiagnosticError([mistakes.bad_values(name, text, reason, hint)])
    return found


def folders(patterns: Iterable[str | PathLike[str]]) -> list[str]:
    """The folders that names and patterns as `states/*` mean, sorted within each.

    Raises E7251 for a pattern that matches no folder; a name without * is taken as it is.
    """
    found: list[str] = []
    for pattern in map(str, patterns):
        if Path(pattern).is_dir() or not glob.has_magic(pattern):
            found.append(pattern)
            continue
        there = sorted(glob.glob(pattern))
        inside = [p for p in there if Path(p).is_dir()]
        if not inside:
            raise DiagnosticError([mistakes.no_folders(pattern, bool(there))])
        found += inside
    return list(dict.fromkeys(found))


def grid(
    path: str | PathLike[str],
    settings: Mapping[str, Any] | None = None,
    data: Sequence[str] = (),
    fitted: str | FitResult | None = None,
    options: Mapping[str, Any] | None = None,
) -> Grid:
    """Every data folder with every combination of values, the last setting fastest.

    A list, tuple, range or array of a setting is what is tried; anything else, as a number or a dict by label, is
    one value. What has one value only is no axis. Raises E7256 for a setting without any value.
    """
    values = {name: _values(name, given) for name, given in (settings or {}).items()}
    several = [n for n, x in values.items() if len(x) > 1]
    place = "data" if "data" not in values else "data folder"
    axes = (*([place] if len(data) > 1 else []), *several)
    # Workers elsewhere, and later commands, may stand in another folder.
    model = str(Path(path).absolute())
    names = _short(data)
    points = []
    for folder in data or (None,):
        for combination in itertools.product(*values.values()):
            chosen = dict(zip(values, combination, strict=True))
            label = {place: names[folder]} if len(data) > 1 and folder is not None else {}
            label |= {n: _label(chosen[n], values[n]) for n in several}
            where = None if folder is None else str(Path(folder).absolute())
            points.append(Point(label, model, where, chosen, fitted, dict(options or {})))
    return Grid(axes, tuple(points))


def _values(name: str, given: Any) -> list[Any]:
    if isinstance(given, (list, tuple, range)) or (
        hasattr(given, "ndim")
        and hasattr(given, "tolist")
        and given.ndim
        and not hasattr(given, "index")
    ):
        found = list(given)
        if not found:
            raise DiagnosticError([mistakes.nothing_to_sweep(f"'{name}' has an empty list")])
        return found
    return [given]


def _label(value: Any, among: Sequence[Any]) -> str:
    """A value in a table; what is no number or word is numbered."""
    if isinstance(value, str):
        return value
    if is_number(value):
        return f"{value:.12g}"
    return f"#{next(k for k, x in enumerate(among, 1) if x is value)}"


def _short(data: Sequence[str]) -> dict[str, str]:
    """Folders by their last names, where those tell them apart."""
    short = {folder: Path(folder).absolute().name for folder in data}
    return short if len(set(short.values())) == len(short) else {folder: folder for folder in data}
