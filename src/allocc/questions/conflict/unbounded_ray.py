r"""Which decisions escape in a model without a bound: a ray of its linear relaxation.

A ray :math:`d` leads from any point of the relaxation to others for ever. Of those that improve the
objective by one, the one that moves the decisions the least is found by a linear program,

.. math::
    \min \sum_{j \text{ decided}} |d_j| \quad \text{where} \quad c'd = \mp 1, \quad
    (A d)_i \ge 0 \text{ for finite } l_i, \quad (A d)_i \le 0 \text{ for finite } u_i,

and :math:`d_j` not negative (not positive) where :math:`x_j` has a lower (upper) end. It is then walked along
from a point that keeps every limit, by simulation, so that what is said of the terms is what happens.
With rational data and a feasible point, a mixed-integer program is unbounded when its linear relaxation
is (Meyer 1974, Mathematical Programming 7:223-235).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from allocc.backends import registry
from allocc.backends.solution import SolveOptions
from allocc.compiler.arrays import FloatArray
from allocc.compiler.labels import label_text
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.program import Program, ProgramBlock
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Options
from allocc.engine.proving import door
from allocc.engine.proving.denominators import prepared
from allocc.engine.solve import solve
from allocc.errors import reported
from allocc.results.findings import Escape, Escaping, Improved

if TYPE_CHECKING:
    from allocc.engine.stages import Stages

#: Movement of what is not decided costs so little that it matters between equals only.
LITTLE = 1e-6
#: A decision that moves less than this, of the one that moves the most, stands still.
STILL = 1e-7
#: The ray is walked so far, and ten times as far.
FAR = 1000.0


@reported()
def escape(model: Stages, options: Options) -> Escape:
    """The decisions that escape in an unbounded model, as few as are needed, within the time limit."""
    seconds = options.time_limit
    assert seconds is not None
    started = time.perf_counter()
    problem = model.problem
    found = _ray(problem, options, seconds)
    if found is None:
        return Escape((), (), False, time.perf_counter() - started)
    rates = _decided(found)
    decisions = []
    for v, rate in rates.items():
        for k in np.flatnonzero(rate).tolist():
            assert v.span is not None
            labels = tuple(label_text(x) for x in v.labels(k))
            file, line = v.span.source.name, v.span.line
            source = " ".join(v.span.text.split())
            r = float(rate.ravel()[k])
            decisions.append(Escaping(v.name, labels, r, file, line, source, v.unit, v.description))
    left = max(1.0, seconds - (time.perf_counter() - started))
    terms, shown = _walked(problem, options, rates, left)
    return Escape(tuple(decisions), terms, shown, time.perf_counter() - started)


def _ray(problem: Problem, options: Options, seconds: float) -> Values | None:
    """A direction for all decisions; None where the relaxation of the lowered program has none."""
    made = prepared(problem, "stated")
    try:
        built = Relaxation(made.program).build(integral=False).program
    except (DiagnosticError, Infeasible):
        return None
    decided = made.places.mask(problem.decisions, built.columns)
    asked = SolveOptions(time_limit=seconds, threads=options.threads, seed=options.seed)
    rays = _rays(built, np.where(decided, 1.0, LITTLE))
    found = door.ask(registry.get(options.solver), rays, asked)
    if found.point is None or found.termination != "optimal":
        return None
    n = built.columns
    return made.places.values(found.point[:n] - found.point[n:], problem.decisions)


def _rays(p: Program, costs: FloatArray) -> Program:
    """The program of the module's docstring, with d = d+ - d-."""
    n = p.columns
    goal = 1.0 if p.sense == "maximize" else -1.0
    objective = sparse.csr_array(p.objective.reshape(1, n))
    whole = sparse.csr_array(sparse.vstack([p.matrix, objective], format="csr"))
    up = np.where(np.isfinite(p.upper), 0.0, np.inf)
    down = np.where(np.isfinite(p.lower), 0.0, np.inf)
    return Program(
        name=p.name,
        sense="minimize",
        objective=np.concatenate([costs, costs]),
        offset=0.0,
        lower=np.zeros(2 * n),
        upper=np.concatenate([up, down]),
        integer=np.zeros(2 * n, dtype=bool),
        matrix=sparse.csr_array(sparse.hstack([whole, -whole], format="csr")),
        row_lower=np.append(np.where(np.isfinite(p.row_lower), 0.0, -np.inf), goal),
        row_upper=np.append(np.where(np.isfinite(p.row_upper), 0.0, np.inf), goal),
        column_blocks=(ProgramBlock("direction", 0, 2 * n, "auxiliary"),),
        row_blocks=(ProgramBlock("row", 0, p.rows + 1, "auxiliary"),),
    )


def _decided(rates: Values) -> Values:
    """The ray of the decisions that move, where the fastest moves by 1."""
    most = max((float(np.abs(r).max(initial=0.0)) for r in rates.values()), default=0.0)
    if not most:
        return {}
    scaled = {v: np.where(np.abs(r) > STILL * most, r / most, 0.0) for v, r in rates.items()}
    return {v: r for v, r in scaled.items() if r.any()}


def _walked(
    problem: Problem, options: Options, rates: Values, seconds: float
) -> tuple[tuple[Improved, ...], bool]:
    """How the terms change along the ray, and whether every limit holds and the value gets better."""
    limited = replace(options, time_limit=seconds, on_progress=None)
    try:
        start = solve(replace(problem, terms=[]), limited).values
    except DiagnosticError:
        return (), False
    if start is None:
        return (), False

    def at(steps: float) -> Values:
        moved = {v: start[v] + steps * rates.get(v, 0.0) for v in problem.decisions}
        return {v: np.rint(x) if v.integer else x for v, x in moved.items()}

    here, far, farther = (assess(problem, at(s)) for s in (0.0, FAR, 10 * FAR))
    sign = 1.0 if problem.sense == "minimize" else -1.0
    holds = all(a.violation.relative <= options.violation for a in (here, far, farther))
    better = sign * (far.value - here.value) < 0 and sign * (farther.value - far.value) < 0
    terms = []
    for t in problem.terms:
        rate = (farther.terms[t.name] - far.terms[t.name]) / (9 * FAR)
        if abs(rate) > STILL:
            terms.append(Improved(t.name, rate, t.description))
    return tuple(terms), bool(holds and better)
