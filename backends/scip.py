"""SCIP through PySCIPOpt: linear rows, products and functions as they are, to global optimality.

How `SolveOptions` are mapped: `gap` is limits/gap (SCIP divides by the smaller of |value| and
|bound|, which is stricter), `absolute_gap` limits/absgap, `time_limit` limits/time,
`memory_limit_mb` limits/memory, `seed` randomization/randomseedshift, `threads` lp/threads (the
search itself is sequential), `cutoff` the objective limit, `start` a solution or, where entries are
unknown, a partial one that SCIP completes.

Columns are not aggregated in presolve (`presolving/donotaggr`): SCIP 10.0.0 with it was seen to cut off
the optimum of one program in a hundred, linear ones with ten columns among them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from allocc.backends.interrupt import Monitor, supervise
from allocc.backends.solution import Capabilities, Solution, SolveOptions, Termination
from allocc.backends.support import (
    HUGE,
    finite,
    finite_point,
    installed,
    load,
    objective_at,
    objective_factor,
    package_version,
    prepare,
)
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import FunctionAtoms, Program

_TERMINATIONS: dict[str, Termination] = {
    "optimal": "optimal",
    "gaplimit": "optimal",
    "infeasible": "infeasible",
    "unbounded": "unbounded",
    "inforunbd": "infeasible_or_unbounded",
    "timelimit": "time_limit",
    "memlimit": "memory_limit",
    "nodelimit": "node_limit",
    "totalnodelimit": "node_limit",
    "stallnodelimit": "node_limit",
    "sollimit": "node_limit",
    "bestsollimit": "node_limit",
    "restartlimit": "node_limit",
    "userinterrupt": "interrupted",
    "terminate": "interrupted",
}
_WITHOUT_POINT = ("infeasible", "unbounded", "infeasible_or_unbounded")


#: How a function of one argument is written: with PySCIPOpt, from result, argument and exponent.
_FUNCTIONS: dict[str, Callable[[Any, Any, Any, float], Any]] = {
    "exp": lambda core, w, x, p: w == core.exp(x),
    "log": lambda core, w, x, p: w == core.log(x),
    "sqrt": lambda core, w, x, p: w == core.sqrt(x),
    "square": lambda core, w, x, p: x * x - w == 0.0,
    "power": lambda core, w, x, p: w == x**p,
    "reciprocal": lambda core, w, x, p: w * x == 1.0,
    "abs": lambda core, w, x, p: w == abs(x),
}


class ScipBackend:
    """SCIP; takes products and all functions."""

    name = "scip"
    isolable = True
    package = "pyscipopt"
    interface = "PySCIPOpt"
    capabilities = Capabilities(
        products=True,
        functions=frozenset(_FUNCTIONS),
        warm_start=True,
        cutoff=True,
        progress=True,
        interrupt=True,
    )

    def version(self) -> str:
        """The version of PySCIPOpt."""
        return package_version("pyscipopt")

    def solver_version(self) -> str:
        """The version of SCIP, which PySCIPOpt has inside; this imports it."""
        if not self.available():
            return ""
        model = load("pyscipopt", "SCIP", "scip").Model()
        parts = (model.getMajorVersion(), model.getMinorVersion(), model.getTechVersion())
        return ".".join(map(str, parts))

    def available(self) -> bool:
        """Whether PySCIPOpt is installed."""
        return installed("pyscipopt")

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        self.settings = dict(settings or {})

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        """Solve the program; SCIP's own `settings` come last and win."""
        core: Any = load("pyscipopt", "SCIP", "scip")
        done = prepare(program, self.name, self.capabilities.functions)
        if done is not None:
            return done
        monitor = Monitor()
        factor = objective_factor(program.objective)
        model, variables = build(core, program, factor)
        _set_options(model, options, factor)
        model.setParams(self.settings)
        if options.start is not None:
            _set_start(model, variables, options.start)
        handler = _watcher(core, model, monitor, factor)
        try:
            supervise(model.optimizeNogil, monitor, options, lambda: _interrupt(model))
            return _read(program, model, variables, monitor, options, factor)
        except KeyboardInterrupt:
            handler = None  # the abandoned solve still runs
            raise
        except Exception as problem:
            # PySCIPOpt raises bare exceptions for what goes wrong inside of SCIP.
            if not str(problem).startswith("SCIP: "):
                raise
            return Solution("failed", None, None, None, monitor.seconds, 0, self.name, str(problem))
        finally:
            if handler is not None:
                # The model and its event handler hold each other; nothing else would free them.
                variables.clear()
                model.freeProb()
                handler.model = None


def build(core: Any, program: Program, factor: float = 1.0) -> tuple[Any, list[Any]]:
    """The SCIP model of a program and its variables, one a column; the objective times `factor`."""
    model = core.Model(program.name or "allocc")
    model.hideOutput()
    lower = _or_none(program.lower)
    upper = _or_none(program.upper)
    kinds = np.where(program.integer, "I", "C").tolist()
    costs = (program.objective * factor).tolist()
    variables = [
        model.addVar(name=f"x{j}", vtype=kinds[j], lb=lower[j], ub=upper[j], obj=costs[j])
        for j in range(program.columns)
    ]
    if program.sense == "maximize":
        model.setMaximize()
    if program.offset:
        model.addObjoffset(program.offset * factor)
    _add_rows(core, model, program, variables)
    for w, a, b, k in program.products.entries():
        model.addCons(k * variables[a] * variables[b] - variables[w] == 0.0)
    for atoms in program.functions:
        _add_functions(core, model, atoms, variables)
    return model, variables


