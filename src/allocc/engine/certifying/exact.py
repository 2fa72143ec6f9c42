r"""A program in exact numbers: what its MPS file says, digit by digit.

Numbers are written in the shortest form that reads back as the same double, and that decimal is what
counts: 0.1 is one tenth. All entries of the matrix are whole numbers over one power of ten, and so are
costs, so that dual values are multiplied out in whole numbers:

.. math::
    c'x \;=\; \sum_i y_i\, a_i'x \;+\; d'x, \qquad d = c - A'y .

:Reference: Neumaier and Shcherbina (2004), Mathematical Programming 99:283-296, with rationals in place of
    outward rounding; Cheung, Gleixner and Steffy (2017), IPCO, 148-160.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.program import Program

Objects = NDArray[np.object_]
#: Numbers of programs with products have at most so many decimals.
PLACES = 60
TEN: int = 10**PLACES


def fraction(x: float) -> Fraction:
    """A number as its shortest decimal says it."""
    return Fraction(Decimal(repr(float(x))))


def over_power_of_ten(values: FloatArray) -> tuple[Objects, int]:
    """Finite numbers as whole numbers over 10 ** power, as their shortest decimals say them."""
    read = [Decimal(repr(x)).as_tuple() for x in values.tolist()]
    power = max([0, *(-int(d.exponent) for d in read)])
    found = np.empty(len(read), dtype=object)
    for k, d in enumerate(read):
        digits = int("".join(map(str, d.digits))) * 10 ** (power + int(d.exponent))
        found[k] = -digits if d.sign else digits
    return found, power


@dataclass(frozen=True, eq=False)
class ExactProgram:
    """`program` in whole numbers: matrix entries over 10 ** `power`, costs over 10 ** `cost_power`.

    `row_lower` and `row_upper` are fractions, None where a row has no such side, and `lower` and `upper`
    the same of columns. The objective is that of the program, to be minimized or maximized; its offset is
    no part of proofs.
    """

    program: Program
    entries: Objects
    power: int
    costs: Objects
    cost_power: int
    row_of: IntArray
    row_lower: list[Fraction | None]
    row_upper: list[Fraction | None]
    lower: list[Fraction | None]
    upper: list[Fraction | None]

    @classmethod
    def of(cls, program: Program) -> ExactProgram:
        """The exact numbers of a program."""
        entries, power = over_power_of_ten(program.matrix.data)
        costs, cost_power = over_power_of_ten(program.objective)
        row_of = np.repeat(np.arange(program.rows), np.diff(program.matrix.indptr))
        low, high = program.row_lower, program.row_upper
        upper = _ends(high)
        lower = _ends(low)
        # A row with two sides has its range in the file, not its lower side.
        ranged = np.isfinite(low) & np.isfinite(high) & (low != high)
        for i in np.flatnonzero(ranged).tolist():
            top = upper[i]
            assert top is not None
            lower[i] = top - fraction(float(high[i] - low[i]))
        return cls(
            program,
            entries,
            power,
            costs,
            cost_power,
            row_of,
            lower,
            upper,
            _ends(program.lower),
            _ends(program.upper),
        )

    @property
    def short(self) -> bool:
        """Whether all numbers have at most `PLACES` decimals."""
        ends = (self.lower, self.upper, self.row_lower, self.row_upper)
        decimal = all(x is None or TEN % x.denominator == 0 for side in ends for x in side)
        return decimal and max(self.power, self.cost_power) <= PLACES

    @property
    def sign(self) -> int:
        """1 where the objective is minimized, else -1."""
        return 1 if self.program.sense == "minimize" else -1

    def reduced(self, multipliers: dict[int, int], over: int, costs: bool) -> tuple[Objects, int]:
        """c - A'y in whole numbers and what they are over; without `costs` c is zero.

        `multipliers` are y by row, over `over`; c are the costs of the program as one that is minimized.
        """
        scaled = np.zeros(self.program.rows, dtype=object)
        rows = list(multipliers)
        scaled[rows] = list(multipliers.values())
        mine = np.isin(self.row_of, rows)
        power = max(self.power, self.cost_power)
        found = np.zeros(self.program.columns, dtype=object)
        if costs:
            found += self.costs * (self.sign * over * 10 ** (power - self.cost_power))
        parts = self.entries[mine] * scaled[self.row_of[mine]]
        columns = self.program.matrix.indices[mine]
        np.subtract.at(found, columns, parts * 10 ** (power - self.power))
        return found, over * 10**power

    def row(self, i: int) -> list[tuple[int, Fraction]]:
        """The columns and coefficients of a row."""
        m = self.program.matrix
        here = range(int(m.indptr[i]), int(m.indptr[i + 1]))
        ten = 10**self.power
        return [(int(m.indices[k]), Fraction(self.entries[k], ten)) for k in here]

    def cost(self) -> list[tuple[int, Fraction]]:
        """The columns of the objective and their coefficients."""
        ten = 10**self.cost_power
        used = np.flatnonzero(self.program.objective).tolist()
        return [(j, Fraction(self.costs[j], ten)) for j in used]


def _ends(values: FloatArray) -> list[Fraction | None]:
    return [fraction(x) if np.isfinite(x) else None for x in values.tolist()]


def rounded(x: Fraction, up: bool, digits: int = 14) -> Fraction:
    """A number near `x` with few digits, not below it where `up`, else not above."""
    if x == 0:
        return x
    power = digits - 1 - _magnitude(x)
    scaled: Any = x * Fraction(10) ** power
    whole = (
        -((-scaled.numerator) // scaled.denominator)
        if up
        else (scaled.numerator // scaled.denominator)
    )
    return Fraction(whole) / Fraction(10) ** power


def _magnitude(x: Fraction) -> int:
    """About the power of ten of a number."""
    return len(str(abs(x.numerator))) - len(str(x.denominator))


def whole(x: Fraction) -> int:
    """A decimal with at most `PLACES` decimals, times `TEN`."""
    found, rest = divmod(TEN, x.denominator)
    assert not rest
    return x.numerator * found


def placed(x: Fraction, up: bool) -> Fraction:
    """A number near `x` with at most `PLACES` decimals, not below it where `up`, else not above."""
    scaled = x * TEN
    return Fraction(-(-scaled // 1) if up else scaled // 1, TEN)
