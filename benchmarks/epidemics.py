"""Nonlinear epidemics: allocc beside solvers that take products as they are.

python benchmarks/epidemics.py [--time-limit 60] [--gap 1e-4] [--only NAME[,NAME]]
    [--solvers allocc,scip,scip-plain,gurobi,maingo]

`allocc`: `--method auto` with HiGHS. `scip` and `gurobi`: the program with its products, scaled by powers
of two as allocc's door does for every solver, which is what `--method direct` asks first. `scip-plain`:
the same program as it comes. `maingo`: the same in the space of its decisions alone (`reduced_space.py`).

No value is taken from a solver: its decisions are simulated, and count where every limit holds to 1e-6.
Below an instance stands each bound that a simulated allocation contradicts. Seconds are those of the
wall, from the problem to the answer; one solve runs at a time. Exit code 1 where a bound is false.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))

import reduced_space
from epidemic_instances import INSTANCES

from allocc.backends import registry
from allocc.backends.isolation import isolated
from allocc.backends.solution import LicenceLimit, MissingSolver, Solution, SolveOptions
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.scaling import scale
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values
from allocc.engine.judging.assess import ROUNDING, Assessment, assess
from allocc.engine.judging.outcome import Options
from allocc.engine.proving import door
from allocc.engine.proving.denominators import prepared
from allocc.engine.solve import solve

#: A bound is false where the value of an allocation that breaks nothing is beyond it by more than this
#: part. One that uses the tolerance of a limit may be better than all that do not: it has to be beyond
#: by more than the gap.
FALSE = 1e-6
#: A decision is as good as at an end of its range where this part of the range is between them.
END = 1e-6


@dataclass(frozen=True)
class Limits:
    """What every solver is given."""

    seconds: float
    gap: float


@dataclass(frozen=True)
class Answer:
    """What a solver says: how it ended, its decisions, its bound, its nodes where it tells them."""

    ended: str
    decisions: Values | None = None
    bound: float | None = None
    nodes: int | None = None


class Skipped(Exception):
    """A solver is not asked; the message says why."""


# --- one function a solver ----------------------------------------------------------------------


def allocc(problem: Problem, limits: Limits) -> Answer:
    """allocc's own method with HiGHS."""
    o = solve(problem, Options(gap=limits.gap, time_limit=limits.seconds))
    values = o.values
    decided = None if values is None else {v: values[v] for v in problem.decisions}
    return Answer(o.stopped or o.status, decided, o.bound)


def scip(problem: Problem, limits: Limits) -> Answer:
    """SCIP, the program scaled."""
    return _products("scip", True, problem, limits)


def scip_plain(problem: Problem, limits: Limits) -> Answer:
    """SCIP, the program as it comes."""
    return _products("scip", False, problem, limits)


def gurobi(problem: Problem, limits: Limits) -> Answer:
    """Gurobi, scaled; its wheel's licence ends at 2,000 columns and rows, at fewer with products."""
    return _products("gurobi", True, problem, limits)


def maingo(problem: Problem, limits: Limits) -> Answer:
    """MAiNGO, the program scaled, and in the space of the decisions."""
    if not reduced_space.installed():
        raise Skipped("not installed")
    chain = prepared(problem, "direct")
    program, scaling = scale(chain.program)
    decided = chain.places.positions(problem.decisions)
    try:
        found = reduced_space.solve(program, decided, limits.seconds, limits.gap)
    except reduced_space.Unfit as reason:
        raise Skipped(str(reason)) from None
    bound = None if found.bound is None else scaling.value_out(found.bound)
    if found.decisions is None:
        return Answer(found.ended, None, bound, found.nodes)
    point = np.zeros(program.columns)
    point[decided] = found.decisions
    values = chain.places.values(scaling.point_out(point), problem.decisions)
    return Answer(found.ended, values, bound, found.nodes)


SOLVERS: dict[str, Callable[[Problem, Limits], Answer]] = {
    "allocc": allocc,
    "scip": scip,
    "scip-plain": scip_plain,
    "gurobi": gurobi,
    "maingo": maingo,
}


def _products(name: str, scaled: bool, problem: Problem, limits: Limits) -> Answer:
    """A solver that takes products, asked through the door, or as the program comes."""
    backend = registry.get(name)
    if not backend.available():
        raise Skipped("not installed")
    chain = prepared(problem, "direct")
    try:
        built = Relaxation(chain.program).build_direct()
    except Infeasible:
        return Answer("infeasible")
    options = SolveOptions(time_limit=limits.seconds, gap=limits.gap)
    try:
        found: Solution = (
            door.ask(backend, built.program, options, tries=1, scaled=built.scaled)
            if scaled
            else isolated(backend).solve(built.program, options)
        )
    except LicenceLimit:
        raise Skipped("beyond the licence") from None
    except MissingSolver as missing:
        raise Skipped(missing.reason) from None
    values = None
    if found.point is not None:
        values = chain.places.values(built.lower_point(found.point), problem.decisions)
    return Answer(found.termination, values, found.bound, found.nodes)


