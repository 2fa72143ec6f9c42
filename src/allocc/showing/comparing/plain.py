"""A comparison as plain data that goes into JSON."""

from __future__ import annotations

from typing import Any

from allocc.results.comparing.comparison import Comparison, LimitRow, Members, Row


def comparison_data(found: Comparison) -> dict[str, Any]:
    """Sides in their order; every list of `values` has one a side, None where a side has none.

    `differences` are to the first side. Of members, those that differ are told.
    """
    return {
        "title": found.title,
        "sense": found.sense,
        "sides": list(found.sides),
        "value": _row(found.value),
        "terms": [_row(r) for r in found.terms],
        "why": [list(found.why(k)) for k in range(len(found.sides))],
        "decisions": [_row(r) for r in found.decisions],
        "members": [_members(m) for m in found.members if m.columns],
        "ends": [_row(r) for r in found.ends],
        "reports": [_row(r) for r in found.reports],
        "group": found.group,
        "by_group": [_members(m) for m in found.by_group],
        "limits": [_limit(r) for r in found.limits],
        "notes": list(found.notes),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "values": list(row.values),
        "differences": [row.difference(k) for k in range(len(row.values))],
        "unit": row.unit,
        "description": row.description,
    }


def _members(members: Members) -> dict[str, Any]:
    return {
        "name": members.name,
        "how": members.how,
        "columns": list(members.columns),
        "members": len(members.members),
        "differing": [
            {"labels": list(members.members[k]), "values": list(members.row(k).values)}
            for k in map(int, members.differing)
        ],
    }


def _limit(row: LimitRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "rows": row.rows,
        "description": row.description,
        "sides": [
            None
            if held is None
            else {
                "binding": held.binding,
                "broken": held.broken,
                "where": [{"labels": list(labels), "rows": n} for labels, n in held.where],
            }
            for held in row.sides
        ],
    }
