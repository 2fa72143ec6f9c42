"""What is known in a box, and from what it follows: derivations that are written only where they are used.

A tree of boxes derives many ends of ranges, and its leaves need few of them. So each is an object that knows
what it follows from; those that leaves reach are written, each in the outermost box in which it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count

from allocc.engine.certifying.vipr import ProofFile, Sense, Terms

Parts = Sequence[tuple["Fact", Fraction]]
_orders = count()


@dataclass(eq=False, slots=True)
class Box:
    """A box of a tree: its assumption (None at the root of all), and what became of it.

    In the end it has two `children`, or an `absurd` fact that says that nothing is in it.
    """

    parent: Box | None = None
    depth: int = 0
    assumed: Fact | None = None
    children: list[Box] = field(default_factory=list)
    absurd: Fact | None = None

    @property
    def unfinished(self) -> bool:
        """Whether it is neither divided nor shown to be empty."""
        return not self.children and self.absurd is None

    def within(self, sense: Sense, side: Fraction, terms: Terms | None) -> Box:
        """A part of this box: what is assumed there, None standing for the objective."""
        inner = Box(self, self.depth + 1)
        inner.assumed = Fact(sense, side, terms, home=inner)
        self.children.append(inner)
        return inner


@dataclass(eq=False, slots=True)
class Fact:
    """A constraint `terms <sense> side` that holds in the box `home`; None: in the whole program.

    `terms` None stands for the objective. It follows from a combination of `parts`, rounded to a whole
    number where `whole`; or where `product` is the row of a product, from the two bounds in `parts`. Without
    parts it is assumed, or has the number `given` as a constraint of the program.
    """

    sense: Sense
    side: Fraction
    terms: Terms | None
    parts: Parts = ()
    home: Box | None = None
    given: int = -1
    product: int = -1
    whole: bool = False
    order: int = field(default_factory=lambda: next(_orders))

    def __post_init__(self) -> None:
        if self.home is None:
            homes = [f.home for f, _ in self.parts if f.home is not None]
            self.home = max(homes, key=lambda box: box.depth, default=None)


class Used:
    """What was derived, not assumed or given, and is used by what was added; and of how many parts it is."""

    def __init__(self) -> None:
        self.facts: set[Fact] = set()
        self.parts = 0

    def add(self, fact: Fact) -> int:
        """Add a fact with all that it follows from, and return the number of parts."""
        pending = [fact]
        while pending:
            here = pending.pop()
            if here.parts and here not in self.facts:
                self.facts.add(here)
                self.parts += len(here.parts)
                pending += [part for part, _ in here.parts]
        return self.parts

    def by_box(self) -> dict[Box | None, list[Fact]]:
        """The facts by the box in which they hold, in the order of deriving."""
        found: dict[Box | None, list[Fact]] = {}
        for fact in sorted(self.facts, key=lambda f: f.order):
            found.setdefault(fact.home, []).append(fact)
        return found


def every(root: Box) -> list[Box]:
    """A box and all in it, each before its children."""
    found, pending = [], [root]
    while pending:
        here = pending.pop()
        found.append(here)
        pending += reversed(here.children)
    return found


class Writer:
    """Writes a tree of boxes, all of which are divided or absurd, into a proof."""

    def __init__(self, proof: ProofFile) -> None:
        self.proof = proof
        self._numbers: dict[Fact, int] = {}

    def write(self, root: Box, said: tuple[Sense, Fraction] | None = None) -> int:
        """Write what shows that nothing is in a box, and return its number.

        With `said`, a bound of the objective, one of the two parts of the box is not empty but assumes this.
        """
        used = Used()
        for box in every(root):
            if box.absurd is not None:
                used.add(box.absurd)
        facts = used.by_box()
        self._facts(facts.get(None, ()))
        pending, done = [(root, False)], dict[Box, int]()
        while pending:
            here, left = pending.pop()
            if left:
                one, other = ((done.pop(c), self._numbers[_assumed(c)]) for c in here.children)
                done[here] = self.proof.split(said if here is root else None, one, other)
                continue
            if here.assumed is not None:
                self._numbers[here.assumed] = self._assumption(here.assumed)
            self._facts(facts.pop(here, ()))
            if here.absurd is not None:
                done[here] = self.number(here.absurd)
                continue
            pending.append((here, True))
            pending += [(child, False) for child in reversed(here.children)]
        return done[root]

    def number(self, fact: Fact) -> int:
        """The number of what was written or is given."""
        return fact.given if fact.given >= 0 else self._numbers[fact]

    def _facts(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self._numbers[fact] = self._derivation(fact)

    def _assumption(self, fact: Fact) -> int:
        if fact.terms is None:
            return self.proof.assume_objective(fact.sense, fact.side)
        ((column, _),) = fact.terms
        return self.proof.assume(column, fact.sense, fact.side)

    def _derivation(self, fact: Fact) -> int:
        proof, refs = self.proof, [(self.number(f), y) for f, y in fact.parts]
        if fact.product >= 0 and fact.terms:
            (first, _), (second, _) = refs
            return proof.multiplied(first, second, fact.product, fact.sense, fact.side, fact.terms)
        if not fact.terms:
            return proof.contradiction(refs)
        if fact.whole:
            ((ref, _),) = refs
            return proof.to_whole(ref, fact.terms[0][0], fact.sense, int(fact.side))
        return proof.linear(refs, fact.sense, fact.side, fact.terms)


def _assumed(box: Box) -> Fact:
    assert box.assumed is not None
    return box.assumed
