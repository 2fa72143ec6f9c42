"""What the benchmark of nonlinear epidemics hands to others, and how it judges what they say."""

from __future__ import annotations

import numpy as np
import pytest
from epidemic_instances import INSTANCES, Instance, vaccination
from epidemics import Answer, Judged, contradicted, judged
from reduced_space import forward

from allocc.compiler.lowering.complete import Completer
from allocc.compiler.programs.scaling import scale
from allocc.compiler.unrolling.simulate import highest, lowest
from allocc.engine.judging.assess import assess
from allocc.engine.proving.denominators import prepared
from tests.compiler.making import decisions

SMALL = [i for i in INSTANCES if i.name in ("one_20", "two_20", "icu_whole", "events", "areas")]


@pytest.mark.parametrize("instance", SMALL, ids=lambda i: i.name)
def test_columns_follow_from_decisions(instance: Instance) -> None:
    """In the space of the decisions everything is what a simulation says it is."""
    problem = instance.make()
    chain = prepared(problem, "direct")
    program, scaling = scale(chain.program)
    decided = chain.places.positions(problem.decisions)
    chosen = decisions(problem, np.random.default_rng(0))
    point = scaling.point_in(chain.places.point(chosen, program.columns))
    every, rest = forward(
        program, dict(zip(decided.tolist(), point[decided].tolist(), strict=True))
    )
    found = scaling.point_out(np.array(every))
    given = chain.places.mask(problem.decisions, program.columns)
    assert found == pytest.approx(
        Completer(chain.program, given)(scaling.point_out(point)), rel=1e-9
    )
    simulated = assess(problem, chosen)
    for state in problem.states:
        assert found[chain.places.columns[state]] == pytest.approx(
            simulated.values[state].ravel(), rel=1e-9
        )
    value = float(chain.program.objective @ found) + chain.program.offset
    assert value == pytest.approx(simulated.value)
    # Every limit is handed over as one.
    assert set(chain.places.row_positions(*problem.constraints).tolist()) <= set(rest)


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_contacts_add_up(count: int) -> None:
    """The shares of contacts of a region are 1 together: else more or fewer people would be there."""
    problem = vaccination(count, 2, 100, 100, 2)
    shares = problem.model.parameters["contact"].values
    assert shares.sum() == pytest.approx(count, rel=1e-4)


def test_a_false_bound_is_told() -> None:
    problem = next(i for i in INSTANCES if i.name == "areas").make()
    known = judged("a", problem, Answer("optimal", lowest(problem), 0.0), 0.0)
    assert known.value == pytest.approx(assess(problem, lowest(problem)).value) and known.clean

    def other(bound: float | None, ended: str = "optimal") -> list[Judged]:
        return [known, Judged("b", Answer(ended, None, bound), None, ended, 0.0)]

    assert known.value is not None
    assert not contradicted(problem, other(known.value), 1e-4)
    assert not contradicted(problem, other(None, "time_limit"), 1e-4)
    (said,) = contradicted(problem, other(known.value * 1.00001), 1e-4)
    assert "FALSE: b has proven" in said
    (said,) = contradicted(problem, other(None, "infeasible"), 1e-4)
    assert "FALSE: b says that there is none" in said


def test_a_broken_limit_has_no_value() -> None:
    problem = next(i for i in INSTANCES if i.name == "areas").make()
    found = judged("a", problem, Answer("optimal", highest(problem), None), 0.0)
    assert found.value is None and "breaks" in found.remark


def test_dust_breaks_no_limit() -> None:
    """A dose that is left of a solver's tolerance at a site that is closed."""
    problem = vaccination(1, 4, 1_000, 1_000, 2)
    site, doses = problem.decisions
    dust = {site: np.zeros(site.shape) + 1e-8, doses: np.zeros(doses.shape) + 1e-5}
    assert assess(problem, {**dust, site: np.zeros(site.shape)}).violation.relative > 1e-6
    assert judged("a", problem, Answer("optimal", dust, None), 0.0).value is not None
