"""Decisions and settings that are given by hand: in part, as frames, as a run, and wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import allocc
from tests.helpers import Run, only_json

ZIPS = """model zips
table zip from "zips.csv" key ZIP
set Zip = zip.ZIP
param weight[Zip] = zip.Weight
param stock = 12
decide give[Zip] integer in 1 .. 10
decide more[Zip, Zip] in 0 .. 5
limit all: sum(give) <= stock
maximize { good: sum(z in Zip: weight[z] * give[z]) - sum(more) }
"""
LABELS = ("02801", "02802")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "zips.csv").write_text("ZIP,Weight\n02801,1\n02802,2\n", "utf-8")
    model = tmp_path / "zips.alloc"
    model.write_text(ZIPS, "utf-8")
    return model


@pytest.fixture
def model(path: Path) -> allocc.Model:
    return allocc.load(path)


def tidy(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"name": "give", "Zip": LABELS, "value": [4, 5], **columns})


def test_every_form(model: allocc.Model, tmp_path: Path) -> None:
    run = model.simulate({"give": [4, 5]})
    folder = run.save(tmp_path / "run")
    forms: list[Any] = [
        run,
        folder,
        str(folder / "decisions.csv"),
        tidy(),
        tidy().rename(columns={"name": "Name", "Zip": "ZIP", "value": "VALUE"}),
        tidy().set_index(["name", "Zip"]),
        {"give": pd.Series([5, 4], index=LABELS[::-1])},
        {"give": {"02801": "4", "02802": np.int64(5)}},
        {"give": (4, 5)},
        {"give": np.array([4, 5])},
    ]
    for form in forms:
        assert model.simulate(form)["give"].tolist() == [4, 5]
    wide = pd.DataFrame([[1, 2], [3, 4]], index=LABELS, columns=LABELS)
    result = model.simulate({"more": wide})
    assert result["more"]["02801", "02802"] == 2


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([1, 2], "error[E7050]: an object of type list cannot be read as decisions"),
        (5, "an object of type int cannot be read as decisions"),
        (pd.Series([1, 2]), "an object of type Series"),
        (pd.DataFrame({"give": [1, 2]}), "a DataFrame with the columns 'give'"),
        ("x" * 5000, "no decisions can be read"),
        ("a\0b", "no decisions can be read"),
        ({"giv": 1}, "did you mean 'give'"),
        ({1: 1}, "no decision '1'"),
        ({"give": None}, "give = None is not a number"),
        ({"give": "4"}, "give = '4' is not a number"),
        ({"give": [4, None]}, "give[02802] = nan is not a number"),
        ({"give": float("inf")}, "give[02801] = inf is not a number"),
        ({"give": 10**400}, "are no numbers"),
        ({"give": object()}, "an object of type object"),
        ({"give": [1, 2, 3]}, "have the shape 3, but its shape is 2"),
        ({"give": [[1], [2, 3]]}, "are no numbers"),
        ({"give": {"2801": 4}}, "write '02801'; spreadsheets drop leading zeros"),
        ({"give": {2801.0: 4}}, "write '02801'"),
        ({"give": {"02801": None}}, "give[02801] = None is not a number"),
        ({"give": {"02801": "1,000"}}, "write 1000 or 1.000"),
        ({"give": {"02801": 4.5}}, "write 4 or 5"),
        ({"give": {("02801", "02802"): 4}}, "is indexed by [Zip]"),
        ({"give": pd.Series([1, 2], index=["02801"] * 2)}, "give[02801] is given twice"),
        (tidy(Zip=["02801", "02801"]), "given twice, in rows 1 and 2"),
        (tidy(Zip=[2801, 2802]), "write '02801'"),
        (tidy(value=[4, float("nan")]), "give[02802] = nan is not a number (row 2)"),
        (tidy(value=[4, None]).astype(object), "is not a number (row 2)"),
        (tidy().drop(columns="Zip"), "the DataFrame lacks the column 'Zip'"),
        (tidy(name=["give", "giv"]), "did you mean 'give'"),
        (tidy(NAME="give"), "the column 'NAME' twice"),
    ],
)
def test_wrong_decisions_are_told(model: allocc.Model, bad: Any, words: str) -> None:
    for use in (model.simulate, model.prices, lambda x: model.solve(start=x)):
        with pytest.raises(allocc.AlloccError) as caught:
            use(bad)
        assert words in str(caught.value).replace("\n  = help: ", "; ")


def test_result_without_allocation(path: Path) -> None:
    model = allocc.load(path, stock=1)
    with pytest.raises(allocc.AlloccError, match="a Result without an allocation"):
        model.simulate(model.solve())


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    part=st.dictionaries(st.sampled_from(LABELS), st.integers(1, 10)),
    rest=st.none() | st.lists(st.integers(1, 10), min_size=2, max_size=2),
)
def test_what_is_not_given(model: allocc.Model, part: dict[str, int], rest: Any) -> None:
    """Given values are as given, the others as in the rest or at their lower ends, and counted."""
    others = None if rest is None else {"give": rest, "more": 0}
    result = model.simulate({"give": part, "more": 0}, rest=others)
    wanted = dict(zip(LABELS, rest or (1, 1), strict=True)) | part
    assert result["give"].to_dict() == wanted
    missing = 2 - len(part)
    told = [n for n in result.notes if "not given" in n]
    assert len(told) == (missing > 0)
    if missing:
        assert f"({missing} of 2 of give)" in told[0]
        assert ("lower end" in told[0]) == (rest is None)


def test_files_by_hand(run: Run, path: Path) -> None:
    by_hand = path.parent / "hand.csv"

    def simulated(text: str, *more: str) -> Any:
        by_hand.write_text(text, "utf-8")
        return run("simulate", path, "--decisions", "hand.csv", *more)

    done = simulated("\ufeffVALUE,Name,zip\n7,give,02802\n")
    assert "Note: 5 decisions not given: at their lower end (1 of 2 of give, 4 of 4 of more)" in (
        done.stdout
    )
    assert run("simulate", path, "--decisions", "hand.csv", "--json").exit_code == 0
    done = simulated("name,Zip,value\ngive,02801,4\ngive,02802,5\ngive,02801,6\n")
    assert "E7051" in done.stderr and "in rows 2 and 4" in done.stderr
    done = simulated("name,Zip,value\ngive,02801,4.5\n")
    assert "E7052" in done.stderr and "row 2" in done.stderr
    done = simulated("name,Zip,value\ngive,2801,4\n")
    assert "write '02801'" in done.stderr and "row 2" in done.stderr
    assert run("solve", path, "--run", "best", "-q").exit_code == 0
    done = simulated("name,Zip,value\ngive,02801,3\n", "--rest", "best", "--json")
    found = only_json(done.stdout)
    assert found["notes"] == [
        "5 decisions not given: as in the decisions for the rest (1 of 2 of give, 4 of 4 of more)"
    ]
    assert found["value"] == 3 + 2 * 10


def test_settings_of_a_run_hold(run: Run, path: Path) -> None:
    """A run's decisions come with its settings; --set goes over them, and the difference is told."""
    assert run("solve", path, "--set", "stock=15", "--run", "out", "-q").exit_code == 0
    for command, option in (("simulate", "--decisions"), ("prices", "--run")):
        for place in ("out", "out/decisions.csv"):
            done = run(command, path, option, place, "--json")
            found = only_json(done.stdout)
            assert done.exit_code == 0
            assert found["notes"] == []
            assert "with the settings stock = 15" in done.stderr
        done = run(command, path, option, "out", "--set", "stock=12", "--json")
        assert "other settings: stock = 15 there, 12 here" in only_json(done.stdout)["notes"][0]
    (path.parent / "hand.csv").write_text("name,Zip,value\ngive,02801,5\n", "utf-8")
    done = run("simulate", path, "--decisions", "hand.csv", "--rest", "out", "--json")
    assert "with the settings stock = 15" in done.stderr
    assert only_json(done.stdout)["violation"]["relative"] == 0
    violation = only_json(run("simulate", path, "--decisions", "out", "--json").stdout)["violation"]
    assert violation["relative"] == 0


