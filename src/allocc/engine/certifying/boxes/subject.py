"""The program with products that a proof is about, from the model's own, and what is divided beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.boxes.once import Once, once
from allocc.compiler.lowering.lowered import Places
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.certifying.written import NoProof
from allocc.engine.divide import to_divide
from allocc.engine.proving.denominators import prepared

#: Passes that only help relaxations, by functions that no rows replace.
LOGARITHMS = frozenset({"growth", "logarithms"})


@dataclass(frozen=True, eq=False)
class Subject:
    """`stated` is the program of the model, `made` the one that is divided, with each definition once.

    `known` has further rows that follow. Where ranges contradict each other in floating point already, neither has
    minima, maxima and functions.
    """

    stated: Program
    single: Once
    made: Program
    known: Program

    @classmethod
    def of(cls, problem: Problem, places: Places, stated: Program, method: str) -> Subject:
        """The subject of a model; raises `NoProof` where it has functions, or products without ranges."""
        try:
            if stated.functions:
                stated = with_squares(prepared(problem, method, LOGARITHMS).program)
            single, made, known = to_divide(problem, places, Relaxation(stated))
        except DiagnosticError:
            raise NoProof("without logarithms a product has a factor without ends") from None
        except Infeasible:
            # Without minima, maxima and functions more points are feasible: what is empty then is empty.
            single = once(replace(stated, extremes=(), functions=()))
            return cls(stated, single, single.program, single.program)
        if made.functions:
            kinds = ", ".join(sorted({f.kind for f in made.functions}))
            raise NoProof(f"the program has functions that no rows replace: {kinds}")
        return cls(stated, single, made, known)

    def programs(self) -> Iterator[Program]:
        """What a proof can be about, the best first.

        The first has the ranges that the model states; those of auxiliary columns stay. The other has what
        floating point numbers have said of ranges and closed masses besides.
        """
        lower, upper = self.made.lower.copy(), self.made.upper.copy()
        own = self.single.place[: self.stated.columns]
        lower[own], upper[own] = -np.inf, np.inf
        np.maximum.at(lower, own, self.stated.lower)
        np.minimum.at(upper, own, self.stated.upper)
        yield _padded(replace(self.made, lower=lower, upper=upper))
        yield _padded(self.known)

    def with_rows(self, count: int) -> Program:
        """The one of `programs` of which a file has so many rows, those of products among them.

        Raises ValueError where none has.
        """
        for program in self.programs():
            sides = np.isfinite(program.row_lower) | np.isfinite(program.row_upper)
            if int(sides.sum()) + len(program.products) == count:
                return program
        raise ValueError(f"the model does not lead to a program with {count} rows")

    def lift_point(self, point: FloatArray) -> FloatArray:
        """A point of the program of the proof from one of the model's; NaN where columns were added."""
        found = np.full(self.made.columns, np.nan)
        inward = self.single.inward(point)
        found[: len(inward)] = inward
        return found


def with_squares(program: Program) -> Program:
    """The program with squares as products of a column with itself."""
    squares = [f for f in program.functions if f.kind == "square"]
    if not squares:
        return program
    q = program.products
    results = np.concatenate([f.result for f in squares])
    arguments = np.concatenate([f.argument for f in squares])
    return replace(
        program,
        products=replace(
            q,
            result=np.concatenate([q.result, results]),
            left=np.concatenate([q.left, arguments]),
            right=np.concatenate([q.right, arguments]),
            is_ratio=np.concatenate([q.is_ratio, np.zeros(len(results), dtype=bool)]),
        ),
        functions=tuple(f for f in program.functions if f.kind != "square"),
    )


def _padded(program: Program) -> Program:
    """Rows that were added behind define nothing."""
    found = np.full(program.rows, -1, dtype=np.int64)
    if program.defined is not None:
        found[: len(program.defined)] = program.defined
    return replace(program, defined=found)
