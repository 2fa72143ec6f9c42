r"""Leaves closed in rationals, and a tree of them written as a proof.

A leaf's dual values are rounded to few digits, which keeps files small, and multiplied out exactly:

.. math::
    c'x \;\ge\; \sum_i y_i\, b_i + \sum_j d_j\, e_j , \qquad d = c - A'y,

with :math:`e_j` the end of :math:`x_j` that :math:`d_j` points to: that of the branch, or of the program, or
one that follows from its rows. Any y does: rounding weakens a bound and never falsifies it. With c = 0 and
a right side above zero a leaf is empty (Farkas).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

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
    """Row multipliers over `over`, what is left of each column over `unit`, and the bound of both together.

    All of the program as one that is minimized. `bound` is None where a column without an end is left.
    """

    multipliers: dict[int, int]
    over: int
    left: Objects
    unit: int
    bound: Fraction | None


class _Common:
    """Numbers of which some are missing, as whole numbers over one denominator."""

    def __init__(self, values: Sequence[Fraction | None], over: int = 1) -> None:
        self.there = np.array([x is not None for x in values], dtype=bool)
        self.over = lcm(over, *{x.denominator for x in values if x is not None})
        self.whole = np.zeros(len(values), dtype=object)
        for k, x in enumerate(values):
            if x is not None:
                self.whole[k] = x.numerator * (self.over // x.denominator)


class Closer:
    """Closes leaves of a tree over a scaled program in the exact numbers of the program itself."""

    def __init__(self, exact: ExactProgram, scaling: Scaling, ends: Ends, proof: ProofFile) -> None:
        self.exact, self.scaling, self.ends, self.proof = exact, scaling, ends, proof
        n = exact.program.columns
        self._ends = [[ends.end(j, upper) for j in range(n)] for upper in (False, True)]
        numbers = [[None if x is None else x[1] for x in side] for side in self._ends]
        over = _Common(numbers[0] + numbers[1]).over
        self._lower, self._upper = (_Common(side, over) for side in numbers)
        over = _Common(exact.row_lower + exact.row_upper).over
        self._sides = [_Common(side, over) for side in (exact.row_lower, exact.row_upper)]
        # Scales are powers of two: what they change is an exponent.
        self._exponents = np.frexp(scaling.rows)[1] - 1
        self._objective = int(np.frexp(scaling.objective)[1]) - 1

    def multiply(self, branch: Branch, digits: int) -> Multiplied:
        """The multipliers of a branch rounded to so many digits, and what they prove in its box."""
        x = self.exact
        assert branch.multipliers is not None
        grid = np.rint(np.ldexp(branch.multipliers, digits))
        low, high = self._sides
        used = np.flatnonzero(np.where(grid > 0, low.there, high.there) & (grid != 0))
        exponents = self._exponents[used] - digits
        if not branch.empty:
            exponents -= self._objective
        shift = max(0, -int(exponents.min(initial=0)))
        y = {
            i: int(g) << int(e) + shift
            for i, g, e in zip(used.tolist(), grid[used], exponents, strict=True)
        }
        over = 1 << shift
        left, unit = x.reduced(y, over, costs=not branch.empty)
        numbers, there = [], []
        for side in (self._lower, self._upper):
            numbers.append(side.whole.copy())
            there.append(side.there.copy())
        for j, steps in assumed(branch).items():
            for upper, step in enumerate(steps):
                if step is not None:
                    numbers[upper][j], there[upper][j] = step * self._lower.over, True
        low_end = left > 0
        if not np.where(low_end, *there)[left != 0].all():
            return Multiplied(y, over, left, unit, None)
        total = Fraction(int(np.sum(left * np.where(low_end, *numbers))), unit * self._lower.over)
        sides = (times * (low if times > 0 else high).whole[i] for i, times in y.items())
        total += Fraction(sum(sides), over * low.over)
        return Multiplied(y, over, left, unit, total)

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
            combination.append((self.proof.row(i, y < 0), Fraction(sign * y, found.over)))
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
            combination.append((ref, Fraction(sign * found.left[j], found.unit)))
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
