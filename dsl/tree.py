"""The syntax tree of a `.alloc` file: frozen dataclasses, one a construct.

Every node carries the `Span` of its text. The tree knows names and numbers as they were written,
nothing of their meaning: resolution, index sets and units belong to the compiler.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Source:
    """A text and the name it is shown under (usually the path as the user gave it)."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range `start .. stop` of characters in a source; lines and columns count from 1.

    `called` is where the model calls the function of another file that this stands in. It is no part of
    the place.
    """

    source: Source
    start: int
    stop: int
    called: Span | None = field(default=None, compare=False, repr=False)

    @property
    def line(self) -> int:
        """Line number of the first character, from 1."""
        return self.source.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """Column of the first character, from 1."""
        return self.start - (self.source.text.rfind("\n", 0, self.start) + 1) + 1

    @property
    def text(self) -> str:
        """The words that the span covers."""
        return self.source.text[self.start : self.stop]

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`."""
        return Span(self.source, self.start, max(self.stop, other.stop))

    def covers(self, other: Span) -> bool:
        """Whether `other` is a part of this one, and not all of it."""
        inside = (
            self.source is other.source and self.start <= other.start <= other.stop <= self.stop
        )
        return inside and self != other


@dataclass(frozen=True, slots=True)
class Comment:
    """A `#` comment, kept beside the tree for the formatter; `text` includes the `#`."""

    span: Span
    text: str


# Spans never take part in equality: two trees are equal when they say the same. A node that no
# text stands behind (a test's, a rewriting stage's) may leave its span out.
_NOWHERE = Span(Source("", ""), 0, 0)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name where it is declared or pointed at outside of expressions."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal; also an expression (a label, as in `x["44001"]`)."""

    value: str
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


