"""Builds the parts of statements: indices, units, expressions; one method a rule."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from allocc.dsl import errors as syntax_errors
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.escapes import one_line
from allocc.dsl.tree import Expression, Identifier, Source, Span, Text, Unit
from allocc.dsl.words import COUNT

if TYPE_CHECKING:
    from lark import Token

# Parts are tokens, nodes, or None for what was left out; rules differ, so the type is loose.
Parts = Sequence[Any]
_Item = TypeVar("_Item")

_SETS = (tree.Name, tree.Field, tree.Binary, tree.Range, tree.SetLiteral, tree.SetFilter)
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class _Group:
    """Several things under one span, on their way to the rule that uses them."""

    items: tuple[Any, ...]
    span: Span
    condition: Expression | None = None


def _every_other(parts: Sequence[_Item]) -> tuple[_Item, ...]:
    """The items of a list `item , item , item`."""
    return tuple(parts[::2])


class PartBuilder:
    """Callbacks of the parser; `source` and `problems` belong to the file being read."""

    def __init__(self) -> None:
        self.source = Source("", "")
        self.problems: list[Diagnostic] = []

    # --- places and words ---

    def _at(self, part: Any) -> Span:
        found = getattr(part, "span", None)
        if isinstance(found, Span):
            return found
        return Span(self.source, part.start_pos, part.end_pos)

    def _span(self, parts: Parts) -> Span:
        present = [part for part in parts if part is not None]
        return self._at(present[0]).to(self._at(present[-1]))

    def _identifier(self, token: Token) -> Identifier:
        return Identifier(str(token), self._at(token))

    def _column_name(self, token: Token) -> Identifier:
        """A column's name, which stands in quotes where it is no word."""
        name = self._text(token).value if token.type == "STRING" else str(token)
        return Identifier(name, self._at(token))

    def _text(self, token: Token) -> Text:
        return Text(_ESCAPE.sub(r"\1", token[1:-1]), self._at(token))

    @staticmethod
    def _description(text: Text | None) -> str | None:
        return None if text is None else one_line(text.value)

    def _number(self, token: Token) -> tree.Number:
        written = str(token)
        value = float(written.rstrip("%").replace("_", ""))
        if written.endswith("%"):
            value /= 100
        if math.isinf(value):
            self.problems.append(syntax_errors.number_too_large(written, self._at(token)))
        return tree.Number(value, written, None, self._at(token))

    # --- index lists ---

    def _binder(self, entry: Expression) -> tree.Binder:
        if isinstance(entry, tree.Comparison) and entry.operators == ("in",):
            left, right = entry.operands
            members = left.members if isinstance(left, tree.TupleExpression) else (left,)
            if all(isinstance(member, tree.Name) for member in members):
                names = tuple(Identifier(cast("tree.Name", m).name, m.span) for m in members)
                return tree.Binder(names, right, entry.span)
        elif isinstance(entry, _SETS):
            return tree.Binder((), entry, entry.span)
        self.problems.append(syntax_errors.bad_index_entry(entry.span))
        return tree.Binder((), entry, entry.span)

    def _index(self, entries: _Group, span: Span) -> tree.Index:
        return tree.Index(tuple(map(self._binder, entries.items)), entries.condition, span)

    def entries(self, parts: Parts) -> _Group:
        """Entries of an index list, of a call or of a set, with the filter."""
        condition = None
        items = parts
        if len(parts) > 2 and getattr(parts[-2], "type", None) == "IF":
            condition, items = parts[-1], parts[:-2]
        return _Group(_every_other(items), self._span(parts), condition)

    def scenario(self, parts: Parts) -> tree.Index:
        """The index of a chance constraint."""
        return self._index(parts[0], parts[0].span)

    # --- parts that may be left out ---

    def opt_text(self, parts: Parts) -> Text | None:
        """A description."""
        return self._text(parts[0]) if parts else None

    def opt_index(self, parts: Parts) -> tree.Index | None:
        """An index in a declaration."""
        return self._index(parts[1], self._span(parts)) if parts else None

    def opt_unit(self, parts: Parts) -> Unit | None:
        """A unit after its colon."""
        return cast("Unit", parts[1]) if parts else None

    def opt_value(self, parts: Parts) -> Expression | None:
        """A value after its equals sign."""
        return cast("Expression", parts[1]) if parts else None

    opt_step = opt_guess = opt_prior = opt_weight = opt_value

    def opt_method(self, parts: Parts) -> Identifier | None:
        """A method's name."""
        return self._identifier(parts[1]) if parts else None

    opt_after = opt_method

    def opt_share(self, parts: Parts) -> Identifier | None:
        """The column with the weights of worlds."""
        return self._column_name(parts[1]) if parts else None

    def opt_by(self, parts: Parts) -> tree.Measure | None:
        """What worlds are weighed by."""
        if not parts:
            return None
        level = self._number(parts[2]) if len(parts) == 3 else None
        return tree.Measure(self._identifier(parts[1]), level, self._span(parts))

    def opt_keys(self, parts: Parts) -> _Group | None:
        """Key columns."""
        if not parts:
            return None
        return _Group(tuple(map(self._column_name, parts[1::2])), self._span(parts))

    def opt_arguments(self, parts: Parts) -> _Group | None:
        """Arguments of a `use`."""
        return _Group(tuple(parts[1::2]), self._span(parts)) if parts else None

    def argument(self, parts: Parts) -> tree.Argument:
        """One argument of a `use`."""
        return tree.Argument(self._identifier(parts[0]), parts[2], self._span(parts))

    def opt_scale(self, parts: Parts) -> _Group | None:
        """A unit's scale: its number, if any, and the unit it is counted in."""
        if not parts:
            return None
        factor = self._number(parts[1]) if len(parts) == 3 else None
        return _Group((factor, parts[-1]), self._span(parts))

    def opt_interval(self, parts: Parts) -> tree.Interval | None:
        """A range of values, either side of which may be open."""
        if not parts:
            return None
        if len(parts) == 3:
            return tree.Interval(None, parts[2], self._span(parts))
        return tree.Interval(parts[1], parts[3], self._span(parts))

    opt_search = opt_interval

    def opt_range(self, parts: Parts) -> tree.Interval | None:
        """The range of a decision, with a value that lies apart where there is one."""
        if len(parts) < 2:
            return cast("tree.Interval | None", parts[0])
        return tree.Interval(parts[3], parts[5], self._span(parts), apart=parts[1])

    def opt_if(self, parts: Parts) -> Expression | None:
        """The condition of a limit."""
        return cast("Expression", parts[1]) if parts else None

    def counted(self, parts: Parts) -> tree.Comparison:
        """`at most N of (INDEX: CONDITION)`, as a comparison of a count."""
        word, number, of, left, entries, _, body, right = parts
        index = self._index(entries, entries.span)
        name = Identifier(COUNT, self._at(of))
        call = tree.Call(name, (), index, body, self._at(left).to(self._at(right)))
        operator: Any = "<=" if word.type == "AT_MOST" else ">="
        return tree.Comparison((call, number), (operator,), self._span(parts))

    def opt_high(self, parts: Parts) -> Expression | None:
        """The upper side of a range."""
        return parts[0] if parts else None

    opt_place = opt_top = opt_high

    def opt_kind(self, parts: Parts) -> _Group | None:
        """The unit and the kind of a decision or a parameter."""
        if not parts:
            return None
        unit: Unit | None = None
        kind = "continuous"
        for part in parts:
            if isinstance(part, tree.UnitName | tree.UnitPower | tree.UnitProduct):
                unit = part
            elif part.type in ("INTEGER", "BINARY"):
                kind = str(part)
        return _Group((unit, kind), self._span(parts))

    def place(self, parts: Parts) -> tree.Name | tree.Subscript:
        """The compartment at one side of a flow."""
        name = tree.Name(str(parts[0]), self._at(parts[0]))
        return self.subscript([name, *parts[1:]]) if len(parts) > 1 else name

    def formals(self, parts: Parts) -> tuple[tree.Formal, ...]:
        """Parameters of a function."""
        return _every_other(parts)

    def formal(self, parts: Parts) -> tree.Formal:
        """One parameter of a function."""
        sets = tuple(map(self._identifier, parts[2::2]))
        return tree.Formal(self._identifier(parts[0]), sets, self._span(parts))

    def term(self, parts: Parts) -> tree.Term:
        """One term of an objective."""
        name, text, _, value = parts
        description = self._description(text)
        return tree.Term(self._identifier(name), description, value, self._span(parts))

    def assignment(self, parts: Parts) -> tree.Assignment:
        """What a decision is by the rule of a policy."""
        name, index, _, value = parts
        return tree.Assignment(self._identifier(name), index, value, self._span(parts))

    # --- units ---

    def unit_name(self, parts: Parts) -> Unit:
        """A unit's name."""
        return tree.UnitName(str(parts[0]), self._at(parts[0]))

    def unit_one(self, parts: Parts) -> Unit:
        """The unit `1`."""
        span = self._at(parts[0])
        if str(parts[0]) != "1":
            self.problems.append(syntax_errors.number_as_unit(span))
        return tree.UnitName("1", span)

    def power_of_unit(self, parts: Parts) -> Unit:
        """A unit's power."""
        written = str(parts[-1])
        if not written.isdigit() or len(written) > 3:
            self.problems.append(syntax_errors.unit_exponent(self._at(parts[-1])))
            written = "1"
        exponent = -int(written) if len(parts) == 4 else int(written)
        return tree.UnitPower(parts[0], exponent, self._span(parts))

    def unit_product(self, parts: Parts) -> Unit:
        """A product or quotient of units."""
        left, operator, right = parts
        return tree.UnitProduct("*" if operator == "*" else "/", left, right, self._span(parts))

    # --- expressions ---

    def number(self, parts: Parts) -> tree.Number:
        """A number."""
        return self._number(parts[0])

    def text(self, parts: Parts) -> Text:
        """A label."""
        return self._text(parts[0])

    def name(self, parts: Parts) -> tree.Name:
        """A name."""
        return tree.Name(str(parts[0]), self._at(parts[0]))

    def field(self, parts: Parts) -> tree.Field:
        """A table's column."""
        table, _, column = parts
        return tree.Field(self._identifier(table), self._column_name(column), self._span(parts))

    def subscript(self, parts: Parts) -> tree.Subscript:
        """A subscripted name or column."""
        return tree.Subscript(parts[0], tuple(parts[2::2]), self._span(parts))

    def fallback(self, parts: Parts) -> tree.Fallback:
        """A subscript or a column with the value where it has none."""
        return tree.Fallback(parts[0], parts[2], self._span(parts))

    def unary(self, parts: Parts) -> tree.Unary:
        """A signed or negated expression."""
        return tree.Unary(cast(Any, str(parts[0])), parts[1], self._span(parts))

    def binary(self, parts: Parts) -> tree.Binary:
        """An operation of two operands."""
        left, operator, right = parts
        return tree.Binary(cast(Any, str(operator)), left, right, self._span(parts))

    def comparison(self, parts: Parts) -> tree.Comparison:
        """A chain of comparisons."""
        operators = cast(Any, tuple(" ".join(x.split()) for x in parts[1::2]))
        return tree.Comparison(_every_other(parts), operators, self._span(parts))

    def conditional(self, parts: Parts) -> tree.Conditional:
        """A choice between two expressions."""
        return tree.Conditional(parts[1], parts[3], parts[5], self._span(parts))

    def range_expression(self, parts: Parts) -> tree.Range:
        """A range of integers."""
        return tree.Range(parts[0], parts[2], self._span(parts))

    def parentheses(self, parts: Parts) -> Any:
        """The inner expression or unit, with the parentheses in its span."""
        return replace(parts[1], span=self._span(parts))

    def tuple_expression(self, parts: Parts) -> tree.TupleExpression:
        """A tuple."""
        return tree.TupleExpression(tuple(parts[1::2]), self._span(parts))

    def set_literal(self, parts: Parts) -> tree.SetLiteral | tree.SetFilter:
        """A set of labels, or the members of a set that pass a filter."""
        span = self._span(parts)
        if len(parts) == 2:
            return tree.SetLiteral((), span)
        entries = parts[1]
        bound = any(isinstance(e, tree.Comparison) and "in" in e.operators for e in entries.items)
        if entries.condition is not None or bound:
            return tree.SetFilter(self._index(entries, entries.span), span)
        return tree.SetLiteral(entries.items, span)

    def call(self, parts: Parts) -> tree.Call:
        """A call with plain arguments."""
        span = self._span(parts)
        arguments: tuple[Expression, ...] = ()
        if len(parts) == 4:
            arguments = parts[2].items
            if parts[2].condition is not None:
                self.problems.append(syntax_errors.filter_without_body(span))
        return tree.Call(self._identifier(parts[0]), arguments, None, None, span)

    def call_over(self, parts: Parts) -> tree.Call:
        """A call over an index."""
        name, _, entries, _, body, _ = parts
        index = self._index(entries, entries.span)
        return tree.Call(self._identifier(name), (), index, body, self._span(parts))
