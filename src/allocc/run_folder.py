"""Run folders: a result on disk, written whole or not at all, and read back.

result.json        everything scalar, with options, settings, versions and hashes of the inputs
certificate.json   what is proven
decisions.csv      tidy: name, a column for every index, value; `--decisions` reads it back
trajectories.csv   tidy: kind, name, a column for every index, value, baseline
reports.csv        tidy, as trajectories.csv: what `report` statements compute
targets.csv        what the model compares decisions with: statement, name, index columns, value
history.csv        what was proven and had, as time went on
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.dsl.diagnostics import AlloccError
from allocc.labelled import Block, Labels, Target, index_columns
from allocc.reports import report_data

if TYPE_CHECKING:
    from allocc.engine.outcome import Violation
    from allocc.result import Result

FORMAT = 1

#: How a cell begins that spreadsheets take for a formula; with what guards it.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
#: The tables beside decisions.csv, and what kinds of blocks each has.
_TABLES = {"trajectories.csv": ("compartment", "flow"), "reports.csv": ("report",)}

_STEP = ("seconds", "bound", "value", "gap", "round", "phase")


def clean(data: Any) -> Any:
    """The same data without what JSON cannot say: NaN and infinities become null."""
    if isinstance(data, dict):
        return {str(k): clean(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [clean(v) for v in data]
    if isinstance(data, (bool, int, str)) or data is None:
        return data
    if hasattr(data, "to_dict"):
        return clean({str(k): v for k, v in data.to_dict().items()})
    if hasattr(data, "tolist"):
        return clean(data.tolist())
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    return str(data)


def to_json(data: Any, indent: int | None = 2) -> str:
    """JSON that every reader takes."""
    return json.dumps(clean(data), indent=indent, ensure_ascii=False, allow_nan=False)


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def default_folder(model: str) -> Path:
    """A new name under `runs/` of the current folder; two runs of one second get a number."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    base = Path("runs") / f"{model}-{stamp}"
    folder, number = base, 1
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder


def check_free(folder: Path) -> None:
    """Raise E7007 when a folder holds something already."""
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as problem:
        reason = problem.strerror or str(problem)
        found = mistakes.cannot_write("the run folder", str(folder), reason)
        raise AlloccError([found]) from None
    if taken:
        raise AlloccError([mistakes.folder_taken(str(folder))])


def save(result: Result, folder: str | PathLike[str] | None = None) -> Path:
    """Write a result; the folder appears when it is complete. Never writes over anything."""
    target = default_folder(result.model) if folder is None else Path(folder)
    other = (lambda: default_folder(result.model)) if folder is None else None
    return write_folder(target, lambda part: _write_all(result, part), other)


def write_folder(
    target: Path, write: Callable[[Path], None], other: Callable[[], Path] | None = None
) -> Path:
    """A new folder with what `write` puts into it; it appears when it is complete, or not at all.

    `other` gives another name where the first was taken while `write` was at work.
    Raises E7007 for a folder that holds something, E7008 where the system does not let us write.
    """
    check_free(target)
    part: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent)
        write(Path(part))
        os.chmod(part, 0o777 & ~_umask())
        while not _moved(part, target):
            # Another run of this second was faster.
            if other is None:
                raise AlloccError([mistakes.folder_taken(str(target))])
            target = other()
    except OSError as problem:
        reason = problem.strerror or str(problem)
        found = mistakes.cannot_write("the run folder", str(target), reason)
        raise AlloccError([found]) from None
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
    return target


def _moved(part: str, target: Path) -> bool:
    """Give a written folder its name; False where the name was taken meanwhile."""
    try:
        # An empty folder may be replaced; one that was filled meanwhile makes this fail.
        os.replace(part, target)
    except OSError as problem:
        if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def save_somewhere(result: Result) -> Path | None:
    """Write a result that could not be written where it belongs; None where no place is left."""
    try:
        return save(result, Path(tempfile.mkdtemp(prefix="allocc-")) / result.model)
    except (OSError, AlloccError):
        return None


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _write_all(result: Result, folder: Path) -> None:
    _text(folder / "result.json", to_json(result_data(result)))
    _text(folder / "certificate.json", to_json(result.certificate))
    decisions = [b for b in result.blocks if b.kind == "decision"]
    if result.has_allocation:
        write_long(folder / "decisions.csv", decisions, kinds=False)
    for name, own in _TABLES.items():
        found = [b for b in result.blocks if b.kind in own]
        if found:
            write_long(folder / name, found, kinds=True)
    if result.targets:
        _write_targets(folder / "targets.csv", result)
    steps = ([_cell(getattr(s, c)) for c in _STEP] for s in result.history)
    _csv(folder / "history.csv", _STEP, steps)


def result_data(result: Result) -> dict[str, Any]:
    """Everything but the arrays, as plain data."""
    from allocc.result import violation_data

    return {
        "format": FORMAT,
        "model": result.model,
        "title": result.title,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": result.status,
        "stopped": result.stopped,
        "sense": result.sense,
        "value": result.value,
        "bound": result.bound,
        "gap": result.gap,
        "violation": violation_data(result.violation),
        "discretization": result.discretization,
        "baseline_value": result.baseline_value,
        "solver": result.solver,
        "method": result.method,
        "seconds": result.seconds,
        "rounds": result.rounds,
        "message": result.message,
        "explanation": result.explanation,
        "notes": list(result.notes),
        "time_unit": result.time_unit,
        "terms": [
            {
                "name": t.name,
                "description": t.description,
                "penalty": t.penalty,
                "value": t.value,
            }
            for t in result.objective
        ],
        "targets": [
            {
                "decision": t.decision,
                "statement": t.statement,
                "description": t.description,
                "distance": t.distance,
            }
            for t in result.targets
        ],
        "reports": report_data(result.blocks),
        "certificate": result.certificate,
        "options": result.options,
        "settings": result.settings,
        "versions": result.versions,
        "files": result.files,
        "blocks": [
            {
                "name": b.name,
                "kind": b.kind,
                "description": b.description,
                "unit": b.unit,
                "integer": b.integer,
                "binary": b.binary,
                "axes": [{"names": a.names, "members": a.members, "time": a.time} for a in b.axes],
            }
            for b in result.blocks
        ],
    }


