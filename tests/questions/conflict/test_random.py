"""Random systems of whole numbers: what is found conflicts, and what is called needed is needed.

What is not called needed has no point without it, as far as enumeration can see.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from allocc.backends import registry
from allocc.engine.judging.outcome import Options
from allocc.questions.conflict.budget import Budget
from allocc.questions.conflict.deletion import Filtered, smallest
from allocc.questions.conflict.switches import SwitchedStatements
from tests.compiler.making import problem

#: Every conflict of small coefficients shows within this box, if ranges are left out, too.
BOX = 14


@dataclass(frozen=True)
class System:
    """`a'x` against `side` for each row, within `0 .. top`."""

    rows: tuple[tuple[int, ...], ...]
    operators: tuple[str, ...]
    sides: tuple[int, ...]
    top: tuple[int, ...]

    @property
    def text(self) -> str:
        lines = ["model m", "decide z integer in 0 .. 1"]
        lines += [f"decide x{j} integer in 0 .. {t}" for j, t in enumerate(self.top)]
        for i, (row, op, side) in enumerate(
            zip(self.rows, self.operators, self.sides, strict=True)
        ):
            terms = " + ".join(f"({a}) * x{j}" for j, a in enumerate(row))
            lines.append(f"limit l{i}: {terms} + 0 * z {op} {side}")
        return "\n".join([*lines, "minimize { c: z }"])

    def holds(self, i: int, points: np.ndarray) -> np.ndarray:
        value = points @ np.array(self.rows[i])
        side = self.sides[i]
        return {"<=": value <= side, ">=": value >= side, "==": value == side}[self.operators[i]]

    def keeps(self, members: list[tuple[str, int, str]], points: np.ndarray) -> np.ndarray:
        """Which points keep all members: ("limit", i, "") or ("range", j, side)."""
        good = np.ones(len(points), dtype=bool)
        for kind, k, side in members:
            if kind == "limit":
                good &= self.holds(k, points)
            elif side == "lower":
                good &= points[:, k] >= 0
            else:
                good &= points[:, k] <= self.top[k]
        return good


@st.composite
def systems(draw: st.DrawFn) -> System:
    columns = draw(st.integers(2, 3))
    count = draw(st.integers(1, 4))
    row = st.tuples(*[st.integers(-3, 3)] * columns).filter(any)
    return System(
        tuple(draw(row) for _ in range(count)),
        tuple(draw(st.sampled_from(["<=", ">=", "=="])) for _ in range(count)),
        tuple(draw(st.integers(-9, 9)) for _ in range(count)),
        tuple(draw(st.integers(1, 4)) for _ in range(columns)),
    )


def found_members(statements: SwitchedStatements, found: Filtered) -> list[tuple[str, int, str]]:
    members = []
    for k in found.members.tolist():
        s, _ = statements.of(k)
        if s.name != "z":
            side = s.side if s.kind == "range" else ""
            members.append((s.kind, int(s.name[1:]), side))
    return members


def judged(system: System, solver: str) -> None:
    box = [np.arange(-BOX, BOX + 1)] * len(system.top)
    points = np.array(list(itertools.product(*box)))
    ranges = [("range", j, side) for j in range(len(system.top)) for side in ("lower", "upper")]
    every = [("limit", i, "") for i in range(len(system.rows))] + ranges
    feasible = bool(system.keeps(every, points).any())
    unrolled = problem(system.text)
    statements = SwitchedStatements(unrolled)
    found = smallest(statements, Options(solver=solver), Budget(8))
    if feasible:
        assert not found.agreed
        return
    assert found.agreed
    members = found_members(statements, found)
    # Ranges of `z` are in no conflict.
    assert len(members) == len(found.members)
    assert not system.keeps(members, points).any()
    for place, member in enumerate(found.members.tolist()):
        others = members[:place] + members[place + 1 :]
        if member not in found.needed:
            # Without its ranges 3 x - 3 y == 4 has no end for a solver: that is not called proven.
            assert not system.keeps(others, points).any()
            continue
        values = found.needed[member]
        point = np.array(
            [[round(float(values[v].ravel()[0])) for v in unrolled.decisions if v.name != "z"]]
        )
        assert system.keeps(others, point).all()
        assert not system.keeps([members[place]], point).all()


@settings(max_examples=40, deadline=None)
@given(systems())
@example(System(((0, 1), (-3, 3)), (">=", "=="), (0, 4), (1, 1)))
@example(
    System(
        ((3, 0, 3), (0, 0, 1), (2, 0, 0), (0, 0, 1)),
        ("==", "<=", "==", "<="),
        (1, 0, 1, 0),
        (1, 1, 1),
    )
)
def test_whole_systems(system: System) -> None:
    judged(system, "highs")


@settings(max_examples=10, deadline=None)
@given(systems())
@example(
    System(
        ((0, 0, 1), (0, 0, 1), (1, -3, 0), (2, 3, -1)),
        ("<=", "<=", "<=", "<="),
        (0, -3, 0, 0),
        (1, 1, 1),
    )
)
def test_whole_systems_scip(system: System) -> None:
    if not registry.get("scip").available():
        pytest.skip("scip is not installed")
    judged(system, "scip")
