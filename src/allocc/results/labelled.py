"""Results as labelled arrays: what the tables, the CSV files and the pandas frames are made of."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from allocc.compiler.arrays import FloatArray
from allocc.dsl import tree
from allocc.results.run_folder.json_values import APART

if TYPE_CHECKING:
    from allocc.compiler.algebra.expression import Variable
    from allocc.compiler.algebra.index import IndexSet
    from allocc.compiler.scoping.model import BoundModel
    from allocc.compiler.unrolling.problem import Problem

Kind = Literal["decision", "compartment", "flow", "report"]


@dataclass(frozen=True, slots=True)
class Labels:
    """One index of a block: the names of its columns and a label tuple for each member."""

    names: tuple[str, ...]
    members: tuple[tuple[Any, ...], ...]
    time: bool = False
    #: Scenarios exclude each other: what is decided for all of them is never spent together.
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Amount:
    """What a rate comes to over time: `step` times its sum over periods, in `unit`."""

    step: float
    unit: str


@dataclass(frozen=True, eq=False)
class Block:
    """A decision, compartment, flow or report: values over its indices.

    `baseline` has the same shape: the values without the interventions, where they are known.
    `binary` is a decision between 0 and 1, that is, between no and yes. `amount` is known where the
    units say that it is a rate in the unit of time.
    """

    name: str
    kind: Kind
    axes: tuple[Labels, ...]
    values: FloatArray = field(metadata=APART)
    description: str = ""
    unit: str = ""
    integer: bool = False
    baseline: FloatArray | None = field(default=None, metadata=APART)
    binary: bool = False
    amount: Amount | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all index columns; a repeated one gets a number, as `Region.2`."""
        found: list[str] = []
        for name in (n for axis in self.axes for n in axis.names):
            number = 1 + sum(1 for other in found if other == name or other.startswith(f"{name}."))
            found.append(name if number == 1 else f"{name}.{number}")
        return tuple(found)

    @property
    def time_axis(self) -> int | None:
        """The position of the index that is time."""
        return next((k for k, axis in enumerate(self.axes) if axis.time), None)

    def labels(self) -> Iterator[tuple[Any, ...]]:
        """The labels of every entry, in the order of the flattened values."""
        for parts in itertools.product(*(axis.members for axis in self.axes)):
            yield tuple(x for part in parts for x in part)

    def label(self, position: int) -> tuple[Any, ...]:
        """The labels of one entry, by its position in the flattened values."""
        import numpy as np

        places = np.unravel_index(position, tuple(len(axis.members) for axis in self.axes))
        parts = (axis.members[k] for axis, k in zip(self.axes, places, strict=True))
        return tuple(x for part in parts for x in part)

    def frame(self, values: FloatArray | None = None) -> Any:
        """A number, a Series, or (over time and more) a DataFrame with time down its rows."""
        import pandas as pd

        array: Any = self.values if values is None else values
        if self.integer and not (array % 1).any():
            array = array.astype(int)
        if not self.axes:
            return array.item()
        names = self.columns
        places = list(itertools.accumulate((len(a.names) for a in self.axes), initial=0))
        k = self.time_axis
        if k is None:
            index = _index(list(self.labels()), names)
            return pd.Series(array.ravel(), index=index, name=self.name)
        time = _index(list(self.axes[k].members), names[places[k] : places[k + 1]])
        rest = [i for i in range(len(self.axes)) if i != k]
        if not rest:
            return pd.Series(array.ravel(), index=time, name=self.name)
        rows = [
            tuple(x for part in parts for x in part)
            for parts in itertools.product(*(self.axes[i].members for i in rest))
        ]
        columns = [n for i in rest for n in names[places[i] : places[i + 1]]]
        table = array.transpose([k, *rest]).reshape(array.shape[k], len(rows))
        return pd.DataFrame(table, index=time, columns=_index(rows, columns))

    def without_time(self) -> Block:
        """The same in total over time, with the other indices as they are.

        A rate becomes an amount, in the amount's unit; anything else is added up as it is.
        """
        k = self.time_axis
        if k is None:
            return self
        step = 1.0 if self.amount is None else self.amount.step
        base = None if self.baseline is None else self.baseline.sum(axis=k) * step
        axes = (*self.axes[:k], *self.axes[k + 1 :])
        unit = self.unit if self.amount is None else self.amount.unit
        values = self.values.sum(axis=k) * step
        return replace(self, axes=axes, values=values, baseline=base, unit=unit, amount=None)

    @property
    def how_totalled(self) -> str:
        """What `without_time` shows, in words; empty where there is no time."""
        if self.time_axis is None:
            return ""
        if self.amount is None:
            return f"sum over {self.axes[self.time_axis].names[0]}"
        return "in total"

    @property
    def additive(self) -> bool:
        """Whether its members may be added up: not those of scenarios, which exclude each other."""
        return not any(axis.exclusive for axis in self.axes)

    def over_time(self) -> list[Course]:
        """In total over all indices but time and scenarios: a course for each scenario, or one."""
        import numpy as np

        k = self.time_axis
        assert k is not None
        apart = [i for i, a in enumerate(self.axes) if a.exclusive and i != k]
        rest = tuple(i for i in range(len(self.axes)) if i != k and i not in apart)
        arrays = [self.values] if self.baseline is None else [self.values, self.baseline]
        # Time is moved to the end; what is left before it are the scenarios.
        added = [np.moveaxis(a, k, -1).sum(axis=tuple(i - (i > k) for i in rest)) for a in arrays]
        lines = [a.reshape(-1, a.shape[-1]) for a in added]
        members = itertools.product(*(self.axes[i].members for i in apart))
        labels = [tuple(x for part in parts for x in part) for parts in members]
        return [
            Course(label, lines[0][n], lines[1][n] if len(lines) > 1 else None)
            for n, label in enumerate(labels)
        ]


