"""Pictures of runs: they are drawn, say what they show, and come out the same each time."""

from __future__ import annotations

import json
import sys
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import allocc
from allocc.compiler.labels import label_text
from allocc.engine.judging.options import make_options
from allocc.engine.judging.outcome import Step, relative_gap
from allocc.questions.pareto.pareto import trace
from allocc.results import frontier_folder
from allocc.results.labelled import Block, Labels
from allocc.showing.plots import available, draw_frontier, frontier_svg
from tests import small
from tests.helpers import Run, only_json

pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")

from matplotlib.text import Text

from allocc.showing.plots.allocation import MOST_BARS, MOST_UNSORTED
from allocc.showing.plots.style import short, tidy, wrapped

SHARES = small.EPIDEMIC.replace(
    'model epidemic "Treatment by region"',
    'model epidemic "Treatment by region"\nuse l1 from "equity.alloc"',
).replace(
    "sum(r in Region: A[r, end]) }",
    'sum(r in Region: A[r, end])\n  fair "away from need" : 0.01 * sum(k in t: '
    "l1(teams[k], cap * sick / sum(sick))) }",
)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> allocc.Result:
    folder = tmp_path_factory.mktemp("epidemic")
    path = small.epidemic(folder)
    path.write_text(SHARES, "utf-8")
    return allocc.load(path).solve()


