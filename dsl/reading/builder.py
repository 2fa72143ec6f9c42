"""Builds the syntax tree while the parser reduces: one method a rule of `grammar.lark`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from allocc.dsl import errors as syntax_errors
from allocc.dsl import tree
from allocc.dsl.reading.parts import PartBuilder, Parts
from allocc.dsl.tree import Expression

_NOT_IN_INTERVENTION = (
    tree.ModelHeader,
    tree.Use,
    tree.Table,
    tree.UnitDeclaration,
    tree.Time,
    tree.Function,
    tree.Intervention,
    tree.Policy,
    tree.Objective,
    tree.Fit,
    tree.Uncertain,
    tree.Scenario,
)
_IN_FIT = (tree.Time, tree.Initial, tree.Assignment, tree.Estimate, tree.Observe)
#: A model cannot ask for more draws.
LARGEST_DRAWS = 100_000


class Builder(PartBuilder):
    """All callbacks of the parser; `source` and `problems` belong to the file being read."""

    # --- statements ---

    def file(self, parts: Parts) -> tuple[tree.Statement, ...]:
        """All statements of the file."""
        return tuple(parts)

    def model(self, parts: Parts) -> tree.ModelHeader:
        """`model`."""
        _, name, text = parts
        title = self._description(text)
        return tree.ModelHeader(self._identifier(name), title, self._span(parts))

    def use(self, parts: Parts) -> tree.Use:
        """`use`."""
        names = tuple(map(self._identifier, parts[1:-3:2]))
        arguments = parts[-1].items if parts[-1] is not None else ()
        return tree.Use(names, self._text(parts[-2]), arguments, self._span(parts))

    def table(self, parts: Parts) -> tree.Table:
        """`table`."""
        _, name, _, file, keys = parts
        columns = keys.items if keys is not None else ()
        return tree.Table(self._identifier(name), self._text(file), columns, self._span(parts))

    def set_declaration(self, parts: Parts) -> tree.SetDeclaration:
        """`set`."""
        _, name, text, _, value = parts
        description = self._description(text)
        return tree.SetDeclaration(self._identifier(name), description, value, self._span(parts))

    def unit_declaration(self, parts: Parts) -> tree.UnitDeclaration:
        """`unit`."""
        factor, unit = parts[2].items if parts[2] is not None else (None, None)
        return tree.UnitDeclaration(self._identifier(parts[1]), factor, unit, self._span(parts))

    def param(self, parts: Parts) -> tree.Parameter:
        """`param`."""
        _, name, index, text, group, interval, value = parts
        unit, kind = group.items if group is not None else (None, "continuous")
        head = (self._identifier(name), index, self._description(text), unit, cast(Any, kind))
        if isinstance(value, tree.Comparison) and value.operators[-1] == "in":
            last = value.operands[-1]
            if interval is None and isinstance(last, tree.Range):
                self.problems.append(syntax_errors.range_after_value(last.span))
        return tree.Parameter(*head, interval, value, self._span(parts))

    def let(self, parts: Parts) -> tree.Let:
        """`let`."""
        _, name, index, text, unit, _, value = parts
        head = (self._identifier(name), index, self._description(text), unit)
        return tree.Let(*head, value, self._span(parts))

    def time(self, parts: Parts) -> tree.Time:
        """`time`."""
        _, name, text, unit, _, start, _, end, step, method = parts
        head = (self._identifier(name), self._description(text), unit)
        return tree.Time(*head, start, end, step, method, self._span(parts))

    def compartment(self, parts: Parts) -> tree.Compartment:
        """`compartment`."""
        _, name, index, text, unit = parts
        head = (self._identifier(name), index, self._description(text), unit)
        return tree.Compartment(*head, self._span(parts))

    def initial(self, parts: Parts) -> tree.Initial:
        """`initial`."""
        _, name, index, _, value = parts
        return tree.Initial(self._identifier(name), index, value, self._span(parts))

    def flow(self, parts: Parts) -> tree.Flow:
        """`flow`."""
        _, name, index, text, _, origin, arrow, target, _, value = parts
        if origin is None and target is None:
            self.problems.append(syntax_errors.flow_without_ends(self._at(arrow)))
        head = (self._identifier(name), index, self._description(text))
        return tree.Flow(*head, origin, target, value, self._span(parts))

    def intervention(self, parts: Parts) -> tree.Intervention:
        """`intervention`."""
        _, name, text, _, *body, _ = parts
        for statement in body:
            if isinstance(statement, _NOT_IN_INTERVENTION):
                self.problems.append(syntax_errors.misplaced(statement.span, "an intervention"))
        head = (self._identifier(name), self._description(text))
        return tree.Intervention(*head, tuple(body), self._span(parts))

    def decide(self, parts: Parts) -> tree.Decide:
        """`decide`."""
        _, name, index, text, group, interval, after = parts
        unit, kind = group.items if group is not None else (None, "continuous")
        head = (self._identifier(name), index, self._description(text), unit)
        return tree.Decide(*head, cast(Any, kind), interval, after, self._span(parts))

    def effect(self, parts: Parts) -> tree.Effect:
        """`effect`."""
        _, name, index, operator, value = parts
        sign = cast(Any, str(operator))
        return tree.Effect(self._identifier(name), index, sign, value, self._span(parts))

    def _compared(self, keyword: str, value: Expression) -> Expression:
        if not isinstance(value, tree.Comparison) or {"in", "not in"} & set(value.operators):
            self.problems.append(syntax_errors.not_a_comparison(keyword, value.span))
        return value

    def _logical(self, e: Expression) -> None:
        """Tell of what is no comparison in a limit that puts several together."""
        match e:
            case tree.Binary(operator="and" | "or" | "implies", left=left, right=right):
                self._logical(left)
                self._logical(right)
            case tree.Unary(operator="not", operand=operand):
                self._logical(operand)
            case tree.Comparison():
                pass
            case _:
                self.problems.append(syntax_errors.no_condition(e.span))

    def limit(self, parts: Parts) -> tree.Limit:
        """`limit`."""
        _, name, index, text, _, value, condition = parts
        head = (self._identifier(name), index, self._description(text))
        span = self._span(parts)
        if condition is not None:
            value = tree.Binary("implies", condition, value, value.span.to(condition.span))
        plain = tree.Comparison | tree.Name | tree.Number | tree.Call | tree.Subscript
        arithmetic = isinstance(value, tree.Binary) and value.operator in ("+", "-", "*", "/", "^")
        if isinstance(value, plain) or arithmetic:
            return tree.Limit(*head, self._compared("limit", value), span)
        self._logical(value)
        return tree.Limit(*head, value, span)

    def prefer(self, parts: Parts) -> tree.Prefer:
        """`prefer`."""
        _, name, index, text, _, value, _, weight = parts
        head = (self._identifier(name), index, self._description(text))
        return tree.Prefer(*head, self._compared("prefer", value), weight, self._span(parts))

    def chance(self, parts: Parts) -> tree.Chance:
        """`chance`."""
        _, name, text, _, _, probability, _, scenario, _, weight, _, *limits, _ = parts
        for statement in limits:
            if not isinstance(statement, tree.Limit):
                self.problems.append(syntax_errors.misplaced(statement.span, "a chance block"))
        head = (self._identifier(name), self._description(text))
        return tree.Chance(*head, probability, scenario, weight, tuple(limits), self._span(parts))

    def policy(self, parts: Parts) -> tree.Policy:
        """`policy`."""
        _, name, text, _, *assignments, _ = parts
        head = (self._identifier(name), self._description(text))
        return tree.Policy(*head, tuple(assignments), self._span(parts))

    def report(self, parts: Parts) -> tree.Report:
        """`report`."""
        _, name, index, text, unit, _, value = parts
        head = (self._identifier(name), index, self._description(text), unit)
        return tree.Report(*head, value, self._span(parts))

    def function(self, parts: Parts) -> tree.Function:
        """`function`."""
        _, name, _, formals, _, text, _, value = parts
        description = self._description(text)
        return tree.Function(self._identifier(name), formals, description, value, self._span(parts))

    def fit(self, parts: Parts) -> tree.Fit:
        """`fit`."""
        _, name, text, _, *body, _ = parts
        for statement in body:
            if not isinstance(statement, _IN_FIT):
                self.problems.append(syntax_errors.misplaced(statement.span, "a fit"))
        head = (self._identifier(name), self._description(text))
        own = tuple(s for s in body if isinstance(s, _IN_FIT))
        return tree.Fit(*head, own, self._span(parts))

    def estimate(self, parts: Parts) -> tree.Estimate:
        """`estimate`."""
        _, name, interval, guess, prior = parts
        return tree.Estimate(self._identifier(name), interval, guess, prior, self._span(parts))

    def decided(self, parts: Parts) -> tree.Assignment:
        """What a decision was, in a fit."""
        _, name, index, _, value = parts
        return tree.Assignment(self._identifier(name), index, value, self._span(parts))

    def observe(self, parts: Parts) -> tree.Observe:
        """`observe`."""
        _, value, operator, data, weight = parts
        index = None
        if isinstance(value, tree.Subscript):
            index, value = self._bound_subscripts(value)
        sign = cast(Any, str(operator))
        return tree.Observe(index, value, sign, data, weight, self._span(parts))

    def uncertain(self, parts: Parts) -> tree.Uncertain:
        """`uncertain`."""
        _, name, index, _, distribution = parts
        return tree.Uncertain(self._identifier(name), index, distribution, self._span(parts))

    def scenario_declaration(self, parts: Parts) -> tree.Scenario:
        """`scenario`."""
        _, name, text, word, given, *share, measure = parts
        head = (self._identifier(name), self._description(text))
        span = self._span(parts)
        if word.type == "FROM":
            return tree.Scenario(*head, self._text(given), share[0], None, measure, span)
        draws = self._number(given)
        if not draws.value.is_integer() or not 1 <= draws.value <= LARGEST_DRAWS:
            self.problems.append(syntax_errors.bad_draws(draws.span, LARGEST_DRAWS))
        return tree.Scenario(*head, None, None, draws, measure, span)

    def _bound_subscripts(self, e: tree.Subscript) -> tuple[tree.Index | None, tree.Subscript]:
        """What the subscripts of `X[i in S, j]` bind, and `X[i, j]`."""
        binders: list[tree.Binder] = []
        indices: list[Expression] = []
        for i in e.indices:
            if isinstance(i, tree.Comparison) and "in" in i.operators:
                binders.append(self._binder(i))
                names = tuple(tree.Name(n.name, n.span) for n in binders[-1].names)
                several = tree.TupleExpression(names, i.span)
                indices.append(names[0] if len(names) == 1 else several)
            else:
                indices.append(i)
        if not binders:
            return None, e
        return tree.Index(tuple(binders), None, e.span), replace(e, indices=tuple(indices))

    def objective(self, parts: Parts) -> tree.Objective:
        """`minimize` or `maximize`."""
        sense, _, *terms, _ = parts
        return tree.Objective(cast(Any, str(sense)), tuple(terms), self._span(parts))
