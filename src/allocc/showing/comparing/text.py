"""A comparison as text: one table a topic, a column for each side, in the words of the model."""

from __future__ import annotations

from collections.abc import Sequence

from allocc.compiler.failures import listed
from allocc.compiler.labels import label_text, shown_label
from allocc.dsl.escapes import one_line
from allocc.results.comparing.comparison import Change, Comparison, LimitRow, Members, Row
from allocc.results.run import relative_change
from allocc.tables import number, numbers, percent, table, wrap

#: A table of members has at most this many rows.
MOST_MEMBERS = 8
#: A sentence names at most so many terms or places.
MOST_NAMED = 4
WIDTH = 96


def comparison_text(found: Comparison, color: bool = False) -> str:
    """The whole comparison."""

    def heading(text: str) -> str:
        shown = one_line(text)
        return f"\x1b[1m{shown}\x1b[0m" if color else shown

    lines = [heading(found.title), "", *_sides(found)]
    better = "lower" if found.sense == "minimize" else "higher"
    parts: list[tuple[str, list[str]]] = [
        (f"Objective ({better} is better)", _objective(found)),
        ("Why", _why(found)),
        ("Decisions", _rows(found, found.decisions, "decision", hows(found))),
        *((f"{m.name}, where it differs most", _members(found, m)) for m in found.members),
        ("Compartments at the end", _rows(found, found.ends, "name", {})),
        *((f"{_named(m)}, by {found.group}", _members(found, m)) for m in found.by_group),
        ("Reports", _rows(found, found.reports, "report", {})),
        ("Limits, and how many of their rows bind", _limits(found)),
    ]
    for title, inner in parts:
        if inner:
            lines += ["", heading(title), *inner]
    for note in found.notes:
        lines += ["", *_wrapped(f"Note: {note}", "")]
    return "\n".join(lines)


def hows(found: Comparison) -> dict[str, str]:
    """What became of time in each decision."""
    return {m.name: m.how for m in found.members}


def _named(members: Members) -> str:
    return f"{members.name} ({members.how})" if members.how else members.name


def _sides(found: Comparison) -> list[str]:
    width = max(len(s.name) for s in found.sides)
    return [f"  {one_line(s.name).ljust(width)}  {one_line(s.text)}" for s in found.sides]


def _names(found: Comparison) -> list[str]:
    """The headings of the sides; of two sides, the difference has a column, too."""
    return [s.name for s in found.sides] + ["difference"] * (len(found.sides) == 2)


def _cells(found: Comparison, rows: Sequence[Row]) -> list[list[str]]:
    """The numbers of each row as text, all with the same decimals."""
    count = len(found.sides)
    flat = numbers([x for row in rows for x in row.values])
    cells = [flat[k : k + count] for k in range(0, len(flat), count)]
    if count == 2:
        apart = numbers([row.difference(1) for row in rows])
        for row, mine, text in zip(rows, cells, apart, strict=True):
            change = row.difference(1)
            mine.append(f"+{text}" if change and change > 0 else "" if change == 0 else text)
    return cells


def _objective(found: Comparison) -> list[str]:
    if not found.terms:
        return []
    rows = [*found.terms, *[found.value] * (len(found.terms) > 1)]
    cells = _cells(found, rows)
    body = [[r.name, *c, r.description] for r, c in zip(rows, cells, strict=True)]
    names = _names(found)
    return table(["term", *names, "what it is"], body, right=range(1, len(names) + 1))


def _rows(found: Comparison, rows: Sequence[Row], what: str, how: dict[str, str]) -> list[str]:
    """Single numbers of different units, each with decimals of its own."""
    names = _names(found)
    body = []
    for row in rows:
        (cells,) = _cells(found, [row])
        name = f"{row.name} ({how[row.name]})" if how.get(row.name) else row.name
        about = f"{row.description} ({row.unit})" if row.unit else row.description
        body.append([name, *cells, about.strip()])
    return table([what, *names, "what it is"], body, right=range(1, len(names) + 1)) if body else []


