"""`BoundModel`: a tree bound to its data. What a name means is known; time is not unrolled yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.algebra.index import Axis, Coordinate, IndexSet
from allocc.compiler.arrays import FloatArray
from allocc.compiler.names.structure import Declarations, side_name
from allocc.compiler.scoping.scope import Now, Scope
from allocc.compiler.scoping.spaces import Space
from allocc.compiler.scoping.usage import Expanded, Usage
from allocc.compiler.units.unit_check import Units
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Chance, File, Limit, Objective, Prefer

Method = Literal["euler", "trapezoid", "implicit", "exponential"]

#: For methods that need the end of a period: how much the flows there count, those at its begin the rest.
END_SHARE: dict[Method, float] = {"trapezoid": 0.5, "implicit": 1.0}


@dataclass(frozen=True, eq=False)
class Horizon:
    """The horizon: `points` at `start + k * step`, and a period between each two of them."""

    name: str
    unit: str
    points: IndexSet
    periods: IndexSet
    step: float
    method: Method
    statement: tree.Time

    @property
    def count(self) -> int:
        """Number of periods."""
        return len(self.periods)

    @property
    def values(self) -> FloatArray:
        """The time of each point."""
        return np.asarray(self.points.components[0], dtype=float)


@dataclass(frozen=True, eq=False)
class ParameterSymbol:
    """A parameter's data over `space.axes`; `effects` are the interventions that scale it.

    Where a fit estimates it, `unknown` stands for the values, which are not known.
    """

    statement: tree.Parameter
    space: Space
    sets: tuple[IndexSet, ...]
    values: FloatArray
    effects: tuple[tree.Effect, ...] = ()
    unknown: Variable | None = None


@dataclass(frozen=True, eq=False)
class LetSymbol:
    """A named expression.

    `data` when it depends on no variable, `inline` when it is put where it is used, `definition`
    when it has a column of its own, `implicit` when it means the current time in a flow.
    """

    statement: tree.Let
    space: Space
    sets: tuple[IndexSet, ...]
    mode: Literal["data", "inline", "definition", "implicit"]
    values: FloatArray | None = None
    variable: Variable | None = None


@dataclass(frozen=True, eq=False)
class FlowSymbol:
    """A flow over its index space; `origin` and `target` name compartments, None for outside."""

    statement: tree.Flow
    space: Space
    sets: tuple[IndexSet, ...]
    effects: tuple[tree.Effect, ...] = ()

    def leaves(self, compartment: str) -> bool:
        """Whether the flow takes from a compartment."""
        return side_name(self.statement.origin) == compartment


@dataclass(frozen=True, eq=False)
class ReportSymbol:
    """A value over its index space that is computed once the decisions are known."""

    statement: tree.Report
    space: Space
    sets: tuple[IndexSet, ...]


@dataclass(frozen=True, eq=False)
class PolicySymbol:
    """An allocation by a rule: the values of the decisions that it names, over their sets."""

    statement: tree.Policy
    values: Mapping[Variable, FloatArray]

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.statement.name.name


@dataclass(frozen=True, eq=False)
class UncertainSymbol:
    """How each member of a parameter is distributed, by itself.

    `numbers` are what the distribution is told (`names.uncertainty.DISTRIBUTIONS`), each over `sets`, the
    parameter's. `low` and `high` are the parameter's range, which the distribution is cut to.
    """

    statement: tree.Uncertain
    kind: str
    numbers: tuple[FloatArray, ...]
    sets: tuple[IndexSet, ...]
    low: FloatArray
    high: FloatArray

    @property
    def name(self) -> str:
        """The parameter's name."""
        return self.statement.name.name

    @property
    def support(self) -> tuple[FloatArray, FloatArray]:
        """Outside of which the distribution has no density, before it is cut."""
        first, last = self.numbers[0], self.numbers[-1]
        if self.kind in ("uniform", "triangular"):
            return first, last
        low = np.full_like(first, -np.inf if self.kind == "normal" else 0.0)
        return low, np.full_like(first, 1.0 if self.kind == "beta" else np.inf)


