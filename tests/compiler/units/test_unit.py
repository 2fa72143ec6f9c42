"""The algebra of units is an abelian group with rational powers, and is written as users write."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocc.compiler.units.unit import ONE, Unit
from allocc.compiler.units.vocabulary import BASES, MULTIPLES, SPELLINGS, Vocabulary, near
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector
from allocc.dsl.reading.parser import parse
from allocc.dsl.tree import Source

WORDS = [*MULTIPLES, *BASES, "drone", "nurse"]


def read(text: str, *declared: str) -> Unit:
    """A unit of a model, with the `unit` statements that it declares."""
    file = parse(Source("model.alloc", "\n".join([*declared, f"param x : {text}"])))
    units = {s.name.name: s for s in file.statements if isinstance(s, tree.UnitDeclaration)}
    parameter = file.statements[-1]
    assert isinstance(parameter, tree.Parameter)
    collector = Collector()
    found = Vocabulary(units, None, collector).read(parameter.unit)
    assert found is not None and not collector.errors
    return found


KNOWN = {word: read(word) for word in WORDS}
WHOLE = st.integers(-3, 3).map(Fraction)
RATIONAL = st.fractions(min_value=-2, max_value=2, max_denominator=6)


def units(powers: st.SearchStrategy[Fraction]) -> st.SearchStrategy[Unit]:
    def product(parts: list[tuple[str, Fraction]]) -> Unit:
        found = ONE
        for word, power in parts:
            found = found * KNOWN[word] ** power
        return found

    return st.lists(st.tuples(st.sampled_from(WORDS), powers), max_size=5).map(product)


ANY = units(RATIONAL)


@given(ANY, ANY, ANY)
def test_abelian_group(a: Unit, b: Unit, c: Unit) -> None:
    assert (a * b) * c == a * (b * c)
    assert a * b == b * a and hash(a * b) == hash(b * a)
    assert a * ONE == a
    assert a / a == ONE
    assert (a * b) / b == a


@given(ANY, ANY, RATIONAL, RATIONAL)
def test_powers(a: Unit, b: Unit, p: Fraction, q: Fraction) -> None:
    assert (a * b) ** p == a**p * b**p
    assert a**p * a**q == a ** (p + q)
    assert (a**p) ** q == a ** (p * q)
    assert a**1 == a and a**0 == ONE and a**-1 == ONE / a


@given(ANY, ANY)
def test_sizes_multiply(a: Unit, b: Unit) -> None:
    assert (a * b).size == pytest.approx(a.size * b.size)
    assert (a / b).size == pytest.approx(a.size / b.size)
    assert (a == b) <= a.same_dimension(b)


@given(ANY, ANY, ANY)
def test_a_dimension_forgets_the_scale_only(a: Unit, b: Unit, c: Unit) -> None:
    if a.same_dimension(b):
        assert (a * c).same_dimension(b * c)
        assert (a == b) == (a.size == pytest.approx(b.size))


@given(units(WHOLE))
def test_what_is_written_is_read_again(unit: Unit) -> None:
    assert read(str(unit)) == unit
    assert str(read(str(unit))) == str(unit)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("person*person/year", "person*person/year"),
        ("USD / (person/year)", "USD / (person/year)"),
        ("days", "day"),
        ("people", "person"),
    ],
)
def test_users_see_what_they_wrote(text: str, shown: str) -> None:
    assert str(read(text)) == shown


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        (ONE, "1"),
        (ONE / KNOWN["year"], "1/year"),
        (KNOWN["USD"] * KNOWN["year"] / KNOWN["person"], "USD/(person/year)"),
        (KNOWN["dose"] / KNOWN["site"] / KNOWN["week"], "dose/(site*week)"),
        (KNOWN["person"] ** 2 * KNOWN["day"], "person^2*day"),
        (KNOWN["USD"] ** Fraction(1, 2), "USD^(1/2)"),
    ],
)
def test_what_is_calculated_is_written_as_a_user_would(unit: Unit, shown: str) -> None:
    assert str(unit) == shown


@pytest.mark.parametrize(
    ("one", "of", "factor"),
    [
        ("week", "day", 7),
        ("year", "day", 365.25),
        ("year", "quarter", 4),
        ("year", "month", 12),
        ("quarter", "month", 3),
        ("1", "percent", 100),
        ("km/hour", "m/second", 1000 / 3600),
    ],
)
def test_factors(one: str, of: str, factor: float) -> None:
    a, b = read(one), read(of)
    assert a.same_dimension(b) and a != b
    assert (a / b).size == pytest.approx(factor, rel=1e-15)


def test_conversion_is_exact() -> None:
    # Through floating point, a third of a week thrice would not be a week.
    third = read("third", "unit seven = 7 day", "unit third = 1 seven")
    assert third == KNOWN["week"]
    assert read("a", "unit a = 0.1 day") ** 3 == read("b", "unit b = 0.001 day") * KNOWN["day"] ** 2


def test_a_declared_unit_comes_before_a_known_one() -> None:
    assert (
        read("month", "unit month = 30 day")
        == KNOWN["day"] * read("x", "unit x = 30 percent") / (KNOWN["percent"])
    )
    assert not read("dozen", "unit dozen = 12 dose").same_dimension(KNOWN["person"])


def test_huge_powers_do_no_harm() -> None:
    big = KNOWN["year"] ** 999
    assert big.size > 1e300 or big.size == float("inf")
    assert (big / big) == ONE


@pytest.mark.parametrize("word", [*MULTIPLES, *BASES, *SPELLINGS, "unicorn", "nurse", "team"])
def test_no_warning_about_ordinary_words(word: str) -> None:
    collector = Collector()
    Vocabulary({}, None, collector).read(tree.UnitName(word))
    assert not collector.diagnostics


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("USd", "USD"),
        ("Person", "person"),
        ("perosn", "person"),
        ("wek", "week"),
        ("dosis", "doses"),
        ("facilites", "facilities"),
        ("kits", "kit"),
    ],
)
def test_near_misses(word: str, meant: str) -> None:
    assert near(word, [meant]) == meant


@pytest.mark.parametrize("word", ["kg", "bat", "car", "room", "nurse", "case", "death", "EURO"])
def test_other_words_are_no_near_misses(word: str) -> None:
    assert near(word, WORDS) in (None, "EUR")