@pytest.fixture(scope="module")
def folder(result: allocc.Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return result.save(tmp_path_factory.mktemp("runs") / "run")


def words(svg: bytes | str) -> str:
    """All text of a picture, which is text and no outlines."""
    root = ET.fromstring(svg)
    return " ".join("".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text"))


def test_trajectories(result: allocc.Result) -> None:
    figure = result.plot("trajectories")
    text = words(figure.data("svg"))
    for shown in (
        "Treatment by region",
        "A: sick",
        "R: well",
        "person, total of 2 Region",
        "with the allocation",
        "without interventions",
        "t (year)",
    ):
        assert shown in text, shown
    lines = [a.get_lines() for a in figure.body.axes]
    assert [len(x) for x in lines] == [2, 2]
    drawn = lines[0][1].get_ydata()
    np.testing.assert_allclose(drawn, result["A"].sum(axis=1).to_numpy())


def test_allocation(result: allocc.Result) -> None:
    (target,) = result.targets
    assert target.values.tolist() == pytest.approx([5 * 15, 5 * 25])
    figure = result.plot("allocation")
    text = words(figure.data("svg"))
    for shown in ("teams: teams at work (team)", "team, sum over t", "north", "south", "Region"):
        assert shown in text, shown
    assert "reference of fair: away from need" in text
    bars = figure.body.subfigs[0].subfigs[0].axes[0]
    widths = [p.get_width() for p in bars.patches]
    np.testing.assert_allclose(widths, result["teams"].sum().to_numpy())
    marks = bars.get_lines()[0].get_xdata()
    np.testing.assert_allclose(marks, target.values)


def test_progress(result: allocc.Result) -> None:
    last = result.history[-1]
    early = replace(last, seconds=0.0, bound=0.0, gap=1.0)
    course = (early, replace(last, seconds=2.0))
    text = words(replace(result, history=course).plot("progress").data("svg"))
    for shown in ("best allocation known", "proven bound", "lower is better", "seconds", "asked"):
        assert shown in text, shown


@pytest.mark.parametrize("gap", [0.0, 0.25, None])
def test_solved_at_once(gap: float | None) -> None:
    """What was known at one moment has no course: it is a line over the whole picture."""
    bound = None if gap is None else 8.0 * (1 - gap)
    only = Step(3.0, bound, 8.0, gap, 1, "solved")
    history = (Step(0.1, None, None, None, 0, ""), only, replace(only, seconds=3.1))
    one = replace(many(1), history=history)
    figure = one.plot("progress")
    (axes,) = figure.body.axes
    left, right = axes.get_xlim()
    for line in axes.get_lines():
        assert (min(line.get_xdata()), max(line.get_xdata())) == (left, right)
    text = words(figure.data())
    assert "known at one moment, after 3.0 s" in text
    assert ("bound" in text) == (gap is not None)
    assert gap != 0.25 or "the gap is 25.00 %" in text.replace("\n", " ")


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
@pytest.mark.parametrize(
    "known",
    [
        [(0.1, 5.0, None), (0.5, 7.0, None)],
        [(0.1, None, 5.0)],
        [(0.0, 5.0, 5.0)],
        [(0.1, -1e9, 5.0), (3.0, 4.9, 5.0)],
        [(0.1, 0.0, 0.0)],
        [(0.1, -5.0, -4.0), (0.2, -4.5, -4.0)],
    ],
)
def test_any_course_of_a_solve(sense: str, known: list[tuple[float, ...]]) -> None:
    """The picture shows the last value and the last bound, however wild the others were."""
    history = tuple(
        Step(seconds, bound, value, relative_gap(value, bound, 1.0), 1, "")
        for seconds, bound, value in known
    )
    one = replace(many(1), sense=sense, options={"gap": 1e-4}, history=history)
    figure = one.plot("progress")
    low, high = figure.body.axes[0].get_ylim()
    for last in known[-1][1:]:
        assert last is None or low < last < high
    figure.data()


def test_the_first_there_is_something_for(result: allocc.Result, tmp_path: Path) -> None:
    assert "with the allocation" in words(result.plot().data())
    easy = allocc.load(small.easy(tmp_path)).solve()
    assert available(easy) == ["allocation", "progress"]
    assert "doses: doses (dose)" in words(easy.plot().data())
    assert "higher is better" in words(easy.plot("progress").data())


def test_the_same_run_gives_the_same_file(folder: Path, result: allocc.Result) -> None:
    for what in available(result):
        again = allocc.Result.open(folder).plot(what)
        assert again.data() == result.plot(what).data()
        assert again.data("png").startswith(b"\x89PNG")


def many(count: int, names: str = "site {}, {}") -> allocc.Result:
    values = np.arange(count, dtype=float)
    members = tuple((names.format("abc"[k % 3], k),) for k in range(count))
    block = Block("x", "decision", (Labels(("Site",), members),), values, "things", "box")
    return allocc.Result("m", "M", "minimize", "optimal", "gap", 1.0, 1.0, 0.0, None, (), (block,))


def test_many_members() -> None:
    """The largest have a bar, the rest is told; nobody is left out of the total."""
    text = words(many(500).plot("allocation").data())
    rest = 500 - MOST_BARS
    assert f"{rest} others" in text
    assert f"together {sum(range(rest)):,}, at most {rest - 1} each" in text
    assert f"{sum(range(500)):,} in total" in text
    assert text.index("site b, 499") < text.index("site a, 498")
    assert f", {rest - 1} " not in text
    # A single one that is left over takes the place of the line that would tell of it.
    assert "others" not in words(many(MOST_BARS + 1).plot("allocation").data())


NOMINAL = [f"{first}{second}" for first in "abcd" for second in "wxyz"]


@pytest.mark.parametrize(
    ("labels", "kept"),
    [
        (["0-4", "5-9", *(f"{a}-{a + 4}" for a in range(10, 80, 5)), "80+"], True),
        (["<5", *(f"{a}-{a + 4}" for a in range(5, 80, 5)), "80+"], True),
        ([f"week {k}" for k in range(1, 18)], True),
        (list(range(2017, 2034)), True),
        ([-k / 2 for k in range(17)], True),
        (NOMINAL[:MOST_UNSORTED], True),
        (NOMINAL, False),
        ([*NOMINAL, "week 1"], False),
        ([f"{'ab'[k % 2]}{k}" for k in range(17)], False),
        ([3, 1, 2, *range(4, 18)], False),
        (["7"] * 16, False),
    ],
)
@pytest.mark.parametrize("across", [0, 2])
def test_order_of_members(labels: list[object], kept: bool, across: int) -> None:
    """Ages, weeks, years and short sets keep their order; many names stand by size."""
    axes = [Labels(("S",), tuple((x,) for x in labels))]
    values = np.arange(len(labels), dtype=float)
    if across:
        axes.append(Labels(("B",), tuple((f"c{k}",) for k in range(across))))
        values = np.column_stack([values] * across)
    block = Block("x", "decision", tuple(axes), values, "things", "box")
    one = allocc.Result("m", "M", "minimize", "optimal", "gap", 1, 1, 0, None, (), (block,))
    (panel,) = (a for a in one.plot("allocation").axes if a.get_ylabel() == "S")
    shown = [label_text(x) for x in labels]
    drawn = [t.get_text() for t in panel.get_yticklabels()]
    assert drawn == (shown if kept else shown[::-1])


def test_largest_weeks_in_their_order() -> None:
    drawn = [
        t.get_text() for t in many(40, "week {1}").plot("allocation").axes[0].get_yticklabels()
    ]
    assert drawn == [*(f"week {k}" for k in range(40 - MOST_BARS, 40)), f"{40 - MOST_BARS} others"]


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 3), (5, 4, 3), (2, 300)])
def test_two_indices_and_more(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=float).reshape(shape)
    axes = tuple(
        Labels((f"S{n}",), tuple((f"{n}.{k}",) for k in range(size)))
        for n, size in enumerate(shape)
    )
    block = Block("x", "decision", axes, values, "things", "box")
    one = allocc.Result("m", "", "minimize", "optimal", "gap", 1, 1, 0, None, (), (block,))
    text = words(one.plot("allocation").data())
    assert f"{int(values.sum()):,} in total" in text


