"""The frontier between two terms, against every allocation that there is."""

from __future__ import annotations

import csv
import importlib.util
import itertools
import math
import sys
import threading
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import allocc
from allocc.engine.judging.options import make_options
from allocc.questions.pareto import epsilon_constraint
from allocc.questions.pareto.pareto import trace
from allocc.results.frontier import Tradeoff
from allocc.showing.plots import frontier_svg
from allocc.showing.plots.frontier import corners, picture, staircase
from tests import small
from tests.helpers import Run, only_json

LOCKDOWN = Path(__file__).parents[3] / "examples" / "lockdown" / "lockdown.alloc"
OFF = (1.2, 1.3, 1.1, 1.25, 1.15, 1.3)
ON = (0.8, 0.7, 0.9, 0.75, 0.85, 0.8)

DAYS = """model days "Which days to lock down"
table days from "days.csv" key day
param cap "most days" = 4
time t : day = 1 .. 7
compartment new "new cases" : person
initial new = 100
flow growth : -> new = (days.off[t] - 1) * new
intervention lockdown "Lock down" {
  decide lock[t] "locked" binary
  effect growth += (days.on[t] - days.off[t]) * lock * new
  limit patience: sum(t: lock[t]) <= cap
  limit last: lock[end] <= 0
}
minimize {
  closed "days of lockdown" : sum(t: lock[t])
  ill "cases" : sum(t: new[t])
  other "cases at the end" : 3 * new[end]
}
prefer calm: lock[1] <= 0 penalty 50
"""

GOODS = """model goods "What to pack"
table items from "items.csv" key item
set Item = items.item
decide take[Item] "taken" : box binary
limit room: sum(take) <= 3
maximize {
  good "health gained" : sum(i in Item: items.good[i] * take[i])
  fair "fairness" : sum(i in Item: items.fair[i] * take[i])
}
"""
GOOD, FAIR = (6, 5, 9, 7, 3, 4, 8), (2, 8, 1, 3, 9, 7, 2)


def days(folder: Path) -> Path:
    rows = "".join(f"{k + 1},{a},{b}\n" for k, (a, b) in enumerate(zip(OFF, ON, strict=True)))
    (folder / "days.csv").write_text("day,off,on\n" + rows + "7,1,1\n", "utf-8")
    return small.easy(folder, DAYS)


def every_day() -> list[tuple[float, float]]:
    """(closed, ill) of every allocation."""
    found = []
    for lock in itertools.product((0, 1), repeat=6):
        if sum(lock) > 4:
            continue
        new = [100.0]
        for k, shut in enumerate(lock):
            new.append(new[-1] * (ON[k] if shut else OFF[k]))
        found.append((float(sum(lock)), math.fsum(new)))
    return found


def every_pack() -> list[tuple[float, float]]:
    return [
        (float(sum(GOOD[i] for i in s)), float(sum(FAIR[i] for i in s)))
        for r in range(4)
        for s in itertools.combinations(range(7), r)
    ]


def agree(found: Tradeoff, everything: list[tuple[float, float]], first: int = 0) -> None:
    """Every point, bound and shaded place against all allocations."""
    s = found.sign
    pairs = [(s * a[first], s * a[1 - first]) for a in everything]
    assert found.status == "optimal"
    assert [p.dominated_by for p in found.points] == [None] * len(found.points)
    for p in found.points:
        level = max(y for _, y in pairs) if p.level is None else s * p.level
        best = min(x for x, y in pairs if y <= level + 1e-6)
        then = min(y for x, y in pairs if x <= best + 1e-6)
        assert s * p.values[0] == pytest.approx(best, rel=1e-6, abs=1e-6)
        assert s * p.values[1] == pytest.approx(then, rel=1e-6, abs=1e-6)
        assert p.bound is not None
        assert s * p.bound <= best + 1e-6 * max(1.0, abs(best))
    least = min(x for x, _ in pairs), min(y for _, y in pairs)
    assert s * found.points[0].values[0] == pytest.approx(least[0], rel=1e-6)
    assert s * found.points[-1].values[1] == pytest.approx(least[1], rel=1e-6)
    for y0, x0 in corners(found):
        assert not any(
            y <= y0 - 1e-5 * abs(y) - 1e-5 and x <= x0 - 1e-5 * abs(x) - 1e-5 for x, y in pairs
        )


