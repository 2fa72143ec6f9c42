"""The filter: from all members of a model to a set of which none can be left out.

Where the linear relaxation conflicts already, its certificate is where to begin. Else whole statements come
first, then the rows and ends within those that are left; both by QuickXplain, which asks about halves, so
that a conflict of k among n takes about 2 k log(n / k) questions. In the end every member is left out
once: it stays out where the others still conflict, and only where each of the others was needed, with
a point that shows it, is the set called irreducible. A question that gets no answer in its time keeps
what it was about.

References: Junker (2004), AAAI 167-172 (QuickXplain); Chinneck and Dravnieks (1991), ORSA Journal on
Computing 3:157-168 (deletion filter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocc.compiler.arrays import BoolArray, IntArray
from allocc.compiler.unrolling.simulate import Values
from allocc.engine.judging.outcome import Options
from allocc.questions.conflict.budget import Budget
from allocc.questions.conflict.oracle import Answer, Oracle, Recompiled, Switched
from allocc.questions.conflict.switches import SwitchedStatements

#: One question gets at most this share of the time that is left.
SHARE = 0.25
#: The certificate to begin with may take more: it saves many questions.
START = 0.5


@dataclass(frozen=True, eq=False)
class Filtered:
    """What is left: members that cannot hold together.

    `needed` maps a member without which the others were seen to hold to a point that shows it.
    `oracle` is the one that the conflict is proven by.
    `agreed` is False where a point was found that keeps every member, against what the solve said.
    """

    members: IntArray
    needed: dict[int, Values]
    oracle: Oracle
    checks: int
    agreed: bool = True

    @property
    def irreducible(self) -> bool:
        """Whether every member is proven to be needed."""
        return self.agreed and len(self.needed) == len(self.members)


class _Asking:
    """Questions within a budget; what is known already is not asked again."""

    def __init__(self, oracle: Oracle, budget: Budget) -> None:
        self.oracle = oracle
        self.budget = budget
        self.known: dict[bytes, Answer] = {}
        self.checks = 0

    def __call__(self, kept: BoolArray) -> Answer:
        kept = kept | self.oracle.held
        key = np.packbits(kept).tobytes()
        if key not in self.known:
            if self.budget.left <= 0:
                return Answer(None)
            self.checks += 1
            self.known[key] = self.oracle.ask(kept, self.budget.left * SHARE)
        return self.known[key]

    def afresh(self, kept: BoolArray, oracle: Oracle) -> Answer:
        """An answer for a problem that was changed, which another oracle knows; it is not kept."""
        if self.budget.left <= 0:
            return Answer(None)
        self.checks += 1
        return oracle.ask(kept | oracle.held, self.budget.left * SHARE)

    def impossible(self, kept: BoolArray) -> bool:
        """Whether the kept members are proven not to hold together."""
        return self(kept).holds is False


def smallest(statements: SwitchedStatements, options: Options, budget: Budget) -> Filtered:
    """Members that cannot hold together, as few as could be found in the time."""
    every = np.ones(statements.size, dtype=bool)
    oracle: Oracle = Switched(statements, options)
    asking = _Asking(oracle, budget)
    current = every
    if not oracle.exact and not asking.impossible(every):
        # What conflicts is not in the linear rows alone.
        oracle = Recompiled(statements, options, budget)
        asking, checks = _Asking(oracle, budget), asking.checks
        asking.checks = checks
    first = oracle.start(budget.left * START) if budget.left > 0 else None
    if first is not None and asking.impossible(first):
        current = first
        if isinstance(oracle, Switched):
            # A vertex of the dual has hardly anything that is not needed.
            return _proven(statements, options, asking, current)
    elif asking(every).holds:
        return Filtered(np.flatnonzero(every), {}, oracle, asking.checks, agreed=False)
    switched = current & ~oracle.held
    # Statements, the preferred ones first; both ends of one range are one statement.
    groups: dict[object, list[IntArray]] = {}
    for s in statements.all:
        mine = s.members[switched[s.members]]
        if len(mine):
            groups.setdefault((s.kind, id(s.source)), []).append(mine)
    whole = [np.concatenate(parts) for parts in groups.values()]
    left = _quick(asking, whole, statements.size)
    singles = [np.array([k]) for k in np.sort(np.concatenate([*left, np.zeros(0, dtype=np.int64)]))]
    found = _quick(asking, singles, statements.size)
    kept = mask(statements.size, found)
    return _proven(statements, options, asking, kept)


def _proven(
    statements: SwitchedStatements, options: Options, asking: _Asking, kept: BoolArray
) -> Filtered:
    """Leave out each member once, the least preferred first, and drop what is not needed."""
    needed: dict[int, Values] = {}
    oracle, budget = asking.oracle, asking.budget
    engine: Recompiled | None = None
    points = asking
    if not oracle.exact and kept.any() and budget.left > 0:
        engine = Recompiled(statements, options, budget)
        points = _Asking(engine, budget)

    def without(member: int) -> Answer:
        """Whether the others hold, now that `member` is not kept."""
        answer = asking(kept)
        if answer.holds is not None or engine is None:
            return answer
        # What is held there is not among the members: only a point says something. An initial
        # value is held, too; that others hold with 0 in its place shows as much.
        answer = points(kept)
        if not answer.holds and statements.of(member)[0].kind == "initial":
            emptied = statements.emptied(mask(statements.size, [np.array([member])]))
            answer = points.afresh(kept, engine.of(emptied))
        return answer if answer.holds else Answer(None)

    again = True
    while again:
        # A question that had no answer may have one when fewer others are left.
        again = False
        unknown = [k for k in np.flatnonzero(kept)[::-1].tolist() if k not in needed]
        for place, member in enumerate(unknown):
            if budget.left <= 0:
                break
            kept[member] = False
            answer = without(member)
            if answer.holds is False:
                again = again or place > 0
                continue
            kept[member] = True
            if answer.holds and answer.values is not None:
                needed[member] = answer.values
    if points is not asking:
        asking.checks += points.checks
    # What holds with more members holds with fewer: an earlier proof stays one.
    return Filtered(np.flatnonzero(kept), needed, oracle, asking.checks)


def _quick(asking: _Asking, elements: Sequence[IntArray], size: int) -> list[IntArray]:
    """QuickXplain: elements that are impossible together, the earlier ones preferred.

    All elements together are known to be impossible.
    """
    nothing = np.zeros(size, dtype=bool)

    def run(background: BoolArray, added: bool, rest: Sequence[IntArray]) -> list[IntArray]:
        if added and asking.impossible(background):
            return []
        if len(rest) <= 1 or asking.budget.left <= 0:
            return list(rest)
        half = len(rest) // 2
        first, second = rest[:half], rest[half:]
        late = run(background | mask(size, first), True, second)
        early = run(background | mask(size, late), bool(late), first)
        return [*early, *late]

    return run(nothing, False, elements) if elements else []


def mask(size: int, members: Sequence[IntArray]) -> BoolArray:
    """True at some members."""
    found = np.zeros(size, dtype=bool)
    for some in members:
        found[some] = True
    return found
