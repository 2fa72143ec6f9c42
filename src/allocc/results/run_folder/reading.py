"""A run folder read back."""

from __future__ import annotations

import contextlib
import csv
import json
import math
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.dsl.diagnostics import AlloccError
from allocc.results.labelled import Amount, Block, Labels, Target
from allocc.results.run_folder import FORMAT, LOOSENED, TABLES
from allocc.results.run_folder.tidy import read_rows

if TYPE_CHECKING:
    from allocc.engine.outcome import Violation
    from allocc.results.result import Result


def read(folder: str | PathLike[str]) -> Result:
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
    raise AlloccError([mistakes.not_a_run(str(path), reason)])


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file of a run folder of this format; raises E7014 for another one."""
    folder = str(path.parent)
    try:
        data = json.loads(path.read_text("utf-8"))
    except ValueError as problem:
        reason = f"its {path.name} is damaged: {problem}"
        raise AlloccError([mistakes.not_a_run(folder, reason)]) from None
    if not isinstance(data, dict) or "format" not in data:
        reason = f"its {path.name} is of another kind"
        raise AlloccError([mistakes.not_a_run(folder, reason)])
    if data["format"] != FORMAT:
        reason = (
            f"its {path.name} has format {data['format']}, and this version of allocc reads "
            f"format {FORMAT}"
        )
        raise AlloccError([mistakes.not_a_run(folder, reason)])
    return data


def violation_of(data: dict[str, Any] | None) -> Violation | None:
    """A violation from plain data; null stands for what is infinite."""
    from allocc.engine.outcome import Violation

    if data is None:
        return None
    ends = [math.inf if data[k] is None else float(data[k]) for k in ("absolute", "relative")]
    # Run folders of earlier versions do not say the unit.
    return Violation(ends[0], ends[1], data["where"], data.get("unit", ""))


def _result(path: Path, data: dict[str, Any]) -> Result:
    from allocc.engine.outcome import Deviation, Step
    from allocc.results.result import Result, TermValue

    history = []
    for row in read_rows(path / "history.csv"):
        bound, value, gap = (float(row[c]) if row[c] else None for c in ("bound", "value", "gap"))
        history.append(
            Step(float(row["seconds"]), bound, value, gap, int(row["round"]), row["phase"])
        )
    scalars = (
        "model title sense status stopped value bound gap seconds solver method rounds message "
        "explanation baseline_value time_unit settings options versions files"
    )
    blocks = tuple(_blocks(path, data["blocks"]))
    return Result(
        **{name: data[name] for name in scalars.split()},
        # Run folders of earlier versions do not say.
        proof=data.get("proof"),
        violation=violation_of(data["violation"]),
        # Run folders of earlier versions do not say what these two are measured by.
        gap_measure=data.get("gap_measure"),
        discretization_parts=tuple(Deviation(**d) for d in data.get("discretization_parts", [])),
        objective=tuple(TermValue(**t) for t in data["terms"]),
        blocks=blocks,
        # Run folders of earlier versions have none.
        targets=tuple(_targets(path, data.get("targets", []), blocks)),
        notes=tuple(data["notes"]),
        history=tuple(history),
        folder=path,
        **_findings(path, data),
    )


def _findings(path: Path, data: dict[str, Any]) -> dict[str, Any]:
    """What was found out about a model without an allocation; older folders have none of it."""
    from allocc.questions.conflict.cells import Cell
    from allocc.questions.conflict.escape import Escape, Escaping, Improved
    from allocc.questions.conflict.explanation import Conflict, Counted, Member
    from allocc.questions.conflict.loosen import Loosened, Loosening

    found: dict[str, Any] = {"loosened": tuple(data.get("loosened", ()))}
    if conflict := data.get("conflict"):
        members = [
            Member(
                **{**m, "labels": tuple(m["labels"]), "cells": tuple(Cell(**c) for c in m["cells"])}
            )
            for m in conflict["members"]
        ]
        lists: dict[str, Any] = {k: tuple(conflict[k]) for k in ("held", "widened")}
        lists["statements"] = tuple(Counted(**s) for s in conflict["statements"])
        found["conflict"] = Conflict(**{**conflict, **lists, "members": tuple(members)})
    if loosening := data.get("loosening"):
        items = [Loosened(**{**i, "labels": tuple(i["labels"])}) for i in loosening["items"]]
        inner = path / LOOSENED
        result = read(inner) if inner.is_dir() else None
        found["loosening"] = Loosening(**{**loosening, "items": tuple(items), "result": result})
    if escape := data.get("escape"):
        gone = [Escaping(**{**d, "labels": tuple(d["labels"])}) for d in escape["decisions"]]
        terms = tuple(Improved(**t) for t in escape["terms"])
        found["escape"] = Escape(**{**escape, "decisions": tuple(gone), "terms": terms})
    return found


def _blocks(path: Path, about: list[dict[str, Any]]) -> Iterator[Block]:
    import numpy as np

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
        axes = tuple(
            Labels(
                tuple(a["names"]),
                tuple(tuple(m) for m in a["members"]),
                a["time"],
                a.get("exclusive", False),
            )
            for a in b["axes"]
        )
        shape = tuple(len(a.members) for a in axes)
        # Over an empty set there is no row.
        value, base = found[b["kind"], b["name"]] if 0 not in shape else ([], [])
        values = np.array(value).reshape(shape)
        known = np.array(base).reshape(shape)
        baseline = None if np.isnan(known).all() else known
        yield Block(
            b["name"],
            b["kind"],
            axes,
            values,
            b["description"],
            b["unit"],
            b["integer"],
            baseline,
            # Run folders of earlier versions do not say these.
            b.get("binary", False),
            Amount(**b["amount"]) if b.get("amount") else None,
        )


def _targets(path: Path, about: list[dict[str, Any]], blocks: Sequence[Block]) -> Iterator[Target]:
    import numpy as np

    if not about:
        return
    found: dict[tuple[str, str], list[float]] = {}
    for row in read_rows(path / "targets.csv"):
        found.setdefault((row["name"], row["statement"]), []).append(float(row["value"] or "nan"))
    shapes = {b.name: b.without_time().values.shape for b in blocks if b.kind == "decision"}
    for t in about:
        values = np.array(found[t["decision"], t["statement"]]).reshape(shapes[t["decision"]])
        yield Target(t["decision"], t["statement"], t["description"], values, t["distance"])
