"""Shares and times as they are written on a command line."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocc.cli.amounts import UNITS, Duration, Share
from allocc.engine.judging.options import cores, make_options
from allocc.errors import AlloccError
from tests import small
from tests.helpers import Run

FINITE = st.floats(0, 1e9)


def share(text: str) -> float:
    return Share().convert(text, None, None)


def seconds(text: str) -> float:
    return Duration().convert(text, None, None)


@given(FINITE)
def test_a_share_is_read_as_a_number_and_as_a_percentage(value: float) -> None:
    assert share(str(value)) == value
    assert share(f"{value}%") == share(f" {value} % ") == value / 100


@given(FINITE, st.sampled_from(sorted(UNITS)))
def test_a_time_is_read_in_its_unit(value: float, unit: str) -> None:
    expected = value * UNITS[unit]
    assert seconds(f"{value}{unit}") == seconds(f" {value} {unit.upper()} ") == expected


def test_what_the_help_says() -> None:
    assert (share("1%"), share("0.01")) == (0.01, 0.01)
    assert share("0.01%") == 1e-4  # the default
    assert [seconds(t) for t in ("90", "90s", "5m", "1h", "1.5h")] == [90, 90, 300, 3600, 5400]


@pytest.mark.parametrize("text", ["", "%", "much", "1%%", "%1", "1 percent", "1%0"])
def test_no_share(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a share; write 1% or 0.01"):
        share(text)


@pytest.mark.parametrize("text", ["", "m", "5d", "1h30", "five m", "5 m m", "1:30"])
def test_no_time(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a time; write 90, 90s, 5m or 1h"):
        seconds(text)


def test_a_gap_of_one_is_refused_with_what_is_meant(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.easy(tmp_path), "--gap", "1")
    assert "--gap is 1, which is 100%, but must be 0 or more and below 1" in done.stderr
    assert "for 1 % write --gap 1%, in Python gap=0.01" in done.stderr
    with pytest.raises(AlloccError, match="below 1"):
        make_options(gap=5)


@pytest.mark.parametrize("command", ["solve", "prices", "pareto"])
def test_every_command_that_solves_reads_them(run: Run, tmp_path: Path, command: str) -> None:
    between = ["--between", "a", "b"] if command == "pareto" else []
    done = run(command, small.easy(tmp_path), *between, "--gap", "200%", "--time-limit", "-1m")
    assert "--gap is 2, which is 200%" in done.stderr
    assert "--time-limit is -60.0" in done.stderr


def test_more_threads_than_cores_are_refused(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.easy(tmp_path), "--threads", cores() + 1)
    assert f"must be a whole number from 1 to {cores()}, the cores of this machine" in done.stderr
    assert make_options(threads=cores()).threads == cores()
