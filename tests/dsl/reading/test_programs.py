"""Whole programs parse, keep their words, and never break the reader however they are mangled."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.dsl import DiagnosticError, Source, parse, tree
from allocc.dsl.messages import render, to_json
from allocc.dsl.scanner import scan

OPIOID = """\
model opioid_treatment "Treatment facilities and budgets for one US state"

table county from "counties.csv" key fips
table state  from "state.csv"    key name

set County = county.fips

param existing[County]    "facilities today"          : facility = county.facilities
param svi[County]         "social vulnerability"      in 0 .. 1  = county.svi
param prescribing[County] "opioid prescribing rate"              = county.prescribing_rate
param population[County]                              : person   = county.population
param grant               "treatment grant a quarter" : USD      = state.quarterly_budget
param new_facilities      "facilities the grants can open"       = state.new_facilities
let   plan = sum(existing) + new_facilities
param course              "money that adds a person per year" : USD / (person/year) = 448

param alpha : 1/year = 0.15      # prescription rate
param over_plan = 1_000

time t : year = 2017 .. 2019 step 0.25 method euler

compartment S "susceptible" : person   compartment P "prescribed"      : person
compartment I "illicit use" : person   compartment A "opioid disorder" : person
compartment R "in treatment": person   compartment D "overdose deaths" : person

initial S = state.population

flow prescribe : S -> P = alpha * S
flow treat     : A -> R = zeta * A
flow overdose  : A -> D = mu * A

intervention expand_treatment "Open facilities, fund treatment" {
  decide open[County]     : facility integer in max(1, existing) .. plan
  decide spend[County, t] : USD in 5000 * max(1, existing) .. cap_each * (existing + new_facilities)

  # only new facilities add patients
  effect treat += sum(c in County: (open[c] - existing[c]) * spend[c] / (course * open[c]))

  limit  grant_limit[t]:                   sum(c in County: spend[c, t]) <= grant
  limit  viable[c in County, t]:           spend[c, t] >= 5000 * open[c]
  limit  steady[c in County, t if t > start]: spend[c, t-1] - spend[c, t] <= 10000
  prefer within_plan: sum(c in County: open[c]) <= plan  penalty over_plan
}

