"""What an analysis says of an infection, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from allocc.results.dynamics.analysis import Analysis, Elasticity, Reproduction
from allocc.showing.analysis.states import state_lines
from allocc.showing.analysis.words import amount, listed, per, periods
from allocc.tables import table, wrap

WIDTH = 98
#: More parameters than this are not listed.
MOST = 12


def infection_lines(found: Analysis) -> Iterator[str]:
    """Who carries it, the state without it, and R0 with all that belongs to it."""
    if not found.infected:
        return
    many = len(found.infected) > 1
    how = (
        "as --infected says"
        if found.found_by == "given"
        else "found from the flows: whoever is in one of these can lead to new infections in it"
    )
    text = f"{listed(found.infected)} {'carry' if many else 'carries'} the infection ({how})."
    if found.transmissions:
        text += f" New infections arise by {listed(found.transmissions)}."
    yield from (f"  {line}" for line in wrap(text, WIDTH - 2))
    if found.disease_free is not None:
        yield ""
        yield from state_lines(found.disease_free, "without the disease")
    if found.reproduction is not None:
        yield ""
        yield from _number(found.reproduction, found.time_unit)


def _number(r: Reproduction, unit: str) -> Iterator[str]:
    written = r.formula is not None and not r.formula.expression.is_number
    formula = f"{r.formula.text} = " if r.formula is not None and written else ""
    yield f"  R0 = {formula}{amount(r.number)}"
    if r.at_rest:
        yield f"    ({listed(r.at_rest)} as without the disease)"
    yield from (f"  {line}" for line in wrap(_spread(r, unit), WIDTH - 2))
    if r.groups:
        yield ""
        rows = [
            (
                g.group,
                "-" if g.alone is None else amount(g.alone),
                amount(g.causes),
                f"{100 * g.share:.1f} %",
            )
            for g in r.groups[:MOST]
        ]
        head = ("group", "R0 alone", "a case causes", "of new cases")
        yield from table(head, rows, right=(1, 2, 3))
        if len(r.groups) > MOST:
            yield f"  and {len(r.groups) - MOST} more; --json has all of them"
    moving = [e for e in r.elasticities if e.elasticity is None or e.elasticity]
    if moving:
        yield ""
        yield from _moving(moving)


def _spread(r: Reproduction, unit: str) -> str:
    """What the number means, and how fast few cases become more."""
    if r.doubling is None or abs(r.number - 1) < 1e-9:
        return "Few cases stay as few: each causes one more before it ends."
    number = "more" if r.number > 1 else "fewer"
    what = "double" if r.doubling > 0 else "halve"
    return (
        f"Few cases become {number}: they {what} in {periods(abs(r.doubling), unit)} (rate of growth:"
        f" {amount(r.growth)}{per(unit)})."
    )


def _moving(elasticities: list[Elasticity]) -> Iterator[str]:
    yield "  One percent more of a parameter changes R0 by"
    rows = []
    for e in elasticities[:MOST]:
        percent = "-" if e.elasticity is None else f"{e.elasticity:+.3f} %"
        formula = "" if e.formula is None or e.formula.expression.is_number else e.formula.text
        rows.append((percent, e.parameter, e.description, formula))
    yield from (f"  {line}" for line in table(("", "", "", ""), rows, right=(0,))[1:])
    if len(elasticities) > MOST:
        yield f"    and {len(elasticities) - MOST} more; --json has all of them"
    if any(e.elasticity is None for e in elasticities):
        text = "-: with more of it there is no state without the disease (births and deaths are in balance)"
        yield from (f"    {line}" for line in wrap(text, WIDTH - 4))
