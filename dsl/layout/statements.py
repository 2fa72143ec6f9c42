"""Statements as cells, which stand in columns where like statements follow each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from allocc.dsl.layout.expressions import Expressions, Node, kind
from allocc.dsl.layout.printer import Doc, Fill, Line, Nest, fill, flat

if TYPE_CHECKING:
    from lark import Token, Tree

# Columns of cells, from left to right. A cell reaches into columns that its statement leaves empty.
NAME, TEXT, UNIT, KIND, RANGE, VALUE = range(6)

BLOCKS = ("intervention", "chance", "objective", "policy", "fit")
# What is alike stands in the same columns; what is not here is not aligned.
_ALIKE = {
    "table": "table",
    "use": "use",
    "set_declaration": "set",
    "unit_declaration": "unit",
    "param": "param",
    "let": "let",
    "report": "report",
    "compartment": "compartment",
    "initial": "initial",
    "flow": "flow",
    "decide": "decide",
    "effect": "effect",
    "limit": "limit",
    "prefer": "limit",
    "assignment": "assignment",
    "term": "term",
    "decided": "decided",
    "estimate": "estimate",
    "observe": "observe",
    "uncertain": "uncertain",
    "scenario_declaration": "scenario",
}


@dataclass(frozen=True, slots=True)
class StatementLayout:
    """One statement, or a term of an objective.

    `head` are cells with their columns. `sign` ends the head where the statement has a value, and
    begins the `tail` on one line. The tail goes to a line of its own where all is too long for one,
    unless it `hangs` behind the head.
    """

    alike: str | None
    keyword: Doc
    head: tuple[tuple[int, Doc], ...]
    sign: Doc | None = None
    tail: Doc | None = None
    column: int = VALUE
    hangs: bool = False

    def cells(self) -> list[tuple[int, str]] | None:
        """The cells without their keyword, the tail as the last; None where a comment is in one."""
        docs = [*self.head]
        if self.tail is not None:
            sign = (self.sign, " ") if self.sign is not None else ()
            docs.append((self.column, (*sign, self.tail)))
        found = [(column, flat(doc)) for column, doc in docs]
        if flat(self.keyword) is None or any(text is None for _, text in found):
            return None
        return [(column, text) for column, text in found if text]

    def broken(self, head: Doc | None = None) -> Doc:
        """The statement over several lines; `head` when that is laid out already."""
        if head is None:
            cells = [cell for _, cell in self.head]
            start = (self.keyword, " ") if self.keyword else ()
            head = (*start, Nest(Nest(fill(cells))))
            if self.sign is not None:
                head = (*head, " ", self.sign)
        if self.tail is None:
            return head
        return (head, " ", self.tail) if self.hangs else (head, Nest((Line(), self.tail)))


class StatementLayouts:
    """Makes statements of the parser's trees."""

    def __init__(self, parts: Expressions) -> None:
        self.parts = parts

    def statement(self, node: Tree[Token]) -> StatementLayout:
        """A statement that is no block, or a term of an objective."""
        rule = kind(node)
        method = cast(Callable[[Sequence[Node]], StatementLayout], getattr(self, f"_{rule}"))
        return method(node.children)

    def _make(
        self,
        rule: str,
        keyword: Node | None,
        head: Sequence[tuple[int, Doc]],
        sign: Node | None = None,
        tail: Doc | None = None,
        column: int = VALUE,
        hangs: bool = False,
    ) -> StatementLayout:
        word = self.parts.word
        return StatementLayout(
            _ALIKE.get(rule),
            word(keyword) if keyword is not None else "",
            tuple((place, doc) for place, doc in head if doc),
            word(sign) if sign is not None else None,
            tail,
            column,
            hangs,
        )

    # --- parts that may be left out ---

    def _name(self, name: Node, index: Node) -> Doc:
        return (self.parts.word(name), self.parts.index(index))

    def _text(self, node: Node) -> Doc:
        parts = cast("Tree[Token]", node).children
        return self.parts.word(parts[0]) if parts else ""

    def _unit(self, node: Node) -> Doc:
        parts = cast("Tree[Token]", node).children
        return (self.parts.word(parts[0]), " ", self.parts.tight(parts[1])) if parts else ""

    def _interval(self, node: Node) -> Doc | None:
        found: list[Doc] = []
        for part in cast("Tree[Token]", node).children:
            if kind(part) == "opt_interval":
                return self._interval(part)
            if kind(part) in ("opt_high", "opt_top"):
                found += map(self.parts.expression, cast("Tree[Token]", part).children)
            else:
                found.append(self.parts.expression(part))
        if not found:
            return None
        inner = [doc for part in found[1:] for doc in (" ", part)]
        return (found[0], *inner)

    def _value(self, node: Node) -> tuple[Node | None, Doc | None]:
        parts = cast("Tree[Token]", node).children
        return (parts[0], self.parts.expression(parts[1])) if parts else (None, None)

    def _colon(self, head: list[tuple[int, Doc]], colon: Node) -> list[tuple[int, Doc]]:
        """Let a colon follow the last of the cells."""
        present = [(column, doc) for column, doc in head if doc]
        column, doc = present[-1]
        return [*present[:-1], (column, (doc, self.parts.word(colon)))]

    # --- statements ---

    def _model(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, text = parts
        head = [(NAME, self.parts.word(name)), (TEXT, self._text(text))]
        return self._make("model", keyword, head)

    def _use(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, *names, from_, file, arguments = parts
        head = [
            (NAME, fill(self.parts.items(names, self.parts.word))),
            (TEXT, (self.parts.word(from_), " ", self.parts.word(file))),
        ]
        inside = cast("Tree[Token]", arguments).children
        if not inside:
            return self._make("use", keyword, head)
        items = Nest(fill(self.parts.items(inside[1:-1], self._argument)))
        tail = (self.parts.word(inside[0]), items, self.parts.word(inside[-1]))
        return self._make("use", keyword, head, tail=tail, hangs=True)

    def _argument(self, node: Node) -> Doc:
        name, sign, value = cast("Tree[Token]", node).children
        word = self.parts.word
        return (word(name), " ", word(sign), " ", self.parts.expression(value))

    def _table(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, from_, file, keys = parts
        word = self.parts.word
        head = [(NAME, word(name)), (TEXT, (word(from_), " ", word(file)))]
        inside = cast("Tree[Token]", keys).children
        if not inside:
            return self._make("table", keyword, head)
        tail = (word(inside[0]), " ", Nest(fill(self.parts.items(inside[1:], word))))
        return self._make("table", keyword, head, tail=tail)

    def _set_declaration(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, text, sign, value = parts
        head = [(NAME, self.parts.word(name)), (TEXT, self._text(text))]
        return self._make("set_declaration", keyword, head, sign, self.parts.expression(value))

    def _unit_declaration(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, scale = parts
        head = [(NAME, self.parts.word(name))]
        inside = cast("Tree[Token]", scale).children
        if not inside:
            return self._make("unit_declaration", keyword, head)
        tail = fill([self.parts.tight(part) for part in inside[1:]])
        return self._make("unit_declaration", keyword, head, inside[0], tail)

    def _param(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, index, text, group, interval, given = parts
        head = [(NAME, self._name(name, index)), (TEXT, self._text(text))]
        head += self._kind(group) or [(UNIT, "")]
        limits = self._interval(interval)
        sign, value = self._value(given)
        if value is None:
            return self._make("param", keyword, head, tail=limits, column=RANGE)
        return self._make("param", keyword, [*head, (RANGE, limits or "")], sign, value)

    def _let(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, index, text, unit, sign, value = parts
        head = [(NAME, self._name(name, index)), (TEXT, self._text(text)), (UNIT, self._unit(unit))]
        return self._make("let", keyword, head, sign, self.parts.expression(value))

    def _report(self, parts: Sequence[Node]) -> StatementLayout:
        made = self._let(parts)
        return replace(made, alike=_ALIKE["report"])

    def _time(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, text, unit, sign, start, dots, end, step, method = parts
        head = [(NAME, self.parts.word(name)), (TEXT, self._text(text)), (UNIT, self._unit(unit))]
        of = self.parts.expression
        points = (of(start), " ", self.parts.word(dots), " ", of(end))
        more = [
            (of(given[0]), " ", of(given[1]))
            for given in (cast("Tree[Token]", part).children for part in (step, method))
            if given
        ]
        return self._make("time", keyword, head, sign, fill([points, *more]))

    def _compartment(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, index, text, unit = parts
        head = [(NAME, self._name(name, index)), (TEXT, self._text(text)), (UNIT, self._unit(unit))]
        return self._make("compartment", keyword, head)

    def _initial(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, index, sign, value = parts
        head = [(NAME, self._name(name, index))]
        return self._make("initial", keyword, head, sign, self.parts.expression(value))

    def _flow(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, index, text, colon, origin, arrow, target, sign, value = parts
        head = [
            (NAME, self._name(name, index)),
            (TEXT, self._text(text)),
            (UNIT, self._end(colon, origin)),
            (KIND, self._end(arrow, target)),
        ]
        return self._make("flow", keyword, head, sign, self.parts.expression(value))

    def _end(self, sign: Node, place: Node) -> Doc:
        """A compartment at one side of a flow, behind its sign."""
        inside = cast("Tree[Token]", place).children
        if not inside:
            return self.parts.word(sign)
        name, *subscripts = cast("Tree[Token]", inside[0]).children
        index = self.parts.subscripts(subscripts) if subscripts else ""
        return (self.parts.word(sign), " ", self.parts.word(name), index)

    def _decide(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, index, text, group, interval, after = parts
        head = [(NAME, self._name(name, index)), (TEXT, self._text(text)), *self._kind(group)]
        limits = self._interval(interval)
        said = cast("Tree[Token]", after).children
        if not said:
            return self._make("decide", keyword, head, tail=limits, column=RANGE)
        later = (self.parts.word(said[0]), " ", self.parts.word(said[1]))
        return self._make("decide", keyword, [*head, (RANGE, limits or "")], tail=later)

    def _kind(self, group: Node) -> list[tuple[int, Doc]]:
        """The unit of a decision or a parameter, and whether it is whole."""
        found: list[tuple[int, Doc]] = []
        inside = list(cast("Tree[Token]", group).children)
        if inside and kind(inside[0]) == "COLON":
            found.append((UNIT, (self.parts.word(inside[0]), " ", self.parts.tight(inside[1]))))
            inside = inside[2:]
        return found + [(KIND, self.parts.word(part)) for part in inside]

    def _effect(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, index, sign, value = parts
        head = [(NAME, self._name(name, index))]
        return self._make("effect", keyword, head, sign, self.parts.expression(value))

    def _estimate(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, interval, guess, prior = parts
        head = [(NAME, self.parts.word(name))]
        limits = self._interval(interval)
        given = [pair for pair in (self._value(guess), self._value(prior)) if pair[0] is not None]
        if not given:
            return self._make("estimate", keyword, head, tail=limits, column=RANGE)
        (sign, value), *more = given
        pieces = [value or "", *((self.parts.word(s), " ", v) for s, v in more if s and v)]
        return self._make("estimate", keyword, [*head, (RANGE, limits or "")], sign, fill(pieces))

    def _decided(self, parts: Sequence[Node]) -> StatementLayout:
        return replace(self._initial(parts), alike=_ALIKE["decided"])

    def _observe(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, value, sign, data, weight = parts
        of = self.parts.expression
        word, share = self._value(weight)
        pieces: list[Doc] = [of(data)]
        if word is not None and share is not None:
            pieces.append((self.parts.word(word), " ", share))
        return self._make("observe", keyword, [(NAME, of(value))], sign, fill(pieces))

    def _uncertain(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, index, sign, distribution = parts
        head = [(NAME, self._name(name, index))]
        return self._make("uncertain", keyword, head, sign, self.parts.expression(distribution))

    def _scenario_declaration(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, text, source, given, *share, measure = parts
        word = self.parts.word
        head = [(NAME, word(name)), (TEXT, self._text(text))]
        pieces: list[Doc] = [(word(source), " ", word(given))]
        for part in (*share, measure):
            inside = cast("Tree[Token]", part).children
            if inside:
                pieces.append(tuple(x for p in inside for x in (word(p), " "))[:-1])
        return self._make("scenario_declaration", keyword, head, tail=fill(pieces), hangs=True)

    def _limit(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, index, text, colon, relation, condition = parts
        head = self._colon([(NAME, self._name(name, index)), (TEXT, self._text(text))], colon)
        tail = self._relation(relation)
        word, when = self._value(condition)
        if word is not None and when is not None:
            tail = fill([tail, Nest((self.parts.word(word), " ", when))])
        return self._make("limit", keyword, head, tail=tail)

    def _relation(self, node: Node) -> Doc:
        """What a limit says; a count of conditions has words of its own."""
        if kind(node) != "counted":
            return self.parts.expression(node)
        many, number, of, left, entries, colon, body, right = cast("Tree[Token]", node).children
        word = self.parts.word
        inner = (self.parts.entries(entries), word(colon), " ", self.parts.expression(body))
        head = (word(many), " ", self.parts.expression(number), " ", word(of), " ", word(left))
        return (*head, Nest(inner), word(right))

    def _prefer(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, index, text, colon, relation, penalty, weight = parts
        head = self._colon([(NAME, self._name(name, index)), (TEXT, self._text(text))], colon)
        of = self.parts.expression
        cost = Nest((self.parts.word(penalty), " ", of(weight)))
        return self._make("prefer", keyword, head, tail=fill([of(relation), cost]))

    def _function(self, parts: Sequence[Node]) -> StatementLayout:
        keyword, name, left, formals, right, text, sign, value = parts
        word = self.parts.word
        inside = self.parts.items(cast("Tree[Token]", formals).children, self.parts.formal)
        inner = Nest(fill(inside)) if inside else ""
        head = [(NAME, (word(name), word(left), inner, word(right))), (TEXT, self._text(text))]
        return self._make("function", keyword, head, sign, self.parts.expression(value))

    def _term(self, parts: Sequence[Node]) -> StatementLayout:
        name, text, colon, value = parts
        head = [(NAME, self.parts.word(name)), (TEXT, self._text(text))]
        return self._make("term", None, head, colon, self.parts.expression(value))

    def _assignment(self, parts: Sequence[Node]) -> StatementLayout:
        name, index, sign, value = parts
        head = [(NAME, self._name(name, index))]
        return self._make("assignment", None, head, sign, self.parts.expression(value))

    # --- heads of blocks ---

    def block(self, parts: Sequence[Node], brace: int) -> Doc:
        """What stands before the brace of a block, and the brace."""
        word = self.parts.word
        if brace == 1:
            return (word(parts[0]), " ", word(parts[1]))
        keyword, name, text = parts[:3]
        pieces = [(word(keyword), " ", word(name))]
        said = self._text(text)
        if brace == 3:
            return fill([*pieces, *([said] if said else []), word(parts[brace])])
        colon, probability, chance, over, scenario, weight, share = parts[3:brace]
        of = self.parts.expression
        first = (pieces[0], *((" ", said) if said else ()), word(colon))
        entries = self.parts.entries(cast("Tree[Token]", scenario).children[0])
        rest = [
            (word(probability), " ", of(chance)),
            (word(over), " ", entries),
            (word(weight), " ", of(share), " ", word(parts[brace])),
        ]
        return (first, Nest(Nest(Fill(tuple((Line(), part) for part in rest)))))
