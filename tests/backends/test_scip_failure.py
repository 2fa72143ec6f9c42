"""A failure inside of SCIP is an outcome, not a traceback."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from allocc.backends import registry
from allocc.backends.solution import SolveOptions
from allocc.compiler.programs.program import Program, ProgramBlock


def tiny() -> Program:
    return Program(
        name="tiny",
        sense="minimize",
        objective=np.array([1.0]),
        offset=0.0,
        lower=np.array([0.0]),
        upper=np.array([4.0]),
        integer=np.array([True]),
        matrix=sparse.csr_array(np.array([[2.0]])),
        row_lower=np.array([3.0]),
        row_upper=np.array([np.inf]),
        column_blocks=(ProgramBlock("x", 0, 1, "stated"),),
        row_blocks=(ProgramBlock("r", 0, 1, "stated"),),
    )


@pytest.mark.parametrize("text", ["SCIP: error in LP solver!", "something else"])
def test_an_exception_of_scip(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    pytest.importorskip("pyscipopt")
    from allocc.backends import scip

    def fail(*_: object) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(scip, "supervise", fail)
    if text.startswith("SCIP: "):
        found = registry.get("scip").solve(tiny(), SolveOptions())
        assert (found.termination, found.point, found.bound) == ("failed", None, None)
        assert "LP solver" in found.message
    else:
        with pytest.raises(RuntimeError, match="something else"):
            registry.get("scip").solve(tiny(), SolveOptions())
