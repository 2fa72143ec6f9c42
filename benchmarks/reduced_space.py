"""MAiNGO on a program in the space of its decisions: `pip install maingopy`.

Every other column follows from the decisions, by its defining row or its product, and is handed over as
an expression of them. So MAiNGO branches on decisions only, and relaxes what follows by McCormick's
propagation (Bongartz and Mitsos 2017, Journal of Global Optimization 69:761-796).

It looks at the clock between nodes only, and one node of a long epidemic may take minutes: it works in a
process of its own, which is ended where it is too late.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.program import Program

#: An absolute gap that ends no search before the relative one does.
ABSOLUTE_GAP = 1e-9
#: Its bound is the largest number there is where it has none.
NO_BOUND = 1e100
#: It is ended where it is so many seconds late.
LATE = 60.0


class Unfit(Exception):
    """The program has what this cannot hand over; the message says what."""


@dataclass(frozen=True)
class Found:
    """How the search ended; the point has the decisions only, the bound is in the program's sense."""

    ended: str
    decisions: FloatArray | None
    bound: float | None
    nodes: int | None


def installed() -> bool:
    """Whether maingopy is there."""
    return importlib.util.find_spec("maingopy") is not None


def solve(program: Program, decided: IntArray, time_limit: float, gap: float) -> Found:
    """Minimize or maximize a program whose columns follow from those that are `decided`.

    Raises `Unfit` where they do not, or where a decision has no finite range.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = _apart(Path(folder), program, decided, time_limit, gap)
    if isinstance(found, Unfit):
        raise found
    return found


def _apart(folder: Path, program: Program, decided: IntArray, limit: float, gap: float) -> Any:
    """What a process of its own finds, which works in a folder: MAiNGO writes its result there."""
    # A program's labels are functions: it is not sent, the process begins with it.
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(send, folder, program, decided, limit, gap))
    child.start()
    send.close()
    try:
        if receive.poll(limit + LATE):
            return receive.recv()
        return Found(f"ended, {LATE:g} s late", None, None, None)
    except EOFError:
        return Found("its process died", None, None, None)
    finally:
        child.kill()
        child.join()


def _work(send: Connection, folder: Path, *asked: Any) -> None:
    os.chdir(folder)
    try:
        send.send(_search(*asked))
    except Unfit as reason:
        send.send(reason)


def _search(program: Program, decided: IntArray, time_limit: float, gap: float) -> Found:
    import maingopy

    if program.functions or program.extremes or program.conditional:
        raise Unfit("only rows and products are handed over")
    if not np.isfinite([program.lower[decided], program.upper[decided]]).all():
        raise Unfit("a decision has no finite range")
    sign = 1.0 if program.sense == "minimize" else -1.0

    class Model(maingopy.MAiNGOmodel):  # type: ignore[misc]
        def get_variables(self) -> list[Any]:
            kinds = {True: maingopy.VT_INTEGER, False: maingopy.VT_CONTINUOUS}
            return [
                maingopy.OptimizationVariable(
                    maingopy.Bounds(program.lower[j], program.upper[j]),
                    kinds[bool(program.integer[j])],
                    f"x{j}",
                )
                for j in decided.tolist()
            ]

        def evaluate(self, chosen: list[Any]) -> Any:
            every, rest = forward(program, dict(zip(decided.tolist(), chosen, strict=True)))
            found = maingopy.EvaluationContainer()
            costs = np.flatnonzero(program.objective).tolist()
            terms = [sign * float(program.objective[j]) * every[j] for j in costs]
            found.objective = sum(terms, 0.0 * chosen[0] + sign * program.offset)
            found.ineq, found.eq = _limits(program, every, rest, set(decided.tolist()))
            return found

    model = Model()
    search = maingopy.MAiNGO(model)
    search.set_option("loggingDestination", maingopy.LOGGING_NONE)
    search.set_option("maxTime", time_limit)  # of the processor
    search.set_option("maxwTime", time_limit)  # of the wall
    search.set_option("epsilonR", gap)
    search.set_option("epsilonA", ABSOLUTE_GAP)
    ended = search.solve()
    had = ended in (maingopy.GLOBALLY_OPTIMAL, maingopy.FEASIBLE_POINT)
    bound = float("nan") if ended == maingopy.INFEASIBLE else float(search.get_final_LBD())
    return Found(
        ended.name.lower().replace("_", " "),
        np.array(search.get_solution_point()) if had else None,
        sign * bound if abs(bound) < NO_BOUND else None,
        int(search.get_iterations()),
    )


def forward(program: Program, chosen: dict[int, Any]) -> tuple[list[Any], list[int]]:
    """Every column as an expression of the decisions, and the rows that define none."""
    fixed = np.flatnonzero(program.lower == program.upper)
    every: list[Any] = [None] * program.columns
    for j in fixed.tolist():
        every[j] = float(program.lower[j])
    for j, x in chosen.items():
        every[j] = x
    defined = program.defined
    of_row = [-1] * program.rows if defined is None else defined.tolist()
    rows = {i: j for i, j in enumerate(of_row) if j >= 0 and every[j] is None}
    rest = [i for i in range(program.rows) if i not in rows]
    products = list(program.products.entries())
    while rows or products:
        before = len(rows) + len(products)
        for i, j in list(rows.items()):
            entries = dict(_entries(program, i))
            own = entries.pop(j)
            if all(every[k] is not None for k in entries):
                level = float(program.row_lower[i])
                every[j] = (level - sum(a * every[k] for k, a in entries.items())) * (1.0 / own)
                del rows[i]
        for product in list(products):
            w, a, b, factor = product
            if every[a] is not None and every[b] is not None and every[w] is None:
                every[w] = factor * every[a] * every[b]
                products.remove(product)
        if len(rows) + len(products) == before:
            raise Unfit("a column does not follow from the decisions")
    missing = [j for j, x in enumerate(every) if x is None]
    if missing:
        raise Unfit(f"{program.column_name(missing[0])} does not follow from the decisions")
    return every, rest


def _entries(program: Program, row: int) -> list[tuple[int, float]]:
    """Columns and coefficients of a row."""
    m = program.matrix
    here = slice(m.indptr[row], m.indptr[row + 1])
    return list(zip(m.indices[here].tolist(), m.data[here].tolist(), strict=True))


def _limits(
    program: Program, every: list[Any], rest: list[int], decided: set[int]
) -> tuple[list[Any], list[Any]]:
    """What may not be above zero, and what has to be zero: rows, and ranges of what is not decided."""
    sides = [
        (sum(a * every[k] for k, a in _entries(program, i)), low, high)
        for i, low, high in zip(
            rest, program.row_lower[rest].tolist(), program.row_upper[rest].tolist(), strict=True
        )
    ]
    sides += [
        (x, float(low), float(high))
        for j, (x, low, high) in enumerate(zip(every, program.lower, program.upper, strict=True))
        if j not in decided
    ]
    above, equal = [], []
    for body, low, high in sides:
        if isinstance(body, int | float):
            continue  # it holds for all decisions or for none, which a simulation tells
        if low == high:
            equal.append(body - low)
            continue
        above += [body - high] if np.isfinite(high) else []
        above += [low - body] if np.isfinite(low) else []
    return above, equal