# --- what is shown ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """An answer after its decisions were simulated.

    `value` is None where a limit is broken; `clean` says that none is, but for rounding.
    """

    solver: str
    answer: Answer
    value: float | None
    remark: str
    seconds: float
    clean: bool = False

    @property
    def gap(self) -> float | None:
        """The relative distance between value and bound, as in the certificate."""
        value, bound = self.value, self.answer.bound
        if value is None or bound is None:
            return None
        return abs(value - bound) / abs(value) if value else abs(bound)


def judged(solver: str, problem: Problem, answer: Answer, seconds: float) -> Judged:
    """The answer with the value that its decisions have when they are simulated."""
    if answer.decisions is None:
        return Judged(solver, answer, None, answer.ended, seconds)
    found = _assessed(problem, answer.decisions)
    off = found.violation
    if off.relative > Options().violation:
        remark = f"{answer.ended}, breaks {off.where} by {off.relative:.1e}"
        return Judged(solver, answer, None, remark, seconds)
    return Judged(solver, answer, found.value, answer.ended, seconds, off.relative <= ROUNDING)


def _assessed(problem: Problem, decisions: Values) -> Assessment:
    """Decisions simulated, rid of a solver's tolerance: whole, and within their ranges.

    Where a limit is broken all the same, what is as good as at an end of its range is put there: a dose
    that is left of rounding breaks the limit of a site that is closed.
    """
    plain, ends = {}, {}
    for v, x in decisions.items():
        low, high = problem.ends(v)
        plain[v] = np.clip(np.rint(x) if v.integer else x, low, high)
        near = END * (high - low)
        ends[v] = np.where(x < low + near, low, np.where(x > high - near, high, plain[v]))
    found, other = assess(problem, plain), assess(problem, ends)
    allowed = Options().violation
    return other if other.violation.relative <= allowed < found.violation.relative else found


def contradicted(problem: Problem, found: list[Judged], gap: float) -> list[str]:
    """The bounds, and claims that there is no allocation, that a simulated value contradicts."""
    sign = 1.0 if problem.sense == "minimize" else -1.0
    lines = []
    for f in found:
        for g in found:
            if g.value is None:
                continue
            bound, near = f.answer.bound, FALSE if g.clean else gap
            if bound is not None and sign * (bound - g.value) > near * abs(g.value):
                said = f"{f.solver} has proven {bound:.8g}"
            elif f.answer.ended == "infeasible":
                said = f"{f.solver} says that there is none"
            else:
                continue
            lines.append(f"    FALSE: {said}; {g.solver} has an allocation of {g.value:.8g}")
            break
    return lines


def row(instance: str, f: Judged) -> str:
    """One line of the table."""

    def number(x: float | None, layout: str, width: int) -> str:
        return format("-" if x is None else format(x, layout), f">{width}")

    cells = [
        number(f.value, ".3f", 12),
        number(f.answer.bound, ".3f", 12),
        number(f.gap, ".1e", 8),
        number(f.answer.nodes, "d", 8),
        number(f.seconds, ".1f", 7),
    ]
    return f"{instance:12} {f.solver:11} {' '.join(cells)}  {f.remark}"


def main() -> int:
    """Run the instances; 1 where a bound is false."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds of a solve")
    parser.add_argument("--gap", type=float, default=1e-4)
    names = [i.name for i in INSTANCES]
    parser.add_argument("--only", type=_some_of(names), default=names, metavar="NAME[,NAME]")
    every = list(SOLVERS)
    parser.add_argument("--solvers", type=_some_of(every), default=every, metavar="NAME[,NAME]")
    chosen = parser.parse_args()
    limits = Limits(chosen.time_limit, chosen.gap)
    head = f"{'value':>12} {'bound':>12} {'gap':>8} {'nodes':>8} {'seconds':>7}  ended"
    print(f"{'instance':12} {'solver':11} {head}")
    false = 0
    for instance in INSTANCES:
        if instance.name not in chosen.only:
            continue
        print(f"# {instance.what}", flush=True)
        problem = instance.make()
        found = []
        for solver in chosen.solvers:
            began = time.perf_counter()
            try:
                answer = SOLVERS[solver](problem, limits)
            except Skipped as why:
                print(f"{instance.name:12} {solver:11} skipped: {why}", flush=True)
                continue
            found.append(judged(solver, problem, answer, time.perf_counter() - began))
            print(row(instance.name, found[-1]), flush=True)
        for line in contradicted(problem, found, limits.gap):
            print(line, flush=True)
            false += 1
    return int(false > 0)


def _some_of(names: list[str]) -> Callable[[str], list[str]]:
    """A list of some of these names, separated by commas."""

    def read(text: str) -> list[str]:
        asked = [x.strip() for x in text.split(",")]
        for x in asked:
            if x not in names:
                raise argparse.ArgumentTypeError(f"there is no {x}; there are {', '.join(names)}")
        return asked

    return read


if __name__ == "__main__":
    sys.exit(main())