@dataclass(frozen=True, eq=False)
class Course:
    """Something over time: in one scenario, which has labels, or in the only world there is."""

    labels: tuple[Any, ...]
    values: FloatArray
    baseline: FloatArray | None


@dataclass(frozen=True, eq=False)
class Target:
    """What the model itself compares a decision with, member by member; see `comparisons`.

    `values` runs over the decision's indices without time, and is in total over time. `statement`
    names the term or limit with a `distance` from it, or the parameter that it is.
    """

    decision: str
    statement: str
    description: str
    values: FloatArray = field(metadata=APART)
    distance: bool = False


def _index(rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> Any:
    import pandas as pd

    if len(names) == 1:
        return pd.Index([row[0] for row in rows], name=names[0])
    return pd.MultiIndex.from_tuples(rows, names=list(names))


def index_columns(blocks: Sequence[Block]) -> list[str]:
    """The index columns of several blocks side by side, each once; time comes last."""
    times = {a.names[0] for b in blocks for a in b.axes if a.time}
    found = dict.fromkeys(c for b in blocks for c in b.columns)
    return [c for c in found if c not in times] + [c for c in found if c in times]


def label_columns(
    index_set: IndexSet, time_name: str | None, scenarios: Collection[str] = ()
) -> Labels:
    """The labels of a compiled index set; periods are named by the time at which they begin.

    `scenarios` are the names of sets whose members exclude each other.
    """
    time = index_set.kind == "time"
    names = (time_name,) if time and time_name else index_set.component_names
    return Labels(
        tuple(names),
        tuple(zip(*index_set.components, strict=True)),
        time,
        index_set.name in scenarios,
    )


def scenario_sets(model: BoundModel) -> set[str]:
    """The sets that a `chance` block runs over."""
    return {
        name.name
        for chance in model.chances
        for binder in chance.scenario.binders
        if isinstance(name := binder.set_expression, tree.Name)
    }


def _amount(model: BoundModel, name: str) -> Amount | None:
    unit = model.units.amount(name)
    if unit is None or model.time is None:
        return None
    return Amount(model.time.step, str(unit) if unit.words else "")


def blocks_of(
    problem: Problem,
    values: Mapping[Variable, FloatArray],
    baseline: tuple[Problem, Mapping[Variable, FloatArray]] | None = None,
) -> list[Block]:
    """Decisions, compartments and flows as simulated, with the baseline's beside them."""
    time = problem.model.time
    name = time.name if time is not None else None
    scenarios = scenario_sets(problem.model)
    found = [
        Block(
            v.name,
            "decision" if v.kind == "decision" else "compartment",
            tuple(label_columns(s, name, scenarios) for s in v.sets),
            values[v],
            v.description,
            v.unit,
            v.integer,
            baseline[1].get(v) if baseline is not None and v.kind != "decision" else None,
            _is_binary(v),
            _amount(problem.model, v.name) if v.kind == "decision" and _over_periods(v) else None,
        )
        for v in problem.variables
    ]
    other = _flow_values(*baseline) if baseline is not None else {}
    for flow, array in zip(problem.flows, _flow_values(problem, values).values(), strict=True):
        statement = flow.symbol.statement
        assert time is not None
        sets = (*flow.symbol.sets, time.periods)
        found.append(
            Block(
                statement.name.name,
                "flow",
                tuple(label_columns(s, name, scenarios) for s in sets),
                array,
                statement.description or "",
                baseline=other.get(statement.name.name),
                amount=_amount(problem.model, statement.name.name),
            )
        )
    return found


def _over_periods(v: Variable) -> bool:
    """Whether there is a value for each period; over points, the last one belongs to no period."""
    return any(s.kind == "time" and s.name == "period" for s in v.sets)


def _is_binary(v: Variable) -> bool:
    if not v.integer or v.lower is None or v.upper is None or not v.size:
        return False
    return bool((v.lower >= 0).all() and (v.upper <= 1).all())


def _flow_values(problem: Problem, values: Mapping[Variable, FloatArray]) -> dict[str, FloatArray]:
    import numpy as np

    from allocc.compiler.algebra.index import spread
    from allocc.compiler.algebra.numeric import Evaluation

    evaluate = Evaluation(dict(values))
    found: dict[str, FloatArray] = {}
    for flow in problem.flows:
        value = spread(evaluate(flow.node), flow.node.axes, flow.axes)
        shape = tuple(a.size for a in flow.axes)
        found[flow.symbol.statement.name.name] = np.broadcast_to(value, shape).astype(float)
    return found