@dataclass(frozen=True, eq=False)
class ScenarioSymbol:
    """The worlds that may come: from a file, or `draws` of what is uncertain; None of the other.

    `measure` is what they are weighed by, as it is written; None where the model does not say.
    """

    statement: tree.Scenario
    draws: int | None
    measure: str | None

    @property
    def name(self) -> str:
        """What the set of worlds is called."""
        return self.statement.name.name

    @property
    def description(self) -> str:
        """What the model says of it."""
        return self.statement.description or ""

    @property
    def file(self) -> str | None:
        """The file of the worlds, in the data folder."""
        return None if self.statement.file is None else self.statement.file.value

    @property
    def weight(self) -> str | None:
        """The column of that file with the weights."""
        return None if self.statement.weight is None else self.statement.weight.name


@dataclass(frozen=True, eq=False)
class CompartmentSymbol:
    """A compartment: its variable over its sets and the time points, and its initial value."""

    statement: tree.Compartment
    space: Space
    variable: Variable
    initial: FloatArray | None = None


def enter(space: Space, coordinates: tuple[Coordinate, ...], base: Scope, now: Now | None) -> Scope:
    """The scope inside of a declared space when its axes are at given coordinates.

    `coordinates` has one entry for each of `space.axes`, in the sets of `space.sets()`.
    """
    at = dict(zip(space.axes, coordinates, strict=True))
    scope = Scope({}, now, base.anonymous, base.guard, base.depth + 1)
    for key, dimension in zip(space.keys, space.dimensions, strict=True):
        (axis,) = dimension.axes or (None,)
        if axis is None:
            moved = dimension
        else:
            here = at[axis]
            moved = Coordinate(dimension.set, here.axes, dimension.positions[here.positions])
        if isinstance(key, str):
            scope = scope.with_names({key: moved})
        else:
            scope = Scope(
                scope.locals, scope.now, scope.anonymous.bound(key, moved), scope.guard, scope.depth
            )
            for name, local in space.scope.locals.items():
                if isinstance(local, Coordinate) and local.axes == dimension.axes:
                    scope = scope.with_names({name: moved})
    return scope


def along(axes: tuple[Axis, ...], sets: tuple[IndexSet, ...]) -> tuple[Coordinate, ...]:
    """Coordinates that run along axes."""
    return tuple(Coordinate(s, (a,), np.arange(a.size)) for a, s in zip(axes, sets, strict=True))


@dataclass(frozen=True, eq=False)
class BoundModel:
    """A bound model, ready to be discretized.

    `declared` are its statements, and `symbols` what each name in them means. `settings` are the
    values that were set from outside. `usage` and `expanded` are what binding has read and expanded;
    who goes on from there takes copies.
    """

    name: str
    title: str
    path: Path | None
    tree: File
    time: Horizon | None
    decisions: list[Variable]
    compartments: dict[str, CompartmentSymbol]
    flows: dict[str, FlowSymbol]
    parameters: dict[str, ParameterSymbol]
    lets: dict[str, LetSymbol]
    limits: list[Limit]
    prefers: list[Prefer]
    chances: list[Chance]
    reports: list[ReportSymbol]
    policies: list[PolicySymbol]
    uncertain: list[UncertainSymbol]
    scenario: ScenarioSymbol | None
    objective: Objective | None
    sets: dict[str, IndexSet]
    units: Units
    declared: Declarations
    symbols: Mapping[str, Any]
    settings: Mapping[str, Any]
    usage: Usage
    expanded: Expanded
    diagnostics: tuple[Diagnostic, ...]

    @property
    def after(self) -> tuple[str, ...]:
        """The decisions that may answer to the world."""
        decided = self.declared.every(tree.Decide).items()
        return tuple(name for name, s in decided if s.after is not None)