def test_what_a_solver_leaves_of_a_zero_has_no_number() -> None:
    axes = (Labels(("A",), (("a",), ("b",))), Labels(("B",), (("c",), ("d",))))
    block = Block("x", "decision", axes, np.array([[240.0, 5.82e-44], [0, 200]]), "things", "box")
    one = allocc.Result("m", "", "minimize", "optimal", "gap", 1, 1, 0, None, (), (block,))
    text = words(one.plot("allocation").data())
    assert "240" in text and "200" in text
    assert "e-44" not in text and "0" not in text.split()


def test_strange_values() -> None:
    """Zero everywhere, below zero, no member, a name that is no word."""
    for values in (np.zeros(3), np.array([-1.0, 0.0, 2.0]), np.array([1e-12, 1e12, 0.0])):
        one = many(3, "<{}> & $x_1$")
        block = one.blocks[0]
        one = replace(one, blocks=(Block("x", "decision", block.axes, values, "a $b$ & <c>", ""),))
        assert "a $b$ & <c>" in words(one.plot("allocation").data())
    empty = many(0)
    assert "x: things has no members" in words(empty.plot("allocation").data())


def test_yes_and_no(tmp_path: Path) -> None:
    """A decision is told as yes or no where it can be nothing else, not where it happens to be 1."""
    text = small.EASY.replace("integer in 0 .. 8", "integer in 0 .. 1")
    whole = small.EASY.replace("<= stock", "<= 1")
    for model, binary in ((text, True), (whole, False)):
        shown = words(allocc.load(small.easy(tmp_path, model)).solve().plot().data())
        assert ("yes" in shown) == binary
    axes = (Labels(("Site",), (("a",), ("b",))), Labels(("t",), ((0,), (1,), (2,)), time=True))
    values = np.array([[1.0, 1, 0], [0, 0, 1]])
    block = Block("x", "decision", axes, values, "open", integer=True, binary=True)
    one = allocc.Result("m", "", "minimize", "optimal", "gap", 1, 1, 0, None, (), (block,))
    shown = words(one.plot("allocation").data())
    assert "x: open; 3 of 6" in shown
    assert "yes" not in shown  # the bars count times