minimize {
  deaths : 10 * D[end]
  burden :  9 * sum(t: A[t])
  fair   : sum(c in County: (0.001 / prescribing[c] + 0.009 / svi[c]) * open[c])
}
"""

SEIR = """\
model regional_seir "SEIR by region, with mobility and vaccination sites"
use l1, linf from "equity.alloc"
use catch_up from "catch_up.alloc" (dose = 2, share = 5%)
unit dose
unit vial = 6 dose
table mobility from "mobility.csv" key home, away
table region   from "region.csv"   key name
set Region = region.name
set Link   = mobility.key
set Pair   = Region * Region
set Busy   = {r in Region if population[r] > 10_000}
set Brand  = {pfizer, moderna, "J&J"}
param population[Region] : person in 1 .. = region.population
param mixing[r in Region, q in Region] in .. 1 = mobility.share[r, q] else 0
param per_vial : dose / vial = 6
time t "days" : day = 0 .. 120 step 1
compartment S[Region] : person
compartment E[Region] : person
compartment I[Region] "infectious" : person
compartment Stock : vial
initial I[r in Region] = if r in Busy then 10 else 1
flow infect[r in Region] : S -> E = beta * S * sum(q in Region: mixing[r, q] * I[q]) / population[r]
flow become[r in Region] "latency ends" : E[r] -> I[r] = E[r] / 3.5
flow supply : -> Stock = 40
flow waste  : Stock -> = 1% * Stock
intervention vaccination {
  decide site[Region] binary
  decide dose[Region, t] "doses a day" : vial in 0 ..
  effect beta[r in Region] *= 1 - 0.2 * site[r]
  limit  second[c in Region, w in t]: dose2[c, w] == dose[c, w-4] else 0
  limit  between: 0 <= sum(dose) <= 100
}
chance served "served in most scenarios" : probability 0.95 over s in Scenario weight w[s] {
  limit cover[r in Region]: reach[r, s] >= demand[r, s]
}
function worst_off(x[S], y) "the largest" = max(i in S: x[i] / y)
maximize { reach "people reached" : sum((r, q) in Link: mixing[r, q] * S[r, end]) ^ 2 }
"""


def statements(text: str) -> tuple[tree.Statement, ...]:
    return parse(Source("model.alloc", text)).statements


def nodes(value: Any) -> Iterator[Any]:
    """Every node of a tree, parents first."""
    if isinstance(value, tuple):
        for item in value:
            yield from nodes(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, Source | tree.Span):
        yield value
        for field in dataclasses.fields(value):
            yield from nodes(getattr(value, field.name))


def test_opioid_program_has_its_statements() -> None:
    kinds = [type(s).__name__ for s in statements(OPIOID)]
    assert kinds.count("Parameter") == 9
    assert kinds.count("Compartment") == 6
    assert kinds.count("Flow") == 3
    assert kinds[0] == "ModelHeader" and kinds[-1] == "Objective"
    intervention = statements(OPIOID)[-2]
    assert isinstance(intervention, tree.Intervention)
    assert [type(s).__name__ for s in intervention.body] == [
        *["Decide"] * 2,
        "Effect",
        *["Limit"] * 3,
        "Prefer",
    ]


def test_comments_are_kept_with_their_places() -> None:
    file = parse(Source("model.alloc", OPIOID + 'param x "no # comment" = 3 # last'))
    texts = [c.text for c in file.comments]
    assert texts == ["# prescription rate", "# only new facilities add patients", "# last"]
    assert all(c.span.text == c.text for c in file.comments)


@pytest.mark.parametrize("text", [OPIOID, SEIR])
def test_spans_are_the_words(text: str) -> None:
    for statement in statements(text):
        for node in nodes(statement):
            words = node.span.text
            assert words == words.strip() != ""
            if isinstance(node, tree.Identifier | tree.Name):
                assert words.strip("()") == node.name
            elif isinstance(node, tree.Number):
                assert words == node.written
            elif isinstance(node, tree.Text):
                assert words.startswith('"') and words.endswith('"')


@pytest.mark.parametrize("text", [OPIOID, SEIR])
def test_line_endings_and_tabs_change_nothing(text: str) -> None:
    windows = text.replace("\n", "\r\n").replace("  ", "\t")
    assert statements(windows) == statements(text)
    second = statements(windows)[1]
    assert second.span.line == statements(text)[1].span.line
    assert second.span.text.split() == statements(text)[1].span.text.split()


def test_one_line_is_as_good_as_many() -> None:
    lines = [line.split("#")[0] for line in OPIOID.splitlines()]
    assert statements(" ".join(lines)) == statements(OPIOID)


@pytest.mark.parametrize("text", [OPIOID, SEIR])
def test_one_missing_word_is_one_error(text: str) -> None:
    for lexeme in scan(Source("", text), text).lexemes[::5]:
        broken = text[: lexeme.start] + text[lexeme.stop :]
        try:
            parse(Source("model.alloc", broken))
        except DiagnosticError as error:
            assert len(error.diagnostics) == 1, render(error.diagnostics)


_SIGNS = "( ) [ ] { } , : = == <= .. . -> \" ' # ; && ** \0 \u00a0 “ é \n \r \t \\ \ufeff 😀 %"
_WORDS = "param set if then else 1. .5 0,5 1e999 in step penalty x minimize chance over weight"
_FRAGMENTS = st.sampled_from(f"{_SIGNS} {_WORDS}".split(" "))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([OPIOID, SEIR]),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 30), _FRAGMENTS), max_size=6),
)
def test_mangled_programs_raise_only_diagnostics(
    text: str, edits: list[tuple[int, int, str]]
) -> None:
    for place, length, fragment in edits:
        place %= len(text) + 1
        text = text[:place] + fragment + text[place + length :]
    check(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(_FRAGMENTS, max_size=30).map(" ".join) | st.text(max_size=80))
def test_any_text_raises_only_diagnostics(text: str) -> None:
    check(text)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([OPIOID, SEIR]), st.data())
def test_cut_programs_raise_only_diagnostics(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, len(text)))
    check(text[:start] + text[stop:])


def check(text: str) -> None:
    source = Source("model.alloc", text)
    try:
        parse(source)
    except DiagnosticError as error:
        assert error.diagnostics
        for diagnostic in error.diagnostics:
            assert diagnostic.span is not None
            assert 0 <= diagnostic.span.start <= diagnostic.span.stop <= len(text)
            to_json(diagnostic)
        assert render(error.diagnostics)
