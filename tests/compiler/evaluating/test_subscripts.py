"""Which members subscripts mean, and what is said where they mean none (language reference, §4.4 and §4.6)."""

from __future__ import annotations

import numpy as np
import pytest

from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from tests.compiler.making import problem

TABLES = {"wards": (["ward", "beds", "next"], [["n", 5, "s"], ["s", 7, "far"]])}
SETS = """
set R = {n, s, w}
set Near = {n, s}
set Link = Near * {s, w}
set K = 2 .. 4
table wards from "wards.csv" key ward
param next[r in Near] = wards.next[r]
param beds[Near] = 1
"""
REST = " decide x in 0 .. 1 minimize { z : x }"


def param(text: str) -> np.ndarray:
    """The values of the parameter `p` that a text declares."""
    return problem(f"{SETS} param p{text}{REST}", TABLES).model.parameters["p"].values


def mistake(text: str) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        problem(SETS + text + REST, TABLES)
    (found,) = caught.value.diagnostics
    return found


@pytest.mark.parametrize(
    "text, values",
    [
        ("[r in R] = if r in Near then 1 else 0", [1, 1, 0]),
        ("[r in R] = if not (r in Near) then 1 else 0", [0, 0, 1]),
        ("[k in K] = if k + 1 in K then 1 else 0", [1, 1, 0]),
        ('[r in R] = if (r, "w") in Link then 1 else 0', [1, 1, 0]),
        ("[r in R, q in Near] = if (q, r) in Link then 1 else 0", [[0, 0], [1, 1], [1, 1]]),
        (' = if "w" in R then 1 else 0', 1),
        (' = if "w" in Near then 1 else 0', 0),
        (" = if 5 in K then 1 else 0", 0),
        ("[r in Near] = if next[r] in Near then 1 else 0", [1, 0]),
    ],
)
def test_membership(text: str, values: object) -> None:
    np.testing.assert_array_equal(param(text), values)


@pytest.mark.parametrize(
    "text, message, hint",
    [
        # An index over another set: its labels are lost.
        ("[r in R] = beds[r]", "reaches outside of Near, which has no member w", None),
        # A step: where it is first taken.
        ("[k in K] = q[k - 1]", "outside of K where k = 2", "`q[k - 1] else 0`"),
        # A label found in the data: where it is found.
        ("[r in Near] = beds[next[r]]", "reaches outside of Near where r = s", "with `else`"),
    ],
)
def test_what_lies_outside(text: str, message: str, hint: str | None) -> None:
    found = mistake(f"param q[K] = 1 param p{text}")
    assert found.code == "E4003" and message in found.message
    assert hint is None or hint in (found.hint or "")


def test_a_row_that_the_data_ask_for_is_named_by_its_index() -> None:
    found = mistake("param p[r in Near] = wards.beds[next[r]]")
    assert found.code == "E3014" and "r = s" in found.message
    np.testing.assert_array_equal(param("[r in Near] = wards.beds[next[r]] else 0"), [7, 0])
