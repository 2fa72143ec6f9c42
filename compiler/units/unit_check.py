"""The statements of a model, and what each asks of the units in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from allocc.compiler.names.fits import counted_flow, observed_data, prior_of
from allocc.compiler.names.library import expand_uses
from allocc.compiler.names.structure import Declarations, declare
from allocc.compiler.names.uncertainty import DISTRIBUTIONS, PURE, distribution_of
from allocc.compiler.units import errors
from allocc.compiler.units.errors import Mend, Rule
from allocc.compiler.units.inference import UNKNOWN, Found, Inference, constant, side
from allocc.compiler.units.mends import words_of
from allocc.compiler.units.unit import ONE, Unit
from allocc.compiler.units.vocabulary import Vocabulary
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector, Diagnostic
from allocc.dsl.words import TOTAL

#: Statements that declare a quantity, which may carry a unit.
QUANTITIES = (
    tree.Parameter | tree.Let | tree.Report | tree.Time | tree.Compartment | tree.Flow | tree.Decide
)


@dataclass(frozen=True)
class Units:
    """What was found out about the units of a model."""

    inference: Inference

    @property
    def quantities(self) -> dict[str, Unit | None]:
        """Every declared quantity, with its unit: declared or inferred, None where none is known."""
        names = self.inference.declared.names
        found = {
            n: self.inference.quantity(n) for n, s in names.items() if isinstance(s, QUANTITIES)
        }
        return {n: u if isinstance(u, Unit) else None for n, u in found.items()}

    def amount(self, name: str) -> Unit | None:
        """The unit of what a declared quantity adds up to over time; None where it is no known rate."""
        found, time = self.quantities.get(name), self.inference.time
        if found is None or not isinstance(time, Unit):
            return None
        return self.inference.vocabulary.amount(found, time)

    def of(self, e: tree.Expression) -> Unit | None:
        """The unit of an expression, or of both sides of a comparison; None where none is known."""
        with self.inference.quiet():
            found = (
                self.inference.compare(e)
                if isinstance(e, tree.Comparison)
                else self.inference.infer(e)
            )
        return found if isinstance(found, Unit) else None

    def of_limit(self, limit: tree.Limit) -> str:
        """The unit that the sides of a limit share, as text; empty where they do not say."""
        shared = self.of(limit.relation)
        return str(shared) if shared is not None and shared.words else ""


def check_units(declared: Declarations, collector: Collector) -> Units:
    """Check the units of a whole model; every mismatch is put into the collector.

    `declared` are the statements of the model and of what it uses. Index sets are not expanded, and
    no data are read: the cost is that of the model's text.
    """
    time = declared.names.get(declared.time_name or "")
    of_time = time.unit if isinstance(time, tree.Time) else None
    vocabulary = Vocabulary(declared.units, of_time, collector)
    vocabulary.check_declarations()
    inference = Inference(declared, vocabulary, vocabulary.read(of_time) or UNKNOWN, _step(time))
    _Statements(inference).check()
    for diagnostic in inference.found:
        collector.add(diagnostic)
    return Units(inference)


def _step(time: object) -> float | None:
    """The step of the time where it is written out; None where it is calculated."""
    if not isinstance(time, tree.Time):
        return None
    value = constant(time.step) if time.step is not None else 1
    return None if value is None else float(value)


def units_of(file: tree.File, path: Path | None, collector: Collector) -> Units:
    """The units of a model that is only read: no data are needed, and mistakes are no hindrance.

    `path` is where the file lies, for the files that it uses.
    """
    statements, lost = expand_uses(file, path, collector)
    declared = declare(statements, collector, lost)
    return check_units(declared, collector)


class _Statements:
    """Goes through the statements of a model."""

    def __init__(self, inference: Inference) -> None:
        self.inference = inference
        self.declared = inference.declared
        self.time = inference.time

    def check(self) -> None:
        """Check every statement."""
        d = self.declared
        for name, statement in d.names.items():
            self.inference.quantity(name)
            match statement:
                case tree.SetDeclaration():
                    self.inference.infer(statement.value)
                case tree.Function():
                    self.inference.found.extend(self.inference.always_wrong(statement))
                case tree.Parameter() | tree.Let() | tree.Report():
                    self._value(statement)
                case tree.Decide():
                    self.inference.index(statement.index)
                    self._interval(statement)
                case tree.Time():
                    self._time(statement)
                case tree.Compartment():
                    self.inference.index(statement.index)
                case tree.Flow():
                    self._flow(statement)
        for initial in d.initials.values():
            self._initial(initial)
        for policy in d.policies:
            for assignment in policy.assignments:
                self._assignment(f"value by policy '{policy.name.name}'", assignment)
        for uncertain in d.uncertain:
            self._uncertain(uncertain)
        for effect in d.effects:
            self._effect(effect)
        for limit in d.limits:
            self._relation(limit)
        for chance in d.chances:
            self._chance(chance)
        for fit in d.every(tree.Fit).values():
            for part in fit.body:
                self._of_fit(part)
        self._objective([self._penalty(prefer) for prefer in d.prefers])

    # --- values ---------------------------------------------------------------------------------

    def _value(self, statement: tree.Parameter | tree.Let | tree.Report) -> None:
        self.inference.index(statement.index)
        if statement.value is not None:
            found = self.inference.infer(statement.value)
            self._declared(statement, "value", statement.value, found)
        if isinstance(statement, tree.Parameter):
            self._interval(statement)

    def _declared(
        self,
        statement: tree.Parameter
        | tree.Let
        | tree.Report
        | tree.Decide
        | tree.Time
        | tree.Compartment,
        what: str,
        e: tree.Expression,
        found: Found,
    ) -> None:
        """Report a value in another unit than the name was declared with."""
        name = statement.name.name
        wanted = self.inference.quantity(name)
        if statement.unit is None or not isinstance(wanted, Unit):
            return
        place = statement.unit.span
        self._fits(
            e,
            found,
            wanted,
            lambda mend, unit: errors.other_unit_declared(
                what, name, words_of(wanted), side(e, unit), place, mend
            ),
        )

    def _fits(
        self,
        e: tree.Expression,
        found: Found,
        wanted: Unit,
        report: Callable[[Mend, Unit], Diagnostic],
    ) -> None:
        if isinstance(found, Unit) and found != wanted:
            mend = self.inference.mend(e, found, wanted)
            self.inference.found.append(report(mend, found))

    def _interval(self, statement: tree.Parameter | tree.Decide) -> None:
        interval = statement.interval
        ends = (interval.low, interval.high, interval.apart) if interval is not None else ()
        parts = [(e, self.inference.infer(e)) for e in ends if e is not None]
        if statement.unit is None:
            self.inference.agree("a range", parts)
        for e, found in parts:
            self._declared(statement, "range", e, found)

    def _time(self, statement: tree.Time) -> None:
        ends = (("start", statement.start), ("end", statement.end), ("step", statement.step))
        for what, e in ends:
            if e is not None:
                self._declared(statement, what, e, self.inference.infer(e))

    def _of_fit(self, part: tree.FitPart) -> None:
        """What a part of a fit asks of units; of names that mean nothing, nothing."""
        names = self.declared.names
        match part:
            case tree.Time():
                model = names.get(part.name.name)
                if isinstance(model, tree.Time):
                    self._time(replace(model, start=part.start, end=part.end, step=part.step))
            case tree.Initial():
                if part.name.name in self.declared.compartments:
                    self._initial(part)
            case tree.Assignment():
                self._assignment("value that was decided", part)
            case tree.Estimate():
                parameter = names.get(part.name.name)
                if isinstance(parameter, tree.Parameter):
                    self._interval(replace(parameter, interval=part.interval))
                    if part.guess is not None:
                        found = self.inference.infer(part.guess)
                        self._declared(parameter, "first guess", part.guess, found)
                    self._prior(parameter, prior_of(part))
            case tree.Observe():
                self._observation(part)

    def _prior(self, parameter: tree.Parameter, prior: tree.Call | None) -> None:
        """A prior is in the unit of its parameter, but for the deviation of a logarithm."""
        if prior is None:
            return
        place, size = prior.arguments
        self._declared(parameter, "prior", place, self.inference.infer(place))
        found = self.inference.infer(size)
        if prior.function.name != "lognormal":
            self._declared(parameter, "prior", size, found)

    def _observation(self, part: tree.Observe) -> None:
        """Both sides of an observation have one unit; a flow is counted over its period."""
        self.inference.index(part.index)
        found = self.inference.infer(part.value)
        if counted_flow(part, self.declared) is not None and isinstance(self.time, Unit):
            found = found * self.time if isinstance(found, Unit) else found
        sides = [(part.value, found)]
        data = observed_data(part)
        if data is not None:
            sides.append((data, self.inference.infer(data)))
        self.inference.agree("an observation", sides)
        if part.weight is not None:
            self.inference.infer(part.weight)

    # --- dynamics -------------------------------------------------------------------------------

    def _initial(self, statement: tree.Initial) -> None:
        compartment = self.declared.compartments[statement.name.name]
        self.inference.index(statement.index)
        found = self.inference.infer(statement.value)
        self._declared(compartment, "initial value", statement.value, found)

    def _assignment(self, what: str, statement: tree.Assignment) -> None:
        self.inference.index(statement.index)
        found = self.inference.infer(statement.value)
        decision = self.declared.names.get(statement.name.name)
        if isinstance(decision, tree.Decide):
            self._declared(decision, what, statement.value, found)

    def _uncertain(self, statement: tree.Uncertain) -> None:
        """The numbers of a distribution have the unit of the parameter, or none."""
        parameter, call = self.declared.names.get(statement.name.name), distribution_of(statement)
        self.inference.index(statement.index)
        if call is None or not isinstance(parameter, tree.Parameter):
            return
        for e, what in zip(call.arguments, DISTRIBUTIONS[call.function.name], strict=True):
            found = self.inference.infer(e)
            if what in PURE:
                self.inference.pure(f"{what} of a distribution", e, found)
            else:
                self._declared(parameter, what, e, found)

    def _flow(self, statement: tree.Flow) -> None:
        self.inference.index(statement.index)
        ends = [s for s in (statement.origin, statement.target) if s is not None]
        units = [(e, u) for e in ends if isinstance(u := self.inference.infer(e), Unit)]
        found = self.inference.infer(statement.value)
        if len(units) == 2 and units[0][1] != units[1][1]:
            first, second = (side(*unit) for unit in units)
            self.inference.found.append(
                errors.flow_between_units(statement.name.name, first, second)
            )
            return
        wanted = self.inference.quantity(statement.name.name)
        rule = self._rule(statement)
        if isinstance(wanted, Unit) and rule is not None:
            name, e = statement.name.name, statement.value
            self._fits(
                e,
                found,
                wanted,
                lambda mend, unit: errors.flow_unit(name, rule, side(e, unit), mend),
            )

    def _rule(self, statement: tree.Flow) -> Rule | None:
        """The compartment and the time that say which unit a flow has."""
        place = self.inference.compartment(statement)
        if place is None or not isinstance(self.time, Unit):
            return None
        compartment = self.declared.compartments[place]
        unit = self.inference.quantity(place)
        assert isinstance(unit, Unit) and compartment.unit is not None
        wanted = words_of(unit / self.time)
        return Rule(place, words_of(unit), compartment.unit.span, words_of(self.time), wanted)

    def _effect(self, statement: tree.Effect) -> None:
        name, e = statement.name.name, statement.value
        target = self.declared.names.get(name)
        if not isinstance(target, tree.Flow | tree.Parameter):
            return
        self.inference.index(statement.index)
        found = self.inference.infer(e)
        if isinstance(target, tree.Parameter):
            self._fits(
                e,
                found,
                ONE,
                lambda mend, unit: errors.factor_unit(name, side(e, unit), mend),
            )
            return
        wanted, rule = self.inference.quantity(name), self._rule(target)
        if isinstance(wanted, Unit) and rule is not None:
            self._fits(
                e,
                found,
                wanted,
                lambda mend, unit: errors.effect_unit(name, rule, side(e, unit), mend),
            )

    # --- limits and the objective ---------------------------------------------------------------

    def _relation(self, statement: tree.Limit | tree.Prefer) -> Found:
        self.inference.index(statement.index)
        if isinstance(statement.relation, tree.Comparison):
            return self.inference.compare(statement.relation)
        return self.inference.infer(statement.relation)

    def _chance(self, statement: tree.Chance) -> None:
        found = self.inference.infer(statement.probability)
        self.inference.pure("a probability", statement.probability, found)
        self.inference.index(statement.scenario)
        weight = self.inference.infer(statement.weight)
        self.inference.pure("a weight of scenarios", statement.weight, weight)
        for limit in statement.limits:
            self._relation(limit)

    def _penalty(self, statement: tree.Prefer) -> ObjectiveTermUnit:
        """A preference as a term of the objective: its penalty times what it is over."""
        over = self._relation(statement)
        e = statement.penalty
        found = self.inference.infer(e)
        if weighted(e) or not isinstance(over, Unit) or not isinstance(found, Unit):
            return ObjectiveTermUnit(statement.name.name, e, UNKNOWN)
        return ObjectiveTermUnit(statement.name.name, e, over * found, over)

    def _objective(self, penalties: list[ObjectiveTermUnit]) -> None:
        """Terms are added: those that no number weighs must have one unit."""
        terms = []
        objective = self.declared.objective
        for stated in objective.terms if objective is not None else ():
            found = self.inference.infer(stated.value)
            unit = UNKNOWN if weighted(stated.value) else found
            terms.append(ObjectiveTermUnit(stated.name.name, stated.value, unit))
        known = [(t, t.unit) for t in (*terms, *penalties) if isinstance(t.unit, Unit)]
        for term, given in known[1:]:
            first, wanted = known[0]
            if given != wanted:
                fits = f"a parameter in {wanted / given}"
                if term.over is not None:
                    fits = f"a penalty in {wanted / term.over}"
                value = side(term.value, given)
                self.inference.found.append(
                    errors.term_units(term.name, first.name, value, side(first.value, wanted), fits)
                )


@dataclass(frozen=True)
class ObjectiveTermUnit:
    """A term of the objective; `over` is the unit of what a penalty is paid for."""

    name: str
    value: tree.Expression
    unit: Found
    over: Unit | None = None


def weighted(e: tree.Expression) -> bool:
    """Whether a number is written out as a factor: it weighs, and may have any unit."""
    match e:
        case tree.Number():
            return True
        case tree.Binary(operator="*" | "/", left=left, right=right):
            return weighted(left) or weighted(right)
        case tree.Binary(operator="+" | "-", left=left, right=right):
            return weighted(left) and weighted(right)
        case tree.Unary(operator="-" | "+", operand=operand):
            return weighted(operand)
        case tree.Conditional(then=then, otherwise=otherwise):
            return weighted(then) and weighted(otherwise)
        case tree.Call(function=f, body=body) if body is not None:
            return f.name in ("sum", "mean", TOTAL) and weighted(body)
        case tree.Call(function=f, arguments=(one,)):
            return f.name in ("sum", "mean", TOTAL) and weighted(one)
    return False
