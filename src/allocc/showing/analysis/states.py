"""A state of rest as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from allocc.dsl.escapes import one_line
from allocc.results.dynamics.analysis import StateOfRest
from allocc.showing.analysis.words import amount, listed

#: More compartments than this are counted, not listed.
MOST = 12
#: So many that are zero are told of in one line.
FEW = 2


def state_lines(state: StateOfRest, what: str) -> Iterator[str]:
    """A line that says what the state is, then its compartments."""
    sure = {True: ", stable", False: ", unstable", None: ""}[state.stable]
    there = (
        ", where the model settles from its start"
        if state.reached and state.kind != "settles"
        else ""
    )
    yield f"  {what}{sure}{there}:"
    zeros = [n for n, x in state.values.items() if x == 0]
    short = len(zeros) > FEW
    shown = [n for n in state.values if not (short and n in zeros)]
    for name in shown[: MOST if len(shown) > MOST + 1 else None]:
        yield f"    {one_line(name)} = {_value(state, name)}"
    if len(shown) > MOST + 1:
        yield f"    and {len(shown) - MOST} more; --json has all of them"
    if short:
        yield "    all others = 0" if shown else "    all = 0"


def _value(state: StateOfRest, name: str) -> str:
    """A formula and its number, as far as there are both."""
    if name in state.free:
        return "any"
    value = state.values[name]
    formula = (state.formulas or {}).get(name)
    shown = "" if value is None else amount(value)
    if formula is None or (shown and formula.expression.is_number):
        return shown
    return f"{formula.text} = {shown}" if shown and shown != formula.text else formula.text


def rest_words(state: StateOfRest) -> str:
    """What a state of rest is."""
    what = {
        "settles": "where the model settles from its start",
        "endemic": "with the disease",
        "disease-free": "without the disease",
        "rest": "nothing changes",
    }[state.kind]
    more = [f"with any {listed(state.free)}"] if state.free else []
    if not state.possible:
        more.append("not with these data, where something would be below zero")
    return what + (f" ({'; '.join(more)})" if more else "")
