"""The program that a proof is about, and how to make it again from the model.

Rounds of refinement drop what is no better than the best allocation. A proof has to say that of every part,
so that its program has the pieces that the rounds ended with, and the dropped ones beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from allocc.compiler.pipeline import written
from allocc.compiler.programs.passes import METHODS
from allocc.compiler.programs.program import Program, no_products
from allocc.compiler.programs.reformulation import Facts, applied
from allocc.compiler.reformulations import exact_forms, mccormick
from allocc.compiler.relaxing.relaxation import Built, Relaxation

#: `rows` are the linear rows of the program alone, `stated` is the program as it is, for one whose ranges contradict each other; `boxes` has products (see
#: `allocc.engine.certifying.boxes.subject`), and none of the other forms has.
Form = Literal["rows", "stated", "exact", "refine", "boxes"]
FORMS: tuple[Form, ...] = ("rows", "stated", "exact", "refine", "boxes")


@dataclass(frozen=True)
class Recipe:
    """What the program of a proof was made with.

    `form` is that of the relaxation; `marks` says by column (its place in the program that is relaxed) where
    its range is cut, and `cuts` where each block of functions has tangents, NaN where there is none.
    """

    method: str
    form: Form
    marks: Mapping[int, tuple[float, ...]]
    cuts: Sequence[Sequence[Sequence[float]]]

    @classmethod
    def of(cls, relaxation: Relaxation | None, method: str, form: Form) -> Recipe:
        """The recipe of what a search has ended with, where there was a relaxation."""
        if relaxation is None:
            return cls(method, "boxes" if form == "boxes" else "stated", {}, ())
        if form != "refine":
            return cls(method, form, {}, ())
        marks = {j: tuple(sorted(places)) for j, places in relaxation.marks.items()}
        cuts = tuple(tuple(tuple(c.tolist()) for c in block) for block in relaxation.cuts)
        return cls(method, form, marks, cuts)

    def relaxation(self, program: Program) -> Relaxation:
        """The relaxation of the program that is relaxed.

        Raises `Infeasible` where a range is empty, `ValueError` where the recipe is not for this program.
        """
        fresh = Relaxation(program)
        sizes = [len(block) for block in program.functions]
        fitting = len(self.cuts) in (0, len(sizes)) and all(
            len(points) == size
            for size, block in zip(sizes, self.cuts, strict=False)
            for points in block
        )
        if not (set(self.marks) <= set(fresh.plan.cut_columns) and fitting):
            raise ValueError("the recipe is for another program")
        if any(x != round(x) for j in self.marks if program.integer[j] for x in self.marks[j]):
            raise ValueError("a range of whole numbers is cut between two of them")
        if self.form == "refine":
            fresh.whole_again(self.marks, [[np.array(c) for c in block] for block in self.cuts])
        return fresh

    def built(self, program: Program) -> Built:
        """The program of the proof; raises `Infeasible` where no piece of a range is left."""
        if self.form == "rows":
            return Built(_rows_alone(program), program.columns, ())
        if self.form == "stated":
            forms = [mccormick.REFORMULATION, *exact_forms()]
            rows = applied(program, forms, Facts.of(program))
            return Built(rows, program.columns, ())
        return written(self.relaxation(program), self.form)

    def as_data(self) -> dict[str, Any]:
        """The recipe as plain data."""
        return {
            "method": self.method,
            "form": self.form,
            "marks": {str(j): list(places) for j, places in self.marks.items()},
            "cuts": [
                [[None if np.isnan(x) else x for x in c] for c in block] for block in self.cuts
            ],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Recipe:
        """The recipe in plain data; raises KeyError, TypeError or ValueError where it is none."""
        if data["form"] not in FORMS:
            raise ValueError(f"there is no form {data['form']}")
        if data["method"] not in METHODS:
            raise ValueError(f"there is no method {data['method']}")
        marks = {int(j): tuple(map(float, places)) for j, places in dict(data["marks"]).items()}
        cuts = tuple(
            tuple(tuple(np.nan if x is None else float(x) for x in c) for c in block)
            for block in data["cuts"]
        )
        return cls(str(data["method"]), data["form"], marks, cuts)


def _rows_alone(program: Program) -> Program:
    """The program without products, functions, minima and maxima, and without rows that hold on a condition."""
    low, high = program.row_lower.copy(), program.row_upper.copy()
    for block in program.conditional:
        low[block.rows], high[block.rows] = -np.inf, np.inf
    return replace(
        program,
        row_lower=low,
        row_upper=high,
        products=no_products(),
        functions=(),
        extremes=(),
        conditional=(),
    )
