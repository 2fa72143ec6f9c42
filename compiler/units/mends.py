"""What to do about two units that disagree: the conversion, or the factor that is at fault."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from allocc.compiler.functions import WORDS
from allocc.compiler.names.structure import Declarations
from allocc.compiler.units.errors import Mend
from allocc.compiler.units.unit import ONE, TIMES, Unit
from allocc.dsl import tree
from allocc.dsl.diagnostics import Note
from allocc.dsl.walk import nodes

#: An expression is shown up to this many characters.
LONGEST = 60

#: Functions whose result has the unit of their argument.
KEEPING = ("sum", "mean", *(name for name, word in WORDS.items() if word.units == "kept"))

#: A factor of an expression, its unit if it has one, and its power.
Factor = tuple[tree.Expression, Any, int]


class Mends(ABC):
    """The part of an inference that explains what it found."""

    declared: Declarations
    time: Any
    step: float | None

    @abstractmethod
    def infer(self, e: tree.Expression) -> Any:
        """The unit of an expression."""

    @abstractmethod
    def quiet(self) -> AbstractContextManager[Any]:
        """Infer without reporting."""

    @staticmethod
    def text(e: tree.Expression) -> str:
        """An expression on one line."""
        found = " ".join(e.span.text.split())
        return found if len(found) <= LONGEST else f"{found[: LONGEST - 3]}..."

    def mend(
        self,
        e: tree.Expression,
        found: Unit,
        wanted: Unit,
        other: tree.Expression | None = None,
    ) -> Mend:
        """How an expression in one unit can be brought into another, that of `other`."""
        with self.quiet():
            factors = list(self._factors(e, 1))
        gap = wanted / found
        notes = (*self._notes(factors), *self._paces(factors, gap))
        if found.same_dimension(wanted):
            return Mend(conversion(gap), relation(found, wanted), notes)
        hint = (
            self._added_up(gap, e, other)
            or self._number(factors, gap)
            or self._parameter(factors, gap)
            or (f"{times(gap)}, if that is what is meant" if len(gap.words) <= 2 else None)
            or f"look at what is multiplied and divided: a factor in {gap} is missing"
        )
        return Mend(hint, None, notes)

    def _factors(self, e: tree.Expression, power: int) -> Iterator[Factor]:
        """What an expression multiplies and divides by, with the sums around it left out."""
        match e:
            case tree.Binary(operator="*" | "/" as operator, left=left, right=right):
                yield from self._factors(left, power)
                yield from self._factors(right, power if operator == "*" else -power)
            case tree.Unary(operator="-" | "+", operand=operand):
                yield from self._factors(operand, power)
            case tree.Call(function=f, body=body) if body is not None:
                if f.name in ("sum", "mean", "min", "max"):
                    yield from self._factors(body, power)
                else:
                    yield e, self.infer(e), power
            case tree.Call(function=f, arguments=(one,)) if f.name in KEEPING:
                yield from self._factors(one, power)
            case _:
                yield e, self.infer(e), power

    def _notes(self, factors: list[Factor]) -> tuple[Note, ...]:
        """Where the unit of a product comes from."""
        shown = {self.text(e): u for e, u, _ in factors if isinstance(u, Unit)}
        if len(shown) < 2:
            return ()
        parts = [f"`{text}` is {words_of(unit)}" for text, unit in shown.items()]
        return (Note(", ".join(parts)),)

    def _paces(self, factors: list[Factor], gap: Unit) -> Iterator[Note]:
        """How often what is multiplied is decided, where it is time that is missing."""
        if not any(word in TIMES for word in gap.words) or self.step is None:
            return
        for e, unit, _ in factors:
            base = e.base if isinstance(e, tree.Subscript) else e
            name = base.name if isinstance(base, tree.Name) else ""
            statement = self.declared.names.get(name)
            if isinstance(statement, tree.Decide) and isinstance(unit, Unit):
                binders = statement.index.binders if statement.index is not None else ()
                if any(self.is_time(b.set_expression) for b in binders):
                    yield Note(
                        f"'{name}' is {words_of(unit)}, decided every {self.step:g} {self.time}"
                    )

    def is_time(self, e: tree.Expression) -> bool:
        """Whether an index runs over points or periods of time."""
        return isinstance(e, tree.Name) and e.name in ("period", self.declared.time_name)

    def _added_up(self, gap: Unit, e: tree.Expression, other: tree.Expression | None) -> str | None:
        """What to do where a sum over time adds rates, and an amount is meant."""
        word = next(iter(gap.words), None)
        if word not in TIMES or len(gap.words) != 1 or abs(gap.words[word]) != 1:
            return None
        if not any(x is not None and self._sums_over_time(x) for x in (e, other)):
            return None
        return (
            "a sum over time adds rates; for an amount, write `total` in place of `sum`, or multiply "
            f"them by the length of a step, a parameter in {word}"
        )

    def _sums_over_time(self, e: tree.Expression) -> bool:
        """Whether an expression holds a sum over points or periods of time."""
        return any(
            self.is_time(binder.set_expression)
            for n in nodes(e)
            if isinstance(n, tree.Call) and n.function.name == "sum" and n.index is not None
            for binder in n.index.binders
        )

    def _number(self, factors: list[Factor], gap: Unit) -> str | None:
        """A number that is written out in a product, and may have the missing unit."""
        for e, _, power in factors:
            if isinstance(e, tree.Number) and e.value not in (0.0, 1.0):
                unit = gap**power
                return (
                    "a number in a product is a pure number; if it has a unit, say so: "
                    f"`param NAME : {unit} = {self.text(e)}`, and write NAME for it"
                )
        return None

    def _parameter(self, factors: list[Factor], gap: Unit) -> str | None:
        """A factor that stands the wrong way up, or a ratio that lacks the missing unit."""
        if sum(isinstance(u, Unit) for _, u, _ in factors) < 2:
            return None
        for e, unit, power in factors:
            if isinstance(unit, Unit) and gap == unit ** (-2 * power):
                verb = "divided" if power > 0 else "multiplied"
                return f"it would fit if it were {verb} by `{self.text(e)}`"
        if len(gap.words) != 1:
            return None
        for e, unit, power in factors:
            base = e.base if isinstance(e, tree.Subscript) else e
            if not isinstance(base, tree.Name) or not isinstance(unit, Unit):
                continue
            statement = self.declared.names.get(base.name)
            if isinstance(statement, tree.Parameter) and len(unit.words) > 1:
                would = replace(unit * gap**power, written="")
                return f"it would fit if '{base.name}' were {words_of(would)}, not {words_of(unit)}"
        return None


def words_of(unit: Unit) -> str:
    """A unit as a message names it: `in USD/person`, or `a pure number`."""
    return f"in {unit}" if unit.words else "a pure number"


def times(gap: Unit) -> str:
    """What to multiply or divide by, so that a unit changes by `gap`."""
    if all(power < 0 for power in gap.words.values()):
        return f"divide it by a quantity in {ONE / gap}"
    return f"multiply it by a quantity in {gap}"


def relation(found: Unit, wanted: Unit) -> str:
    """How two scales of one dimension are related: `1 person/day is 7 person/week`."""
    big, small = found, wanted
    if (found / wanted).size < 1:
        big, small = small, big
    unit = f" {small}" if small.words else ""
    return f"1 {big if big.words else ''} is {number((big / small).size)}{unit}".replace(
        "1  ", "1 "
    )


def conversion(gap: Unit) -> str:
    """The factor between two scales, as a parameter to multiply or divide by."""
    multiply = gap.size < 1
    unit = gap if multiply else ONE / gap
    above = [w for w, p in unit.words.items() if p == 1]
    below = [w for w, p in unit.words.items() if p == -1]
    simple = len(above) == len(below) == 1 and len(unit.words) == 2
    many = "s" if simple and above[0] in TIMES else ""
    name = f"{above[0]}{many}_per_{below[0]}" if simple else "factor"
    value = number((ONE / unit).size)
    return (
        f"convert it: {'multiply' if multiply else 'divide'} by `{name}`, "
        f"with `param {name} : {unit} = {value}`"
    )


def number(value: float) -> str:
    """A factor with the digits that it needs."""
    return f"{value:.12g}"
