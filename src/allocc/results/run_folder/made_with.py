"""What the decisions of a run were made with: its settings, and the hashes of model and tables."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from allocc.engine.stages import Stages

#: The form of the JSON file of a sweep's point.
POINT_FORMAT = "allocc sweep point 1"


@dataclass(frozen=True)
class RunOrigin:
    """The settings and the files' hashes that a run was made with."""

    settings: dict[str, Any]
    files: dict[str, str]


def origin_of(given: object) -> RunOrigin | None:
    """The origin of decisions that are a `Result`, a run folder or its decisions.csv, a sweep's point; else None.

    Raises E7014 for a run folder that is damaged.
    """
    from allocc.results.run import Run
    from allocc.results.run_folder.reading import read_json, readable

    if isinstance(given, Run):
        return RunOrigin(given.settings, given.files)
    if not isinstance(given, (str, PathLike)):
        return None
    path = Path(given)
    if path.suffix == ".csv" and (point := _point_of_a_sweep(path.with_suffix(".json"))):
        return point
    try:
        folder = path if path.is_dir() else path.parent
        named = folder == path or path.name == "decisions.csv"
        if not named or not (folder / "result.json").is_file():
            return None
    except (OSError, ValueError):
        # No path at all: too long, or with a NUL in it. Reading the decisions says so.
        return None
    with readable(folder):
        data = read_json(folder / "result.json")
        return RunOrigin(dict(data["settings"]), dict(data["files"]))


def _point_of_a_sweep(path: Path) -> RunOrigin | None:
    """The origin of a point of `allocc sweep`, which has a JSON file beside its decisions."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if not isinstance(data, dict) or data.get("format") != POINT_FORMAT:
            return None
        return RunOrigin(dict(data["settings"]), dict(data["files"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def other_origin(model: Stages, decisions: object) -> tuple[str, ...]:
    """What a model has other than the run that decisions come from, in sentences."""
    origin = origin_of(decisions)
    return () if origin is None else differences(model, origin)


def overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with others over them; a whole parameter goes over its single members, too."""
    kept = {k: v for k, v in base.items() if k.split("[", 1)[0] not in over}
    return {**kept, **over}


def differences(model: Stages, origin: RunOrigin) -> tuple[str, ...]:
    """What a model has other than a run, in sentences without their full stop."""
    told = []
    parts = _other_settings(origin.settings, model.settings, "there", "here")
    if parts:
        told.append(f"the decisions are of a run with other settings: {'; '.join(parts)}")
    changed = _other_files(origin.files, model.hashes())
    if changed:
        told.append(
            f"since the run of the decisions these files have changed: {', '.join(changed)}"
        )
    return tuple(told)


def other_than(there: RunOrigin, here: RunOrigin, name: str) -> tuple[str, ...]:
    """What a run was made with other than the run of a name, as ends of sentences about it."""
    told = []
    parts = _other_settings(there.settings, here.settings, "there", f"in {name}")
    if parts:
        told.append(f"has other settings: {'; '.join(parts)}")
    changed = _other_files(there.files, here.files)
    if changed:
        told.append(f"was made with other files than {name}: {', '.join(changed)}")
    return tuple(told)


def told(settings: Mapping[str, Any]) -> str:
    """Settings in one line, as `machines = 9, cap = 4`."""
    return ", ".join(f"{name} = {_shown(settings, name)}" for name in settings)


def _other_settings(
    there: Mapping[str, Any], here: Mapping[str, Any], at: str, beside: str
) -> list[str]:
    """Settings that differ, as `cap = 4 there, 5 here`."""
    return [
        f"{name} = {_shown(there, name)} {at}, {_shown(here, name)} {beside}"
        for name in sorted({*there, *here})
        if _plain(there.get(name)) != _plain(here.get(name))
    ]


def _other_files(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Files that do not hold the same, by name."""
    return [
        name
        for name in sorted({*there, *here})
        if there.get(name) != here.get(name) and not _renamed(name, there, here)
    ]


def _renamed(name: str, there: Mapping[str, str], here: Mapping[str, str]) -> bool:
    """Whether what a file holds is among the others' files, under another name."""
    own = there.get(name) or here.get(name)
    return own in there.values() and own in here.values()


def _shown(settings: Mapping[str, Any], name: str) -> str:
    if name not in settings:
        return "as in the model"
    value = settings[name]
    return str(value) if isinstance(value, (bool, int, float, str)) else "values by label"


def _plain(value: Any) -> Any:
    """A setting as it is compared: numbers as numbers, whether typed, in JSON or in an array."""
    from allocc.compiler.data.typed_values import unquoted, written_number
    from allocc.results.run_folder.json_values import clean

    value = clean(value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, str):
        number = written_number(unquoted(value))
        return unquoted(value) if math.isnan(number) else number
    return value
