"""What is asked of units in every statement, and that a mismatch never goes unseen."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.units.unit import ONE, Unit
from allocc.compiler.units.unit_check import Units, units_of
from allocc.dsl.diagnostics import Collector, Diagnostic
from allocc.dsl.reading.parser import parse, parse_file
from allocc.dsl.tree import Source

ROOT = Path(__file__).parents[3]

BASE = """
set S = {a, b}
param usd : USD = 3
param people[S] : person = 3
param price : USD/person = 3
param rate : 1/week = 3
param daily : 1/day = 3
param half : percent = 50
param plain : 1 = 3
param free = 3
time t : week = 0 .. 10
compartment A : person initial A = 5
compartment B initial B = 5
decide open[S] : facility integer in 1 .. 5
decide spend[period] : USD in 0 .. 5
decide lock[t] : 1 binary
"""


def look(text: str, path: Path | None = None) -> tuple[Units, list[Diagnostic]]:
    collector = Collector()
    units = units_of(parse(Source("model.alloc", text)), path, collector)
    return units, collector.diagnostics


def mistakes(text: str) -> list[str]:
    """The codes of what is wrong with statements that are added to the model above."""
    return [d.code for d in look(BASE + text)[1]]


GOOD = [
    "let x : USD = usd + 3 - 4 * usd + sum(i in S: price * people[i])",
    "let x : USD = price * sum(people)",
    "let x : USD^2 = usd ^ 2 + usd * usd",
    "let x : USD = (usd ^ 2) ^ 0.5 + sqrt(usd ^ 2) + usd ^ (3 - 2) + usd^2 * usd^-1",
    "let x : 1 = exp(usd / usd) + log(plain) + tanh(plain) + 2 ^ plain + plain ^ plain",
    "let x : USD = if free > 2 then usd else 0",
    "let x : USD = min(usd, 3) + max(usd, 2 * usd, free) + abs(-usd) + mean(i in S: usd)",
    "let x : USD = free * people",
    "let x : USD = usd + free",
    "let x[i in S] : person = people[i] * (1 + plain)",
    "let x : percent = half + 3",
    "param x = usd let y = x + sum(people)",
    "param x : USD in 0 .. 3 * usd = 4",
    "param x : person in 3 .. = 4",
    "flow f : A -> = rate * A",
    "flow f : A -> = 3",
    "flow f : A -> = free * A",
    "flow f : A -> B = rate * A",
    "flow f : B -> = usd",
    "flow f : A -> = rate * A effect f += rate * sum(people) effect f += 2",
    "flow f : A -> = rate * A effect rate *= 1 - plain * 3 effect rate *= 0.5",
    "let x[p in period] : USD = spend[p] + (spend[p-1] else 0)",
    "let x[p in period] : USD = spend[p - plain]",
    "param k : week = 1 let x[p in period] : USD = spend[p - k] else 0",
    "let x : USD = sum(p in period: spend[p])",
    "let x : person = A[end] - A[start]",
    "limit l[p in period if p > start and p <= 8]: 0 <= spend[p] <= 2 * usd",
    "limit l[p in period]: p <= 3",
    "function f(x, y) = x * y limit l: f(usd, usd) <= f(usd, 3) * 4 * usd",
    "function f(x[I], y) = sum(i in I: x[i]) + y limit l: f(people, A[end]) <= 3",
    "chance c: probability plain over s in S weight free { limit l: 1 <= open[s] }",
    "minimize { a : usd b : 3 * A[end] c : price * sum(people) d : -usd }",
    "minimize { a : usd b : sum(i in S: (0.1 / free + 3) * open[i]) c : A[end] / 2 }",
    "prefer p: A[end] <= 3 penalty price minimize { a : usd }",
    "prefer p: A[end] <= 3 penalty 20 minimize { a : usd }",
    "unit kUSD = 1000 USD param k : kUSD/USD = 0.001 param b : kUSD = 2 let x : kUSD = b + usd * k",
]

BAD = [
    ("let x : USD = usd + price", "E4101"),
    ("let x = usd - 3 * price", "E4101"),
    ("let x = min(usd, sum(people))", "E4101"),
    ("let x = max(usd, free, sum(people))", "E4101"),
    ("let x = if free > 2 then usd else sum(people)", "E4101"),
    ("let x[p in period] = spend[p-1] else price", "E4101"),
    ("let x = usd let y = x + sum(people)", "E4101"),
    ("let x = if usd > price then 1 else 2", "E4102"),
    ("set T = {i in S if people[i] > usd}", "E4102"),
    ("let x = sum(i in S if people[i] > usd: 1)", "E4102"),
    ("limit l: usd <= sum(people)", "E4102"),
    ("limit l: 0 <= usd <= sum(people)", "E4102"),
    ("limit l[p in period]: p <= usd", "E4102"),
    ("limit l: usd <= 3 * usd ^ 2", "E4102"),
    ("prefer p: usd <= sum(people) penalty 3", "E4102"),
    ("chance c: probability 0.5 over s in S weight 0.5 { limit l: usd <= open[s] }", "E4102"),
    ("let x : USD = price", "E4103"),
    ("let x : USD = exp(plain)", "E4103"),
    ("let x : person = sqrt(usd)", "E4103"),
    ("param x : USD in 0 .. price = 3", "E4103"),
    ("decide x : USD in 0 .. price", "E4103"),
    ("compartment C : person initial C = usd", "E4103"),
    ("flow f : A -> = A", "E4104"),
    ("flow f : A -> = 0.1 * A", "E4104"),
    ("flow f : B -> A = 0.1 * A", "E4104"),
    ("compartment C : dose initial C = 1 flow f : A -> C = 1", "E4104"),
    ("flow f : A -> = rate * A effect f += usd", "E4105"),
    ("flow f : A -> = rate * A effect f += sum(people)", "E4105"),
    ("effect rate *= 1 + usd", "E4105"),
    ("let x = exp(usd)", "E4106"),
    ("let x = tanh(usd)", "E4106"),
    ("let x = log(sum(people))", "E4106"),
    ("let x = 2 ^ usd", "E4106"),
    ("chance c: probability usd over s in S weight 0.5 { limit l: 1 <= open[s] }", "E4106"),
    ("chance c: probability 0.5 over s in S weight usd { limit l: 1 <= open[s] }", "E4106"),
    ("let x = rate + daily", "E4107"),
    ("flow f : A -> = daily * A", "E4107"),
    ("let x = plain + half", "E4107"),
    ("let x = exp(half)", "E4107"),
    ("unit kUSD = 1000 USD param b : kUSD = 2 let x = b + usd", "E4107"),
    ("minimize { a : usd b : A[end] }", "E4108"),
    ("prefer p: A[end] <= 3 penalty plain minimize { a : usd }", "E4108"),
    ("function f(x, y) = x + y let x = f(usd, price)", "E4109"),
    ("function f(x) = exp(x) function g(x) = f(x) let x = g(usd)", "E4109"),
    ("function f(x, y) = x + usd let x = f(price, 1)", "E4109"),
    ("unit u = 0 USD", "E4110"),
    ("let x[p in period] = spend[p - usd]", "E4111"),
    ("param k : day = 7 let x[p in period] = spend[p - k]", "E4111"),
    ("param x : uSd", "W4101"),
    ("unit u = 2 v unit v = 3 u", "E2004"),
]


@pytest.mark.parametrize("text", GOOD)
def test_what_agrees(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(("text", "code"), BAD)
def test_what_disagrees(text: str, code: str) -> None:
    assert mistakes(text) == [code]


@pytest.mark.parametrize("text", [t for t, code in BAD if code not in ("E4110", "E2004")])
def test_nothing_without_units_is_a_mistake(text: str) -> None:
    """Taking every declared unit away leaves nothing that could disagree."""
    file = parse(Source("model.alloc", BASE + text))
    bare = [replace(s, unit=None) if hasattr(s, "unit") else s for s in file.statements]
    collector = Collector()
    units_of(replace(file, statements=tuple(bare)), None, collector)
    assert collector.diagnostics == []


def test_everything_is_reported_at_once() -> None:
    good = [text for text, code in BAD[:6] if not text.startswith("set")]
    text = "\n".join(t.replace("let x", f"let x{k}") for k, t in enumerate(good))
    assert len(mistakes(text)) == len(good)


def test_one_mistake_is_reported_once() -> None:
    text = "let x = usd + price let y = x + usd let z = y / price + sum(people) limit l: z <= 3"
    assert mistakes(text) == ["E4101"]


def test_a_function_is_not_blamed_at_every_call() -> None:
    text = "function f(x) = x * (usd + price) let y = f(1) + f(usd) + f(price)"
    assert mistakes(text) == ["E4101"]


def test_a_call_shows_the_place_in_the_function() -> None:
    _, (found,) = look(BASE + "function f(x, y) = x + y\nlet x = 2 * f(usd, price)")
    assert found.span is not None and found.span.text == "f(usd, price)"
    assert found.notes[0].span is not None and found.notes[0].span.text == "y"


def test_the_mend_of_another_scale_is_right() -> None:
    """The parameter that the message proposes makes the model agree."""
    _, (found,) = look(BASE + "flow f : A -> = daily * A")
    assert found.hint is not None
    declared = re.search(r"`(param (\w+) : [^`]*)`", found.hint)
    assert declared is not None
    text = f"{declared[1]}\nflow f : A -> = daily * {declared[2]} * A"
    assert mistakes(text) == []
    assert declared[1].endswith("= 7")


def test_the_mend_of_a_number_is_right() -> None:
    _, (found,) = look(BASE + "flow f : A -> = 0.1 * A")
    assert found.hint is not None
    declared = re.search(r"`param NAME : ([^`]*)`", found.hint)
    assert declared is not None
    assert mistakes(f"param n : {declared[1]}\nflow f : A -> = n * A") == []


def test_units_of_names() -> None:
    units, found = look(BASE + "flow f : A -> = rate * A let x = price * people let y = free * 3")
    assert not found
    shown = {n: None if u is None else str(u) for n, u in units.quantities.items()}
    assert shown["f"] == "person/week"
    assert shown["x"] == "USD"
    assert shown["t"] == "week"
    assert shown["y"] is None and shown["B"] is None


def test_the_unit_of_time_serves_a_library() -> None:
    text = (
        "time t : day = 0 .. 3 param r : person/time_unit = 3 compartment A : person initial A = 1"
    )
    units, found = look(text + " flow f : A -> = r")
    assert not found and str(units.quantities["r"]) == "person/day"
    units, found = look(text.replace(" : day", "") + " flow f : A -> = r")
    assert not found and units.quantities["r"] is None


def test_a_library_can_count_other_money() -> None:
    text = """unit USD = 1 EUR