def test_other_data_than_in_the_run(path: Path, tmp_path: Path) -> None:
    model = allocc.load(path)
    result = model.simulate({"give": [4, 5], "more": 0})
    folder = result.save(tmp_path / "run")
    assert model.simulate(folder).notes == ()
    (tmp_path / "zips.csv").write_text("ZIP,Weight\n02801,3\n02802,2\n", "utf-8")
    again = allocc.load(path)
    for given_ in (folder, result):
        (note,) = again.simulate(given_).notes
        assert note.endswith("these files have changed: zips.csv")
    (note,) = allocc.load(path, stock=3).simulate(result).notes[:1]
    assert "stock = as in the model there, 3 here" in note


FRAMES = [
    {"02801": 3, "02802": 4},
    pd.Series([3, 4], index=LABELS),
    pd.DataFrame({"Zip": LABELS, "amount": [3, 4]}),
    pd.DataFrame({"amount": [3, 4]}, index=LABELS),
    np.array([3.0, 4.0]),
]


@pytest.mark.parametrize("value", FRAMES)
def test_forms_of_parameters(path: Path, tmp_path: Path, value: Any) -> None:
    model = allocc.load(path, weight=value)
    assert model.bound.parameters["weight"].values.tolist() == [3, 4]
    folder = model.simulate().save(tmp_path / "run")
    kept = json.loads((folder / "result.json").read_text("utf-8"))["settings"]
    again = allocc.load(path, **kept)
    assert again.bound.parameters["weight"].values.tolist() == [3, 4]
    assert (
        again.simulate(folder).notes[:1] == () or "settings" not in again.simulate(folder).notes[0]
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None is no value"),
        ("x", "'x' is not a number"),
        (float("nan"), "not a finite number"),
        ([1, None], "not a finite number"),
        ([1, 2, 3], "has the shape (3,)"),
        (["a", "b"], "neither a number nor an array"),
        (10**400, "neither a number nor an array"),
        (object(), "neither a number nor an array"),
        ({"2801": 1, "02802": 1}, "write '02801'"),
        ({"02801": 1}, "no value is given for 02802"),
        ({"02801": 1, "02802": None}, "None is not a number"),
        ({"02801": 1, "02802": [2]}, "[2] is not a number"),
        (pd.Series([1, 2], index=["02801"] * 2), "'02801' is given twice"),
        (pd.DataFrame({"a": [1, 2], "b": [1, 2]}, index=LABELS), "the columns a, b"),
        (pd.DataFrame({"Zip": ["02801"] * 2, "v": [1, 2]}), "'02801' is given twice"),
    ],
)
def test_wrong_parameters_are_told(path: Path, value: Any, words: str) -> None:
    with pytest.raises(allocc.AlloccError) as caught:
        allocc.load(path, weight=value)
    assert "E3019" in str(caught.value)
    assert words in str(caught.value)