def test_nothing_to_draw(tmp_path: Path) -> None:
    never = allocc.load(small.easy(tmp_path, small.INFEASIBLE)).solve()
    assert "allocation" not in available(never)
    with pytest.raises(allocc.AlloccError, match="E7031"):
        never.plot("allocation")
    with pytest.raises(allocc.AlloccError, match="E7006"):
        never.plot("trajectory")


def test_notebook(result: allocc.Result) -> None:
    html = result._repr_html_()
    assert html.count("<svg ") == 2
    assert "<script" not in html
    assert "<?xml" not in html
    for shown in ("Certificate", "Objective", "teams (sum)", "total", "away from need"):
        assert shown in html, shown
    ET.fromstring(html.replace("<br>", "<br/>").replace("<details open>", "<details>"))
    svg = result.plot()._repr_svg_()
    assert svg.startswith("<svg ")


def test_notebook_without_matplotlib(
    result: allocc.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allocc.showing.report_html.importlib.util.find_spec", lambda _: None)
    html = result._repr_html_()
    assert "<svg" not in html
    assert "teams (sum)" in html


def test_no_global_state(result: allocc.Result) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    result.plot("allocation").data()
    assert dict(matplotlib.rcParams) == before


# --- the command ---------------------------------------------------------------------------------


def test_command(run: Run, folder: Path, tmp_path: Path) -> None:
    done = run("plot", folder)
    assert done.exit_code == 0, done.stderr
    for what in ("trajectories", "allocation", "progress"):
        assert f"{what}.svg" in done.stdout
        ET.parse(folder / "plots" / f"{what}.svg")
    assert run("plot", folder).exit_code == 0  # drawn anew
    done = run("plot", folder, "--what", "allocation", "-o", "deep/who.png", "--json")
    assert only_json(done.stdout)["plots"] == {"allocation": "deep/who.png"}
    assert Path("deep/who.png").read_bytes().startswith(b"\x89PNG")
    assert run("plot", folder, "--format", "png", "-o", "all").exit_code == 0
    assert sorted(p.name for p in Path("all").iterdir()) == [
        "allocation.png",
        "progress.png",
        "trajectories.png",
    ]
    # The pictures are no part of the run.
    assert allocc.Result.open(folder).value is not None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--what", "frontiers"), "E7006"),
        (("--what", "frontier"), "E7031"),
        (("--format", "pdf"), "E7006"),
        (("--output", "a.pdf"), "E7011"),
        (("--output", "a.svg"), "E7011"),
        (("--output", "a.svg", "--what", "progress", "--format", "png"), "E7011"),
    ],
)
def test_wrong_options(run: Run, folder: Path, arguments: tuple[str, ...], code: str) -> None:
    done = run("plot", folder, *arguments)
    assert done.exit_code == 1
    assert code in done.stderr
    assert not list(Path().glob("a.*"))


def test_model_without_time(run: Run, tmp_path: Path) -> None:
    allocc.load(small.easy(tmp_path)).solve().save(tmp_path / "easy")
    done = run("plot", "easy", "--what", "trajectories")
    assert done.exit_code == 1
    assert "the model has no compartments" in done.stderr
    done = run("plot", "easy")
    assert done.exit_code == 0
    assert "trajectories" not in done.stdout


def test_simulation(run: Run, tmp_path: Path) -> None:
    """A simulation is kept where that is asked, and then drawn as any other run."""
    path = small.epidemic(tmp_path)
    assert run("simulate", path).exit_code == 0
    assert not Path("runs").exists()
    done = run("simulate", path, "--run", "base", "--json")
    assert only_json(done.stdout)["run"] == "base"
    done = run("plot", "base", "--json")
    assert set(only_json(done.stdout)["plots"]) == {"trajectories", "allocation"}
    done = run("plot", "base", "--what", "progress")
    assert "proves nothing" in done.stderr
    done = run("simulate", path, "--decisions", "base", "--run", "again")
    assert "Everything is in again" in done.stdout
    assert "without interventions" in words(allocc.Result.open("again").plot().data())
    done = run("simulate", path, "--run", "base")
    assert done.exit_code == 1
    assert "E7007" in done.stderr


