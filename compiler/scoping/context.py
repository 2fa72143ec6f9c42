"""How an expression is read: what acts, what is known, and what is written down on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.algebra.index import Coordinate
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.data.tables import DataTable
from allocc.compiler.scoping.model import LetSymbol, ParameterSymbol
from allocc.dsl.diagnostics import Diagnostic


@dataclass(eq=False)
class Known:
    """Everything that is decided and simulated: what reports are evaluated with.

    `reports` keeps the values of those that are done. `undefined` collects what has no value there,
    as a division by zero: the entry of the report is then not a number.
    """

    evaluate: Evaluation
    reports: dict[str, FloatArray] = field(default_factory=dict)
    undefined: list[Diagnostic] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Read:
    """What an expression has read: a parameter, a named expression or a table's column, and where.

    There is a coordinate for every set of a name; of a column, the one of its rows.
    """

    source: ParameterSymbol | LetSymbol | DataTable
    coordinates: Sequence[Coordinate]
    column: str = ""


@dataclass(frozen=True, eq=False)
class Opened:
    """Parameters and flows that stand for themselves in an expression, and not for their values.

    `variables` are those; a flow's is over its sets and the periods. `expressed` are the names of parameters and named expressions that are made
    of them, and are read as they are written. What has to be data, as a condition, an index or an
    exponent, reads values all the same.
    """

    variables: Mapping[str, Variable]
    expressed: frozenset[str]


@dataclass(frozen=True, eq=False)
class Context:
    """How expressions are read.

    With `effects`, interventions act on flows and parameters. With `time_required`, a parameter that
    they act on is an error where no time is meant, as in limits and objectives. `report` has what is
    decided, where a report is evaluated: decisions and compartments are then data like any other.
    Where `reads` is a list, everything that is read of the data is written down in it. With `opened`,
    parameters are unknowns like any other. A world that is `one_of_many` may have limits that no decision mends.
    """

    effects: bool = True
    time_required: bool = False
    report: Known | None = None
    reads: list[Read] | None = None
    opened: Opened | None = None
    one_of_many: bool = False