# --- expressions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """A number; `written` is its text in the file. `unit` is set for `0.3 [1/year]` literals."""

    value: float
    written: str
    unit: Unit | None = None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A reference to a name."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Field:
    """`table.column`, or `table.key` for the tuples of a table's key columns."""

    table: Identifier
    column: Identifier
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Subscript:
    """`base[a, b]`, with `base` a `Name` or a `Field`."""

    base: Name | Field
    indices: tuple[Expression, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Fallback:
    """`x[t-3] else 0`: the value of `otherwise` where the subscript reaches outside of its set.

    Of a bare column, `table.column else 0`: where the table has no row, or the cell is blank.
    """

    subscript: Subscript | Field
    otherwise: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x` or `not x`."""

    operator: Literal["-", "+", "not"]
    operand: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """An arithmetic or logical operation of two operands."""

    operator: Literal["+", "-", "*", "/", "^", "and", "or", "implies"]
    left: Expression
    right: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A chain `a <= b <= c`; `operators` has one entry fewer than `operands`."""

    operands: tuple[Expression, ...]
    operators: tuple[Literal["<=", ">=", "==", "!=", "<", ">", "in", "not in"], ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Conditional:
    """`if condition then a else b`."""

    condition: Expression
    then: Expression
    otherwise: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Range:
    """`low .. high`, only where a set is expected."""

    low: Expression
    high: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SetLiteral:
    """`{a, b, "44001", 3}`: bare names are labels."""

    members: tuple[Expression, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SetFilter:
    """`{c in County if existing[c] > 0}`."""

    index: Index
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TupleExpression:
    """`(a, b)`, only where an index tuple is expected, as in `(a, b) in Link`."""

    members: tuple[Expression, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`name(a, b)` or, with an index, `name(i in S, t if filter: body)`.

    With an index, `arguments` is empty and `body` is set; without one, `index` and `body` are None.
    """

    function: Identifier
    arguments: tuple[Expression, ...]
    index: Index | None = None
    body: Expression | None = None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


Expression = (
    Number
    | Text
    | Name
    | Field
    | Subscript
    | Fallback
    | Unary
    | Binary
    | Comparison
    | Conditional
    | Range
    | SetLiteral
    | SetFilter
    | TupleExpression
    | Call
)


@dataclass(frozen=True, slots=True)
class Binder:
    """One entry of an index list: `c in County`, `(a, b) in Link`, or a bare set or time, `County`.

    `names` is empty for a bare `set_expression`.
    """

    names: tuple[Identifier, ...]
    set_expression: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Index:
    """An index list with its optional filter: `[c in County, t if t > start]`."""

    binders: tuple[Binder, ...]
    condition: Expression | None = None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


# --- units -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnitName:
    """A unit's name, as `person` or `USD`; `1` is the dimensionless unit."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UnitPower:
    """A unit raised to a whole power."""

    base: Unit
    exponent: int
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UnitProduct:
    """Product or quotient of two units."""

    operator: Literal["*", "/"]
    left: Unit
    right: Unit
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


Unit = UnitName | UnitPower | UnitProduct


# --- statements ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """`model NAME "title"`."""

    name: Identifier
    title: str | None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Argument:
    """`name = expression` in a `use`."""

    name: Identifier
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Use:
    """`use NAME, NAME from "FILE" (a = expr, ...)`."""

    names: tuple[Identifier, ...]
    file: Text
    arguments: tuple[Argument, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Table:
    """`table NAME from "FILE.csv" key a, b`."""

    name: Identifier
    file: Text
    keys: tuple[Identifier, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SetDeclaration:
    """`set NAME "text" = EXPR`."""

    name: Identifier
    description: str | None
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UnitDeclaration:
    """`unit NAME` (a new base unit) or `unit NAME = 12 dozen` (a scale of another)."""

    name: Identifier
    factor: Number | None
    unit: Unit | None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Interval:
    """`in LO .. HI`; either side may be left out: `in 0 ..`, `in .. 1`.

    `apart` is the value of `in 0 or LO .. HI`, which a decision may have besides.
    """

    low: Expression | None
    high: Expression | None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)
    apart: Expression | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """`param NAME[INDEX] "text" : UNIT integer|binary in LO .. HI = EXPR`.

    Without `= EXPR` its value must be given.
    """

    name: Identifier
    index: Index | None
    description: str | None
    unit: Unit | None
    kind: Literal["continuous", "integer", "binary"]
    interval: Interval | None
    value: Expression | None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Let:
    """`let NAME[INDEX] "text" : UNIT = EXPR`."""

    name: Identifier
    index: Index | None
    description: str | None
    unit: Unit | None
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Time:
    """`time NAME "text" : UNIT = A .. B step H method euler|trapezoid|implicit|exponential`."""

    name: Identifier
    description: str | None
    unit: Unit | None
    start: Expression
    end: Expression
    step: Expression | None
    method: Identifier | None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Compartment:
    """`compartment NAME[INDEX] "text" : UNIT`."""

    name: Identifier
    index: Index | None
    description: str | None
    unit: Unit | None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Initial:
    """`initial NAME[INDEX] = EXPR`."""

    name: Identifier
    index: Index | None
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Flow:
    """`flow NAME[INDEX] "text" : FROM -> TO = EXPR`; a missing side is a source or a sink."""

    name: Identifier
    index: Index | None
    description: str | None
    origin: Name | Subscript | None
    target: Name | Subscript | None
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Decide:
    """`decide NAME[INDEX] "text" : UNIT integer|binary in LO .. HI after SCENARIO`."""

    name: Identifier
    index: Index | None
    description: str | None
    unit: Unit | None
    kind: Literal["continuous", "integer", "binary"]
    interval: Interval | None
    after: Identifier | None = None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Effect:
    """`effect NAME[INDEX] += EXPR` on a flow or `*= EXPR` on a parameter."""

    name: Identifier
    index: Index | None
    operator: Literal["+=", "*="]
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Limit:
    """`limit NAME[INDEX] "text": RELATION`: a comparison, or several put together by logic.

    `RELATION if CONDITION` is kept as `CONDITION implies RELATION`.
    """

    name: Identifier
    index: Index | None
    description: str | None
    relation: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Prefer:
    """`prefer NAME[INDEX] "text": COMPARISON penalty WEIGHT`."""

    name: Identifier
    index: Index | None
    description: str | None
    relation: Expression
    penalty: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Chance:
    """`chance NAME: probability P over s in SCENARIO weight W { limit ... }`."""

    name: Identifier
    description: str | None
    probability: Expression
    scenario: Index
    weight: Expression
    limits: tuple[Limit, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME[INDEX] = EXPR` in a policy: what a decision is by its rule.

    In a fit, behind `decided`: what it was.
    """

    name: Identifier
    index: Index | None
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """`policy NAME "text" { assignments }`: an allocation by a rule."""

    name: Identifier
    description: str | None
    assignments: tuple[Assignment, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """`report NAME[INDEX] "text" : UNIT = EXPR`: evaluated afterwards, never optimized."""

    name: Identifier
    index: Index | None
    description: str | None
    unit: Unit | None
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Formal:
    """A parameter of a function: `x`, `x[S]` or `x[S, T]`."""

    name: Identifier
    sets: tuple[Identifier, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Function:
    """`function NAME(x[S], y, ...) "text" = EXPR`."""

    name: Identifier
    formals: tuple[Formal, ...]
    description: str | None
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Intervention:
    """`intervention NAME "text" { statements }`."""

    name: Identifier
    description: str | None
    body: tuple[Statement, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Term:
    """`NAME "text" : EXPR` in an objective."""

    name: Identifier
    description: str | None
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Objective:
    """`minimize { terms }` or `maximize { terms }`."""

    sense: Literal["minimize", "maximize"]
    terms: tuple[Term, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Estimate:
    """`estimate NAME in LO .. HI from GUESS ~ normal(MEAN, DEVIATION)`: a parameter that a fit finds.

    What stands behind `~` is its prior.
    """

    name: Identifier
    interval: Interval | None
    guess: Expression | None
    prior: Expression | None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Observe:
    """`observe EXPR = DATA weight W`, or `observe EXPR ~ poisson(DATA)`, at the times of a table's rows.

    `index` is what `observe X[i in S] = ...` binds; `value` is `X[i]` then.
    """

    index: Index | None
    value: Expression
    operator: Literal["=", "~"]
    data: Expression
    weight: Expression | None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


#: What may stand in a fit.
FitPart = Time | Initial | Assignment | Estimate | Observe


@dataclass(frozen=True, slots=True)
class Fit:
    """`fit NAME "text" { time ... initial ... decided ... estimate ... observe ... }`."""

    name: Identifier
    description: str | None
    body: tuple[FitPart, ...]
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Uncertain:
    """`uncertain NAME[INDEX] ~ normal(MEAN, SD)`: how a parameter that is not known is distributed."""

    name: Identifier
    index: Index | None
    distribution: Expression
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Measure:
    """`by mean`, or `by cvar 90%`: what worlds are weighed by."""

    name: Identifier
    level: Number | None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`scenario NAME "text" from "FILE" weight COLUMN by MEASURE`, or `draws NUMBER` for the file.

    Either `file` or `draws` is set.
    """

    name: Identifier
    description: str | None
    file: Text | None
    weight: Identifier | None
    draws: Number | None
    measure: Measure | None
    span: Span = field(default=_NOWHERE, compare=False, repr=False)


Statement = (
    ModelHeader
    | Use
    | Table
    | SetDeclaration
    | UnitDeclaration
    | Parameter
    | Let
    | Time
    | Compartment
    | Initial
    | Flow
    | Intervention
    | Decide
    | Effect
    | Limit
    | Prefer
    | Chance
    | Policy
    | Report
    | Function
    | Objective
    | Fit
    | Uncertain
    | Scenario
)


@dataclass(frozen=True, slots=True)
class File:
    """A parsed file: its statements in order, and its comments."""

    source: Source = field(compare=False, repr=False)
    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = field(compare=False, default=())