def test_cannot_write(run: Run, folder: Path) -> None:
    Path("file").write_text("", "utf-8")
    done = run("plot", folder, "-o", "file/plots")
    assert done.exit_code == 1
    assert "E7008" in done.stderr


def test_without_matplotlib(
    run: Run, folder: Path, result: allocc.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run("plot", folder, "--json")
    assert done.exit_code == 7
    assert "error[E7060]" in done.stderr
    assert "needs the Python package matplotlib, which is not installed" in done.stderr
    assert "install it: pip install 'allocc[plot]'" in done.stderr
    assert only_json(done.stdout)["diagnostics"][0]["code"] == "E7060"
    with pytest.raises(allocc.MissingLibrary, match="matplotlib") as caught:
        result.plot()
    assert caught.value.install == "pip install 'allocc[plot]'"
    assert str(caught.value).endswith(f"; install it: {caught.value.install}")


def test_a_matplotlib_that_is_broken(
    tmp_path: Path, result: allocc.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError('a part is missing')", "utf-8")
    monkeypatch.delitem(sys.modules, "matplotlib")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(allocc.MissingLibrary, match="cannot be imported: a part is missing"):
        result.plot()


# --- damaged folders -----------------------------------------------------------------------------


def change(file: Path, edit: Callable[[dict[str, object]], object]) -> None:
    data = json.loads(file.read_text("utf-8"))
    edit(data)
    file.write_text(json.dumps(data), "utf-8")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (lambda p: p.rename(p.with_name("elsewhere")), "it does not exist"),
    "no result": (lambda p: (p / "result.json").unlink(), "it has no result.json"),
    "no table": (lambda p: (p / "trajectories.csv").unlink(), "it has no trajectories.csv"),
    "no targets": (lambda p: (p / "targets.csv").unlink(), "it has no targets.csv"),
    "not JSON": (lambda p: (p / "result.json").write_text("{"), "its result.json is damaged"),
    "a list": (lambda p: (p / "result.json").write_text("[]"), "is of another kind"),
    "newer": (
        lambda p: change(p / "result.json", lambda d: d.update(format=2)),
        "has format 2, and this version of allocc reads format 1",
    ),
    "a key gone": (lambda p: change(p / "result.json", lambda d: d.pop("blocks")), "'blocks'"),
    "another form": (
        lambda p: change(p / "result.json", lambda d: d.update(blocks=[1])),
        "it is damaged",
    ),
    "rows gone": (
        lambda p: (p / "decisions.csv").write_text(
            "\n".join((p / "decisions.csv").read_text().splitlines()[:-1])
        ),
        "it is damaged",
    ),
    "no number": (
        lambda p: (p / "targets.csv").write_text(
            (p / "targets.csv").read_text().replace("75", "many")
        ),
        "it is damaged",
    ),
    "not text": (lambda p: (p / "history.csv").write_bytes(b"\xff\xfe\x00"), "it is damaged"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damaged(run: Run, result: allocc.Result, tmp_path: Path, what: str) -> None:
    harm, message = DAMAGE[what]
    place = result.save(tmp_path / "run")
    harm(place)
    done = run("plot", "run")
    assert done.exit_code == 1
    assert "E7014" in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.output


def test_run_folders_of_before(result: allocc.Result, tmp_path: Path) -> None:
    """Those that were written before there were targets are read as they are."""
    place = result.save(tmp_path / "run")
    (place / "targets.csv").unlink()
    change(place / "result.json", lambda d: d.pop("targets"))
    again = allocc.Result.open(place)
    assert again.targets == ()
    assert "reference of" not in words(again.plot("allocation").data())


# --- frontiers -----------------------------------------------------------------------------------


def test_frontier(run: Run, tmp_path: Path) -> None:
    text = small.EASY.replace('doses["b"] }', 'doses["b"]\n  fair "fairness" : 4 * doses["b"] }')
    path = small.easy(tmp_path, text)
    found = trace(allocc.load(path), ("reached", "fair"), 4, make_options("highs", "auto", 1e-4))
    place = frontier_folder.save(found, tmp_path / "kept", frontier_svg)
    again = frontier_folder.read(place)
    assert again == found
    assert draw_frontier(again).data() == draw_frontier(found).data()
    shown = words(draw_frontier(found).data())
    assert "people reached" in shown
    assert "proven out of reach" in shown

    two = ("pareto", path, "--between", "reached", "fair", "--points", 4, "-q")
    done = run(*two, "--run", "front")
    assert done.exit_code == 0, done.stderr
    assert run("plot", "front", "-o", "f.png", "--what", "frontier").exit_code == 0
    # It has one picture only, which needs no name.
    assert run("plot", "front", "-o", "g.png").exit_code == 0
    assert Path("g.png").read_bytes() == Path("f.png").read_bytes()
    assert run("plot", "front").stdout.strip().endswith("frontier.svg")
    done = run("plot", "front", "--what", "progress")
    assert done.exit_code == 1
    assert "E7031" in done.stderr
    done = run(*two, "--run", "front")
    assert done.exit_code == 1
    assert "E7007" in done.stderr
    change(Path("front/frontier.json"), lambda d: d.pop("points"))
    done = run("plot", "front")
    assert done.exit_code == 1
    assert "E7014" in done.stderr


TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("$\\_^{}\n\r\t\x00\x1b\u202e\u2028\ud800")),
    max_size=120,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS, TEXTS, TEXTS)
def test_any_text_can_be_drawn(label: str, told: str, unit: str) -> None:
    """No text of a model or a table is read as a formula, breaks a line, or breaks the SVG."""
    first = Labels(("S",), ((f"{label}1",), (f"2{label}",)))
    other = Labels(("B",), ((label,), (f"x{label}",)))
    over = Labels(("t",), ((0.0,), (1.0,)), True)
    two, four = np.ones(2), np.ones((2, 2))
    blocks = (
        Block("x", "decision", (first,), two, told, unit),
        Block("y", "decision", (first, other), four, told, unit),
        Block("z", "decision", (over,), two, told, unit),
        Block("n", "decision", (), np.array(1.0), told, unit),
        Block("A", "compartment", (first, over), four, told, unit),
    )
    one = allocc.Result("m", told, "minimize", "optimal", "gap", 1, 1, 0, None, (), blocks)
    history = (Step(0.0, 1.0, 2.0, 1.0, 1, ""), Step(1.0, 1.0, 1.0, 0.0, 1, ""))
    one = replace(one, time_unit=unit, history=history)
    with warnings.catch_warnings():
        # Whether a font has every letter of the world is not asked here.
        warnings.filterwarnings("ignore", "Glyph")
        for what in available(one):
            figure = one.plot(what)
            ET.fromstring(figure.data("svg"))
            assert not any(
                ord(c) < 32 and c != "\n" for t in figure.findobj(Text) for c in t.get_text()
            )


def test_a_label_is_one_line() -> None:
    text = words(many(3, "a\nb\x07 $x_{0}{1}$").plot("allocation").data())
    assert "a b\ufffd $x_" in text


# --- words and numbers ---------------------------------------------------------------------------


def test_words() -> None:
    assert short("Providence") == "Providence"
    assert len(short("x" * 100)) <= 28
    assert short("Sankt Martin an der Raab und Umgebung 12").endswith("Umgebung 12"[-8:])
    assert tidy([36.0, 21.6, 0.0]) == ["36.0", "21.6", "0.0"]
    assert tidy([36.0, 21.0]) == ["36", "21"]
    assert wrapped("one two three four five six", 10, 2).splitlines()[0] == "one two"