COMMAS = """model commas
set Country = {"Congo, Dem. Rep.", "Cote d'Ivoire", "Uganda"}
set Kind = {a, b}
param need[Country] in 0 .. = 20
param both[Country, Kind] = 1
param home = "Uganda"
decide give[Country] in 0 .. need
maximize { g: sum(give) }
report at_home = need[home]
"""


@pytest.mark.parametrize(
    ("text", "where", "value"),
    [
        ('need["Congo, Dem. Rep."]=40', ("need", 0), 40),
        ("need['Congo, Dem. Rep.']=40", ("need", 0), 40),
        ("need[Congo, Dem. Rep.]=40", ("need", 0), 40),
        ("need[Cote d'Ivoire]=1_000", ("need", 1), 1000),
        ('need["Cote d\'Ivoire"]=1e3', ("need", 1), 1000),
        ("both[Congo, Dem. Rep., b]=50%", ("both", (0, 1)), 0.5),
        ('both["Congo, Dem. Rep.", b]="50 %"', ("both", (0, 1)), 0.5),
        ("need[Uganda] = '7'", ("need", 2), 7),
        ('home="Congo, Dem. Rep."', ("home", ()), "Congo, Dem. Rep."),
    ],
)
def test_labels_and_numbers_as_typed(tmp_path: Path, text: str, where: Any, value: Any) -> None:
    from allocc.cli.options import parse_settings

    path = tmp_path / "commas.alloc"
    path.write_text(COMMAS, "utf-8")
    model = allocc.load(path, **parse_settings((text,)))
    name, place = where
    assert model.bound.parameters[name].values[place] == value


