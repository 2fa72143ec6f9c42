"""What is to be varied: `zeta=0.4..0.6`, `course=+-20%`, as text or from Python."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocc import mistakes
from allocc.asked import is_number
from allocc.compiler import failures
from allocc.compiler.data.settings import chosen_labels
from allocc.compiler.data.typed_values import written_number
from allocc.compiler.failures import listed
from allocc.compiler.labels import label_text
from allocc.compiler.scoping.model import BoundModel, ParameterSymbol
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.tables import number

_AROUND = re.compile(r"\s*(?:\+/?-|±)\s*(.+?)\s*\Z")


@dataclass(frozen=True, eq=False)
class Range:
    """A parameter, one member of it, or with `whole` a factor on all of its members, from `low` to `high`."""

    name: str
    low: float
    high: float
    base: float
    whole: Mapping[Any, float] | None = None
    unit: str = ""
    description: str = ""

    @property
    def factor(self) -> bool:
        """Whether the ends are factors."""
        return self.whole is not None

    def values(self, count: int) -> list[float]:
        """So many values from end to end."""
        return [float(x) for x in np.linspace(self.low, self.high, count)]

    def setting(self, x: float) -> dict[str, Any]:
        """What the model is read with at a value."""
        if self.whole is not None:
            return {self.name: {label: x * value for label, value in self.whole.items()}}
        return {self.name: float(x)}

    def told(self, x: float) -> str:
        """A value in words."""
        return (
            f"{self.name} times {number(x, 4)}" if self.factor else f"{self.name} = {number(x, 4)}"
        )


def ranges(model: BoundModel, vary: Mapping[str, Any]) -> tuple[Range, ...]:
    """The ranges that are asked for, in their order; raises E7265 and E7266 with everything that is wrong."""
    if not isinstance(vary, Mapping) or not vary:
        raise DiagnosticError([mistakes.nothing_varied()])
    found: list[Range] = []
    wrong: list[Diagnostic] = []
    for name, given in vary.items():
        try:
            found.append(_range(model, str(name).strip(), given))
        except DiagnosticError as error:
            wrong += error.diagnostics
    if wrong:
        raise DiagnosticError(wrong)
    return tuple(found)


def _range(model: BoundModel, name: str, given: Any) -> Range:
    own, _, labels = name.partition("[")
    symbol = model.parameters.get(own.strip())
    if symbol is None:
        raise DiagnosticError([mistakes.no_parameter_to_vary(own, list(model.parameters))])
    if symbol.values.dtype.kind not in "fiub":
        raise DiagnosticError([mistakes.cannot_vary(name, "it holds words", None)])
    known = model.units.quantities.get(own)
    unit = str(known) if known is not None and known.words else ""
    about = symbol.statement.description or ""
    begin, high, part = _ends(name, given)
    if symbol.sets and not labels:
        if part is None:
            members = f"write {name}=+-20% for all members, or '{own}[LABEL]=...' for one"
            raise DiagnosticError([mistakes.cannot_vary(name, "it has an index", members)])
        whole = {
            labels if len(labels) > 1 else labels[0]: float(x) for labels, x in _members(symbol)
        }
        return Range(name, 1 - part, 1 + part, 1.0, whole, unit, about)
    base = _member(symbol, name, labels) if labels else float(symbol.values)
    if begin is None:
        size = high if part is None else abs(part * base)
        begin, high = base - size, base + size
    if not begin < high:
        hint = "say the ends, as zeta=0.4..0.6" if base == 0 else None
        raise DiagnosticError([mistakes.cannot_vary(name, "its range is empty", hint)])
    return Range(name, begin, high, base, None, unit, about)


def _ends(name: str, given: Any) -> tuple[float | None, float, float | None]:
    """The two ends; or none and a distance; or the part of a value, last."""
    if isinstance(given, str):
        around = _AROUND.match(given)
        if around is not None:
            size = written_number(around[1])
            if math.isfinite(size) and size > 0:
                return (None, size, size) if around[1].endswith("%") else (None, size, None)
        else:
            parts = [written_number(x) for x in given.split("..")]
            if len(parts) == 2 and all(map(math.isfinite, parts)):
                return parts[0], parts[1], None
    elif isinstance(given, (tuple, list)) and len(given) == 2 and all(map(is_number, given)):
        low, high = map(float, given)
        if math.isfinite(low) and math.isfinite(high):
            return low, high, None
    raise DiagnosticError([mistakes.bad_range(f"{name}={given}")])


def _member(symbol: ParameterSymbol, name: str, labels: str) -> float:
    """The value of one member; raises E7266 where there is none of this label."""
    text = labels.rstrip().removesuffix("]")
    try:
        asked = tuple(chosen_labels(symbol.statement.name.name, text, symbol.sets))
    except failures.Failed as failed:
        raise DiagnosticError(failed.diagnostics) from None
    for known, x in _members(symbol):
        if known == asked:
            return x
    there = listed([", ".join(known) for known, _ in _members(symbol)])
    hint = f"its members are {there}"
    raise DiagnosticError([mistakes.cannot_vary(name, "it has no member of this label", hint)])


def _members(symbol: ParameterSymbol) -> Iterator[tuple[tuple[str, ...], float]]:
    """The labels, as text, and the value of each member."""
    for place in np.ndindex(*(len(s) for s in symbol.sets)):
        parts = (x for s, i in zip(symbol.sets, place, strict=True) for x in s.label(i))
        yield tuple(map(label_text, parts)), float(symbol.values[place])
