"""The unit of every expression, from the units of the names in it; nothing is expanded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from fractions import Fraction

from allocc.compiler.functions import WORDS
from allocc.compiler.names.resolve import Bound
from allocc.compiler.names.structure import Declarations, side_name
from allocc.compiler.units import errors
from allocc.compiler.units.errors import Side
from allocc.compiler.units.mends import Mends, words_of
from allocc.compiler.units.unit import ONE, Unit
from allocc.compiler.units.vocabulary import Vocabulary, exact
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.words import CURVES, TOTAL


class Open(Enum):
    """What an expression is that has no unit of its own.

    A `NUMBER` is written out: a pure number in a product, and of any unit in a sum or comparison
    (Modelica's rule). `UNKNOWN` is everything that mentions a quantity declared without a unit.
    """

    NUMBER = "a number"
    UNKNOWN = "unknown"


NUMBER, UNKNOWN = Open.NUMBER, Open.UNKNOWN

Found = Unit | Open

#: Definitions inside of each other beyond this are not followed; the binder refuses them.
DEEPEST = 200

Part = tuple[tree.Expression, Found]


class Inference(Mends):
    """Infers units in one model. What disagrees is put into `found`."""

    def __init__(
        self, declared: Declarations, vocabulary: Vocabulary, time: Found, step: float | None
    ) -> None:
        self.declared = declared
        self.vocabulary = vocabulary
        self.time: Found = time
        self.step = step
        self.found: list[Diagnostic] = []
        self._depth = 0
        #: The units of the arguments in the call that is looked at.
        self._given: Mapping[object, Found] = {}
        self._known: dict[str, Found] = {}
        self._calls: dict[tuple[str, tuple[Found, ...]], tuple[Found, list[Diagnostic]]] = {}

    # --- names ----------------------------------------------------------------------------------

    def quantity(self, name: str) -> Found:
        """The unit of a declared name: as declared, or else that of the value of a `let`."""
        if name not in self._known:
            # A name that needs itself is reported by the binder.
            self._known[name] = UNKNOWN
            if name not in self.declared.broken and self._depth <= DEEPEST:
                with self._deeper():
                    self._known[name] = self._quantity(name)
        return self._known[name]

    def _quantity(self, name: str) -> Found:
        if name in ("start", "end"):
            return self.time
        statement = self.declared.names.get(name)
        match statement:
            case tree.Time():
                return self.time
            case tree.Let(unit=None) | tree.Report(unit=None):
                return self._of_value(statement)
            case tree.Let() | tree.Report() | tree.Parameter() | tree.Decide() | tree.Compartment():
                return self.vocabulary.read(statement.unit) or UNKNOWN
            case tree.Flow():
                return self.flow(statement)
            case _:
                return UNKNOWN

    def _of_value(self, statement: tree.Let | tree.Report | tree.Flow) -> Found:
        with self.quiet():
            found = self.infer(statement.value)
        return found if isinstance(found, Unit) else UNKNOWN

    def flow(self, statement: tree.Flow) -> Found:
        """A flow's unit: that of its compartment per unit of time, or else of its value."""
        place = self.compartment(statement)
        if place is None:
            return self._of_value(statement)
        unit = self.quantity(place)
        if isinstance(unit, Unit) and isinstance(self.time, Unit):
            return unit / self.time
        return self._of_value(statement)

    def compartment(self, statement: tree.Flow) -> str | None:
        """The compartment whose unit says that of a flow: the origin, or else the target."""
        places = [side_name(statement.origin), side_name(statement.target)]
        known = self.declared.compartments
        return next((p for p in places if p in known and isinstance(self.quantity(p), Unit)), None)

    def index(self, index: tree.Index | None) -> None:
        """Check the sets of an index and its filter."""
        for binder in index.binders if index is not None else ():
            if not isinstance(binder.set_expression, tree.Name):
                self.infer(binder.set_expression)
        if index is not None and index.condition is not None:
            self.infer(index.condition)

    def _bound(self, meaning: Bound) -> Found:
        """The unit of an argument in the call that is looked at, or of a member of a set."""
        if isinstance(meaning.by, tree.Formal):
            return self._given.get(meaning, UNKNOWN)
        return self.time if self.is_time(meaning.by.set_expression) else UNKNOWN

    @contextmanager
    def _deeper(self, given: Mapping[object, Found] | None = None) -> Iterator[None]:
        """Look at a definition; at a function's with the units of its arguments."""
        before, self._given = self._given, given or {}
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self._given = before

    @contextmanager
    def quiet(self) -> Iterator[list[Diagnostic]]:
        """Infer without reporting; what would have been reported is in the list."""
        before, self.found = self.found, []
        try:
            yield self.found
        finally:
            self.found = before

    # --- expressions ----------------------------------------------------------------------------

    def infer(self, e: tree.Expression) -> Found:
        """The unit of an expression; what disagrees inside is reported, and is then unknown."""
        match e:
            case tree.Number():
                return NUMBER
            case tree.Name(name=name):
                meaning = self.declared.resolved.meaning(e)
                return self._bound(meaning) if isinstance(meaning, Bound) else self.quantity(name)
            case tree.Subscript(base=base, indices=indices):
                for index in indices:
                    self._subscript(index)
                return self.infer(base)
            case tree.Fallback(subscript=subscript, otherwise=otherwise):
                return self._agree("`else`", [subscript, otherwise])
            case tree.Unary(operator=operator, operand=operand):
                found = self.infer(operand)
                return UNKNOWN if operator == "not" else found
            case tree.Binary():
                return self._binary(e)
            case tree.Comparison():
                self.compare(e)
                return UNKNOWN
            case tree.Conditional(condition=condition, then=then, otherwise=otherwise):
                self.infer(condition)
                return self._agree("`if ... then ... else`", [then, otherwise])
            case tree.Range(low=low, high=high):
                return self._agree("a range", [low, high])
            case tree.SetFilter(index=index):
                self.index(index)
                return UNKNOWN
            case tree.Call():
                return self._call(e)
            case _:
                return UNKNOWN

    def _agree(self, what: str, parts: Sequence[tree.Expression]) -> Found:
        return self.agree(what, [(p, self.infer(p)) for p in parts])

    def agree(self, what: str, parts: Sequence[Part], compared: bool = False) -> Found:
        """The one unit of values that are added or compared; what differs is reported."""
        reference: tuple[tree.Expression, Unit] | None = None
        for e, found in parts:
            if not isinstance(found, Unit):
                continue
            if reference is None:
                reference = e, found
            elif found != reference[1]:
                mend = self.mend(e, found, reference[1], reference[0])
                first, second = side(*reference), side(e, found)
                self.found.append(errors.different_units(what, first, second, mend, compared))
                return UNKNOWN
        if reference is not None:
            return reference[1]
        return UNKNOWN if any(found is UNKNOWN for _, found in parts) else NUMBER

    def compare(self, e: tree.Comparison) -> Found:
        """The unit that the sides of a comparison share."""
        parts: list[Part] = []
        shared: Found = UNKNOWN
        for k, operand in enumerate(e.operands):
            found = self.infer(operand)
            if k and e.operators[k - 1] in ("in", "not in"):
                parts = []
            parts.append((operand, found))
        if len(parts) > 1:
            shared = self.agree("a comparison", parts, compared=True)
        return shared

    def pure(self, what: str, e: tree.Expression, found: Found) -> None:
        """Report a value with a unit where only a pure number has a meaning."""
        if isinstance(found, Unit) and found != ONE:
            mend = self.mend(e, found, ONE)
            self.found.append(errors.not_pure(what, side(e, found), mend))

    def _binary(self, e: tree.Binary) -> Found:
        left, right = self.infer(e.left), self.infer(e.right)
        match e.operator:
            case "+" | "-":
                what = "a sum" if e.operator == "+" else "a difference"
                return self.agree(what, [(e.left, left), (e.right, right)])
            case "*" | "/":
                return _product(left, right, divided=e.operator == "/")
            case "^":
                return self._power(e, left, right)
            case _:
                return UNKNOWN

    def _power(self, e: tree.Binary, base: Found, exponent: Found) -> Found:
        self.pure("an exponent", e.right, exponent)
        if base is NUMBER:
            return NUMBER if exponent is NUMBER else ONE
        if not isinstance(base, Unit) or base == ONE:
            return base
        value = constant(e.right)
        # Which unit a power has cannot be said before its exponent is known.
        return base**value if value is not None else UNKNOWN

    def _subscript(self, e: tree.Expression) -> None:
        """Check the expression of an index; in `x[t - lag]` the lag counts steps."""
        if not (isinstance(e, tree.Binary) and e.operator in ("+", "-")):
            self.infer(e)
            return
        left, lag = self.infer(e.left), self.infer(e.right)
        if not isinstance(self.time, Unit) or left != self.time or not isinstance(lag, Unit):
            return
        if lag != ONE and not (lag == self.time and self.step in (None, 1.0)):
            step = f"{self.step:g} {self.time}" if self.step is not None else "one"
            what = side(e.right, lag)
            self.found.append(errors.lag_unit(what, words_of(self.time), step))

    # --- calls ----------------------------------------------------------------------------------

    def _call(self, e: tree.Call) -> Found:
        name = e.function.name
        if name == TOTAL and not isinstance(self.declared.names.get(name), tree.Function):
            return self._total(e)
        if name in CURVES and not isinstance(self.declared.names.get(name), tree.Function):
            # Columns have no unit: what comes out has the one that is asked of it.
            for argument in e.arguments:
                self.infer(argument)
            return UNKNOWN
        if e.index is not None:
            assert e.body is not None
            self.index(e.index)
            return self.infer(e.body)
        arguments = [self.infer(a) for a in e.arguments]
        match name:
            case "sum" | "mean" | "min" | "max":
                return self.agree(f"`{name}`", list(zip(e.arguments, arguments, strict=True)))
            case "floor" if arguments and name not in self.declared.names:
                return arguments[0]
            case "binomial" if name not in self.declared.names:
                for argument, found in zip(e.arguments[2:], arguments[2:], strict=True):
                    self.pure("a probability", argument, found)
                return ONE
            case _ if name in WORDS and arguments:
                return self._function(name, e.arguments[0], arguments[0])
        return self._user_call(e, name, tuple(arguments))

    def _function(self, name: str, e: tree.Expression, found: Found) -> Found:
        """The unit of a function of one argument."""
        match WORDS[name].units:
            case "kept":
                return found
            case "root":
                return found ** Fraction(1, 2) if isinstance(found, Unit) else found
            case "pure":
                self.pure(f"what `{name}` is taken of", e, found)
                return NUMBER if found is NUMBER else ONE

    def _total(self, e: tree.Call) -> Found:
        """The unit of an amount over time: that of the rate, times that of the model's time."""
        self.index(e.index)
        parts = e.arguments if e.body is None else (e.body,)
        found = [self.infer(part) for part in parts]
        if len(found) != 1 or not isinstance(found[0], Unit) or not isinstance(self.time, Unit):
            return UNKNOWN
        amount = self.vocabulary.amount(found[0], self.time)
        if amount is None:
            what = side(parts[0], found[0])
            self.found.append(errors.total_of_no_rate(what, str(self.time)))
            return UNKNOWN
        return amount

    def _user_call(self, e: tree.Call, name: str, arguments: tuple[Found, ...]) -> Found:
        """A declared function is checked anew for the units that each call gives to it."""
        function = self.declared.names.get(name)
        if not isinstance(function, tree.Function) or len(function.formals) != len(arguments):
            return UNKNOWN
        result, mistakes = self._body(function, arguments)
        if mistakes:
            known = {d.span for d in self.always_wrong(function)}
            new = next((d for d in mistakes if d.span not in known), None)
            if new is not None:
                given = [
                    f"`{self.text(a)}` {words_of(u)}"
                    for a, u in zip(e.arguments, arguments, strict=True)
                    if isinstance(u, Unit)
                ]
                mend = "give it arguments whose units fit, or convert one of them"
                self.found.append(errors.in_call(name, given, new, e.span, mend))
        return result

    def always_wrong(self, function: tree.Function) -> list[Diagnostic]:
        """What disagrees in a function whatever it is given; that is reported once, in its body."""
        return self._body(function, (UNKNOWN,) * len(function.formals))[1]

    def _body(
        self, function: tree.Function, arguments: tuple[Found, ...]
    ) -> tuple[Found, list[Diagnostic]]:
        key = function.name.name, arguments
        if key not in self._calls:
            # A function that calls itself is reported by the binder.
            self._calls[key] = UNKNOWN, []
            if self._depth > DEEPEST:
                return self._calls[key]
            names = (self.declared.resolved.meaning(f.name) for f in function.formals)
            given: dict[object, Found] = dict(zip(names, arguments, strict=True))
            with self._deeper(given), self.quiet() as mistakes:
                self._calls[key] = self.infer(function.value), mistakes
        return self._calls[key]


def _product(left: Found, right: Found, divided: bool) -> Found:
    if left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    if left is NUMBER and right is NUMBER:
        return NUMBER
    first = left if isinstance(left, Unit) else ONE
    second = right if isinstance(right, Unit) else ONE
    return first / second if divided else first * second


def side(e: tree.Expression, found: Unit) -> Side:
    """An expression and its unit, for a message."""
    return Side(Mends.text(e), words_of(found), e.span)


def constant(e: tree.Expression) -> Fraction | None:
    """The value of numbers that are written out, such as `1/2` or `-1`; None for others."""
    match e:
        case tree.Number():
            return exact(e)
        case tree.Unary(operator="-", operand=operand):
            value = constant(operand)
            return None if value is None else -value
        case tree.Binary(operator="+" | "-" | "*" | "/" as operator, left=left, right=right):
            first, second = constant(left), constant(right)
            if first is None or second is None or (operator == "/" and second == 0):
                return None
            match operator:
                case "+":
                    return first + second
                case "-":
                    return first - second
                case "*":
                    return first * second
            return first / second
    return None
