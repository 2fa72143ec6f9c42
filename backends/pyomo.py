"""Any solver that Pyomo reaches: `pyomo` (its HiGHS) or `pyomo:NAME`.

Three solvers go through Pyomo's new interfaces, where gap, absolute gap, time limit and threads
have one name: highs, scip and gurobi. For others the options are mapped here by the solver's own
names: cbc (seconds, ratioGap, allowableGap, threads) and glpk (tmlim, mipgap); for any further
solver NO limit and NO gap is handed over, and the answer's message says so. Seed, memory limit,
start, cutoff, progress and cancel are not handed over by any of them; Ctrl-C does what the solver
does with it. What a solver claims is passed on as it is; only `highs` confirms `infeasible`.
"""

from __future__ import annotations

import importlib
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from allocc.backends.gurobi import GurobiBackend
from allocc.backends.highs import HighsBackend
from allocc.backends.interrupt import Monitor
from allocc.backends.scip import ScipBackend
from allocc.backends.solution import (
    Capabilities,
    LicenceLimit,
    MissingSolver,
    Solution,
    SolveOptions,
    Termination,
)
from allocc.backends.support import (
    beyond_licence,
    finite,
    finite_point,
    gap_closed,
    installed,
    load,
    objective_at,
    package_version,
    prepare,
)
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import FunctionAtoms, Program

_NEW = {"highs": "highs", "scip": "scip_direct", "gurobi": "gurobi_direct_minlp"}
"""Names of Pyomo's new interfaces (pyomo.contrib.solver)."""

_PACKAGES = {
    "highs": ("highspy", ""),
    "scip": ("pyscipopt", "scip"),
    "gurobi": ("gurobipy", "gurobi"),
}
_LINEAR_ONLY = frozenset({"highs", "cbc", "glpk", "appsi_highs", "appsi_cbc"})
_OLD_OPTIONS = {
    "cbc": {"time_limit": "seconds", "gap": "ratioGap", "absolute_gap": "allowableGap"},
    "glpk": {"time_limit": "tmlim", "gap": "mipgap"},
}
_FUNCTIONS: dict[str, Callable[[Any, Any, Any, float], Any]] = {
    "exp": lambda environment, w, x, p: w == environment.exp(x),
    "log": lambda environment, w, x, p: w == environment.log(x),
    "sqrt": lambda environment, w, x, p: w == environment.sqrt(x),
    "square": lambda environment, w, x, p: x * x - w == 0.0,
    "power": lambda environment, w, x, p: w == x**p,
    "reciprocal": lambda environment, w, x, p: w * x == 1.0,
    "abs": lambda environment, w, x, p: w == abs(x),
}
"""How a function of one argument is written: from result, argument and exponent."""
_UNWRITTEN: dict[str, set[str]] = {"scip": {"abs"}}
"""Functions that Pyomo's interface of a solver cannot hand over (Pyomo 6.10)."""

_NEW_TERMINATIONS: dict[str, Termination] = {
    "convergenceCriteriaSatisfied": "optimal",
    "maxTimeLimit": "time_limit",
    "iterationLimit": "node_limit",
    "unbounded": "unbounded",
    "provenInfeasible": "infeasible",
    "infeasibleOrUnbounded": "infeasible_or_unbounded",
    "interrupted": "interrupted",
}
_OLD_TERMINATIONS: dict[str, Termination] = {
    "optimal": "optimal",
    "globallyOptimal": "optimal",
    "maxTimeLimit": "time_limit",
    "maxIterations": "node_limit",
    "maxEvaluations": "node_limit",
    "unbounded": "unbounded",
    "infeasible": "infeasible",
    "infeasibleOrUnbounded": "infeasible_or_unbounded",
    "userInterrupt": "interrupted",
    "resourceInterrupt": "interrupted",
}


#: Pyomo makes objects of all that it reads.
_ENTRY_SECONDS = 2e-4


