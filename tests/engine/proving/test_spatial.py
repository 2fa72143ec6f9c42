"""The tree over boxes: no look cuts off what is simulated, its bounds hold, its nodes are the same everywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allocc.compiler.arrays import FloatArray
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import simulate
from allocc.engine import divide, refine
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.proving import spatial
from allocc.engine.proving.box_look import Box, BoxLook, Seen, value_step
from allocc.engine.proving.denominators import prepared
from allocc.engine.proving.spatial import SpatialTree
from allocc.engine.solve import solve
from tests.backends.programs import program
from tests.compiler.boxes.models import model
from tests.compiler.making import completed, decisions

#: How much worse than the best the cut-off is.
LOOSE = 0.3
MODELS = ("vaccines", "closures", "curves")


class Watch:
    """Feasible points of a problem, and what the looks of its tree do to them."""

    def __init__(self, found: Problem, more: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self.problem, self.points = found, list(more)
        self.checked, self.single, self.ground = 0, None, None
        watch, ground = self, divide._ground
        look, tightened = BoxLook.look, BoxLook.tightened

        def grounded(loop: Any, relaxation: Any) -> Any:
            watch.single, watch.ground = ground(loop, relaxation)
            return watch.single, watch.ground

        def looked(this: BoxLook, box: Box, cutoff: float, worth: Any) -> Seen:
            seen = look(this, box, cutoff, worth)
            watch.check(box, cutoff, None if seen.empty else seen, seen.bound)
            return seen

        def tightening(this: BoxLook, seen: Seen, cutoff: float, which: Any) -> Box | None:
            made = tightened(this, seen, cutoff, which)
            box = Box(seen.lower, seen.upper, seen.bound, bands=seen.bands)
            watch.check(box, cutoff, made, seen.bound)
            return made

        monkeypatch.setattr(divide, "_ground", grounded)
        monkeypatch.setattr(BoxLook, "look", looked)
        monkeypatch.setattr(BoxLook, "tightened", tightening)

    def check(self, box: Box, cutoff: float, after: Box | Seen | None, bound: float) -> None:
        """Every point in a box that is better than the cut-off is in what is left of it."""
        e = self.ground.envelopes
        sign = 1.0 if self.problem.sense == "minimize" else -1.0
        for before in self.points:
            point = self.single.inward(before)
            value = (
                sign * e.scaling.objective * (self.ground.program.objective[: len(point)] @ point)
            )
            room = 1e-8 * (1.0 + abs(value))
            size = e.scaling.columns[: len(point)]
            n = len(point)
            inside = (box.lower[:n] <= point + 1e-9 * size) & (point <= box.upper[:n] + 1e-9 * size)
            if not inside.all() or value >= cutoff - room:
                continue
            assert after is not None
            assert bound <= value + room
            assert (after.lower[:n] <= point + 1e-8 * size).all()
            assert (point <= after.upper[:n] + 1e-8 * size).all()
            self.checked += 1


def feasible(found: Problem, seed: int, count: int) -> list[FloatArray]:
    """Points of random decisions that meet every limit."""
    rng = np.random.default_rng(seed)
    lowered, kept = prepared(found, "auto"), []
    for _ in range(count):
        chosen = decisions(found, rng)
        for share in (1.0, 0.5, 0.2):
            scaled = {
                v: np.clip(np.rint(share * x) if v.integer else share * x, *found.ends(v))
                for v, x in chosen.items()
            }
            if assess(found, scaled).violation.relative <= 1e-9:
                kept.append(completed(lowered, simulate(found, scaled)))
    return kept


def quick(found: Problem, gap: float = 1e-3) -> Outcome:
    return solve(found, Options(gap=gap, time_limit=20))


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("name", MODELS)
def test_no_look_cuts_off_what_is_simulated(
    name: str, unit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = model(name, unit)
    best = quick(found)
    assert best.values is not None
    more = [completed(prepared(found, "auto"), best.values)]
    watch = Watch(found, more + feasible(found, 4, 40), monkeypatch)
    level = divide._Search._level

    def loose(search: Any) -> float:
        """A cut-off that many allocations are better than: the tree may not lose them."""
        aim, size = level(search), abs(search._level_of(best.value))
        return aim + LOOSE * size if search.loop.minimize else aim - LOOSE * size

    monkeypatch.setattr(divide._Search, "_level", loose)
    monkeypatch.setattr(divide, "MOST_NODES", 40)
    quick(found)
    assert watch.checked > 5


@pytest.mark.parametrize("name", MODELS)
def test_the_unit_of_people_changes_nothing_else(name: str) -> None:
    ends = [quick(model(name, unit)) for unit in (1.0, 1e-3, 1e5)]
    people = [1.0, 1e-3, 1e5] if name == "vaccines" else [1.0] * 3
    for end, unit in zip(ends, people, strict=True):
        assert end.status == "optimal" and end.word == "proven"
        assert end.value is not None and end.bound is not None and ends[0].value is not None
        assert end.value / unit == pytest.approx(ends[0].value, rel=2e-3)
        assert abs(end.value - end.bound) <= 1.001e-3 * abs(end.value)


def test_the_tree_is_the_same_again() -> None:
    first, again = (quick(model("vaccines")) for _ in range(2))
    assert (first.rounds, first.value, first.bound) == (again.rounds, again.value, again.bound)


@pytest.mark.parametrize(
    ("costs", "whole", "step"),
    [
        ([2.0, 3.0, 0.0], [1, 1, 0], 0.0),  # 3 is no multiple of 2
        ([2.0, 6.0, 0.0], [1, 1, 0], 2.0),
        ([0.1, -0.3, 0.0], [1, 1, 0], 0.1),
        ([2.0, 6.0, 1.0], [1, 1, 0], 0.0),
        ([0.0, 0.0, 0.0], [1, 1, 0], 0.0),
    ],
)
def test_values_of_whole_columns_lie_apart(
    costs: list[float], whole: list[int], step: float
) -> None:
    made = program(costs, upper=5.0, integer=np.array(whole, dtype=bool))
    assert value_step(made) == pytest.approx(step)


def test_what_cannot_be_met_is_proven_so() -> None:
    from tests.compiler.boxes.models import CLOSURES
    from tests.compiler.making import problem

    found = problem(
        CLOSURES.format(unit=1.0).replace("in 0 .. 1", "in 0 .. 0.4").replace("160", "95")
    )
    end = quick(found)
    assert end.status == "infeasible" and end.word == "proven"


def test_time_limits_hold() -> None:
    """The tree stops between two looks, and a look asks for the time between its linear programs."""
    found = model("vaccines")
    stopped = solve(found, replace(Options(gap=1e-9), time_limit=0.5))
    assert stopped.stopped in ("time_limit", "gap")
    assert stopped.value is not None


def test_what_shortened_ranges_prove_is_a_bound_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the time ends before another box is looked at, it is not lost."""
    seen: list[tuple[float, float]] = []
    shorten, search = SpatialTree.shorten, divide._Search._outside

    def shortened(tree: SpatialTree, *told: Any) -> None:
        before = tree.least
        shorten(tree, *told)
        seen.append((before, tree.whole_box.bound))

    searches: list[Any] = []

    def outside(this: Any, level: float) -> float:
        searches.append(this)
        return search(this, level)

    monkeypatch.setattr(SpatialTree, "shorten", shortened)
    monkeypatch.setattr(divide._Search, "_outside", outside)
    monkeypatch.setattr(divide, "FIRST_NODES", 1)
    monkeypatch.setattr(divide, "MOST_NODES", 1)
    found = model("vaccines")
    end = solve(found, Options(gap=1e-9, time_limit=60))
    ((before, after),) = seen
    old, new = (search(searches[0], level) for level in (before, after))
    assert new > old + 1e-3 * abs(old)
    assert end.bound == pytest.approx(new, rel=1e-8)
    assert "ranges shortened" in [step.phase for step in end.history]


