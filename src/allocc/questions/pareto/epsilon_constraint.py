"""Solves of the epsilon-constraint method: one of two terms at its best, the other held at a level.

What the solves find is kept. Every allocation is one that later solves may begin with, and that may
be the best at their level, too; every bound is a claim that an allocation may contradict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.algebra.expression import Data, add, constant, negate
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.unrolling.magnitude_of_terms import Sizes
from allocc.compiler.unrolling.problem import Constraint, ObjectiveTerm, Problem
from allocc.compiler.unrolling.simulate import Values, highest, lowest, simulate
from allocc.engine.judging.outcome import Options, Outcome, Violation
from allocc.engine.solve import solve
from allocc.results.frontier import Claim

#: A term is held at its optimum with this share of its size as room for rounding.
ROOM = 1e-7
#: A bound may be beyond an allocation's value by this share of its size.
CONTRADICTION = 1e-6


@dataclass(frozen=True)
class KnownAllocation:
    """An allocation that some solve has found; `values` and `sizes` are those of the two terms."""

    values: tuple[float, float]
    sizes: tuple[float, float]
    terms: dict[str, float]
    violation: Violation
    everything: Values


class EpsilonConstraint:
    """Solves about two terms of a problem's objective; terms are spoken of as 0 and 1."""

    def __init__(
        self, problem: Problem, terms: tuple[ObjectiveTerm, ObjectiveTerm], options: Options
    ) -> None:
        self.problem = problem
        self.terms = terms
        self.options = options
        self.sign = 1.0 if problem.sense == "minimize" else -1.0
        self.known: list[KnownAllocation] = []
        self.claims: list[Claim] = []
        self.notes: list[str] = []
        #: How many solves there were.
        self.count = 0
        self._lowest, self._highest = (
            self._sizes(Evaluation(simulate(problem, ends(problem)))) for ends in (lowest, highest)
        )

    def _sizes(self, evaluate: Evaluation) -> tuple[float, float]:
        """The sizes of both terms."""
        of = Sizes(evaluate)
        first, second = (float(of(t.node)) for t in self.terms)
        return first, second

    def size(self, term: int) -> float:
        """The size of a term: the largest among known allocations and the lower ends of decisions.

        It is that at the upper ends where nothing is added up there.
        """
        every = (self._lowest, *(k.sizes for k in self.known))
        size = max((s[term] for s in every if np.isfinite(s[term])), default=0.0)
        return size or (self._highest[term] if np.isfinite(self._highest[term]) else 0.0)

    def solve(self, term: int, level: float | None) -> Outcome:
        """The best value of a term, the other one at `level` or better."""
        constraints = self.problem.constraints
        if level is not None:
            constraints = [*constraints, self._limit(1 - term, level)]
        problem = replace(self.problem, terms=[self.terms[term]], constraints=constraints)
        start = self._strictly_best(term, level)
        self.count += 1
        outcome = solve(problem, self.options, [] if start is None else [start.everything])
        self.notes += [n for n in outcome.notes if n not in self.notes]
        if outcome.values is not None and outcome.violation is not None:
            self._keep(outcome.values, outcome.violation)
        if outcome.bound is not None:
            met = self._strictly_best(term, level)
            if met is not None:
                value = met.values[term]
                if 0 < self.sign * (outcome.bound - value) <= self._trust(term, value):
                    outcome = replace(outcome, bound=value)  # rounding: an allocation is there
            assert outcome.bound is not None
            self.claims.append(Claim(term, outcome.bound, level, outcome.word))
        return outcome

    def follow(self, term: int, top: KnownAllocation) -> tuple[KnownAllocation, Outcome]:
        """The best of the other term, this one held where it is."""
        best = top.values[term]
        held = best + self.sign * self.room(term, best)
        outcome = self.solve(1 - term, held)
        if outcome.status == "infeasible":
            self.notes.append(
                f"with '{self.terms[term].name}' held at {best:.8g} the solver found nothing, "
                "although an allocation with it is known: a matter of its tolerances"
            )
            self.claims = [c for c in self.claims if c.term == term or c.within != held]
            outcome = replace(outcome, bound=None)
        return self.best(1 - term, held, top) or top, outcome

    def best(
        self, term: int, level: float | None, top: KnownAllocation | None = None
    ) -> KnownAllocation | None:
        """The best known allocation for a term at a level of the other one; `top` is one."""
        other = 1 - term
        room = 0.0 if level is None else self.tolerance(other, level)
        fit = [k for k in self.known if k is top or self._meets(k, other, level, room)]
        order = lambda k: (self.sign * k.values[term], self.sign * k.values[other])
        return min(fit, key=order, default=None)

    def drop_contradicted(self) -> list[Claim]:
        """Take back the bounds that an allocation of another solve has shown to be wrong."""
        wrong = []
        for c in self.claims:
            met = self._strictly_best(c.term, c.within)
            if met is None:
                continue
            value = met.values[c.term]
            if self.sign * (c.bound - value) > self._trust(c.term, value):
                wrong.append(c)
                self.notes.append(
                    f"the solver's bound {c.bound:.10g} on '{self.terms[c.term].name}' contradicts "
                    f"the simulated value {value:.10g}; the bound is not to be trusted"
                )
        self.claims = [c for c in self.claims if c not in wrong]
        return wrong

    def room(self, term: int, value: float) -> float:
        """The room that a term has where it is held at its optimum."""
        return ROOM * max(abs(value), self.size(term))

    def tolerance(self, term: int, value: float) -> float:
        """By how much a term may miss a level of this value: as any limit, by its parts."""
        return self.options.violation * max(abs(value), self.size(term))

    def _trust(self, term: int, value: float) -> float:
        """A bound that is beyond a value by no more than this is rounded, not wrong."""
        return CONTRADICTION * max(abs(value), self.size(term))

    def _strictly_best(self, term: int, level: float | None) -> KnownAllocation | None:
        """The best known allocation for a term that meets a level of the other without any room."""
        fit = [k for k in self.known if self._meets(k, 1 - term, level)]
        return min(fit, key=lambda k: self.sign * k.values[term], default=None)

    def _meets(self, k: KnownAllocation, term: int, level: float | None, room: float = 0.0) -> bool:
        return level is None or self.sign * (k.values[term] - level) <= room

    def _limit(self, term: int, level: float) -> Constraint:
        """A term at a level or better."""
        t = self.terms[term]
        node = t.node if self.sign > 0 else negate(t.node)
        return Constraint(
            f"{t.name}_level",
            (),
            add(node, constant(-self.sign * level)),
            Data((), np.asarray(-np.inf)),
            Data((), np.asarray(0.0)),
            lambda _: (),
            t.span,
            description=f"{t.description or t.name} at this level",
        )

    def _keep(self, values: Values, violation: Violation) -> None:
        evaluate = Evaluation(dict(values))
        terms = {t.name: float(evaluate(t.node)) for t in self.problem.terms}
        pair = (terms[self.terms[0].name], terms[self.terms[1].name])
        if all(np.isfinite(pair)):
            self.known.append(
                KnownAllocation(pair, self._sizes(evaluate), terms, violation, values)
            )