class PyomoBackend:
    """A solver behind Pyomo."""

    isolable = True
    package = "pyomo.environ"
    interface = "Pyomo"

    def __init__(self, solver: str = "highs") -> None:
        self.solver = solver
        self._plain = solver == "highs"

    @property
    def name(self) -> str:
        """`pyomo` or `pyomo:NAME`."""
        return "pyomo" if self._plain else f"pyomo:{self.solver}"

    @property
    def capabilities(self) -> Capabilities:
        """Linear for the solvers that are known to be; otherwise everything that Pyomo writes."""
        if self.solver in _LINEAR_ONLY:
            return Capabilities(entry_seconds=_ENTRY_SECONDS)
        return Capabilities(
            products=True,
            functions=frozenset(_FUNCTIONS) - _UNWRITTEN.get(self.solver, set()),
            entry_seconds=_ENTRY_SECONDS,
        )

    def version(self) -> str:
        """The version of Pyomo."""
        return package_version("pyomo")

    def solver_version(self) -> str:
        """The version of the solver behind Pyomo, where that is one of the others here."""
        own = {"highs": HighsBackend, "scip": ScipBackend, "gurobi": GurobiBackend}
        return own[self.solver]().solver_version() if self.solver in own else ""

    def available(self) -> bool:
        """Whether Pyomo and the solver behind it are here; this imports Pyomo."""
        if not installed("pyomo"):
            return False
        try:
            with _quiet():
                self._factory()
        except MissingSolver:
            return False
        return True

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        """Solve the program through Pyomo."""
        environment: Any = load("pyomo.environ", "Pyomo", "pyomo")
        functions = None if self.solver in _LINEAR_ONLY else self.capabilities.functions
        done = prepare(program, self.name, functions)
        if done is not None:
            return done
        with _quiet(), _licence(self.name, program):
            interface = self._factory()
            monitor = Monitor()
            model = build(environment, program)
            if self.solver in _NEW:
                return self._new(interface, model, program, options, monitor)
            return self._old(interface, model, program, options, monitor)

    def _factory(self) -> Any:
        """The Pyomo object of the solver, or `MissingSolver`."""
        environment: Any = load("pyomo.environ", "Pyomo", "pyomo")
        package, extra = _PACKAGES.get(self.solver, ("", ""))
        if package:
            load(package, self.name, extra)
        if self.solver in _NEW:
            factory: Any = importlib.import_module("pyomo.contrib.solver.common.factory")
            found = factory.SolverFactory(_NEW[self.solver])
            here = found is not None and bool(found.available())
        else:
            try:
                found = environment.SolverFactory(self.solver)
                here = bool(found.available(exception_flag=False))
            except Exception:  # noqa: BLE001 - a solver's plug-in may fail in any way
                found, here = None, False
        if not here:
            raise MissingSolver(
                self.name,
                f"Pyomo finds no solver {self.solver!r} here: its program or package is not "
                "installed, or Pyomo does not know the name",
            )
        return found

    def _new(
        self, interface: Any, model: Any, program: Program, options: SolveOptions, monitor: Monitor
    ) -> Solution:
        settings = interface.config
        settings.load_solutions = False
        settings.raise_exception_on_nonoptimal_result = False
        settings.tee = options.log
        settings.rel_gap = float(options.gap)
        settings.abs_gap = float(options.absolute_gap)
        if options.time_limit is not None:
            settings.time_limit = max(float(options.time_limit), 1e-3)
        if options.threads is not None:
            settings.threads = int(options.threads)
        if self.solver == "scip":
            settings.solver_options["presolving/donotaggr"] = True  # see `scip`
        results = interface.solve(model)
        condition = results.termination_condition.name
        termination = _NEW_TERMINATIONS.get(condition, "failed")
        point = None
        if results.solution_status.name in ("feasible", "optimal"):
            results.solution_loader.load_vars()
            point = _point(model, program)
        extra = results.extra_info
        nodes = next(
            (
                int(extra[k].value if hasattr(extra[k], "value") else extra[k])
                for k in extra
                if str(k).lower() in ("nnodes", "nodecount", "mip_node_count")
            ),
            0,
        )
        return self._answer(
            program, options, monitor, termination, condition, point, results.objective_bound, nodes
        )

    def _old(
        self, interface: Any, model: Any, program: Program, options: SolveOptions, monitor: Monitor
    ) -> Solution:
        names = _OLD_OPTIONS.get(self.solver, {})
        for field, name in names.items():
            value = getattr(options, field)
            if value is not None:
                interface.options[name] = math.ceil(value) if name == "tmlim" else value
        if self.solver == "cbc" and options.threads is not None:
            interface.options["threads"] = options.threads
        results = interface.solve(model, load_solutions=False, tee=options.log)
        condition = str(results.solver.termination_condition)
        termination = _OLD_TERMINATIONS.get(condition, "failed")
        point = None
        if len(results.solution):
            model.solutions.load_from(results)
            point = _point(model, program)
        problem = results.problem
        bound = problem.lower_bound if program.sense == "minimize" else problem.upper_bound
        note = "" if names else "limits and gap were not handed to this solver"
        return self._answer(
            program, options, monitor, termination, condition, point, _number(bound), 0, note
        )

    def _answer(
        self,
        program: Program,
        options: SolveOptions,
        monitor: Monitor,
        termination: Termination,
        condition: str,
        point: FloatArray | None,
        bound: float | None,
        nodes: int,
        note: str = "",
    ) -> Solution:
        if termination in ("infeasible", "unbounded", "infeasible_or_unbounded"):
            point = bound = None
        value = None
        if point is not None and finite_point(point):
            value = objective_at(program, point)
        else:
            point = None
        bound = finite(bound)
        linear = program.linear
        if termination == "optimal" and value is not None and bound is None and linear:
            bound = value
        if termination == "optimal" and point is None:
            termination, note = "failed", f"{self.name} says optimal and gives no point"
        elif (
            termination == "optimal"
            and value is not None
            and self.solver not in _NEW
            and not gap_closed(value, bound, max(options.gap, 1e-6), options.absolute_gap)
            and bound is not None
        ):
            note = f"{note}; the solver's bound is further away than the asked gap".lstrip("; ")
        if termination == "failed" and not note:
            note = f"{self.name} ended with {condition}"
        return Solution(termination, point, value, bound, monitor.seconds, nodes, self.name, note)


