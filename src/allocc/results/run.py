"""`Run`: what a solve or a simulation ends with, as tables that an analyst can use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allocc import mistakes
from allocc.backends.solution import Word
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.outcome import NEAR_ZERO, Deviation, Step, Violation
from allocc.results.exact_proof import ExactProof
from allocc.results.findings import Conflict, Escape, Loosened, LooseningStatus
from allocc.results.labelled import Block, Target, index_columns
from allocc.results.run_folder.json_values import APART


@dataclass(frozen=True, slots=True)
class TermValue:
    """One named part of the objective; `penalty` marks a soft limit's."""

    name: str
    value: float
    description: str = ""
    penalty: bool = False


@dataclass(frozen=True)
class Loosening:
    """What to loosen so that there is an allocation.

    `status` is "cheapest" where no cheaper loosening exists, "proposed" where `bound` is all that is
    proven about the cost, "impossible" where no loosening of limits and ranges helps, and "unknown".
    `result` is the best allocation of the *loosened* model, which is not one of the model's own.
    """

    status: LooseningStatus
    items: tuple[Loosened, ...]
    cost: float | None
    bound: float | None
    seconds: float
    ranges: bool = False
    message: str = ""
    result: Run | None = field(default=None, compare=False, metadata=APART)


@dataclass(frozen=True, eq=False)
class Run:
    """An allocation with what is proven of it; `allocc.api.Result` adds what is done with it.

    `value`, `bound`, `gap` and `violation` are None where unknown.
    `proof` says what the bound, or that there is no allocation, rests on: "proven" (recomputed here),
    "agreed" (two solves that differ truly), "claimed" (one solver's word). `exact_proof` is what a
    stranger can check it with, where it was asked for.
    `conflict`, `loosening` and `escape` say why there is no allocation, or no best one, where that was
    asked.
    """

    model: str
    title: str
    sense: str
    status: str
    stopped: str
    value: float | None
    bound: float | None
    gap: float | None
    violation: Violation | None
    objective: tuple[TermValue, ...]
    blocks: tuple[Block, ...]
    targets: tuple[Target, ...] = ()
    proof: Word | None = None
    #: The proof in rationals, where one was asked for and could be had.
    exact_proof: ExactProof | None = None
    seconds: float = 0.0
    solver: str = ""
    method: str = ""
    rounds: int = 0
    message: str = ""
    explanation: str = ""
    notes: tuple[str, ...] = ()
    #: What the gap was divided by: the value, or a part of the objective's terms where it is near zero.
    gap_measure: float | None = None
    #: How far compartments and terms of the objective are off continuous time, the worst first.
    discretization_parts: tuple[Deviation, ...] = ()
    baseline_value: float | None = None
    #: How far the baseline is off the limits, which it is not made to meet.
    baseline_violation: Violation | None = None
    time_unit: str = ""
    history: tuple[Step, ...] = field(default=(), metadata=APART)
    #: Where the solve has cut ranges, by column: what a solve with other numbers may begin at.
    cuts: dict[str, tuple[float, ...]] = field(default_factory=dict, metadata=APART)
    settings: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    #: Copies of those files, by their names in a run folder; none where they are large.
    inputs: Mapping[str, bytes] = field(default_factory=dict, repr=False, metadata=APART)
    folder: Path | None = field(default=None, metadata=APART)
    #: Names of the limits that were loosened; this is then no result of the model as it is written.
    loosened: tuple[str, ...] = ()
    conflict: Conflict | None = None
    loosening: Loosening | None = None
    escape: Escape | None = None

    # --- values -----------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        from allocc.dsl.diagnostics import nearest

        for block in self.blocks:
            if block.name == name:
                return block.frame()
        names = [b.name for b in self.blocks]
        if not names:
            raise KeyError(f"{name!r}: this result has no allocation ({self.status})")
        close = nearest(str(name), names)
        hint = f"did you mean {close!r}?" if close else f"it has {', '.join(names)}"
        raise KeyError(f"the result has no {name!r}; {hint}")

    def __contains__(self, name: object) -> bool:
        return any(b.name == name for b in self.blocks)

    @property
    def terms(self) -> dict[str, float]:
        """The parts of the objective by name."""
        return {t.name: t.value for t in self.objective}

    @property
    def discretization(self) -> float | None:
        """How far the worst compartment or term is off continuous time; None where unknown."""
        return self.discretization_parts[0].relative if self.discretization_parts else None

    @property
    def decisions(self) -> dict[str, Any]:
        """Every decision by name, as `result[name]` gives it."""
        return {b.name: b.frame() for b in self.blocks if b.kind == "decision"}

    @property
    def reports(self) -> dict[str, Any]:
        """Every report by name, as `result[name]` gives it; nan where it has no value."""
        return {b.name: b.frame() for b in self.blocks if b.kind == "report"}

    def total(self, name: str) -> Any:
        """The amount that a rate comes to over time (its sum over periods times the step).

        It is a number, or a Series over the other indices, in the amount's unit: USD for USD/year.
        Raises E7070 where the units do not say that `name` is a rate, and KeyError as `result[name]`.
        """
        from allocc.errors import reported

        self[name]  # says what there is where there is no such name
        block = next(b for b in self.blocks if b.name == name)
        if block.time_axis is None or block.amount is None:
            with reported():
                raise DiagnosticError([mistakes.no_rate(name, block.unit, self.time_unit)])
        return block.without_time().frame()

    @property
    def trajectories(self) -> Any:
        """All compartments as one DataFrame: time down the rows, compartments across."""
        return self._table("compartment", baseline=False)

    @property
    def baseline(self) -> Any:
        """The compartments without the interventions, shaped like `trajectories`."""
        return self._table("compartment", baseline=True)

    @property
    def flows(self) -> Any:
        """All flows as one DataFrame, one row a period (named by its begin)."""
        return self._table("flow", baseline=False)

    def _table(self, kind: str, baseline: bool) -> Any:
        import pandas as pd

        blocks = [b for b in self.blocks if b.kind == kind]
        if baseline:
            blocks = [b for b in blocks if b.baseline is not None]
        if not blocks:
            return pd.DataFrame()
        depth = max(len(b.columns) for b in blocks)
        parts = []
        for block in blocks:
            frame = block.frame(block.baseline if baseline else None)
            if isinstance(frame, pd.Series):
                frame = frame.to_frame()
                keys: list[Any] = [()]
            else:
                keys = [c if isinstance(c, tuple) else (c,) for c in frame.columns]
            padded = [(block.name, *key, *[""] * (depth - 1 - len(key))) for key in keys]
            if depth == 1:
                frame.columns = pd.Index([p[0] for p in padded])
            else:
                frame.columns = pd.MultiIndex.from_tuples(padded)
            parts.append(frame)
        return pd.concat(parts, axis=1)

    def to_long(self) -> Any:
        """One tidy DataFrame: kind, name, a column for every index, value, baseline.

        A cell is missing where a name does not have that index, or no baseline is known.
        """
        import pandas as pd

        columns = index_columns(self.blocks)
        found: dict[str, list[Any]] = {c: [] for c in ("kind", "name", *columns)}
        values: list[float] = []
        base: list[float] = []
        for block in self.blocks:
            own = {c: k for k, c in enumerate(block.columns)}
            count = block.values.size
            found["kind"].extend([block.kind] * count)
            found["name"].extend([block.name] * count)
            labels = list(block.labels())
            for c in columns:
                k = own.get(c)
                found[c].extend([None] * count if k is None else [row[k] for row in labels])
            values.extend(block.values.ravel().tolist())
            nothing = [float("nan")] * count
            base.extend(nothing if block.baseline is None else block.baseline.ravel().tolist())
        frame = pd.DataFrame({c: _column(x) for c, x in found.items()})
        frame["value"] = values
        frame["baseline"] = base
        return frame

    # --- what is proven ---------------------------------------------------------------------

    @property
    def has_allocation(self) -> bool:
        """Whether there are decisions to read."""
        return bool(self.blocks)

    def ends(self) -> list[EndRow]:
        """Each compartment at the end, in total over its indices, beside its baseline.

        Scenarios exclude each other and are never added up: each has a row, named `A[mild]`.
        """
        from allocc.compiler.labels import label_text

        rows = []
        for block in self.blocks:
            if block.kind != "compartment":
                continue
            for course in block.over_time():
                at = ",".join(label_text(x) for x in course.labels)
                name = f"{block.name}[{at}]" if at else block.name
                base = None if course.baseline is None else float(course.baseline[-1])
                value = float(course.values[-1])
                rows.append(EndRow(name, block.description, block.unit, value, base))
        return rows


def _column(labels: list[Any]) -> Any:
    """Labels as a column; whole numbers stay whole beside missing cells."""
    import pandas as pd

    known = [x for x in labels if x is not None]
    if len(known) < len(labels) and known and all(isinstance(x, int) for x in known):
        return pd.array(labels, dtype="Int64")
    return labels


@dataclass(frozen=True, slots=True)
class EndRow:
    """A compartment at the end of time."""

    name: str
    description: str
    unit: str
    value: float
    baseline: float | None

    @property
    def change(self) -> float | None:
        """Relative change against the baseline, None where that is unknown or near zero."""
        return None if self.baseline is None else relative_change(self.value, self.baseline)


def relative_change(value: float, baseline: float) -> float | None:
    """The change as a part of the baseline; None where that is near zero beside the change."""
    change = value - baseline
    if abs(baseline) <= NEAR_ZERO * abs(change) or baseline == 0:
        return None
    return change / abs(baseline)