def _members(found: Comparison, members: Members) -> list[str]:
    """The members that differ most; nothing where there is no other than the total."""
    differing = members.differing
    if not members.columns or not len(differing):
        return []
    shown = sorted(int(k) for k in differing[:MOST_MEMBERS])
    rows = [members.row(k) for k in shown]
    cells = _cells(found, rows)
    labels = [[label_text(x) for x in members.members[k]] for k in shown]
    head = [*members.columns, *_names(found)]
    right = range(len(members.columns), len(head))
    lines = table(head, [[*a, *b] for a, b in zip(labels, cells, strict=True)], right=right)
    count, alike = len(members.members), len(members.members) - len(differing)
    if alike or len(differing) > len(shown):
        more = f"; the {len(shown)} that differ most" if len(differing) > len(shown) else ""
        lines.append(f"    {len(differing):,} of {count:,} differ{more}")
    return lines


# --- why -----------------------------------------------------------------------------------------


def _why(found: Comparison) -> list[str]:
    lines: list[str] = []
    for k in range(1, len(found.sides)):
        sentence = _sentence(found, k)
        if sentence:
            lines += _wrapped(sentence, "  ")
    return lines


def _sentence(found: Comparison, k: int) -> str:
    """In which terms a side is better or worse than the first."""
    name, first = found.sides[k].name, found.sides[0].name
    change, base = found.value.difference(k), found.value.values[0]
    here = found.value.values[k]
    if change is None or base is None or here is None:
        return ""
    changes = found.why(k)
    if not change:
        better, beginning = False, f"{name} is worth the same as {first}"
    else:
        better = (change < 0) == (found.sense == "minimize")
        share = relative_change(here, base)
        part = f" ({percent(share, sign=True)})" if share is not None else ""
        word = "better" if better else "worse"
        beginning = f"{name} is {number(abs(change))}{part} {word} than {first}"
    words = {True: "better", False: "worse"}
    # What made the difference comes first, then what it cost or bought.
    kinds = [(words[x], [c for c in changes if c.good is x]) for x in (better, not better)]
    parts = [f"{word} in {_terms(cs)}" for word, cs in kinds if cs]
    return f"{beginning}: {'; '.join(parts)}." if parts else f"{beginning}."


def _terms(changes: Sequence[Change]) -> str:
    shown = [f"{c.term} ({'+' if c.amount > 0 else ''}{number(c.amount, 4)})" for c in changes]
    return listed(shown, MOST_NAMED)


# --- limits --------------------------------------------------------------------------------------


def _limits(found: Comparison) -> list[str]:
    if not found.limits:
        return []
    body = []
    for row in found.limits:
        cells = [_held(row, k) for k in range(len(found.sides))]
        body.append([row.name, f"{row.rows:,}", *cells, row.description])
    names = [s.name for s in found.sides]
    lines = table(["limit", "rows", *names, "what it is"], body, right=range(1, len(names) + 2))
    for row in found.limits:
        for k, side in enumerate(found.sides):
            only = row.only(k)
            if only and only != (((), only[0][1]),):
                places = [
                    f"{','.join(shown_label(x) for x in labels)} ({n})"
                    if n > 1
                    else ",".join(labels)
                    for labels, n in sorted(only, key=lambda x: -x[1])
                ]
                text = f"{row.name} binds only in {side.name} at {listed(places, MOST_NAMED)}"
                lines += _wrapped(text, "    ")
    return lines


def _held(row: LimitRow, side: int) -> str:
    held = row.sides[side]
    if held is None:
        return "-"
    broken = f", {held.broken:,} broken" if held.broken else ""
    return f"{held.binding:,}{broken}"


def _wrapped(text: str, indent: str) -> list[str]:
    return [f"{indent}{line}" for line in wrap(text, WIDTH - len(indent))]
