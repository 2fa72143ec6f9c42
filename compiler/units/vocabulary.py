"""From a unit as it is written to its algebra: known words, plurals, and a model's own units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from allocc.compiler.names import errors as names_errors
from allocc.compiler.units import errors as units_errors
from allocc.compiler.units.as_written import OF_TIME
from allocc.compiler.units.unit import ONE, Unit, base, multiple
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector

#: Known words that are multiples of others. A year is 365.25 days; quarters and months divide it.
MULTIPLES: Mapping[str, tuple[str, str]] = {
    "minute": ("60", "second"),
    "hour": ("60", "minute"),
    "day": ("24", "hour"),
    "week": ("7", "day"),
    "year": ("365.25", "day"),
    "quarter": ("1/4", "year"),
    "month": ("1/12", "year"),
    "km": ("1000", "m"),
    "percent": ("1/100", "1"),
}

#: Known words that are units of their own.
BASES = (
    *("second", "m", "person", "facility", "site", "bed", "dose", "vial", "kit", "test"),
    *("DALY", "QALY"),
    *("USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "CAD", "AUD", "BRL", "ZAR", "KES", "NGN"),
)

#: Other spellings of known words.
SPELLINGS: Mapping[str, str] = {
    "people": "person",
    "facilities": "facility",
    "s": "second",
    "min": "minute",
    "h": "hour",
    **{
        x: word for word in ("DALY", "QALY") for x in (f"{word}s", word.lower(), f"{word.lower()}s")
    },
    **{
        f"{word}s": word
        for word in ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
    },
    **{f"{word}s": word for word in ("person", "site", "bed", "dose", "vial", "kit", "test")},
}


class Vocabulary:
    """Reads the units of one model; a mistake in one is reported once, at its first use."""

    def __init__(
        self,
        declared: Mapping[str, tree.UnitDeclaration],
        of_time: tree.Unit | None,
        collector: Collector,
    ) -> None:
        self.declared = declared
        self.of_time = of_time
        self.collector = collector
        self.known: dict[str, Unit | None] = {"1": ONE}
        self.own: list[str] = []
        self._active: list[str] = []

    def read(self, unit: tree.Unit | None) -> Unit | None:
        """A unit's algebra; None where there is none, or where it is not known."""
        if unit is None:
            return None
        found = self._read(unit)
        if found is None or isinstance(unit, tree.UnitName) or _mentions(unit, OF_TIME):
            return found
        written = " ".join(unit.span.text.split())
        return Unit(found.words, found.dimension, found.scale, written)

    def amount(self, rate: Unit, time: Unit) -> Unit | None:
        """What a rate adds up to in a unit of time; None where it is no rate in that unit.

        USD/year is a rate where time is in years: its words for time are one year, in the
        denominator. USD/week is none there, though weeks and years are both time.
        """
        pace = ONE
        for word, power in rate.words.items():
            known = self.known.get(word)
            if known is not None and set(known.dimension) & set(time.dimension):
                pace *= known**power
        if not time.dimension or pace != time**-1:
            return None
        rest = rate / pace
        return Unit(rest.words, rest.dimension, rest.scale)

    def _read(self, unit: tree.Unit) -> Unit | None:
        match unit:
            case tree.UnitName():
                return self._word(unit)
            case tree.UnitPower(base=inner, exponent=exponent):
                of = self._read(inner)
                return None if of is None else of**exponent
            case tree.UnitProduct(operator=operator, left=left, right=right):
                first, second = self._read(left), self._read(right)
                if first is None or second is None:
                    return None
                return first * second if operator == "*" else first / second

    def _word(self, unit: tree.UnitName) -> Unit | None:
        word = unit.name
        if word not in self.known:
            self.known[word] = self._find(unit)
        return self.known[word]

    def _find(self, unit: tree.UnitName) -> Unit | None:
        word = unit.name
        if word in self.declared:
            return self._declared(self.declared[word])
        if word == OF_TIME:
            # `time t : time_unit` would ask for itself.
            return self.read(self.of_time) if not _mentions(self.of_time, OF_TIME) else None
        if word in SPELLINGS:
            return self._word(tree.UnitName(SPELLINGS[word], unit.span))
        if word in MULTIPLES:
            factor, of = MULTIPLES[word]
            inner = self._word(tree.UnitName(of, unit.span))
            return None if inner is None else multiple(word, Fraction(factor), inner)
        if word not in BASES:
            close = near(word, [*self.declared, *MULTIPLES, *BASES, *self.own])
            if close is not None:
                self.collector.add(units_errors.unit_near_miss(word, close, unit.span))
            self.own.append(word)
        return base(word)

    def _declared(self, statement: tree.UnitDeclaration) -> Unit | None:
        word, span = statement.name.name, statement.name.span
        if word in self._active:
            cycle = self._active[self._active.index(word) :]
            self.collector.add(names_errors.circular(cycle, span))
            return None
        if statement.unit is None:
            return base(word)
        self._active.append(word)
        try:
            of = self._read(statement.unit)
        finally:
            self._active.pop()
        if of is None:
            return None
        factor = exact(statement.factor) if statement.factor is not None else Fraction(1)
        if factor <= 0:
            assert statement.factor is not None
            self.collector.add(units_errors.unit_of_nothing(word, statement.factor.span))
            return None
        return multiple(word, factor, of)

    def check_declarations(self) -> None:
        """Read every `unit` statement, so that mistakes in one that nothing uses are found."""
        for word, statement in self.declared.items():
            self._word(tree.UnitName(word, statement.name.span))


def exact(number: tree.Number) -> Fraction:
    """The number as it is written, without rounding."""
    written = number.written.replace("_", "")
    if written.endswith("%"):
        return Fraction(written[:-1]) / 100
    return Fraction(written)


def near(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` looks like a slip of: its case, a plural, or one letter."""
    for other in known:
        if other != word and (other.lower() == word.lower() or _plural(word, other)):
            return other
    return next((k for k in known if k != word and _one_slip(word.lower(), k.lower())), None)


def _plural(a: str, b: str) -> bool:
    short, long = sorted((a.lower(), b.lower()), key=len)
    return len(short) > 2 and long in (f"{short}s", f"{short}es", f"{short[:-1]}ies")


def _one_slip(a: str, b: str) -> bool:
    """Whether one letter is missing, or two are swapped, or (in a longer word) one is another."""
    short, long = sorted((a, b), key=len)
    if len(long) < 4 or len(long) - len(short) > 1:
        return False
    if len(short) < len(long):
        return any(long[:k] + long[k + 1 :] == short for k in range(len(long)))
    off = [k for k in range(len(a)) if a[k] != b[k]]
    swapped = (
        len(off) == 2 and off[1] == off[0] + 1 and a[off[0]] + a[off[1]] == b[off[1]] + b[off[0]]
    )
    return swapped or (len(off) == 1 and len(a) > 4)


def _mentions(unit: tree.Unit | None, word: str) -> bool:
    match unit:
        case tree.UnitName(name=name):
            return name == word
        case tree.UnitPower(base=inner):
            return _mentions(inner, word)
        case tree.UnitProduct(left=left, right=right):
            return _mentions(left, word) or _mentions(right, word)
    return False