@pytest.mark.parametrize(("names", "first"), [(("ill", "closed"), 1), (("closed", "ill"), 0)])
def test_whole_frontier(tmp_path: Path, names: tuple[str, str], first: int) -> None:
    model = allocc.load(days(tmp_path))
    found = trace(model, names, 5, make_options(gap=1e-7))
    assert len(found.points) == 5
    assert found.left_out == ("other", "calm")
    agree(found, every_day(), first)
    if names[0] == "ill":
        assert [round(p.values[1]) for p in found.points] == [4, 3, 2, 1, 0]
    for p in found.points:
        assert set(p.terms) == {"closed", "ill", "other", "calm"}


def test_soft_limit_as_a_term(tmp_path: Path) -> None:
    """The name of a soft limit stands for its penalty."""
    found = trace(allocc.load(days(tmp_path)), ("ill", "calm"), 3, make_options())
    assert found.status == "optimal"
    assert found.points[-1].values[1] == 0
    assert found.points[0].values[1] in (0, 50)


def test_maximize(tmp_path: Path) -> None:
    rows = [f"{k},{a},{b}\n" for k, (a, b) in enumerate(zip(GOOD, FAIR, strict=True))]
    (tmp_path / "items.csv").write_text("item,good,fair\n" + "".join(rows), "utf-8")
    model = allocc.load(small.easy(tmp_path, GOODS))
    found = trace(model, ("good", "fair"), 7, make_options(gap=1e-7))
    assert found.sense == "maximize"
    agree(found, every_pack())
    assert found.points[0].values == (24, 6)
    assert found.points[-1].values[1] == 24
    ET.fromstring(frontier_svg(found) or b"")


def test_example(run: Run) -> None:
    done = run(
        "pareto", LOCKDOWN, "--set", "case=both", "--between", "closed", "ill", "--points", 5, "-q"
    )
    assert done.exit_code == 0, done.output
    assert "closed against ill: every point is proven within the gap." in done.stdout
    assert "best closed" in done.stdout
    assert "7,226.108" in done.stdout
    assert "1,228.502" in done.stdout
    assert done.stderr == ""