def _add_rows(core: Any, model: Any, program: Program, variables: list[Any]) -> None:
    # Empty rows first, then one C call a coefficient: the fastest way that PySCIPOpt has, because
    # no expression is made and sorted.
    scip: Any = core.scip
    matrix = program.matrix
    starts = matrix.indptr.tolist()
    columns = matrix.indices.tolist()
    values = matrix.data.tolist()
    sides = zip(_or_none(program.row_lower), _or_none(program.row_upper), strict=True)
    add, attach = model.addCons, model.addConsCoeff
    for i, (low, high) in enumerate(sides):
        if low is None and high is None:
            continue
        row = add(scip.ExprCons(scip.Expr({}), low, high), name=f"r{i}")
        for k in range(starts[i], starts[i + 1]):
            attach(row, variables[columns[k]], values[k])


def _add_functions(core: Any, model: Any, atoms: FunctionAtoms, variables: list[Any]) -> None:
    for w, a in zip(atoms.result.tolist(), atoms.argument.tolist(), strict=True):
        written = _FUNCTIONS[atoms.kind](core, variables[w], variables[a], atoms.exponent)
        model.addCons(written)


def _or_none(bounds: FloatArray) -> list[float | None]:
    return [b if abs(b) < HUGE else None for b in bounds.tolist()]


def _set_options(model: Any, options: SolveOptions, factor: float) -> None:
    model.hideOutput(not options.log)
    settings: dict[str, object] = {
        "misc/catchctrlc": False,
        "presolving/donotaggr": True,
        "limits/gap": float(options.gap),
        "limits/absgap": float(options.absolute_gap) * factor,
        "randomization/randomseedshift": int(options.seed) % (2**31),
    }
    if not options.presolve:
        settings["presolving/maxrounds"] = 0
    if options.time_limit is not None:
        settings["limits/time"] = max(float(options.time_limit), 0.0)
    if options.memory_limit_mb is not None:
        settings["limits/memory"] = float(options.memory_limit_mb)
    if options.threads is not None:
        settings["lp/threads"] = int(options.threads)
    model.setParams(dict(settings))
    if options.cutoff is not None:
        model.setObjlimit(float(options.cutoff) * factor)


def _set_start(model: Any, variables: list[Any], start: FloatArray) -> None:
    point = np.asarray(start, dtype=np.float64)
    if point.shape != (len(variables),):
        raise ValueError(f"a start needs {len(variables)} entries, not {point.shape}")
    known = np.flatnonzero(np.isfinite(point)).tolist()
    if not known:
        return
    full = len(known) == len(variables)
    solution = model.createOrigSol() if full else model.createPartialSol()
    for j in known:
        model.setSolVal(solution, variables[j], float(point[j]))
    model.addSol(solution)


def _watcher(core: Any, model: Any, monitor: Monitor, factor: float) -> Any:
    """An event handler that writes the numbers of a running solve into the monitor."""
    events = core.SCIP_EVENTTYPE
    wanted = (events.NODESOLVED, events.BESTSOLFOUND, events.LPSOLVED)

    class Watcher(core.Eventhdlr):  # type: ignore[misc]
        def eventinit(self) -> None:
            for event in wanted:
                self.model.catchEvent(event, self)

        def eventexit(self) -> None:
            for event in wanted:
                self.model.dropEvent(event, self)

        def eventexec(self, event: Any) -> None:
            try:
                scip = self.model
                ends = [finite(x) for x in (scip.getPrimalbound(), scip.getDualbound())]
                value, bound = (None if x is None else x / factor for x in ends)
                monitor.note(value, bound, scip.getNTotalNodes())
                if monitor.stopping:
                    scip.interruptSolve()
            except BaseException as error:  # noqa: BLE001 - raised by supervise
                monitor.fail(error)

    handler = Watcher()
    model.includeEventhdlr(handler, "allocc", "notes value and bound")
    return handler


def _interrupt(model: Any) -> None:
    # Between two stages SCIP refuses the call; it is made again at the next step.
    with contextlib.suppress(Exception):
        model.interruptSolve()


def _read(
    program: Program,
    model: Any,
    variables: list[Any],
    monitor: Monitor,
    options: SolveOptions,
    factor: float,
) -> Solution:
    status = str(model.getStatus())
    termination = _TERMINATIONS.get(status, "failed")
    if termination == "interrupted":
        termination = monitor.stopped()
    message = "" if termination != "failed" else f"SCIP ended with status {status}"
    point = value = bound = None
    if termination == "infeasible" and options.cutoff is not None:
        termination, bound = "cutoff", float(options.cutoff)
    elif termination not in _WITHOUT_POINT:
        known = finite(model.getDualbound())
        bound = None if known is None else known / factor
        if model.getNSols() > 0:
            best = model.getBestSol()
            point = np.array([model.getSolVal(best, v) for v in variables], dtype=np.float64)
            if finite_point(point):
                value = objective_at(program, point)
            else:
                point, message = None, "SCIP returned a point that is not finite"
    if termination == "optimal" and point is None:
        termination, message = "failed", message or "SCIP says optimal and gives no point"
    if monitor.keyboard:
        message = message or "stopped by Ctrl-C"
    nodes = int(model.getNTotalNodes())
    if options.on_progress is not None:
        monitor.note(value, bound, nodes)
        options.on_progress(monitor.progress())
    return Solution(termination, point, value, bound, monitor.seconds, nodes, "scip", message)