def test_prices_say_what_is_proven(run: Run, path: Path, tmp_path: Path) -> None:
    text = run("prices", path, "-q").stdout
    assert "\n  bound " in text and "\n  gap " in text and "integers fixed" in text
    path.write_text(ZIPS.replace(" integer", ""), "utf-8")
    text = run("prices", path, "-q").stdout
    assert "\n  bound " in text and "\n  gap " in text and "integer" not in text


WRONG: list[Any] = ["x", -1, [1], float("nan"), object(), {}]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_wrong_options_are_told(model: allocc.Model, value: Any) -> None:
    for option in ("solver", "method", "gap", "time_limit", "threads", "seed", "memory_limit"):
        with pytest.raises(allocc.AlloccError, match="E700[56]"):
            model.solve(**{option: value})
    for option in ("progress", "cancel"):
        with pytest.raises(allocc.AlloccError, match=f"{option} is .* but must be"):
            model.solve(**{option: value})
    uses = (
        lambda: model.pareto(value, "good"),
        lambda: model.pareto("good", "good", points=value),
        lambda: model.program(value),
        lambda: model.conflict(seconds=value),
        lambda: model.escape(seconds=value),
        lambda: model.loosen(gap=value),
    )
    for use in uses:
        with pytest.raises(allocc.AlloccError):
            use()
    with pytest.raises(KeyError, match="the result has no"):
        model.simulate()[value]


@pytest.mark.parametrize("option", ["gap", "seed", "solver", "method"])
def test_options_that_cannot_be_none(model: allocc.Model, option: str) -> None:
    with pytest.raises(allocc.AlloccError, match="E700[56]"):
        model.solve(**{option: None})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", [5, [1], b"x", "x" * 5000, "a\0b", object()], ids=lambda x: repr(x)[:20]
)
def test_wrong_paths_are_told(model: allocc.Model, path: Path, value: Any) -> None:
    uses = (
        lambda: allocc.load(value),
        lambda: allocc.load(path, data=value),
        lambda: allocc.Result.open(value),
        lambda: model.simulate().save(value),
        lambda: model.write(value),
    )
    for use in uses:
        with pytest.raises(allocc.AlloccError, match="E7054"):
            use()


def test_names_that_differ_in_capitals_alone_are_two(tmp_path: Path) -> None:
    path = tmp_path / "m.alloc"
    path.write_text(
        "time t = 0 .. 2\nset T = {0, 1}\ndecide x[T, period] in 0 .. 5\n"
        "limit most: sum(k in T, p in period: x[k, p]) <= 3\n"
        "maximize { o : sum(k in T, p in period: (1 + k + 5 * p) * x[k, p]) }\n"
    )
    model = allocc.load(path)
    result = model.solve()
    folder = result.save(tmp_path / "run")
    assert model.simulate(folder).value == pytest.approx(result.value)
    index = pd.MultiIndex.from_tuples([(0, 1)], names=["T", "t"])
    series = pd.Series([3.0], index=index)
    assert model.simulate({"x": series}).value == pytest.approx(3 * 6)
