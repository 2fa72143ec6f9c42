"""Errors go from one process to another as they are."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import allocc
from allocc.dsl.diagnostics import DiagnosticError
from allocc.errors import AlloccError, MissingLibrary
from tests import small


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(AlloccError) as caught:
        allocc.load(small.easy(tmp_path, small.BAD))
    error = caught.value
    for kind in (AlloccError, DiagnosticError):
        again = pickle.loads(pickle.dumps(kind(error.diagnostics)))
        assert type(again) is kind
        assert again.diagnostics == error.diagnostics
        assert str(again) == str(kind(error.diagnostics))
    span = again.diagnostics[0].span
    assert span is not None and span.text == "stok"


def test_missing_things() -> None:
    error = MissingLibrary("a plot needs it", "pip install it", "it")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.name) == (MissingLibrary, str(error), "it")
    assert (again.reason, again.install) == (error.reason, error.install)
    solver = allocc.MissingSolver("s", "why", "how")
    assert vars(pickle.loads(pickle.dumps(solver))) == vars(solver)
