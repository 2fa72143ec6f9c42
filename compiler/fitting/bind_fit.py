"""From a bound model and one of its fits to a `FitProblem`.

The model is read anew over the fit's time: estimated parameters are unknowns in it, decisions are what
the fit says that they were, and their effects act. All other decisions are at their lower ends, and what
they do does not act, as in a baseline. Only what flows, initial values and observations need is read, so
that data of the model's own time may be missing in the fit's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import Data, Variable, variables
from allocc.compiler.algebra.index import same_sets
from allocc.compiler.algebra.numeric import Settling
from allocc.compiler.arrays import FloatArray
from allocc.compiler.binding import assignment
from allocc.compiler.binding.policies import assigned
from allocc.compiler.binding.resolution import Resolver
from allocc.compiler.evaluating.aligned import assign, full
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.evaluating.values import deep_recursion
from allocc.compiler.fitting import errors
from allocc.compiler.fitting.observing import observe
from allocc.compiler.fitting.priors import Prior, PriorKind
from allocc.compiler.fitting.problem import Beginning, FitProblem, Observation, Unknown
from allocc.compiler.fitting.statements import fit_statements
from allocc.compiler.names import errors as names_errors
from allocc.compiler.names.fits import prior_of
from allocc.compiler.names.structure import Declarations
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.model import BoundModel, CompartmentSymbol, ParameterSymbol
from allocc.compiler.scoping.spaces import Space
from allocc.compiler.unrolling.discretize import discretize
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import lowest, with_decisions
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector


def bind_fit(model: BoundModel, fit: tree.Fit, data: Path) -> FitProblem:
    """Read a fit of a bound model; raises `DiagnosticError` with every independent mistake.

    `data` is the folder of the model's tables.
    """
    collector = Collector()
    binder = _FitBinder(
        fit_statements(model.declared, fit), data, dict(model.settings), collector, fit
    )
    with deep_recursion():
        return binder.read(model)


class _OnDemand(Mapping[str, Any]):
    """The symbols of a binder, each resolved when it is asked for."""

    def __init__(self, binder: Resolver, initials: Mapping[str, CompartmentSymbol]) -> None:
        self._binder, self._initials = binder, initials

    def __getitem__(self, name: str) -> Any:
        return self._initials.get(name) or self._binder.resolve(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._binder.declared.names)

    def __len__(self) -> int:
        return len(self._binder.declared.names)


class _FitBinder(Resolver):
    """Binds one fit: a parameter that it estimates is an unknown, and what was decided is known."""

    def __init__(
        self,
        declared: Declarations,
        data: Path,
        settings: dict[str, Any],
        collector: Collector,
        fit: tree.Fit,
    ) -> None:
        self.fit = fit
        self.estimates = {p.name.name: p for p in fit.body if isinstance(p, tree.Estimate)}
        self.past = {p.name.name: p for p in fit.body if isinstance(p, tree.Assignment)}
        kept = {k: v for k, v in settings.items() if k.split("[", 1)[0] not in self.estimates}
        super().__init__(declared, data, kept, collector)

    def read(self, model: BoundModel) -> FitProblem:
        """Everything that the fit asks for."""
        d = self.declared
        time = self.attempt(self.need_time, "fit", self.fit.name.span)
        self.collector.raise_errors()
        compartments = self._resolved_all(d.compartments)
        flows = self._resolved_all(d.every(tree.Flow))
        unknowns = [self.attempt(self._unknown, p) for p in self.estimates.values()]
        self.collector.raise_errors()
        initials = self._initials(compartments)
        acting = bool(d.effects)
        observations = [
            self.attempt(observe, part, self.evaluator, acting)
            for part in self.fit.body
            if isinstance(part, tree.Observe)
        ]
        self.collector.raise_errors()
        begun = {
            n: replace(s, initial=np.zeros(s.variable.shape[:-1])) for n, s in compartments.items()
        }
        bound = replace(
            model,
            time=time,
            decisions=[],
            compartments=begun,
            flows=flows,
            limits=[],
            prefers=[],
            chances=[],
            reports=[],
            objective=None,
            declared=d,
            symbols=_OnDemand(self, begun),
            settings=self.settings,
            usage=self.usage,
            expanded=self.evaluator.expanded,
            diagnostics=(),
        )
        what, said = "value that was decided", f"what fit '{self.fit.name.name}' says"
        given = [self.attempt(assigned, p, what, said, self) for p in self.past.values()]
        self.collector.raise_errors()
        past = dict(x for x in given if x is not None)
        # Which decisions flows mention is known once they are read.
        problem = discretize(bound, effects=acting, warn=False)
        problem = replace(problem, decisions=self._decisions())
        own = tuple(u for u in unknowns if u is not None)
        seen = tuple(o for o in observations if o is not None)
        self._check(own, seen)
        return self._settled(problem, past, own, initials, seen)

    def _resolved_all(self, names: Mapping[str, Any]) -> dict[str, Any]:
        found = {n: self.attempt(self.resolve, n) for n in names}
        return {n: s for n, s in found.items() if s is not None}

    def _decisions(self) -> list[Variable]:
        """The decisions that flows mention, as far as anything has asked for them."""
        found = {n: self._resolved.get(n) for n in self.declared.every(tree.Decide)}
        return [v for v in found.values() if isinstance(v, Variable)]

    def _made(self, statement: Any) -> Any:
        if isinstance(statement, tree.Decide) and statement.name.name in self.past:
            # Ranges and whole numbers are asked of what is still to be decided.
            statement = replace(statement, interval=None, kind="continuous")
        return super()._made(statement)

    def _parameter(self, statement: tree.Parameter) -> ParameterSymbol:
        if statement.name.name not in self.estimates:
            return super()._parameter(statement)
        space, sets = self.evaluator.space(statement.index)
        # To whoever reads the model it is a block of unknowns, like a decision.
        unknown = assignment.make_variable(
            statement,
            "decision",
            sets,
            self.declared,
            axes=space.axes,
            lower=np.full(space.shape, -np.inf),
            upper=np.full(space.shape, np.inf),
        )
        nothing = np.full(space.shape, np.nan)
        effects = self._effects(statement, "*=")
        return ParameterSymbol(statement, space, sets, nothing, effects, unknown)

    def _unknown(self, part: tree.Estimate) -> Unknown:
        """An estimate: its range is its own, else the parameter's; so is its first guess."""
        name = part.name.name
        statement = self.declared.names[name]
        variable = self.resolve(name).unknown
        assert isinstance(statement, tree.Parameter)
        space, _ = self.evaluator.space(statement.index)
        interval = part.interval or statement.interval
        low, high = assignment.interval_values(interval, space, self.evaluator, name)
        if (low > high).any():
            span = interval.span if interval is not None else part.span
            raise failures.Failed(errors.empty_range(name, span))
        prior = self._prior(part, space)
        guess = _between(low, high)
        if prior is not None:
            lower, upper = prior.range
            low, high = np.maximum(low, lower), np.minimum(high, upper)
            above = (high <= 0).any() if prior.kind == "lognormal" else False
            if (low > high).any() or above:
                raise failures.Failed(errors.prior_outside(name, part.span))
            guess = np.clip(prior.center, low, high)
        if part.guess is not None:
            what = f"the first guess of '{name}'"
            guess = _known(name, part.guess, space, self.evaluator, what)
            if (guess < low).any() or (guess > high).any():
                raise failures.Failed(errors.guess_outside(name, part.guess.span))
        return Unknown(name, variable, low, high, guess, prior, part.span)

    def _prior(self, part: tree.Estimate, space: Space) -> Prior | None:
        """What an estimate is known to be beforehand."""
        call = prior_of(part)
        if call is None:
            return None
        name, kind = part.name.name, cast(PriorKind, call.function.name)
        what = f"the prior of '{name}'"
        place, size = (_known(name, e, space, self.evaluator, what) for e in call.arguments)
        bad = ""
        if kind == "uniform" and not (place < size).all():
            bad = "its lower end is not below its upper one"
        elif kind != "uniform" and not (size > 0).all():
            bad = "its deviation is not above 0"
        elif kind == "lognormal" and not (place > 0).all():
            bad = "its median is not above 0"
        if bad:
            raise failures.Failed(errors.bad_prior(name, bad, call.span))
        return Prior(kind, place, size)

    def _initials(self, compartments: Mapping[str, CompartmentSymbol]) -> dict[Variable, Beginning]:
        """What each compartment begins with; it may hold what is estimated."""
        found = {}
        for name, symbol in compartments.items():
            statement = self.declared.initials.get(name)
            if statement is None:
                self.collector.add(names_errors.no_initial(name, symbol.statement.name.span))
                continue
            begin = self.attempt(self._beginning, statement, symbol)
            if begin is not None:
                found[symbol.variable] = begin
        self.collector.raise_errors()
        return found

    def _beginning(self, statement: tree.Initial, symbol: CompartmentSymbol) -> Beginning:
        space, sets = symbol.space, symbol.variable.sets[:-1]
        name = statement.name.name
        if statement.index is not None:
            space, given = self.evaluator.space(statement.index)
            if not same_sets(sets, given):
                wanted, names = [s.name for s in sets], [s.name for s in given]
                span = statement.index.span
                raise failures.Failed(
                    scoping_errors.index_mismatch(name, wanted, names, span, "initial value")
                )
        node = assign(
            name, statement.value, space, sets, self.evaluator, "initial value", numeric=True
        )
        return Beginning(space.axes, node)

    def _check(self, unknowns: tuple[Unknown, ...], observations: tuple[Observation, ...]) -> None:
        """Raise where there is nothing to fit to, or less of it than is estimated."""
        # What is known beforehand tells an estimate, too.
        unsure = (u for u in unknowns if u.prior is None or u.prior.kind == "uniform")
        count, size = sum(o.count for o in observations), sum(u.size for u in unsure)
        for o in observations:
            if not o.count:
                assert self.time is not None
                points = self.time.points.texts[0]
                self.collector.add(errors.nothing_observed(o.name, points[0], points[-1], o.span))
        self.collector.raise_errors()
        plain = [o for o in observations if o.kind == "squares"]
        if plain and len(plain) < len(observations):
            self.collector.add(errors.mixed_errors(plain[0].name, plain[0].span))
        if count < size:
            self.collector.add(errors.more_unknowns(size, count, self.fit.name.span))
        self.collector.raise_errors()

    def _settled(
        self,
        problem: Problem,
        past: dict[Variable, FloatArray],
        unknowns: tuple[Unknown, ...],
        initials: dict[Variable, Beginning],
        observations: tuple[Observation, ...],
    ) -> FitProblem:
        """The same with every decision at what it was, or else at its lower end."""
        # Only the estimates are open from here on.
        decided = {**lowest(problem), **past}
        problem = with_decisions(problem, decided)
        settle = Settling(decided)
        initials = {v: replace(x, value=settle(x.value)) for v, x in initials.items()}
        seen = tuple(replace(o, value=settle(o.value)) for o in observations)
        return FitProblem(
            self.fit.name.name,
            self.fit.description or "",
            problem,
            decided,
            unknowns,
            initials,
            seen,
            any(isinstance(p, tree.Time) and p.method is not None for p in self.fit.body),
            tuple(sorted(s.file for s in self._resolved.values() if hasattr(s, "first_line"))),
            self.fit.span,
        )


def _known(
    name: str, e: tree.Expression, space: Space, evaluator: Evaluator, what: str
) -> FloatArray:
    """The numbers of an expression of data over a parameter's own index."""
    node = assign(name, e, space, space.sets(), evaluator, what, numeric=True)
    if not isinstance(node, Data):
        raise failures.Failed(algebra_errors.needs_data(what, variables(node)[0].name, e.span))
    found: FloatArray = full(node, space).astype(float)
    return found


def _between(low: FloatArray, high: FloatArray) -> FloatArray:
    """A first guess within a range that says nothing more."""
    with np.errstate(invalid="ignore"):
        inside = (low + high) / 2
        above = low + 0.1 * np.maximum(1.0, np.abs(low))
        below = high - 0.1 * np.maximum(1.0, np.abs(high))
    lower, upper = np.isfinite(low), np.isfinite(high)
    kinds = [lower & upper, lower, upper]
    return np.asarray(np.select(kinds, [inside, above, below], default=0.0))
