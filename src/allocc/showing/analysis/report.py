"""The report of `allocc analyze`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allocc.dsl.escapes import one_line
from allocc.results.dynamics.analysis import Analysis, ConservedTotal, SafeStep, Stay
from allocc.showing.analysis.infection import infection_lines
from allocc.showing.analysis.states import rest_words, state_lines
from allocc.showing.analysis.words import amount, listed, per, whole_compartments
from allocc.tables import number, table, wrap

WIDTH = 98
#: More flows, compartments or totals than this are counted, not listed.
MOST = 12

_STATES = {"start": "at the start", "disease-free": "without the disease", "rest": "at rest"}


def analysis_text(found: Analysis, color: bool = False) -> str:
    """The report as text; every section has a heading, and what there is nothing to say of is left out."""
    title = one_line(found.title or found.model)
    lines = [f"\x1b[1m{title}\x1b[0m" if color else title, "What it does by itself."]
    for heading, part in (
        (f"Equations{per(found.time_unit, ', ')}", list(_equations(found))),
        ("Infection", list(infection_lines(found))),
        (_rest_heading(found), list(_rest(found))),
        ("Totals that never change", list(_totals(found.totals))),
        ("Mean times in a compartment", list(_stays(found))),
        ("Largest safe step of explicit Euler", list(_steps(found))),
    ):
        if part:
            lines += ["", heading, *part]
    for note in found.notes:
        lines += ["", *wrap(f"Note: {note}", WIDTH)]
    return "\n".join(lines)


def _equations(found: Analysis) -> Iterator[str]:
    """The right-hand sides; over sets, the flows as they are written say more in fewer words."""
    if found.rates and not any("[" in r.compartment for r in found.rates):
        for rate in found.rates:
            yield f"  d{one_line(rate.compartment)}/dt = {rate.rate.text}"
        return
    rows = []
    for flow in found.flows:
        way = f"{flow.origin} -> {flow.target}".strip()
        rows.append((flow.name, way, flow.written))
    yield from table(("flow", "from -> to", "amount"), rows)


def _rest_heading(found: Analysis) -> str:
    return "Other states of rest" if found.disease_free is not None else "States of rest"


def _rest(found: Analysis) -> Iterator[str]:
    for state in found.states_of_rest:
        yield from state_lines(state, rest_words(state))


def _totals(totals: Sequence[ConservedTotal]) -> Iterator[str]:
    for total in totals[:MOST]:
        names = total.compartments
        first = " + ".join(map(one_line, names[:MOST]))
        rest = f" + {len(names) - MOST} more" if len(names) > MOST else ""
        yield f"  {first}{rest} = {number(total.value)}"
    if len(totals) > MOST:
        yield f"  and {len(totals) - MOST} more; --json has all of them"


def _stays(found: Analysis) -> Iterator[str]:
    left = [s for s in found.stays if s.once is not None]
    if not left:
        return
    unit = f" ({found.time_unit})" if found.time_unit else ""
    several = any(s.in_all for s in left)
    head = ("compartment", f"one stay{unit}", *(["in all stays"] * several))
    rows = whole_compartments(
        [_stay(s, several) for s in left], [s.compartment for s in found.stays]
    )
    yield from table(head, rows[:MOST], right=(1, 2))
    if len(rows) > MOST:
        yield f"  and {len(rows) - MOST} more; --json has all of them"
    if several:
        text = "in all stays: one who begins there, in all times that they come back"
        yield from (f"  {line}" for line in wrap(text, WIDTH - 2))


def _stay(stay: Stay, several: bool) -> tuple[str, ...]:
    assert stay.once is not None
    own = stay.in_all.get(stay.compartment) if stay.in_all else None
    rest = [amount(own) if own else "-"] if several else []
    return (stay.compartment, amount(stay.once), *rest)


def _steps(found: Analysis) -> Iterator[str]:
    """One line for each state; states of which the same is to be said share one."""
    texts: dict[str, list[str]] = {}
    for step in found.steps:
        texts.setdefault(_step(step, found), []).append(_STATES[step.state])
    for text, where in texts.items():
        yield from (f"  {line}" for line in wrap(f"{' and '.join(where)}: {text}", WIDTH - 2))


def _step(step: SafeStep, found: Analysis) -> str:
    limits = []
    if step.positive is not None:
        flows = listed(step.flows)
        limits.append((step.positive, f"{step.compartment} loses more than it holds (by {flows})"))
    if step.stable is not None:
        limits.append((step.stable, "small errors grow"))
    if not limits:
        return "any step, for no compartment is left"
    limits.sort()
    (longest, why), *more = limits
    text = f"{amount(longest)}, beyond which {why}"
    # Twice the longest step is out of the question anyway.
    text += "".join(f"; beyond {amount(x)}, {what}" for x, what in more if x < 2 * longest)
    if found.method == "euler":
        safe = "safe" if found.step <= longest * (1 + 1e-9) else "too long"
        text += f". The model's step of {amount(found.step)} is {safe} there."
    return text
