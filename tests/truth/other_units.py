"""A model that ships, written in other units: amounts of people, money and doses times powers of ten.

Units are declared, so what has to be multiplied is known. Parameters get their values as settings; in the
text, numbers in ranges and initial values are multiplied, while what is computed from parameters has the
new unit by itself. Terms of the objective are brought to the unit of the first one, as their weights are
numbers without a unit. Reports are left out: no decision depends on them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import allocc
from allocc.compiler.units.unit import Unit
from allocc.dsl import tree
from allocc.dsl.reading.parser import parse_file

#: Tens by which the number of a base unit is multiplied: `{"person": 3}` counts in thousandths.
Tens = Mapping[str, int]


@dataclass
class Rewriting:
    """The changes to one file, as spans with their new text."""

    model: allocc.Model
    tens: Tens
    changes: list[tuple[int, int, str]] = field(default_factory=list)

    def power(self, unit: Unit | None) -> int:
        """The tens of a unit."""
        if unit is None:
            return 0
        found = sum(
            (Fraction(e) * self.tens.get(b, 0) for b, e in unit.dimension.items()), Fraction(0)
        )
        assert found.denominator == 1
        return int(found)

    def of(self, name: str) -> int:
        """The tens of a quantity."""
        return self.power(self.model.bound.units.quantities.get(name))

    def multiply(self, e: tree.Expression, power: int) -> None:
        """Multiply an expression."""
        if not power or (isinstance(e, tree.Number) and e.value == 0):
            return
        text = e.span.text
        if isinstance(e, tree.Number):
            new = repr(float(Decimal(repr(e.value)).scaleb(power)))
        else:
            # Tens are exact only above 1, so that a smaller amount is divided.
            new = f"(({text}) * 1e{power})" if power > 0 else f"(({text}) / 1e{-power})"
        self.changes.append((e.span.start, e.span.stop, new))

    def amount(self, e: tree.Expression | None, power: int) -> None:
        """Multiply what stands for an amount, unless it is made of quantities that are multiplied."""
        if e is None or not power:
            return
        if not any(self.of(n) for n in _names(e)):
            self.multiply(e, power)
        elif isinstance(e, tree.Binary) and e.operator in ("+", "-"):
            self.amount(e.left, power)
            self.amount(e.right, power)
        elif isinstance(e, tree.Conditional):
            self.amount(e.then, power)
            self.amount(e.otherwise, power)

    def statement(self, s: tree.Statement) -> None:
        """Multiply the amounts of a statement."""
        match s:
            case tree.Parameter() | tree.Decide():
                if s.interval is not None:
                    self.amount(s.interval.low, self.of(s.name.name))
                    self.amount(s.interval.high, self.of(s.name.name))
            case tree.Initial():
                self.amount(s.value, self.of(s.name.name))
            case tree.Intervention():
                for inner in s.body:
                    self.statement(inner)
            case tree.Report():
                self.changes.append((s.span.start, s.span.stop, ""))
            case tree.Objective():
                units = self.model.bound.units
                wanted = self.power(units.of(s.terms[0].value))
                for term in s.terms[1:]:
                    self.multiply(term.value, wanted - self.power(units.of(term.value)))

    def text(self) -> str:
        """The file with all changes."""
        assert self.model.path is not None
        file = parse_file(self.model.path)
        for s in file.statements:
            self.statement(s)
        text = self.model.path.read_text(encoding="utf-8")
        for start, stop, new in sorted(self.changes, reverse=True):
            text = text[:start] + new + text[stop:]
        return text


def _names(e: object) -> Iterator[str]:
    """Every name in an expression."""
    if isinstance(e, tree.Name):
        yield e.name
    elif isinstance(e, tuple):
        for inner in e:
            yield from _names(inner)
    elif hasattr(e, "__dataclass_fields__") and not isinstance(e, tree.Field):
        for name in e.__dataclass_fields__:
            if name != "span":
                yield from _names(getattr(e, name))


def objective_power(model: allocc.Model, tens: Tens) -> int:
    """The tens of the objective's value."""
    objective = model.bound.objective
    assert objective is not None
    return Rewriting(model, tens).power(model.bound.units.of(objective.terms[0].value))


def rewritten(
    path: Path, data: Path | None, tens: Tens, folder: Path, **settings: Any
) -> allocc.Model:
    """The model of a file in other units, written into a folder beside the files that it uses."""
    model = allocc.load(path, data=data, **settings)
    rewriting = Rewriting(model, tens)
    for beside in path.parent.glob("*.alloc"):
        shutil.copy(beside, folder)
    target = folder / path.name
    target.write_text(rewriting.text(), encoding="utf-8")
    changed = {
        name: _scaled(parameter.values, rewriting.of(name))
        for name, parameter in model.bound.parameters.items()
        if rewriting.of(name)
    }
    return allocc.load(target, data=model.data, **settings, **changed)


def _scaled(values: Any, power: int) -> Any:
    """Numbers times 10^power, their decimal digits kept."""
    many = [float(Decimal(repr(float(v))).scaleb(power)) for v in np.ravel(values)]
    return many[0] if np.ndim(values) == 0 else np.reshape(many, np.shape(values))
