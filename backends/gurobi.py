"""Gurobi through gurobipy's matrix interface: rows as one block, products as quadratic rows.

How `SolveOptions` are mapped: MIPGap, MIPGapAbs, TimeLimit, Threads, Seed, SoftMemLimit, Cutoff,
Start. Gurobi answers Ctrl-C itself: the solve ends as `interrupted` and no KeyboardInterrupt
reaches Python. The licence that comes with `pip install` is limited to 2,000 columns and 2,000
rows, and to fewer once there are products.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from allocc.backends.interrupt import Monitor, supervise
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
    installed,
    load,
    objective_at,
    package_version,
    prepare,
)
from allocc.compiler.programs.program import FunctionAtoms, Program

TOO_LARGE = 10010
"""Gurobi's error number for a program that the licence does not reach."""

_CALLBACK_SECONDS = 0.05
_TERMINATIONS: dict[str, Termination] = {
    "OPTIMAL": "optimal",
    "INFEASIBLE": "infeasible",
    "UNBOUNDED": "unbounded",
    "INF_OR_UNBD": "infeasible_or_unbounded",
    "CUTOFF": "cutoff",
    "TIME_LIMIT": "time_limit",
    "WORK_LIMIT": "time_limit",
    "MEM_LIMIT": "memory_limit",
    "NODE_LIMIT": "node_limit",
    "SOLUTION_LIMIT": "node_limit",
    "INTERRUPTED": "interrupted",
}
_WITHOUT_POINT = ("infeasible", "unbounded", "infeasible_or_unbounded", "cutoff")


#: How a function of one argument is added: to a model, with Gurobi's functions, from result, argument
#: and exponent.
_FUNCTIONS: dict[str, Callable[[Any, Any, Any, Any, float], Any]] = {
    "exp": lambda model, given, w, x, p: model.addGenConstrNL(w, given.exp(x)),
    "log": lambda model, given, w, x, p: model.addGenConstrNL(w, given.log(x)),
    "sqrt": lambda model, given, w, x, p: model.addGenConstrNL(w, given.sqrt(x)),
    "square": lambda model, given, w, x, p: model.addQConstr(x * x == w),
    "power": lambda model, given, w, x, p: model.addGenConstrNL(w, x**p),
    "reciprocal": lambda model, given, w, x, p: model.addQConstr(w * x == 1.0),
    "abs": lambda model, given, w, x, p: model.addGenConstrAbs(w, x),
}


class GurobiBackend:
    """Gurobi; takes products and all functions."""

    name = "gurobi"
    isolable = True
    interface = "gurobipy"
    package = "gurobipy"
    capabilities = Capabilities(
        products=True,
        functions=frozenset(_FUNCTIONS),
        warm_start=True,
        cutoff=True,
        duals=True,
        progress=True,
        interrupt=True,
        licensed=True,
    )

    def version(self) -> str:
        """The version of gurobipy."""
        return package_version("gurobipy")

    def solver_version(self) -> str:
        """The version of Gurobi: gurobipy has its number, after which may follow one of its own."""
        return ".".join(self.version().split(".")[:3])

    def available(self) -> bool:
        """Whether gurobipy is installed; how far its licence reaches is seen when solving."""
        return installed("gurobipy")

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        """Solve the program; raises `LicenceLimit` when it is too large for the licence."""
        core: Any = load("gurobipy", "Gurobi", "gurobi")
        done = prepare(program, self.name, self.capabilities.functions)
        if done is not None:
            return done
        monitor = Monitor()
        log = int(options.log)
        try:
            with (
                core.Env(params={"OutputFlag": log, "LogToConsole": log}) as env,
                core.Model(program.name, env=env) as model,
            ):
                x = build(core, model, program)
                _set_options(model, options)
                if options.start is not None:
                    _set_start(core, x, program, options)
                notes = _callback(core, model, monitor)
                supervise(lambda: model.optimize(notes), monitor, options, model.terminate)
                self._separate(core, model, monitor, options)
                return _read(core, program, model, x, monitor, options)
        except core.GurobiError as error:
            raise _licence(error, program) from error

    @staticmethod
    def _separate(core: Any, model: Any, monitor: Monitor, options: SolveOptions) -> None:
        """Tell infeasible from unbounded with a second solve without dual reductions."""
        if model.Status != core.GRB.INF_OR_UNBD:
            return
        model.Params.DualReductions = 0
        if options.time_limit is not None:
            model.Params.TimeLimit = max(options.time_limit - monitor.seconds, 0.0)
        supervise(model.optimize, monitor, options, model.terminate)


def build(core: Any, model: Any, program: Program) -> Any:
    """Fill a Gurobi model and return its columns as a matrix variable."""
    grb = core.GRB
    kinds = np.where(program.integer, grb.INTEGER, grb.CONTINUOUS)
    x = model.addMVar(
        program.columns,
        lb=np.maximum(program.lower, -grb.INFINITY),
        ub=np.minimum(program.upper, grb.INFINITY),
        obj=program.objective,
        vtype=kinds,
    )
    model.ModelSense = grb.MINIMIZE if program.sense == "minimize" else grb.MAXIMIZE
    model.ObjCon = program.offset
    _add_rows(model, x, program)
    products = program.products
    if len(products) or program.functions:
        model.update()
        model.Params.NonConvex = 2
        columns = x.tolist()
        for w, a, b, k in products.entries():
            model.addQConstr(k * columns[a] * columns[b] == columns[w])
        for atoms in program.functions:
            _add_functions(model, atoms, columns)
    model.update()
    return x


