"""The one way from a problem to what a solver gets: passes as data.

    problem --lower--> program --passes--> program --relax--> linear program --scale--> solver

`chain` puts the passes together from what the program has, what it is for and what is switched off;
`written` is the program for a solver, by the method. Whoever needs a program asks here: solves, files,
explanations, conflicts, prices, lints, benchmarks.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterable
from functools import cache
from graphlib import TopologicalSorter

from allocc.compiler import reformulations
from allocc.compiler.lowering.lower import lower
from allocc.compiler.programs.passes import METHODS, Chain, Pass, Size, Step
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.relaxation import Built, Relaxation
from allocc.compiler.unrolling.problem import Problem


@cache
def passes() -> tuple[Pass, ...]:
    """The passes of `allocc.compiler.reformulations`: each module there may have a `PASS`."""
    names = sorted(m.name for m in pkgutil.iter_modules(reformulations.__path__))
    modules = [importlib.import_module(f"{reformulations.__name__}.{name}") for name in names]
    return tuple(m.PASS for m in modules if hasattr(m, "PASS"))


def ordered(found: Iterable[Pass]) -> list[Pass]:
    """Passes so that each comes after those it names, else by name."""
    by_name = {p.name: p for p in sorted(found, key=lambda p: p.name)}
    graph = {name: [a for a in p.after if a in by_name] for name, p in by_name.items()}
    return [by_name[name] for name in TopologicalSorter(graph).static_order()]


def chain(
    problem: Problem,
    method: str = "auto",
    without: Collection[str] = (),
    more: Iterable[Pass] = (),
) -> Chain:
    """The program of a problem after its passes.

    `method` is one of `METHODS`; `without` are names of passes to leave out, `ratios` for keeping limits
    on ratios as they are written; `more` are passes that need what this package does not have.

    Raises `AlloccError` as `lower` does, and where a row that holds on a condition has no bounds.
    """
    assert method in METHODS, method
    return run(lower(problem, clear_ratios="ratios" not in without), method, without, more)


def run(
    program: Program, method: str, without: Collection[str] = (), more: Iterable[Pass] = ()
) -> Chain:
    """The passes of a program that is lowered; see `chain`."""
    steps = []
    for one in ordered([*passes(), *more]):
        if one.name in without or method not in one.methods or not one.accepts(program):
            continue
        made = one.apply(program)
        if made is not program:
            steps.append(Step(one, Size.of(program), Size.of(made)))
            program = made
    return Chain(tuple(steps), program)


def written(relaxation: Relaxation, method: str, integral: bool = True) -> Built:
    """What a solver gets of a relaxation: `direct` keeps products and functions, others are linear.

    `exact` cuts every integer factor into single values, of this relaxation from now on. Raises
    `Infeasible` where no piece of a factor's range satisfies the limits.
    """
    if method == "direct":
        return relaxation.build_direct()
    if method == "exact":
        relaxation.make_exact()
    return relaxation.build(integral=integral)