use naloxone from "naloxone.alloc" (enough = 20, averted = 0.2, price = cost)
param cost : EUR/kit = 5
param mu : 1/week = 0.1
time t : week = 0 .. 4
limit b[k in period]: kit_cost[k] <= budget
param budget : EUR = 100"""
    assert look(text)[1] == []
    assert [d.code for d in look(text.replace("unit USD = 1 EUR", ""))[1]] == ["E4103", "E4102"]


def test_units_come_along_with_what_is_used(tmp_path: Path) -> None:
    text = (
        "unit box = 10 vial unit vial = 5 dose unit bag param stock : box = 3 param more : bag = 3"
    )
    (tmp_path / "store.alloc").write_text(text)
    path = tmp_path / "model.alloc"
    units, found = look('use stock from "store.alloc" param need : dose = 150', path)
    stock, need = units.quantities["stock"], units.quantities["need"]
    assert not found and stock is not None and need is not None
    assert (stock / need).size == 50
    assert set(units.inference.declared.units) == {"box", "vial"}
    _, (twice,) = look('unit vial = 6 dose use stock from "store.alloc"', path)
    assert twice.code == "E2002"


# --- the issue's own case ------------------------------------------------------------------------


def test_quarterly_money_in_a_yearly_rate() -> None:
    path = ROOT / "examples/opioid/opioid.alloc"
    text = path.read_text("utf-8")
    assert look(text, path)[1] == []
    paper = re.sub(r": USD ?/ ?\(person/year\)", ": USD/person", text)
    assert paper != text
    _, (found,) = look(paper, path)
    assert found.code == "E4105"
    assert "'treat' is in person/year" in found.message
    assert "adds is in person;" in found.message
    assert found.hint == "it would fit if 'course' were in USD/(person/year), not in USD/person"
    assert any("decided every 0.25 year" in note.message for note in found.notes)


# --- what is shipped -----------------------------------------------------------------------------

SHIPPED = sorted(
    p.relative_to(ROOT)
    for folder in ("examples", "models/library", "src/allocc/templates")
    for p in (ROOT / folder).rglob("*.alloc")
)

#: Names of data in words, and a coefficient whose unit changes with the power it belongs to.
WITHOUT_A_UNIT = {"case", "distance", "coefficient", "area", "serves", "rains", "remote"}


@pytest.mark.parametrize("path", SHIPPED, ids=str)
def test_shipped_models_carry_units(path: Path) -> None:
    collector = Collector()
    units = units_of(parse_file(ROOT / path), ROOT / path, collector)
    unknown = {d.code for d in collector.diagnostics}
    assert not {c for c in unknown if c.startswith(("E41", "W41"))}
    bare = {n for n, u in units.quantities.items() if u is None}
    # A library file does not have the time, or what it acts on.
    assert bare <= WITHOUT_A_UNIT or path.parts[0] == "models" or path.name == "policy.alloc"


# --- properties ----------------------------------------------------------------------------------

WORDS = ("person", "USD", "dose", "week", "day", "kit", "drone")
#: How the words look after a consistent change: of their names, or of their scales.
RENAMED = {w: f"{w}ling_{k}" for k, w in enumerate(WORDS)}


@st.composite
def united(draw: st.DrawFn) -> tuple[str, list[tuple[str, Unit]], Unit]:
    """An expression, the parameters in it with their units, and its own unit."""
    one = look(" ".join(f"param p{k} : {w}" for k, w in enumerate(WORDS)))[0].quantities
    base = [u for u in one.values() if u is not None]
    leaves: list[tuple[str, Unit]] = []

    def unit() -> Unit:
        found = ONE
        for _ in range(draw(st.integers(1, 3))):
            found = found * draw(st.sampled_from(base)) ** draw(st.sampled_from((-2, -1, 1, 2)))
        return found

    def leaf(of: Unit) -> str:
        leaves.append((f"q{len(leaves)}", Unit(of.words, of.dimension, of.scale)))
        return leaves[-1][0]

    def make(of: Unit, depth: int) -> str:
        if depth == 0:
            return leaf(of)
        shape = draw(st.integers(0, 9))
        inner = depth - 1
        if shape == 0:
            return f"({make(of, inner)} + {make(of, inner)})"
        if shape == 1:
            return f"({make(of, inner)} - 3)"
        if shape == 2:
            other = unit()
            return f"({make(other, inner)} * {make(of / other, inner)})"
        if shape == 3:
            other = unit()
            return f"({make(of * other, inner)} / {make(other, inner)})"
        if shape == 4:
            return f"max({make(of, inner)}, 0, {make(of, inner)})"
        if shape == 5:
            return f"sum(i in S: {make(of, inner)})"
        if shape == 6:
            return f"sqrt({make(of**2, inner)})"
        if shape == 7:
            return f"({make(of ** Fraction(1, 2), inner)}) ^ 2" if whole_root(of) else leaf(of)
        if shape == 8:
            other = unit()
            condition = f"{make(other, inner)} > {make(other, inner)}"
            return f"(if {condition} then {make(of, inner)} else 0)"
        return f"product({make(of, inner)}, exp({make(ONE, inner)}))"

    wanted = unit()
    return make(wanted, draw(st.integers(1, 4))), leaves, wanted


def whole_root(unit: Unit) -> bool:
    return all(p % 2 == 0 for p in unit.words.values())


def model(text: str, leaves: list[tuple[str, Unit]], wanted: Unit) -> str:
    parameters = "\n".join(f"param {name} : {unit}" for name, unit in leaves)
    start = "set S = {a, b}\nfunction product(x, y) = x * y\n"
    return f"{start}{parameters}\nlet it : {wanted} = {text}\n"


@given(united())
@settings(deadline=None, max_examples=60)
def test_an_expression_that_agrees_is_accepted(
    case: tuple[str, list[tuple[str, Unit]], Unit],
) -> None:
    units, found = look(model(*case))
    assert found == []
    assert units.quantities["it"] == case[2]


@given(united(), st.data())
@settings(deadline=None, max_examples=60)
def test_one_other_unit_is_refused(
    case: tuple[str, list[tuple[str, Unit]], Unit], data: st.DataObject
) -> None:
    text, leaves, wanted = case
    k = data.draw(st.integers(0, len(leaves) - 1))
    extra = look("param x : mile")[0].quantities["x"]
    assert extra is not None
    changed = [*leaves[:k], (leaves[k][0], leaves[k][1] * extra), *leaves[k + 1 :]]
    _, found = look(model(text, changed, wanted))
    assert len(found) >= 1
    assert {d.code for d in found} <= {"E4101", "E4102", "E4103", "E4106"}


@given(united(), st.data())
@settings(deadline=None, max_examples=40)
def test_other_words_and_other_scales_change_nothing(
    case: tuple[str, list[tuple[str, Unit]], Unit], data: st.DataObject
) -> None:
    """Inference does not look into words: renamed or rescaled alike, the same places agree."""
    text, leaves, wanted = case
    if data.draw(st.booleans()):
        k = data.draw(st.integers(0, len(leaves) - 1))
        leaves = [*leaves[:k], (leaves[k][0], leaves[k][1] ** 2), *leaves[k + 1 :]]
    plain = model(text, leaves, wanted)
    first = look(plain)[1]
    lines = [
        re.sub(r"[A-Za-z_]\w*", lambda m: RENAMED.get(m[0], m[0]), x) for x in plain.split("\n")
    ]
    # A renamed week is still seven renamed days; every other word is some multiple of its own.
    factor = st.integers(2, 9)
    declared = [f"unit {RENAMED['week']} = 7 {RENAMED['day']}"] + [
        f"unit {new} = {data.draw(factor)} {old}_own"
        for old, new in RENAMED.items()
        if old != "week"
    ]
    _, second = look("\n".join([*declared, *lines]))
    places = [d.span.text for d in first if d.span is not None]
    assert [d.span.text for d in second if d.span is not None] == places
    assert [d.code for d in first] == [d.code for d in second if d.code != "W4101"]


def test_years_of_life_are_known_in_either_case() -> None:
    assert mistakes("param lost : daly = 3 param also : DALYs = 4 let x = lost + also") == []