def _add_rows(model: Any, x: Any, program: Program) -> None:
    """Add the rows block by block; `model.getConstrs` finds them again by their names' order."""
    low, high = program.row_lower, program.row_upper
    equal = (low == high) & np.isfinite(low)
    below = np.isfinite(high) & ~equal
    above = np.isfinite(low) & ~equal
    for rows, sense, side in ((equal, "=", high), (below, "<", high), (above, ">", low)):
        index = np.flatnonzero(rows)
        if len(index):
            model.addMConstr(program.matrix[index], x, sense, side[index])


def _add_functions(model: Any, atoms: FunctionAtoms, columns: list[Any]) -> None:
    nonlinear: Any = importlib.import_module("gurobipy.nlfunc")
    for w, a in zip(atoms.result.tolist(), atoms.argument.tolist(), strict=True):
        _FUNCTIONS[atoms.kind](model, nonlinear, columns[w], columns[a], atoms.exponent)


def _set_options(model: Any, options: SolveOptions) -> None:
    parameters = model.Params
    if not options.presolve:
        parameters.Presolve = 0
    parameters.MIPGap = float(options.gap)
    parameters.MIPGapAbs = float(options.absolute_gap)
    parameters.Seed = int(options.seed) % 2_000_000_000
    if options.time_limit is not None:
        parameters.TimeLimit = max(float(options.time_limit), 0.0)
    if options.threads is not None:
        parameters.Threads = int(options.threads)
    if options.memory_limit_mb is not None:
        parameters.SoftMemLimit = options.memory_limit_mb / 1000.0
    if options.cutoff is not None:
        parameters.Cutoff = float(options.cutoff)


def _set_start(core: Any, x: Any, program: Program, options: SolveOptions) -> None:
    point = np.asarray(options.start, dtype=np.float64)
    if point.shape != (program.columns,):
        raise ValueError(f"a start needs {program.columns} entries, not {point.shape}")
    if not program.linear:
        x.Start = np.where(np.isfinite(point), point, core.GRB.UNDEFINED)


def _callback(core: Any, model: Any, monitor: Monitor) -> Any:
    codes = core.GRB.Callback
    last = 0.0

    def notes(running: Any, where: int) -> None:
        nonlocal last
        try:
            if monitor.stopping:
                running.terminate()
            now = time.perf_counter()
            if where == codes.MIP and now - last >= _CALLBACK_SECONDS:
                last = now
                monitor.note(
                    running.cbGet(codes.MIP_OBJBST),
                    running.cbGet(codes.MIP_OBJBND),
                    int(running.cbGet(codes.MIP_NODCNT)),
                )
        except BaseException as error:  # noqa: BLE001 - raised by supervise
            monitor.fail(error)

    return notes


def _status_name(core: Any, status: int) -> str:
    known = (*_TERMINATIONS, "NUMERIC", "SUBOPTIMAL")
    return next((n for n in known if getattr(core.GRB, n, None) == status), str(status))


def _read(
    core: Any, program: Program, model: Any, x: Any, monitor: Monitor, options: SolveOptions
) -> Solution:
    status = _status_name(core, model.Status)
    termination = _TERMINATIONS.get(status, "failed")
    if termination == "interrupted":
        termination = monitor.stopped()
    message = "" if termination != "failed" else f"Gurobi ended with status {status}"
    point = value = bound = duals = costs = None
    if termination not in _WITHOUT_POINT:
        if model.SolCount > 0:
            point = np.array(x.X, dtype=np.float64)
            if finite_point(point):
                value = objective_at(program, point)
            else:
                point, message = None, "Gurobi returned a point that is not finite"
        if model.IsMIP or model.IsQCP or program.functions:
            bound = finite(model.ObjBound)
        elif termination == "optimal":
            bound = value
            duals = _row_duals(model, program)
            costs = np.array(x.RC, dtype=np.float64)
    elif termination == "cutoff":
        bound = options.cutoff
    if termination == "optimal" and point is None:
        termination, message = "failed", message or "Gurobi says optimal and gives no point"
    if monitor.keyboard:
        message = message or "stopped by Ctrl-C"
    nodes = int(model.NodeCount) if model.IsMIP else 0
    if options.on_progress is not None:
        monitor.note(value, bound, nodes)
        options.on_progress(monitor.progress())
    return Solution(
        termination, point, value, bound, monitor.seconds, nodes, "gurobi", message, duals, costs
    )


def _row_duals(model: Any, program: Program) -> Any:
    """One dual a row; of a range's two rows at most one is not zero."""
    low, high = program.row_lower, program.row_upper
    equal = (low == high) & np.isfinite(low)
    below = np.isfinite(high) & ~equal
    above = np.isfinite(low) & ~equal
    order = np.concatenate([np.flatnonzero(rows) for rows in (equal, below, above)])
    duals = np.zeros(program.rows)
    if len(order):
        np.add.at(duals, order, np.array(model.Pi, dtype=np.float64))
    return duals


def _licence(error: Any, program: Program) -> Exception:
    """The error to raise for a Gurobi error: a licence limit, a missing licence, or itself."""
    number = int(getattr(error, "errno", 0) or 0)
    if number == TOO_LARGE:
        return LicenceLimit("gurobi", beyond_licence(program))
    if number in (10009, 10030, 10032):
        return MissingSolver("gurobi", f"Gurobi has no valid licence here: {error}")
    if isinstance(error, Exception):
        return error
    return RuntimeError(str(error))