def test_a_note_says_who_solves_the_programs_of_the_boxes() -> None:
    end = solve(model("vaccines"), Options(solver="pyomo", gap=0.1))
    assert "HiGHS solves the programs of the boxes: pyomo is not asked" in end.notes
    assert not quick(model("vaccines"), 0.1).notes


@pytest.mark.parametrize("over", [0.0, None])
def test_nothing_else_begins_when_the_time_is_over(
    over: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other method is tried with a tree that has no root because there was no time for one."""
    asked = []
    monkeypatch.setattr(refine, "_tightening_rounds", lambda *_: asked.append("refined"))
    monkeypatch.setattr(divide._Search, "run", _out_of_time(divide._Search.run))
    found = model("vaccines")
    end = solve(found, Options(time_limit=over)) if over is not None else quick(found)
    assert end.stopped == "time_limit" and not asked


def _out_of_time(run: Any) -> Any:
    def ran(search: Any) -> Any:
        search.loop.options = replace(search.loop.options, time_limit=0.0)
        return run(search)

    return ran


def test_points_of_boxes_are_simulated_to_the_end_and_progress_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Boxes come in twos after the first: what is done every so often is not done by their number."""
    offers: list[int] = []
    offer = divide._Search._offer

    def offered(search: Any, point: FloatArray) -> None:
        offers.append(search.tree.nodes)
        offer(search, point)

    monkeypatch.setattr(divide._Search, "_offer", offered)
    # Nothing is cut off.
    monkeypatch.setattr(divide._Search, "_level", lambda _: np.inf)
    monkeypatch.setattr(divide, "MOST_NODES", 121)
    monkeypatch.setattr(divide, "KEPT_EVERY", 4)
    monkeypatch.setattr(spatial, "FIRST", 10)
    end = solve(model("vaccines"), Options(gap=1e-9, time_limit=60))
    assert end.rounds > 30
    assert [n for n in offers if n > 20]
    kept = [step for step in end.history if step.phase == "boxes divided"]
    assert end.rounds / 4 - 4 <= len(kept) <= end.rounds / 4 + 4
    assert kept[-1].bound > kept[0].bound
