"""Numbers and lists in the words of an analysis."""

from __future__ import annotations

from collections.abc import Sequence

from allocc.dsl.escapes import one_line
from allocc.tables import number


def amount(x: float) -> str:
    """A number with about five digits."""
    return number(x, 5)


def listed(names: Sequence[str], most: int = 8) -> str:
    """`S, E and I`."""
    shown = [one_line(n) for n in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def per(unit: str, before: str = " ") -> str:
    """`per day`, after `before`; nothing where the time has no unit."""
    return f"{before}per {one_line(unit)}" if unit else ""


def periods(x: float, unit: str) -> str:
    """A time with its unit, as `2.31 days`."""
    plural = unit.isalpha() and not unit.endswith("s") and amount(x) != "1"
    return f"{amount(x)} {one_line(unit)}{'s' * plural}".strip()


def whole_compartments(
    rows: Sequence[tuple[str, ...]], every: Sequence[str]
) -> list[tuple[str, ...]]:
    """Rows that begin with a compartment's point; those that agree for all of a compartment become one."""
    points: dict[str, list[str]] = {}
    for name in every:
        points.setdefault(name.partition("[")[0], []).append(name)
    by_base: dict[str, list[tuple[str, ...]]] = {}
    for row in rows:
        by_base.setdefault(row[0].partition("[")[0], []).append(row)
    found = []
    for base, mine in by_base.items():
        alike = len({row[1:] for row in mine}) == 1 and len(mine) == len(points[base])
        found += [(base, *mine[0][1:])] if alike else mine
    return found
