"""One solve of many: what is asked (`Point`) and what comes out (`Answer`), as plain data.

Both go between processes and machines: they hold text and numbers, and nothing of a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from allocc.results.fitting.found import FitResult
from allocc.results.run_folder.json_values import APART

#: Decisions by name, and by their labels as text: a form that `simulate` and `solve(start=...)` take.
Decisions = Mapping[str, Mapping[tuple[str, ...], float]]


@dataclass(frozen=True)
class Point:
    """One solve: a model, its data, and what is other than there.

    `label` says which point it is, by name, for people. `path` and `data` are the model's file and its data
    folder (None: the model's own). `settings` are parameters as `allocc.load` takes them, and go over
    `fitted`, a fit or where one was saved. `options` are those of `Model.solve`: solver, method, gap,
    time_limit, memory_limit, seed, threads (1 unless it is said).
    """

    label: Mapping[str, str]
    path: str
    data: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    fitted: str | FitResult | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The label in one line, as `grant=1e6, data=RI`."""
        return ", ".join(f"{k}={v}" for k, v in self.label.items())


@dataclass(frozen=True)
class Answer:
    """How one solve has ended.

    `status` is that of a solve, or "error" where there was a mistake, or "died" where the process ended each
    time it was tried; `error` says what was wrong. `violation` is relative. `decisions` are by name and
    labels, `columns` the names of those labels. `seconds` are those of the whole point, from reading the
    files on. `key` is what the point is known by in a store. `cuts` say where the solve has cut ranges, for the
    solve of a point nearby.
    """

    key: str
    status: str
    stopped: str = ""
    sense: str = "minimize"
    value: float | None = None
    bound: float | None = None
    gap: float | None = None
    proof: str | None = None
    violation: float | None = None
    terms: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    rounds: int = 0
    error: str = ""
    model: str = ""
    title: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    cuts: dict[str, tuple[float, ...]] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    decisions: dict[str, dict[tuple[str, ...], float]] = field(default_factory=dict, metadata=APART)

    @property
    def failed(self) -> bool:
        """Whether there is no answer: a mistake, or a process that died."""
        return self.status in ("error", "died")