def test_files_and_json(run: Run, tmp_path: Path) -> None:
    done = run(
        *("pareto", days(tmp_path), "--between", "ill", "closed", "--points", 5),
        *("--json", "--csv", "f.csv", "--plot", "f.svg"),
    )
    assert done.exit_code == 0, done.output
    found = only_json(done.stdout)
    assert found["status"] == "optimal"
    assert [p["point"] for p in found["points"]] == [1, 2, 3, 4, 5]
    assert found["left_out"] == ["other", "calm"]
    free = {p["term"]: p["bound"] for p in found["proven"] if p["where"] is None}
    assert free["closed"] == pytest.approx(0.0, abs=1e-9) and free["closed"] <= 0.0
    assert "point 3 of 5: closed <= 2" in done.stderr
    with (tmp_path / "f.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    assert float(rows[0]["ill"]) == found["points"][0]["values"]["ill"]
    assert rows[0]["closed_limit"] == ""
    text = (tmp_path / "f.svg").read_text("utf-8")
    ET.fromstring(text)
    assert "script" not in text
    assert "days of lockdown" in text
    assert ">cases<" in text


def test_without_matplotlib(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The points are kept without their picture; a picture that is asked for is refused at once."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    asked = ("pareto", days(tmp_path), "--between", "ill", "closed", "--points", 2, "-q")
    assert run(*asked, "--run", "kept").exit_code == 0
    assert (tmp_path / "kept" / "frontier.json").is_file()
    assert not (tmp_path / "kept" / "frontier.svg").exists()
    done = run(*asked, "--plot", "f.svg")
    assert done.exit_code == 7
    assert "install it: pip install 'allocc[plot]'" in done.stderr


def test_progress_is_kept_quiet(run: Run, tmp_path: Path) -> None:
    done = run("pareto", days(tmp_path), "--between", "ill", "closed", "--points", 2, "-q")
    assert done.exit_code == 0
    assert done.stderr == ""


def test_infeasible_and_unbounded(run: Run, tmp_path: Path) -> None:
    two = small.INFEASIBLE.replace("{ cost: x + y }", "{ a: x  b: y }")
    done = run("pareto", small.easy(tmp_path, two), "--between", "a", "b", "--plot", "f.svg", "-q")
    assert done.exit_code == 3
    assert "no allocation meets every limit" in done.stdout
    assert not (tmp_path / "f.svg").exists()
    two = "model m\ndecide x in 0 ..\ndecide y in 0 .. 1\nminimize { a: -x  b: y }\n"
    done = run("pareto", small.easy(tmp_path, two), "--between", "a", "b", "--json", "-q")
    assert done.exit_code == 4
    assert only_json(done.stdout)["points"] == []


def test_terms_that_do_not_compete(run: Run, tmp_path: Path) -> None:
    two = "model m\ndecide x integer in 0 .. 5\nminimize { a: x  b: 2 * x }\n"
    done = run("pareto", small.easy(tmp_path, two), "--between", "a", "b", "-q")
    assert done.exit_code == 0
    assert "do not compete" in done.stdout


@pytest.mark.parametrize(
    ("between", "code", "said"),
    [
        (("closd", "ill"), "E7020", "did you mean 'closed'?"),
        (("ill", "ill"), "E7021", "named twice"),
    ],
)
def test_wrong_terms(
    run: Run, tmp_path: Path, between: tuple[str, str], code: str, said: str
) -> None:
    done = run("pareto", days(tmp_path), "--between", *between)
    assert done.exit_code == 1
    assert code in done.stderr
    assert said in done.stderr
    assert code in run("explain", code).stdout


def test_term_without_weight(run: Run) -> None:
    done = run("pareto", LOCKDOWN, "--between", "closed", "ill")
    assert done.exit_code == 1
    assert "no decision changes the term 'ill'" in done.stderr


def test_wrong_options(run: Run, tmp_path: Path) -> None:
    path = days(tmp_path)
    assert run("pareto", path).exit_code == 2
    two = ("pareto", path, "--between", "ill", "closed")
    assert "E7005" in run(*two, "--points", 1).stderr
    assert "E7011" in run(*two, "--plot", "f.pdf").stderr
    done = run(*two, "--points", 2, "--csv", "nowhere/f.csv", "-q")
    assert done.exit_code == 1
    assert "E7008" in done.stderr
    assert "best ill" in done.stdout


def test_png(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = ("pareto", days(tmp_path), "--between", "ill", "closed", "--points", 2, "--plot", "f.png")
    if importlib.util.find_spec("matplotlib") is not None:
        assert run(*two).exit_code == 0
        assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run(*two)
    assert done.exit_code == 7
    assert "error[E7060]" in done.stderr
    assert "needs the Python package matplotlib, which is not installed" in done.stderr
    assert "install it: pip install 'allocc[plot]'" in done.stderr


def test_time_limit(run: Run, tmp_path: Path) -> None:
    path = small.hard(tmp_path)
    text = path.read_text("utf-8").replace(
        "off_target: sum(off) + sum(under)", "off: sum(off) + sum(under)  few: sum(take)"
    )
    path.write_text(text.replace("{ off: sum", "{ missed: sum"), "utf-8")
    done = run("pareto", path, "--between", "missed", "few", "--points", 3, "--time-limit", 0.5)
    assert done.exit_code in (5, 6), done.output
    assert "stopped at the time limit" in done.stdout


def test_units(tmp_path: Path) -> None:
    """A unit is shown where the term is a plain sum of quantities with it."""
    text = "model m\nset S = {a, b}\ndecide x[S] : box integer in 0 .. 5\nlimit l: sum(x) >= 3\n"
    text += 'minimize { all "boxes" : sum(x)  twice "worth" : 2 * x["a"] }\n'
    found = trace(
        allocc.load(small.easy(tmp_path, text)), ("all", "twice"), 3, make_options(solver="scip")
    )
    assert [a.label for a in found.axes] == ["boxes (box)", "worth"]
    assert picture(found).labels == ("worth", "boxes (box)")


def test_interrupted(tmp_path: Path) -> None:
    """What is known when a stop is asked for is kept."""
    cancel = threading.Event()

    def tell(text: str) -> None:
        if text.startswith("point 3"):
            cancel.set()

    options = make_options(cancel=cancel)
    found = trace(allocc.load(days(tmp_path)), ("ill", "closed"), 5, options, tell)
    assert found.stopped == "interrupted"
    assert len(found.points) >= 3


def test_wrong_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound that an allocation of another solve contradicts is thrown away."""
    solve = epsilon_constraint.solve
    asked = []

    def lying(problem: Any, options: Any, starts: Any = ()) -> Any:
        asked.append(problem)
        outcome = solve(problem, options)
        # The third solve is that of the best second term.
        return replace(outcome, bound=1.5) if len(asked) == 3 else outcome

    monkeypatch.setattr(epsilon_constraint, "solve", lying)
    found = trace(allocc.load(days(tmp_path)), ("ill", "closed"), 3, make_options())
    assert found.status == "feasible"
    assert "not to be trusted" in " ".join(found.notes)
    assert all(c.bound != 1.5 for c in found.claims)


def test_staircase() -> None:
    inf = math.inf
    outline = staircase([(inf, 1.0), (3.0, 2.0), (2.0, 1.5), (1.0, inf)], 0, 5, 0, 4)
    assert outline == [
        (5, 0),
        (5, 0),
        (5, 1.0),
        (3.0, 1.0),
        (3.0, 2.0),
        (1.0, 2.0),
        (1.0, 4),
        (0, 4),
        (0, 0),
    ]


def test_decisions_of_every_point(tmp_path: Path) -> None:
    """Each point's decisions, read back and simulated, give the point's values."""
    model = allocc.load(days(tmp_path))
    found = model.pareto("ill", "closed", points=4)
    folder = found.save(tmp_path / "front")
    assert sorted(f.name for f in folder.iterdir()) == [
        *(f"decisions-{k}.csv" for k in range(1, 5)),
        "frontier.csv",
        "frontier.json",
        "frontier.svg",
    ]
    for k, p in enumerate(found.points, 1):
        for given in (p.decisions, folder / f"decisions-{k}.csv"):
            terms = model.simulate(given).terms
            assert terms["ill"] == pytest.approx(p.values[0], rel=1e-12)
            assert terms["closed"] == p.values[1]
    with pytest.raises(allocc.AlloccError, match="E7"):
        found.save(folder)


def test_neighbours_are_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first solve every solve begins at an allocation that its level allows."""
    seen: list[tuple[Any, list[Any]]] = []
    solve = epsilon_constraint.solve

    def watched(problem: Any, options: Any, starts: Any = ()) -> Any:
        seen.append((problem, list(starts)))
        return solve(problem, options, starts)

    monkeypatch.setattr(epsilon_constraint, "solve", watched)
    model = allocc.load(days(tmp_path))
    found = model.pareto("ill", "closed", points=5)
    assert found.status == "optimal"
    assert not any("start" in n for n in found.notes)
    assert [len(starts) for _, starts in seen[:1]] == [0]
    assert all(len(starts) == 1 for _, starts in seen[1:])


def test_run_option(tmp_path: Path, run: Run) -> None:
    days(tmp_path)
    path = str(small.easy(tmp_path, DAYS))
    target = tmp_path / "made"
    done = run("pareto", path, "--between", "ill", "closed", "--points", "3", "--run", str(target))
    assert done.exit_code == 0
    assert (target / "decisions-3.csv").is_file()
    again = run("pareto", path, "--between", "ill", "closed", "--points", "3", "--run", str(target))
    assert again.exit_code != 0 and "Traceback" not in again.output
