"""`check --pedantic` on the command line, and on everything that is shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

import allocc
from allocc.cli.commands.new import TEMPLATES
from tests import small
from tests.helpers import Run, only_json

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TEMPLATE = ROOT / "src" / "allocc" / "templates"
SHARED = ROOT.parent / "shared" / "data"

IDLE = """model idle
decide x in 0 .. 5
limit cap: x <= 9
maximize { gain: x }
"""

#: Shipped models with their data (the model's own folder where none is named). For each what is left
#: to warn of, and why that is no mistake.
FITTED = {"W6004 escalate": "the rate was fitted to Rhode Island's data, and is 0"}
UNCAPPED = {
    "W6009 altogether": "a blank cell means no cap, and the first case has none",
    "W6009 patience": "likewise for the days",
}
SHIPPED: dict[str, tuple[str | None, dict[str, str]]] = {
    "access/access.alloc": (None, {}),
    "access/exact.alloc": (None, {}),
    "access/fixed_shares.alloc": (None, {}),
    "access/naive.alloc": (None, {}),
    "drone/drone.alloc": (None, {}),
    "epidemic/epidemic.alloc": (None, {}),
    "lockdown/cubic.alloc": ("cubic", {}),
    "lockdown/fewest_days.alloc": ("seed400", {}),
    "lockdown/lockdown.alloc": (None, UNCAPPED),
    "lockdown/lockdown_log.alloc": (None, UNCAPPED),
    "lockdown/lowest_rates.alloc": ("seed400", {}),
    "opioid/opioid.alloc": (None, FITTED),
    "opioid_v1/opioid_v1.alloc": (None, FITTED),
    "season/season.alloc": (None, {}),
    "seir_vaccination/seir_vaccination.alloc": (None, {}),
    "vaccine/vaccine.alloc": (None, {}),
    "ventilators/ventilators.alloc": (None, {}),
    "hiv/hiv.alloc": (None, {}),
    "malaria/malaria.alloc": (None, {}),
    "benefits/benefits.alloc": (None, {}),
    "stroke/stroke.alloc": (None, {}),
    "stroke/kolm_pollak.alloc": (None, {}),
}
#: Those that need data or parameters that another run makes, or that are parts of others.
NOT_ALONE = {
    "access/expected.alloc": "needs the cases of uncertain pace",
    "access/regret.alloc": "needs what access.alloc finds",
    "access/worst_case.alloc": "needs the cases of uncertain pace",
    "lockdown/policy.alloc": "is a part of fewest_days.alloc and lowest_rates.alloc",
}


def warned(model: allocc.Model) -> list[str]:
    """The codes with the names that they are about."""
    return [f"{d.code} {d.message.split(chr(39))[1]}" for d in model.check(pedantic=True)]


def test_every_example_is_looked_at() -> None:
    found = {p.relative_to(EXAMPLES).as_posix() for p in EXAMPLES.rglob("*.alloc")}
    assert found == set(SHIPPED) | set(NOT_ALONE)


@pytest.mark.parametrize("name", SHIPPED)
def test_examples(name: str) -> None:
    data, justified = SHIPPED[name]
    path = EXAMPLES / name
    model = allocc.load(path, data=None if data is None else path.parent / data)
    assert warned(model) == list(justified)


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates(name: str) -> None:
    assert warned(allocc.load(TEMPLATE / name / f"{name}.alloc")) == []


@pytest.mark.parametrize("state", ["AL", "AZ", "CA", "HI", "IN", "ME", "RI", "VT"])
def test_states(state: str) -> None:
    data = SHARED / "opioid" / state
    if not data.exists():
        pytest.skip(f"no instances: {data} is not there")
    found = warned(allocc.load(EXAMPLES / "opioid" / "opioid.alloc", data=data))
    # Of two states the other rate of illicit use was fitted to be 0, too.
    assert set(found) <= {*FITTED, "W6004 divert"}


def test_warnings_leave_the_exit_code_alone(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path, IDLE)
    assert "W6009" not in run("check", path).stderr
    done = run("check", path, "--pedantic")
    assert done.exit_code == 0
    assert "warning[W6009]: limit 'cap' can never bind" in done.stderr
    assert "is well-formed: 1 decision, 1 limit" in done.stdout


def test_strict(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path, IDLE)
    assert run("check", path, "--strict").exit_code == 0
    assert run("check", path, "--pedantic", "--strict").exit_code == 1
    assert run("check", small.easy(tmp_path), "--pedantic", "--strict").exit_code == 0


def test_json(run: Run, tmp_path: Path) -> None:
    done = run("check", small.easy(tmp_path, IDLE), "--pedantic", "--format", "json")
    found = only_json(done.stdout)
    assert found["status"] == "ok"
    assert [d["code"] for d in found["diagnostics"]] == ["W6009"]


def test_the_limit_that_cannot_hold_is_named_instead_of_all(run: Run, tmp_path: Path) -> None:
    text = "model m\ndecide x in 0 .. 1\nlimit a: x >= 2\nminimize { c: x }"
    path = small.easy(tmp_path, text)
    assert "W7001" in run("check", path).stderr
    shown = run("check", path, "--pedantic").stderr
    assert "W7001" not in shown
    assert "warning[W6010]: limit 'a' can never hold" in shown


def test_warnings_come_by_place(tmp_path: Path) -> None:
    text = """model m
decide x in 0 .. 3
limit least: x >= 2
limit most: x <= 1
limit each[k in {p, q}]: x >= 0
param spare = 1
unit box
minimize { cost: x }
"""
    found = allocc.load(small.easy(tmp_path, text)).check(pedantic=True)
    assert [(d.code, d.span and d.span.line) for d in found] == [
        ("W6016", 5),
        ("W2001", 6),
        ("W6018", 7),
        ("W7001", None),
    ]


def test_mistakes_come_first(run: Run, tmp_path: Path) -> None:
    done = run("check", small.easy(tmp_path, small.BAD), "--pedantic")
    assert done.exit_code == 1
    assert "W6" not in done.stderr
