"""What is written of a fit is read back as it was."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from allocc.dsl.diagnostics import DiagnosticError
from allocc.results.fitting import files
from allocc.results.fitting.found import Estimated, FitResult, FittedCourse, OtherEnd

FOUND = FitResult(
    model="m",
    title="",
    fit="f",
    description="d",
    loss=1.5,
    error_kind="likelihood",
    count=3,
    level=0.95,
    estimates=(
        Estimated("beta", ("young",), 0.3, 0.1, (0.1, None), 0.0, None, "inside", "1/week", "rate"),
        Estimated("beta", ("old",), 0.0, None, None, 0.0, 2.0, "low"),
        Estimated("mu", (), 0.01, 0.001, (0.008, 0.012), None, None, "inside"),
    ),
    courses=(
        FittedCourse("I", ("young",), (0, 1), (1.0, None), (1.5, 2.5), (0.1, 0.2), "poisson"),
    ),
    others=(OtherEnd(2.5, (0.1, 0.2, 0.3)),),
    remarks=("beta[old] is at its limit 0",),
    covariance=((0.01, None, 0.0), (None, None, None), (0.0, None, 1e-6)),
    starts=4,
    time="t",
    time_unit="week",
    seconds=0.5,
    settings={"level": "3"},
    files={"m.alloc": "00"},
    draws=((0.3, 0.0, 0.01),),
)


def test_read_back(tmp_path: Path) -> None:
    folder = files.save(FOUND, tmp_path / "fit", lambda _: None)
    for place in (folder, folder / "fitted.json"):
        found = files.read(place)
        # The draws are a table beside it.
        assert found == replace(FOUND, draws=())
    assert {f.name for f in fields(FOUND)} - set(files.fit_data(FOUND)) == {"draws"}
    assert (folder / "draws.csv").read_text("utf-8") == (
        "draw,beta[young],beta[old],mu\n1,0.3,0.0,0.01\n"
    )
    assert (folder / "residuals.csv").read_text("utf-8") == (
        "observation,t,observed,fitted,residual\nI[young],0,1.0,1.5,-0.5\n"
    )


def test_as_settings() -> None:
    assert FOUND.as_settings() == {"beta": {"young": 0.3, "old": 0.0}, "mu": 0.01}


@pytest.mark.parametrize("text", ["", "[]", "{", "nothing", '{"format": "allocc fit 1"}'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "fitted.json").write_text(text, "utf-8")
    with pytest.raises(DiagnosticError, match="E7214"):
        files.read(tmp_path)