def build(environment: Any, program: Program) -> Any:
    """The Pyomo model of a program: `x` by column, `rows`, `products`, `functions`."""
    expressions: Any = importlib.import_module("pyomo.core.expr.numeric_expr")
    model = environment.ConcreteModel(name=program.name or "allocc")
    model.x = environment.Var(range(program.columns), dense=True)
    x = [model.x[j] for j in range(program.columns)]
    whole = environment.Integers
    lower, upper = program.lower.tolist(), program.upper.tolist()
    for j, variable in enumerate(x):
        if program.integer[j]:
            variable.domain = whole
        variable.setlb(lower[j] if math.isfinite(lower[j]) else None)
        variable.setub(upper[j] if math.isfinite(upper[j]) else None)
    starts = program.matrix.indptr.tolist()
    columns = program.matrix.indices.tolist()
    values = program.matrix.data.tolist()

    def linear(coefs: list[float], positions: list[int], constant: float = 0.0) -> Any:
        return expressions.LinearExpression(
            constant=constant, linear_coefs=coefs, linear_vars=[x[j] for j in positions]
        )

    model.rows = environment.ConstraintList()
    sides = zip(program.row_lower.tolist(), program.row_upper.tolist(), strict=True)
    for i, (low, high) in enumerate(sides):
        part = slice(starts[i], starts[i + 1])
        low_side = low if math.isfinite(low) else None
        high_side = high if math.isfinite(high) else None
        if low_side is None and high_side is None:
            continue
        if starts[i] == starts[i + 1]:
            # Pyomo refuses a row without variables: keep it with a coefficient that is zero.
            body = linear([0.0], [0])
        else:
            body = linear(values[part], columns[part])
        if low_side == high_side:
            model.rows.add(body == high_side)
        else:
            model.rows.add((low_side, body, high_side))
    model.products = environment.ConstraintList()
    for w, a, b, k in program.products.entries():
        model.products.add(k * x[a] * x[b] - x[w] == 0.0)
    model.functions = environment.ConstraintList()
    for atoms in program.functions:
        _add_functions(environment, model, atoms, x)
    used = np.flatnonzero(program.objective)
    model.objective = environment.Objective(
        expr=linear(program.objective[used].tolist(), used.tolist(), program.offset),
        sense=environment.minimize if program.sense == "minimize" else environment.maximize,
    )
    return model


def _add_functions(environment: Any, model: Any, atoms: FunctionAtoms, x: list[Any]) -> None:
    for w, a in zip(atoms.result.tolist(), atoms.argument.tolist(), strict=True):
        model.functions.add(_FUNCTIONS[atoms.kind](environment, x[w], x[a], atoms.exponent))


def _point(model: Any, program: Program) -> FloatArray:
    """The values of all columns; one that no row uses and no solver saw goes to its best bound."""
    point = np.array(
        [math.nan if v.value is None else float(v.value) for v in model.x.values()],
        dtype=np.float64,
    )
    free = np.isnan(point)
    if free.any():
        up = (program.objective > 0) == (program.sense == "maximize")
        best = np.where(up & (program.objective != 0), program.upper, program.lower)
        inside = np.clip(0.0, program.lower, program.upper)
        ends = np.where(program.objective == 0, inside, best)
        whole = np.where(
            program.integer, np.where(up, np.floor(ends + 1e-9), np.ceil(ends - 1e-9)), ends
        )
        point[free] = whole[free]
    return point


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Pyomo's warnings about statuses and missing programs off the terminal."""
    logger = logging.getLogger("pyomo")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _licence(name: str, program: Program) -> Iterator[None]:
    """Turn Gurobi's size error into `LicenceLimit`."""
    try:
        yield
    except Exception as error:
        if int(getattr(error, "errno", 0) or 0) == 10010 or "size-limited" in str(error):
            raise LicenceLimit(name, beyond_licence(program)) from error
        raise
