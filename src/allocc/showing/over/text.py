"""An answer about draws as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from allocc.compiler.failures import listed
from allocc.dsl.escapes import one_line
from allocc.results.labelled import Block
from allocc.results.over.found import LEVELS, Firm, Interval, OverDraws
from allocc.showing.decision_tables import decision_tables
from allocc.tables import duration, number, numbers, percent, rests, table, wrap

WIDTH = 96
#: A table of draws or of members has at most this many rows.
MOST_ROWS = 8
#: A regret that is less than this part of the objective is none.
NOTHING = 1e-8
#: A share of the draws in this many of which something is called sure.
SURE = LEVELS[0]


def over_text(found: OverDraws, color: bool = False) -> str:
    """The whole answer."""

    def heading(text: str) -> str:
        shown = one_line(text)
        return f"\x1b[1m{shown}\x1b[0m" if color else shown

    lines = [heading(found.title or found.model), *wrap(f"{_about(found)}.", WIDTH), ""]
    facts = _facts(found)
    width = max((len(name) for name, _ in facts), default=0)
    for name, text in facts:
        first, *rest = wrap(text, WIDTH - width)
        lines += [f"  {name.ljust(width)}  {first}", *(f"  {' ' * width}  {x}" for x in rest)]
    shared = [b for b in found.decisions if b.name not in found.after]
    later = [_mean(b, found) for b in found.decisions if b.name in found.after]
    parts: list[tuple[str, list[str]]] = [
        ("Over the draws", _levels(found)),
        ("Regret", _regret(found)),
        ("How often limits hold", _limits(found)),
        ("Decisions", decision_tables(shared) if shared else []),
        ("Decisions once the draw is known: their means", decision_tables(later) if later else []),
        ("What the best for single draws have in common", _firm(found)),
    ]
    for title, inner in parts:
        if inner:
            lines += ["", heading(title), *inner]
    for note in found.notes:
        lines += ["", *wrap(f"Note: {note}", WIDTH)]
    return "\n".join(lines)


def _mean(block: Block, found: OverDraws) -> Block:
    """A decision that answers to the draw, as its mean over them; a sum over worlds would say nothing."""
    values = np.tensordot(found.weights, block.values, axes=1)
    return replace(block, axes=block.axes[1:], values=values, integer=False, binary=False)


def _about(found: OverDraws) -> str:
    drawn = list(dict.fromkeys(n for d in found.draws for n in d.settings))
    many = len(found.draws)
    count = f"{many} draw{'s' if many > 1 else ''}" if many else "draws"
    what = f" of {listed(drawn, 8)}" if drawn else ""
    start = {
        "": "The given allocation in",
        "regret": "The given allocation, and the best of each of"
        if found.firm
        else "One allocation for",
    }.get(found.measure, "One allocation for")
    by = {"regret": "by the largest regret", "mean": "by the mean", "worst": "by the worst draw"}
    told = (
        ""
        if not found.measure or found.firm
        else f", {by.get(found.measure, f'by {found.measure}')}"
    )
    later = f"; {listed(found.after)} may answer to the draw" if found.after else ""
    return f"{start} {count}{what} ({found.source}){told}{later}"


def status_words(found: OverDraws) -> str:
    """How a question about draws has ended, as a sentence without its full stop."""
    match found.status:
        case "simulated":
            return "simulated in each draw, not optimized"
        case "optimal" if found.proof == "proven":
            return "proven optimal" + (
                "" if not found.gap or found.gap < 1e-6 else f" within {percent(found.gap)}"
            )
        case "optimal":
            return f"optimal{rests(found.proof, found.solver)}"
        case "feasible" if found.gap is None:
            return "an allocation is known; nothing is proven about how good it is"
        case "feasible":
            return f"an allocation is known; no other is more than {percent(found.gap)} better"
        case "infeasible":
            return "no allocation meets every limit in every draw"
        case "unbounded":
            return "the objective has no bound: it can be made as good as one likes"
        case _:
            return "no allocation was found, and none was proven impossible"


def _facts(found: OverDraws) -> list[tuple[str, str]]:
    rows = [("status", status_words(found))]
    better = "lower" if found.sense == "minimize" else "higher"
    if found.firm:
        if found.value is not None:
            where = "in any draw" if found.kept == 1 else "where every limit holds"
            small = abs(found.value) <= NOTHING * float(abs(found.values).max())
            much = "none" if small else f"at most {number(found.value, 5)}"
            rows.append(("regret", f"{much} {where} (proven)"))
    elif found.value is not None:
        what = _measured(found, better)
        both = numbers([found.value, found.bound], 8)
        rows.append(("value", f"{both[0]}  ({what})"))
        if found.bound is not None:
            side = "below" if found.sense == "minimize" or found.measure == "regret" else "above"
            rows.append(
                (
                    "bound",
                    f"{both[1]}  (no allocation is {side} this{rests(found.proof, found.solver)})",
                )
            )
        if found.gap is not None:
            rows.append(
                (
                    "gap",
                    percent(found.gap) + (" of the objective" if found.measure == "regret" else ""),
                )
            )
    if found.draws:
        broken = sum(bool(d.broken) for d in found.draws)
        rows.append(
            (
                "limits",
                "every limit holds in every draw"
                if not broken
                else f"every limit holds in {len(found.draws) - broken} of {len(found.draws)} draws"
                f" ({percent(found.kept)} of the weight)",
            )
        )
    info = found.information
    if info is not None:
        rows.append(
            (
                "to know",
                f"{_worth(info.perfect, found)}: what knowing the draw first would be worth (EVPI)",
            )
        )
        if info.why:
            text = (
                f"what deciding for all draws is better than for their mean is not told: {info.why}"
            )
        elif info.stochastic is not None:
            text = f"{_worth(info.stochastic, found)}: what deciding for all draws is better than for their mean (VSS)"
        else:
            text = f"what is best for the mean of what is drawn meets not every limit in {info.broken} draws, so that it is no way out"
        rows.append(("for all", text))
    if found.solver:
        rows.append(("solved by", f"{found.solver}, {duration(found.seconds)}"))
    if found.message:
        rows.append(("message", found.message))
    return rows


def _measured(found: OverDraws, better: str) -> str:
    """What the value is of the draws, in words."""
    match found.measure:
        case "mean":
            return f"the mean over the draws; {better} is better"
        case "worst":
            return f"in the worst draw; {better} is better"
        case "regret":
            return "at most so much worse than the best of any draw"
        case tail:
            level = float(tail.split()[-1].rstrip("%"))
            return f"the mean of the worst {100 - level:g} % of the draws; {better} is better"


def _worth(ends: Interval, found: OverDraws) -> str:
    """An interval of differences between values; none where it is nothing beside them."""
    size = float(abs(found.values).max()) if found.draws else 0.0
    return "none" if ends[1] is not None and ends[1] <= NOTHING * size else _interval(ends)


def _interval(ends: Interval) -> str:
    low, high = ends
    if low is None or high is None:
        return "unknown" if low is None else f"{number(low, 5)} or more"
    if math.isclose(low, high, rel_tol=1e-4, abs_tol=1e-12):
        return number(high, 5)
    shown = numbers([low, high], 5)
    return shown[1] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"


def _levels(found: OverDraws) -> list[str]:
    if not found.draws:
        return []
    from allocc.results.over.found import quantiles

    values = quantiles(found.values, found.weights)
    rows: list[tuple[str, float, Sequence[float], str]] = []
    if found.terms:
        assert found.mean is not None
        rows.append(("objective", found.mean, tuple(map(float, values)), ""))
        if len(found.terms) > 1:
            rows += [(t.name, t.mean, t.levels, t.description) for t in found.terms]
    for band in found.bands:
        if band.block.kind == "report" and not band.block.axes:
            levels = tuple(map(float, band.levels.ravel()))
            rows.append((band.block.name, float(band.block.values), levels, band.block.description))
    for band in found.bands:
        if band.block.kind == "compartment" and len(band.block.axes) == 1:
            last = band.levels[..., -1]
            name = f"{band.block.name} at the end"
            rows.append(
                (
                    name,
                    float(band.block.values[-1]),
                    tuple(map(float, last)),
                    band.block.description,
                )
            )
    head = ["", "mean", *(f"{level:.0%}".replace("%", " %") for level in LEVELS), "what it is"]
    head[0] = "value"
    body = [[name, *numbers([mean, *levels], 6), text] for name, mean, levels, text in rows]
    return table(head, body, right=range(1, 2 + len(LEVELS)))


def _regret(found: OverDraws) -> list[str]:
    known = [d for d in found.draws if d.regret is not None]
    if not known:
        return []
    order = sorted(
        known, key=lambda d: -(d.regret[1] if d.regret and d.regret[1] is not None else math.inf)
    )
    rows = []
    for d in order[:MOST_ROWS]:
        assert d.regret is not None and d.best is not None
        drawn = ", ".join(f"{n} = {number(x, 4)}" for n, x in list(d.settings.items())[:3])
        best = d.best[1] if d.best[1] is not None else d.best[0]
        small = (d.regret[1] or 0.0) <= NOTHING * abs(d.value)
        regret = "none" if small and d.regret[1] is not None else _interval(d.regret)
        rows.append([d.name, number(d.value, 7), number(best, 7), regret, drawn])
    lines = table(["draw", "here", "best found", "regret", "what is drawn"], rows, right=(1, 2, 3))
    if len(known) > MOST_ROWS:
        lines.append(f"    the {MOST_ROWS} largest of {len(known)}")
    lost = len(found.draws) - len(known)
    if lost:
        lines.append(f"    in {lost} more draws the allocation breaks a limit, and is not compared")
    return lines


def _limits(found: OverDraws) -> list[str]:
    bad = [x for x in found.limits if x.holds < 1 - 1e-9]
    rows = [[x.name, percent(x.holds), percent(x.worst), x.description] for x in bad]
    lines = (
        table(["limit", "holds in", "broken by at most", "what it is"], rows, right=(1, 2))
        if rows
        else []
    )
    rest = len(found.limits) - len(bad)
    if bad and rest:
        lines.append(
            f"    {rest} other limits hold in every draw"
            if rest > 1
            else "    the other limit holds in every draw"
        )
    return lines


def _firm(found: OverDraws) -> list[str]:
    if not found.firm:
        return []
    lines: list[str] = []
    for name in dict.fromkeys(f.name for f in found.firm):
        own = [f for f in found.firm if f.name == name]
        sure, middle = (math.fsum(f.levels[k] for f in own) for k in (0, LEVELS.index(0.5)))
        given = math.fsum(f.given for f in own)
        both = numbers([sure, middle, given], 6)
        lines += wrap(
            f"{name}: {both[0]} or more in {percent(1 - SURE).replace('.00', '')} of the draws,"
            f" member by member, and {both[1]} in half of them; the given allocation has {both[2]}",
            WIDTH - 2,
        )
    lines = [f"  {x}" for x in lines]
    unsure = sorted(found.firm, key=_spread, reverse=True)
    rows = [
        [f.member, *numbers([f.given, f.levels[0], f.levels[2], f.levels[-1]], 6), percent(f.same)]
        for f in unsure[:MOST_ROWS]
        if _spread(f) > 0
    ]
    if rows:
        head = ["where it differs most", "given", "5 %", "50 %", "95 %", "as much or more"]
        lines += ["", *table(head, rows, right=(1, 2, 3, 4, 5))]
    else:
        lines.append("  in every draw the same is best")
    return lines


def _spread(f: Firm) -> float:
    """By how much the best of the draws differ, as a part of what they are."""
    size = max(abs(f.levels[0]), abs(f.levels[-1]), abs(f.given))
    wide = f.levels[-1] - f.levels[0]
    return 0.0 if size == 0 or wide <= 1e-6 * size else wide / size
