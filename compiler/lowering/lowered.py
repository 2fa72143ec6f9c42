"""Where the parts of a problem stand in its program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.program import Program
from allocc.compiler.unrolling.problem import ChanceConstraint, Constraint, Update


@dataclass(frozen=True, eq=False)
class Places:
    """Slices of a program's columns and rows, by what they were written for.

    `columns` has every variable, definitions among them, and for a chance block a binary a scenario.
    `rows` has every constraint, those of chance blocks among them, for a chance block the row of its
    weights, and for an update its steps. What is later added to the program stands behind all of these,
    so that they hold for its reformulations and relaxations as well.
    """

    columns: Mapping[Variable | ChanceConstraint, slice] = field(default_factory=dict)
    rows: Mapping[Constraint | ChanceConstraint | Update, slice] = field(default_factory=dict)

    def positions(self, parts: Iterable[Variable | ChanceConstraint]) -> IntArray:
        """The columns of several variables, one after the other."""
        return _positions(self.columns[part] for part in parts)

    def row_positions(self, *parts: Constraint | ChanceConstraint | Update) -> IntArray:
        """The rows of constraints, one after the other."""
        return _positions(self.rows[part] for part in parts)

    def values(
        self, point: FloatArray, variables: Iterable[Variable]
    ) -> dict[Variable, FloatArray]:
        """The values of variables at a point of the program, each in its own shape."""
        return {v: point[self.columns[v]].reshape(v.shape) for v in variables}

    def point(self, values: Mapping[Variable, FloatArray], columns: int) -> FloatArray:
        """A point of a program of so many columns from the values of variables, 0 elsewhere."""
        point = np.zeros(columns)
        for variable, value in values.items():
            point[self.columns[variable]] = np.asarray(value).ravel()
        return point

    def mask(self, parts: Iterable[Variable | ChanceConstraint], columns: int) -> BoolArray:
        """Which of so many columns are those of the variables."""
        found = np.zeros(columns, dtype=bool)
        found[self.positions(parts)] = True
        return found


@dataclass(frozen=True, eq=False)
class Lowered:
    """A problem as a program, and where its parts stand in it."""

    program: Program
    places: Places


def _positions(slices: Iterable[slice]) -> IntArray:
    none = np.zeros(0, dtype=np.int64)
    return np.concatenate([none, *(np.arange(s.start, s.stop) for s in slices)])
