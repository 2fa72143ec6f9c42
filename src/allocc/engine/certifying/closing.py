r"""Leaves closed in rationals, and a tree of them written as a proof.

A leaf's dual values are rounded to few digits, which keeps files small, and multiplied out exactly:

.. math::
    c'x \;\ge\; \sum_i y_i\, b_i + \sum_j d_j\, e_j , \qquad d = c - A'y,

with :math:`e_j` the end of :math:`x_j` that :math:`d_j` points to: that of the branch, or of the program, or
one that follows from its rows. Any y does: rounding weakens a bound and never falsifies it. With c = 0 and
a right side above zero a leaf is empty (Farkas).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ldexp

import numpy as np

from allocc.compiler.programs.scaling import Scaling
from allocc.engine.certifying.ends import Ends
from allocc.engine.certifying.exact import ExactProgram, Objects
from allocc.engine.certifying.tree import Branch
from allocc.engine.certifying.vipr import ProofFile, Sense

#: Binary digits after the point that dual values of the scaled program are rounded to, one after another.
DIGITS = (24, 34, 44, 56, 80)


@dataclass(frozen=True)
class Multiplied:
    """Row multipliers, what is left of each column over `unit`, and the bound of both together.

    All of the program as one that is minimized. `bound` is None where a column without an end is left.
    """

    multipliers: dict[int, Fraction]
    left: Objects
    unit: int
    bound: Fraction | None


class Closer:
    """Closes leaves of a tree over a scaled program in the exact numbers of the program itself."""

    def __init__(self, exact: ExactProgram, scaling: Scaling, ends: Ends, proof: ProofFile) -> None:
        self.exact, self.scaling, self.ends, self.proof = exact, scaling, ends, proof
        n = exact.program.columns
        self._ends = [[ends.end(j, upper) for j in range(n)] for upper in (False, True)]
        values = [[None if found is None else found[1] for found in side] for side in self._ends]
        #: The ends over one denominator, and which there are.
        denominators = {x.denominator for side in values for x in side if x is not None}
        self._over = int(np.lcm.reduce(np.array([1, *denominators], dtype=object)))
        self._numbers = []
        self._there = []
        for side in values:
            whole = np.zeros(n, dtype=object)
            for j, x in enumerate(side):
                if x is not None:
                    whole[j] = x.numerator * (self._over // x.denominator)
            self._numbers.append(whole)
            self._there.append(np.array([x is not None for x in side], dtype=bool))

    def multiply(self, branch: Branch, digits: int) -> Multiplied:
        """The multipliers of a branch rounded to so many digits, and what they prove in its box."""
        x, p = self.exact, self.exact.program
        assert branch.multipliers is not None
        y: dict[int, Fraction] = {}
        grid = np.rint(np.ldexp(branch.multipliers, digits))
        for i in np.flatnonzero(grid).tolist():
            low, high = p.row_lower[i], p.row_upper[i]
            if (grid[i] > 0 and np.isneginf(low)) or (grid[i] < 0 and np.isposinf(high)):
                continue
            # Scales are powers of two: what they change is an exponent.
            scale = self.scaling.rows[i] / (1.0 if branch.empty else self.scaling.objective)
            y[i] = Fraction(int(grid[i])) * Fraction(ldexp(scale, -digits))
        left, unit = x.reduced(y, costs=not branch.empty)
        numbers, there = [side.copy() for side in self._numbers], [s.copy() for s in self._there]
        for j, steps in assumed(branch).items():
            for upper, step in enumerate(steps):
                if step is not None:
                    numbers[upper][j], there[upper][j] = step * self._over, True
        low_end = left > 0
        if not np.where(low_end, there[0], there[1])[left != 0].all():
            return Multiplied(y, left, unit, None)
        total = Fraction(int(np.sum(left * np.where(low_end, *numbers))), unit * self._over)
        for i, times in y.items():
            side = x.row_lower[i] if times > 0 else x.row_upper[i]
            assert side is not None
            total += times * side
        return Multiplied(y, left, unit, total)

    def closed(self, branch: Branch, level: Fraction) -> Multiplied | None:
        """The multipliers with the fewest digits that prove `level` (0 is passed where nothing is there)."""
        if branch.multipliers is None:
            return None
        for digits in DIGITS:
            found = self.multiply(branch, digits)
            if found.bound is None:
                continue
            if found.bound > 0 if branch.empty else found.bound >= level:
                return found
        return None

    def best(self, branch: Branch) -> Fraction | None:
        """The best bound that a branch's multipliers prove; None where they prove none."""
        if branch.multipliers is None or branch.empty:
            return None
        found = (self.multiply(branch, digits).bound for digits in DIGITS)
        return max((x for x in found if x is not None), default=None)

    def write(
        self,
        branch: Branch,
        found: Multiplied,
        said: tuple[Sense, Fraction] | None,
        assumptions: dict[tuple[int, bool], int],
    ) -> int:
        """The derivation of a leaf: what is said of the objective, or that there is no point."""
        sign = self.exact.sign
        combination = []
        for i, y in found.multipliers.items():
            combination.append((self.proof.row(i, y < 0), sign * y))
        steps = assumed(branch)
        for j in np.flatnonzero(found.left).tolist():
            upper = found.left[j] < 0
            step = steps.get(j)
            if step is not None and step[upper] is not None:
                ref = assumptions[(j, upper)]
            else:
                end = self._ends[upper][j]
                assert end is not None
                ref = end[0]
            combination.append((ref, sign * Fraction(found.left[j], found.unit)))
        if said is None:
            return self.proof.contradiction(combination)
        return self.proof.linear(combination, said[0], said[1], None)


def assumed(branch: Branch) -> dict[int, list[int | None]]:
    """The lower and the upper end that the branches above assume, for every column they step in."""
    found: dict[int, list[int | None]] = {}
    here: Branch | None = branch
    while here is not None and here.parent is not None:
        ends = found.setdefault(here.column, [None, None])
        upper = not here.up
        if ends[upper] is None:  # the deepest says most
            ends[upper] = int(here.at)
        here = here.parent
    return found


def write_tree(
    root: Branch,
    closer: Closer,
    closed: dict[Branch, Multiplied],
    said: tuple[Sense, Fraction] | None,
) -> int:
    """Write a tree whose leaves are `closed`, and return the derivation that says it of everything."""
    proof = closer.proof
    assumptions: dict[tuple[int, bool], int] = {}
    done: dict[Branch, tuple[int, int]] = {}
    before: dict[Branch, int | None] = {}
    pending: list[tuple[Branch, bool]] = [(root, False)]
    while pending:
        here, left = pending.pop()
        key = (here.column, not here.up)
        if not left:
            mine = -1
            if here.parent is not None:
                mine = proof.assume(here.column, "G" if here.up else "L", Fraction(int(here.at)))
                before[here] = assumptions.get(key)
                assumptions[key] = mine
            done[here] = (-1, mine)
            pending.append((here, True))
            pending += [(child, False) for child in reversed(here.children)]
            continue
        if here.children:
            one, other = (done.pop(child) for child in here.children)
            ref = proof.split(said, one, other)
        else:
            ref = closer.write(here, closed[here], said, assumptions)
        done[here] = (ref, done[here][1])
        if here.parent is not None:
            earlier = before.pop(here)
            if earlier is None:
                del assumptions[key]
            else:
                assumptions[key] = earlier
    return done[root][0]
