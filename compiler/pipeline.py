"""The one way from a problem to what a solver gets: passes as data.

    problem --lower--> program --passes--> program --relax--> linear program --scale--> solver

`chain` puts the passes together from what the program has, what it is for and what is switched off;
`written` is the program for a solver, by the method. Whoever needs a program asks here: solves, files,
explanations, conflicts, prices, lints, benchmarks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter

from allocc.compiler import reformulations
from allocc.compiler.arrays import FloatArray
from allocc.compiler.lowering.lower import lower
from allocc.compiler.lowering.lowered import Lowered
from allocc.compiler.programs.passes import METHODS, Pass, Size
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.relaxation import Built, Relaxation
from allocc.compiler.unrolling.problem import Problem

#: What becomes of products and functions, by the method.
RELAXED = {
    "direct": "products and functions as they are; abs, min and max as rows",
    "exact": "products over single values of their integer factors, which is exact",
    "refine": "products and functions by tangents and envelopes over pieces, which are refined later",
}
SCALED = "every quantity measured by its proven range, in powers of two"


@dataclass(frozen=True)
class PassStep:
    """What was done to a program: its name and why, the sizes before and after, and the way back.

    `invert` takes a point of the program after to the point of the program before.
    """

    name: str
    why: str
    before: Size
    after: Size
    invert: Callable[[FloatArray], FloatArray]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Chain(Lowered):
    """A problem as a program after the steps that led to it from the one that was lowered."""

    steps: tuple[PassStep, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the steps."""
        return tuple(s.name for s in self.steps)

    def invert(self, point: FloatArray) -> FloatArray:
        """The point of the first program, from one of the last."""
        for step in reversed(self.steps):
            point = step.invert(point)
        return point

    def then(
        self,
        name: str,
        why: str,
        made: Program,
        invert: Callable[[FloatArray], FloatArray] | None = None,
        note: str = "",
    ) -> Chain:
        """The chain with a step more; without `invert` the old columns are the first of the new ones."""
        count = self.program.columns
        back = invert if invert is not None else lambda point: point[:count]
        step = PassStep(name, why, Size.of(self.program), Size.of(made), back, note)
        return Chain(made, self.places, (*self.steps, step))


@cache
def passes() -> tuple[Pass, ...]:
    """The passes of `allocc.compiler.reformulations`: each module there may have a `PASS`."""
    return tuple(m.PASS for m in reformulations.modules() if hasattr(m, "PASS"))


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

    Raises `DiagnosticError` as `lower` does, and where a row that holds on a condition has no bounds.
    """
    assert method in METHODS, method
    return run(lower(problem, clear_ratios="ratios" not in without), method, without, more)


def run(
    lowered: Lowered, method: str, without: Collection[str] = (), more: Iterable[Pass] = ()
) -> Chain:
    """The passes of a problem that is lowered; see `chain`."""
    found = Chain(lowered.program, lowered.places)
    for one in ordered([*passes(), *more]):
        if one.name in without or method not in one.methods or not one.accepts(found.program):
            continue
        made = one.apply(found.program)
        if made is not found.program:
            found = found.then(one.name, one.why, made, note=one.note)
    return found


def to_solver(found: Chain, built: Built, method: str) -> Chain:
    """The chain up to what a solver gets, where `built` is what `written` made of its program."""
    scaled, scaling = built.scaled
    relaxed = found.then("relax", RELAXED[method], built.program, built.lower_point)
    return relaxed.then("scale", SCALED, scaled, scaling.point_out)


def written(relaxation: Relaxation, method: str) -> Built:
    """What a solver gets of a relaxation: `direct` keeps products and functions, others are linear.

    `exact` cuts every integer factor into single values, of this relaxation from now on. Raises
    `Infeasible` where no piece of a factor's range satisfies the limits.
    """
    if method == "direct":
        return relaxation.build_direct()
    if method == "exact":
        relaxation.make_exact()
    return relaxation.build()
