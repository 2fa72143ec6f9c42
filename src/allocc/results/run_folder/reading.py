"""A run folder read back."""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.outcome import Status, Step
from allocc.results.exact_proof import INPUTS, is_inside, read_contents
from allocc.results.labelled import Block, Labels, Target
from allocc.results.run import Run
from allocc.results.run_folder import FORMAT, LOOSENED, TABLES
from allocc.results.run_folder.json_values import read_as
from allocc.results.run_folder.tidy import read_rows

Answer = TypeVar("Answer")

#: What a run may be called.
STATUSES = (*get_args(Status), "simulated")


def read(folder: str | PathLike[str]) -> Run:
    """The result in a run folder; raises E7014 where there is none that can be read."""
    path = Path(folder)
    with readable(path):
        return _result(path, read_json(path / "result.json"))


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn whatever is wrong with a folder while it is read into E7014."""
    try:
        yield
        return
    except FileNotFoundError as problem:
        name = Path(str(problem.filename)).name
        reason = f"it has no {name}" if path.is_dir() else "it does not exist"
    except NotADirectoryError:
        reason = "it is a file"
    except OSError as problem:
        reason = problem.strerror or str(problem)
    except KeyError as problem:
        reason = f"it is damaged: {problem} is missing in it"
    except RecursionError:
        reason = "it is damaged: its result.json is nested too deep"
    except (ValueError, TypeError, AttributeError, AssertionError, csv.Error) as problem:
        reason = f"it is damaged: {problem or 'a value has another form'}"
    raise DiagnosticError([mistakes.not_a_run(str(path), reason)])


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file of a run folder of this format; raises E7014 for another one."""
    folder = str(path.parent)
    try:
        data = json.loads(path.read_text("utf-8"), parse_constant=_no_number)
    except ValueError as problem:
        reason = f"its {path.name} is damaged: {problem}"
        raise DiagnosticError([mistakes.not_a_run(folder, reason)]) from None
    if not isinstance(data, dict) or "format" not in data:
        reason = f"its {path.name} is of another kind"
        raise DiagnosticError([mistakes.not_a_run(folder, reason)])
    if data["format"] != FORMAT:
        reason = (
            f"its {path.name} has format {data['format']}, and this version of allocc reads "
            f"format {FORMAT}"
        )
        raise DiagnosticError([mistakes.not_a_run(folder, reason)])
    return data


def read_answer(path: str | PathLike[str], file: str, form: str, kind: type[Answer]) -> Answer:
    """What stands in the JSON `file` of a folder of another answer than a run; raises E7014 where it does not."""
    place = Path(path) / file
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("format") != form:
            raise ValueError(f"the format of {file} is not '{form}'")
        found: Answer = read_as(kind, data)
        return found
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
    except (UnicodeDecodeError, json.JSONDecodeError):
        reason = f"{file} is no JSON"
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        reason = str(problem) if isinstance(problem, ValueError) else f"{file} is damaged"
    raise DiagnosticError([mistakes.not_a_run(str(path), reason)])


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _result(path: Path, data: dict[str, Any]) -> Run:
    blocks = tuple(_blocks(path, data["blocks"]))
    targets = tuple(_targets(path, data.get("targets", []), blocks))
    history = tuple(_step(row) for row in read_rows(path / "history.csv"))
    result: Run = read_as(
        Run,
        {**data, "objective": data["terms"]},
        blocks=blocks,
        targets=targets,
        history=history,
        inputs=copied(path, data.get("files", {})),
        folder=path,
    )
    if result.status not in STATUSES or result.sense not in ("minimize", "maximize"):
        raise ValueError(f"there is no status {result.status!r}, or no sense {result.sense!r}")
    if result.exact_proof is not None:
        bound = result.exact_proof.bound
        if bound is not None and not re.fullmatch(r"-?\d+(/0*[1-9]\d*)?", bound):
            raise ValueError(f"the bound of its proof is no number: {bound[:40]}")
        kept = read_contents(result.exact_proof, path)
        result = replace(result, exact_proof=replace(result.exact_proof, contents=kept))
    inner = path / LOOSENED
    if result.loosening is None or not inner.is_dir():
        return result
    return replace(result, loosening=replace(result.loosening, result=read(inner)))


def copied(folder: Path, files: Iterable[str]) -> dict[str, bytes]:
    """The copies of a model and its tables in a run folder, by their names there."""
    places = [f"{INPUTS}/{name}" for name in files if is_inside(name)]
    return {name: (folder / name).read_bytes() for name in places if (folder / name).is_file()}


def _step(row: dict[str, str]) -> Step:
    bound, value, gap = (float(row[c]) if row[c] else None for c in ("bound", "value", "gap"))
    return Step(float(row["seconds"]), bound, value, gap, int(row["round"]), row["phase"])


def _blocks(path: Path, about: list[dict[str, Any]]) -> Iterator[Block]:
    found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for name, own in {"decisions.csv": ("decision",), **TABLES}.items():
        if not any(b["kind"] in own for b in about):
            continue
        for row in read_rows(path / name):
            kind = row.get("kind", "decision")
            value, base = found.setdefault((kind, row["name"]), ([], []))
            value.append(float(row["value"] or "nan"))
            base.append(float(row.get("baseline") or "nan"))
    for b in about:
        axes = read_as(tuple[Labels, ...], b["axes"])
        shape = tuple(len(a.members) for a in axes)
        # Over an empty set there is no row.
        value, base = found[b["kind"], b["name"]] if 0 not in shape else ([], [])
        known = np.array(base).reshape(shape)
        baseline = None if np.isnan(known).all() else known
        yield read_as(Block, b, values=np.array(value).reshape(shape), baseline=baseline)


def _targets(path: Path, about: list[dict[str, Any]], blocks: Sequence[Block]) -> Iterator[Target]:
    if not about:
        return
    found: dict[tuple[str, str], list[float]] = {}
    for row in read_rows(path / "targets.csv"):
        found.setdefault((row["name"], row["statement"]), []).append(float(row["value"] or "nan"))
    shapes = {b.name: b.without_time().values.shape for b in blocks if b.kind == "decision"}
    for t in about:
        values = np.array(found[t["decision"], t["statement"]]).reshape(shapes[t["decision"]])
        yield read_as(Target, t, values=values)