def write_long(target: Path, blocks: Sequence[Block], kinds: bool) -> None:
    """A tidy CSV of blocks; with `kinds`, also their kind and their baseline."""
    columns = index_columns(blocks)
    head = ["kind"] * kinds + ["name", *columns, "value"] + ["baseline"] * kinds
    _csv(target, head, _long_rows(blocks, columns, kinds))


def _long_rows(blocks: Iterable[Block], columns: Sequence[str], kinds: bool) -> Iterator[list[Any]]:
    for block in blocks:
        own = [columns.index(c) for c in block.columns]
        values = block.values.ravel().tolist()
        size = len(values)
        base = [None] * size if block.baseline is None else block.baseline.ravel().tolist()
        for labels, value, other in zip(block.labels(), values, base, strict=True):
            cells: list[Any] = [""] * len(columns)
            for place, label in zip(own, labels, strict=True):
                cells[place] = _label(label)
            row = [block.name, *cells, _cell(value)]
            yield [block.kind, *row, _cell(other)] if kinds else row


def _write_targets(path: Path, result: Result) -> None:
    """The targets' values, row by row as their decision's without time."""
    blocks = {b.name: b.without_time() for b in result.blocks if b.kind == "decision"}
    of = [replace(blocks[t.decision], values=t.values) for t in result.targets]
    columns = index_columns(of)
    rows = (
        [target.statement, *row]
        for target, block in zip(result.targets, of, strict=True)
        for row in _long_rows([block], columns, kinds=False)
    )
    _csv(path, ["statement", "name", *columns, "value"], rows)


def _label(label: object) -> str:
    from allocc.compiler.program import label_text

    return guarded(label_text(label))


def guarded(label: str) -> str:
    """A label as it stands in a file: one that a spreadsheet would run as a formula gets a `'`."""
    formula = _FORMULA.match(label) and not _NUMBER.match(label)
    return f"'{label}" if formula else label


def unguarded(cell: str) -> str:
    """The label that a cell stands for, with or without its guard."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _cell(value: object) -> str:
    """A number in the shortest text that reads back the same; blank where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def _text(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")


# --- reading back --------------------------------------------------------------------------------


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
    return Violation(ends[0], ends[1], data["where"])


def _result(path: Path, data: dict[str, Any]) -> Result:
    from allocc.engine.outcome import Step
    from allocc.result import Result, TermValue

    history = []
    for row in _rows(path / "history.csv"):
        bound, value, gap = (float(row[c]) if row[c] else None for c in ("bound", "value", "gap"))
        history.append(
            Step(float(row["seconds"]), bound, value, gap, int(row["round"]), row["phase"])
        )
    scalars = (
        "model title sense status stopped value bound gap seconds solver method rounds message "
        "explanation discretization baseline_value time_unit settings options versions files"
    )
    blocks = tuple(_blocks(path, data["blocks"]))
    return Result(
        **{name: data[name] for name in scalars.split()},
        violation=violation_of(data["violation"]),
        objective=tuple(TermValue(**t) for t in data["terms"]),
        blocks=blocks,
        # Run folders of earlier versions have none.
        targets=tuple(_targets(path, data.get("targets", []), blocks)),
        notes=tuple(data["notes"]),
        history=tuple(history),
        folder=path,
    )


def _blocks(path: Path, about: list[dict[str, Any]]) -> Iterator[Block]:
    import numpy as np

    found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for name, own in {"decisions.csv": ("decision",), **_TABLES}.items():
        if not any(b["kind"] in own for b in about):
            continue
        for row in _rows(path / name):
            kind = row.get("kind", "decision")
            value, base = found.setdefault((kind, row["name"]), ([], []))
            value.append(float(row["value"] or "nan"))
            base.append(float(row.get("baseline") or "nan"))
    for b in about:
        axes = tuple(
            Labels(tuple(a["names"]), tuple(tuple(m) for m in a["members"]), a["time"])
            for a in b["axes"]
        )
        shape = tuple(len(a.members) for a in axes)
        value, base = found[b["kind"], b["name"]]
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
            # Run folders of earlier versions do not say it.
            b.get("binary", False),
        )


def _targets(path: Path, about: list[dict[str, Any]], blocks: Sequence[Block]) -> Iterator[Target]:
    import numpy as np

    if not about:
        return
    found: dict[tuple[str, str], list[float]] = {}
    for row in _rows(path / "targets.csv"):
        found.setdefault((row["name"], row["statement"]), []).append(float(row["value"] or "nan"))
    shapes = {b.name: b.without_time().values.shape for b in blocks if b.kind == "decision"}
    for t in about:
        values = np.array(found[t["decision"], t["statement"]]).reshape(shapes[t["decision"]])
        yield Target(t["decision"], t["statement"], t["description"], values, t["distance"])


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with contextlib.closing(path.open(encoding="utf-8", newline="")) as file:
        yield from csv.DictReader(file)
