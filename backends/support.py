"""Small things that every backend needs: finite numbers, values, missing packages, no columns."""

from __future__ import annotations

import importlib
import importlib.util
import math
import time
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from allocc.backends.solution import MissingSolver, Solution
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import Program

HUGE = 1e20
"""Solvers write `unknown` and `infinite` as numbers of at least this size."""


def finite(number: float | None) -> float | None:
    """The number, or None where it is unknown, not a number or as large as infinity."""
    if number is None or not math.isfinite(number) or abs(number) >= HUGE:
        return None
    return float(number)


def finite_point(point: FloatArray) -> bool:
    """Whether a point from a solver can be believed to be one."""
    # The largest of numbers with a NaN among them is NaN, which is not below anything.
    return not len(point) or bool(np.abs(point).max() < HUGE)


def objective_at(program: Program, point: FloatArray) -> float:
    """The objective of a point, with the offset."""
    return float(program.objective @ point) + program.offset


def objective_factor(costs: FloatArray) -> float:
    """The power of two that brings small costs to a size near one, else 1.

    Solvers take reduced costs below an absolute tolerance for zero, whatever the size of the costs
    is: with a few millionths for a dose they would call an allocation optimal that is not.
    """
    most = float(np.abs(costs).max(initial=0.0))
    return 2.0 ** min(np.floor(-np.log2(most)), 40.0) if 0.0 < most < 0.1 else 1.0


def beyond(sense: str, bound: float | None, cutoff: float | None) -> bool:
    """Whether a proven bound already says that nothing better than `cutoff` exists."""
    if bound is None or cutoff is None:
        return False
    return bound >= cutoff if sense == "minimize" else bound <= cutoff


def gap_closed(value: float, bound: float | None, gap: float, absolute: float) -> bool:
    """Whether value and bound agree as well as was asked."""
    if bound is None:
        return False
    return abs(value - bound) <= max(absolute, gap * abs(value))


def int32(values: NDArray[np.integer]) -> NDArray[np.int32]:
    """Indices as solvers want them; refuses what does not fit."""
    if len(values) and int(values.max()) > np.iinfo(np.int32).max:
        raise ValueError("the program has more entries than solvers with 32-bit indices can take")
    return values.astype(np.int32, copy=False)


def prepare(program: Program, solver: str, functions: frozenset[str] | None) -> Solution | None:
    """Look at a program before a solver does: the answer where none is needed, otherwise None.

    `functions` are the kinds that the solver takes, None when it takes no products either. Raises
    ValueError for what the solver does not take and for data that no solver can use.
    """
    refuse_unsupported(program, solver, functions)
    check_data(program)
    message = crossed(program)
    if message:
        return infeasible(solver, message)
    sided = np.isfinite(program.row_lower) | np.isfinite(program.row_upper)
    if (
        not np.diff(program.matrix.indptr)[sided].any()
        and not program.objective.any()
        and not len(program.products)
        and not any(len(atoms) for atoms in program.functions)
    ):
        return _nothing_to_decide(program, solver)
    return None


def refuse_unsupported(program: Program, solver: str, functions: frozenset[str] | None) -> None:
    """Raise ValueError when a program holds something that the solver does not take."""
    mend = "compile with a method that replaces them"
    if any(len(extremes) for extremes in program.extremes):
        raise ValueError(f"{solver} takes no min or max; {mend}")
    if functions is None and len(program.products):
        raise ValueError(f"{solver} takes no products; compile with a linear method")
    for atoms in program.functions:
        if len(atoms) and atoms.kind not in (functions or ()):
            raise ValueError(f"{solver} does not take the function {atoms.kind}; {mend}")


def check_data(program: Program) -> None:
    """Raise ValueError for not-a-number anywhere and for infinite coefficients.

    Solvers differ here: HiGHS 1.15.1 loads a cost that is not a number without a word.
    """
    for what, numbers in (
        ("the objective", program.objective),
        ("the matrix", program.matrix.data),
        ("the offset", np.array([program.offset])),
    ):
        if not np.isfinite(numbers).all():
            raise ValueError(f"{what} holds a number that is infinite or not a number")
    for what, numbers in (
        ("a column's bound", np.concatenate([program.lower, program.upper])),
        ("a row's side", np.concatenate([program.row_lower, program.row_upper])),
    ):
        if np.isnan(numbers).any():
            raise ValueError(f"{what} is not a number")


def _nothing_to_decide(program: Program, solver: str) -> Solution:
    """The answer for a program that restricts and costs nothing, which solvers treat in different ways."""
    started = time.perf_counter()
    if not ((program.row_lower <= 1e-9).all() and (program.row_upper >= -1e-9).all()):
        return infeasible(solver, "a row without columns cannot hold")
    point = np.clip(np.zeros(program.columns), program.lower, program.upper)
    up = np.ceil(program.lower - 1e-9)
    point = np.where(program.integer, np.maximum(up, np.floor(point)), point)
    if (program.integer & (point > program.upper + 1e-9)).any():
        return infeasible(solver, "there is no whole number between a column's bounds")
    value = float(program.offset)
    whole = bool(program.integer.any())
    return Solution(
        "optimal",
        point,
        value,
        value,
        time.perf_counter() - started,
        0,
        solver,
        row_duals=None if whole else np.zeros(program.rows),
        reduced_costs=None if whole else np.zeros(program.columns),
    )


def crossed(program: Program) -> str:
    """A sentence when some lower bound is above its upper bound, otherwise an empty string.

    Several solvers treat this as an error in the call and not as an infeasible program.
    """
    slack = 1e-9
    columns = np.flatnonzero(program.lower > program.upper + slack)
    if len(columns):
        return f"the lower bound of {program.column_name(int(columns[0]))} is above its upper bound"
    rows = np.flatnonzero(program.row_lower > program.row_upper + slack)
    if len(rows):
        return f"the lower side of {program.row_name(int(rows[0]))} is above its upper side"
    return ""


def infeasible(solver: str, message: str) -> Solution:
    """The answer for a program that is seen to be infeasible without a solver."""
    return Solution("infeasible", None, None, None, 0.0, 0, solver, message)


def installed(package: str) -> bool:
    """Whether a package can be imported, without importing it."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def load(package: str, solver: str, extra: str) -> ModuleType:
    """Import a solver's package or raise `MissingSolver` with the command that installs it."""
    command = f"pip install 'allocc[{extra}]'" if extra else "pip install allocc"
    name = package.partition(".")[0]
    needs = f"{solver} needs the Python package {name}"
    if not installed(name):
        raise MissingSolver(solver, f"{needs}, which is not installed", command)
    try:
        return importlib.import_module(package)
    except ImportError as error:
        reason = f"{needs}, which cannot be imported: {error}"
        raise MissingSolver(solver, reason, command) from error


def package_version(package: str) -> str:
    """The installed version of a package from its metadata, or an empty string."""
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def beyond_licence(program: Program) -> str:
    """What to say of a program that a licence does not reach; with a mend that it allows."""
    size = f"{program.columns} columns and {program.rows} rows"
    if len(program.products):
        size += f" and {len(program.products)} products"
    # Products and functions are there with --method direct alone.
    direct = not program.polyhedral
    other = "scip" if direct else "highs"
    smaller = "" if direct else "or --method direct for the smaller form, "
    return (
        f"the program has {size}, more than this Gurobi licence allows; use --solver {other}, "
        f"{smaller}or a full Gurobi licence"
    )
