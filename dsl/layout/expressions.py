"""Expressions, indices and units as documents; every word stays as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from allocc.dsl.layout.comments import Comments
from allocc.dsl.layout.printer import Doc, DocumentGroup, Fill, Line, Nest, fill, flat

if TYPE_CHECKING:
    from lark import Token, Tree

    Node = Tree[Token] | Token
else:
    Node = Any

_CHAINS = (("PLUS", "MINUS"), ("STAR", "SLASH"), ("AND",), ("OR",), ("IMPLIES",))
#: So much may stand before the call in a product that is broken within the call.
_SHORT = 40


def kind(node: Node) -> str:
    """The rule of a tree, the terminal of a word."""
    return cast(str, getattr(node, "data", None) or cast(Any, node).type)


def leaves(node: Node) -> list[Token]:
    """All words of a node in order."""
    found = []
    waiting: list[Any] = [node]
    while waiting:
        part = waiting.pop()
        if hasattr(part, "children"):
            waiting.extend(reversed(part.children))
        else:
            found.append(part)
    return found


class Expressions:
    """Documents of expressions and of other parts of statements, with their comments."""

    def __init__(self, comments: Comments) -> None:
        self.comments = comments

    def word(self, token: Node) -> Doc:
        """A single word."""
        return self.comments.word(cast("Token", token))

    def tight(self, node: Node) -> Doc:
        """All words of a node without blanks between them, as in units."""
        return tuple(self.word(token) for token in leaves(node))

    def expression(self, node: Node) -> Doc:
        """Any expression."""
        rule = kind(node)
        if not hasattr(node, "children"):
            return self.word(node)
        parts = cast("Tree[Token]", node).children
        if rule in ("number", "text", "name", "field"):
            return self.tight(node)
        if rule == "subscript":
            return (self.expression(parts[0]), self.subscripts(parts[1:]))
        if rule == "fallback":
            return (self.expression(parts[0]), " ", self.word(parts[1]), " ", self._at(parts[2]))
        if rule == "unary":
            gap = " " if kind(parts[0]) == "NOT" else ""
            return (self.word(parts[0]), gap, self._at(parts[1]))
        if rule == "binary" and kind(parts[1]) == "CARET":
            return (self._at(parts[0]), self.word(parts[1]), self._at(parts[2]))
        if rule == "binary":
            return self._chain(node)
        if rule in ("comparison", "range_expression"):
            return self._operations(parts[0], list(zip(parts[1::2], parts[2::2], strict=True)))
        if rule == "conditional":
            return self._conditional(node)
        if rule == "parentheses":
            return DocumentGroup(
                (self.word(parts[0]), Nest(self._at(parts[1])), self.word(parts[2]))
            )
        if rule in ("tuple_expression", "set_literal"):
            return self._list(parts)
        return self._call(parts)

    _at = expression

    # --- operations ---

    def _chain(self, node: Node) -> Doc:
        """Operations of one rank, as `a + b - c`, broken before their operators."""
        parts = cast("Tree[Token]", node).children
        rank = next(c for c in _CHAINS if kind(parts[1]) in c)
        steps: list[tuple[Node, Node]] = []
        while kind(node) == "binary":
            parts = cast("Tree[Token]", node).children
            if kind(parts[1]) not in rank:
                break
            steps.append((parts[1], parts[2]))
            node = parts[0]
        return self._operations(node, steps[::-1])

    def _operations(self, first: Node, steps: Sequence[tuple[Node, Node]]) -> Doc:
        start = self.expression(first)
        rest = [(self.word(sign), " ", self.expression(operand)) for sign, operand in steps]
        sign, last = steps[-1]
        if kind(sign) in ("STAR", "SLASH") and kind(last) in ("call", "call_over"):
            # `weight * sum(...)` is broken within the sum where that keeps them together.
            before = flat((start, *((" ", part) for part in rest[:-1])))
            if before is not None and len(before) <= _SHORT:
                return (before, " ", rest[-1])
        return DocumentGroup((start, Fill(tuple((Line(), Nest(part)) for part in rest))))

    def _conditional(self, node: Node) -> Doc:
        """`if ... then ... else ...`; a chain of them has one line for each condition."""
        clauses: list[Doc] = []
        lead: Doc = ""
        while kind(node) == "conditional":
            if_, condition, then, value, else_, other = cast("Tree[Token]", node).children
            head = (lead, self.word(if_), " ", self.expression(condition))
            clauses.append(
                DocumentGroup((head, Nest((Line(), self.word(then), " ", self.expression(value)))))
            )
            lead, node = (self.word(else_), " "), other
        clauses.append((lead, self.expression(node)))
        lines = [part for clause in clauses[1:] for part in (Line(), clause)]
        return DocumentGroup((clauses[0], *lines))

    # --- brackets ---

    def items(self, parts: Sequence[Node], one: Any = None) -> list[Doc]:
        """The items of `a, b, c if d`, each with the comma after it."""
        one = one or self.expression
        found: list[Doc] = []
        place = 0
        while place < len(parts):
            if kind(parts[place]) == "IF":
                found.append((self.word(parts[place]), " ", self.expression(parts[place + 1])))
                place += 2
            elif place + 1 < len(parts) and kind(parts[place + 1]) == "COMMA":
                found.append((one(parts[place]), self.word(parts[place + 1])))
                place += 2
            else:
                found.append(one(parts[place]))
                place += 1
        return found

    def entries(self, node: Node) -> Doc:
        """Entries of an index, of a call or of a set."""
        return fill(self.items(cast("Tree[Token]", node).children))

    def subscripts(self, parts: Sequence[Node]) -> Doc:
        """`[a, b]` behind a name that is used."""
        inner = Nest(fill(self.items(parts[1:-1], self._index)))
        return (self.word(parts[0]), inner, self.word(parts[-1]))

    def index(self, node: Node) -> Doc:
        """`[c in County, t if t > start]` behind a name that is declared, if there is one."""
        parts = cast("Tree[Token]", node).children
        if not parts:
            return ""
        return (self.word(parts[0]), Nest(self.entries(parts[1])), self.word(parts[2]))

    def formal(self, node: Node) -> Doc:
        """A parameter of a function, as `x[S]`."""
        name, *sets = cast("Tree[Token]", node).children
        return (self.word(name), self.subscripts(sets) if sets else "")

    def _index(self, node: Node) -> Doc:
        """A subscript; `t-1` stands without blanks in it."""
        if kind(node) == "binary":
            left, sign, right = cast("Tree[Token]", node).children
            plain = kind(left) == "name" and kind(right) in ("name", "number")
            if plain and kind(sign) in ("PLUS", "MINUS"):
                return self.tight(node)
        return self.expression(node)

    def _list(self, parts: Sequence[Node]) -> Doc:
        """A tuple or a set."""
        inner = parts[1:-1]
        if len(inner) == 1 and kind(inner[0]) == "entries":
            inner = cast("Tree[Token]", inner[0]).children
        if not inner:
            return (self.word(parts[0]), self.word(parts[-1]))
        body = Nest((Line(""), fill(self.items(inner))))
        return DocumentGroup((self.word(parts[0]), body, self.word(parts[-1])))

    def _call(self, parts: Sequence[Node]) -> Doc:
        head = (self.word(parts[0]), self.word(parts[1]))
        close = self.word(parts[-1])
        if len(parts) == 3:
            return (*head, close)
        if len(parts) == 6:
            body = Nest((Line(), self.expression(parts[4])))
            return DocumentGroup(
                (*head, Nest(self.entries(parts[2])), self.word(parts[3]), body, close)
            )
        inner = cast("Tree[Token]", parts[2]).children
        if len(inner) == 1 and kind(inner[0]) in ("call", "call_over", "subscript"):
            return (*head, self.expression(inner[0]), close)
        return DocumentGroup((*head, Nest((Line(""), fill(self.items(inner)))), close))
