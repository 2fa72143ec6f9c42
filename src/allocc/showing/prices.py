"""The prices of limits as a person reads them."""

from __future__ import annotations

from allocc.dsl.escapes import one_line
from allocc.results.certificate import status_words
from allocc.results.prices import Group, Prices
from allocc.results.run import Run
from allocc.showing.report import facts
from allocc.tables import number, wrap

#: Lines that are shown for limits that bind, without `--all`.
MOST = 20


def prices_text(result: Run, found: Prices | None, every: bool, color: bool) -> str:
    """The report of `allocc prices`; with `every`, each row of a limit by itself."""
    title = result.title or result.model
    lines = [f"\x1b[1m{one_line(title)}\x1b[0m" if color else one_line(title)]
    status = status_words(result)
    if result.status == "simulated":
        status = "the decisions of a run, not optimized here"
    lines.append(f"{status[:1].upper()}{status[1:]}.")
    if found is None:
        return "\n".join(lines)
    if found.status == "infeasible":
        these = "with these integers " if found.integers else ""
        lines += ["", f"No prices: {these}no allocation meets every limit."]
        return "\n".join([*lines, *_notes(result, found)])
    if found.status == "failed":
        lines += ["", "No prices: the solver could not solve the linear program that is left."]
        return "\n".join([*lines, *_notes(result, found)])
    rows = [r for r in facts(result) if r[0] in ("value", "bound", "gap", "violation")]
    best = "with the integers fixed" if found.integers else "the continuous decisions at their best"
    rows.append(("priced at", f"{number(found.value, 8)}  ({best})"))
    lines += ["", *(f"  {name:<9}  {text}" for name, text in rows), ""]
    fixed = "the integers are fixed, and " if found.integers else ""
    about = f"Local prices: {fixed}they hold for small changes only."
    if not found.exact:
        about += (
            " Products or functions of continuous decisions remain in this model: they are"
            " replaced by their tangents at the allocation."
        )
        before, after = number(result.value, 8), number(found.value, 8)
        if before != after:
            about += f" That was improved nearby first, with a value of {before} before."
    lines += [*wrap(about, 98), ""]
    lines += _limits(found.single() if every else found.groups(), every)
    return "\n".join([*lines, *_notes(result, found)])


def _notes(result: Run, found: Prices) -> list[str]:
    notes = dict.fromkeys((*result.notes, *found.notes))
    return [line for note in notes for line in ("", f"Note: {note}")]


def _limits(groups: list[Group], every: bool) -> list[str]:
    if not groups:
        return ["The model has no limit."]
    whole = [g for g in groups if g.whole]
    binding = [g for g in groups if g.binding and not g.whole]
    slack = [g for g in groups if not g.binding and not g.whole]
    none = "No limit that has a price binds." if whole else "No limit binds."
    lines = ["Binding limits" if binding else none]
    for group in binding if every else binding[:MOST]:
        lines.append(f"  {words(group)}")
        if len(group.rows) > 1 and group.price:
            lines.append(f"    {_spread(group)}")
    if not every and len(binding) > MOST:
        lines.append(f"  and {len(binding) - MOST} more; --all shows every row")
    if slack:
        lines += ["", "Limits with room to spare: one more unit changes nothing"]
        lines += _names(slack, every)
    if whole:
        lines += ["", "No local price: everything in these limits is a whole number, and fixed"]
        lines += _names(whole, every)
    return lines


def _names(groups: list[Group], every: bool) -> list[str]:
    if every:
        return [f"  {g.name}" for g in groups]
    counts: dict[str, int] = {}
    for group in groups:
        counts[group.rows[0].limit] = counts.get(group.rows[0].limit, 0) + len(group.rows)
    return [f"  {name}  ({count} row{'s'[: count > 1]})" for name, count in counts.items()]


def _spread(group: Group) -> str:
    most = max(group.rows, key=lambda r: abs(r.price))
    return (
        f"{group.binding} of {len(group.rows)} bind; the most: {amount(most.price)} at {most.name}"
    )


def words(group: Group) -> str:
    """What one more unit buys, as a sentence without its full stop."""
    first, count = group.rows[0], len(group.rows)
    unit = first.unit or "unit"
    what = "" if first.side == "right side" else "the left side of "
    start = f"one more {unit} of {what}{group.name}"
    if count > 1:
        start += f" at each of its {count} times"
    if not group.price:
        mixed = any(r.price for r in group.rows)
        return f"{start} changes nothing{' in total' if mixed else ''}"
    verb = "raises" if group.price > 0 else "lowers"
    total = " in total" if count > 1 else ""
    return f"{start} {verb} the objective by {amount(group.price)}{total}"


def amount(price: float) -> str:
    """The size of a price with about four digits."""
    size = abs(price)
    return f"{size:.4g}" if size < 0.1 else number(size, 5)
