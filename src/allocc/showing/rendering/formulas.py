"""Expressions as LaTeX formulas, with the indices that a model leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from allocc.compiler.functions import WORDS
from allocc.dsl import tree
from allocc.showing.rendering.declared_names import PERIOD, Declared, DeclaredIndex, axes
from allocc.showing.rendering.letters import joined, letter, number, operator, symbol, words

_RELATIONS = {
    "<=": r"\le",
    ">=": r"\ge",
    "==": "=",
    "!=": r"\ne",
    "<": "<",
    ">": ">",
    "in": r"\in",
    "not in": r"\notin",
}
#: How strongly an expression holds together; what holds less is put in parentheses.
OR, AND, NOT, COMPARE, ADD, MULTIPLY, SIGN, POWER, ATOM = range(9)

POINTS = r"\mathcal{T}"
PERIODS = r"\mathcal{P}"


@dataclass(frozen=True, slots=True)
class FormulaScope:
    """What names mean where an expression stands.

    `bound` are letters of an index in scope and what is written for them, `keys` the sets they run
    over, `members` the letters that stand for sets whose index is left out, `now` the current time.
    """

    bound: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    now: str | None = None

    def over(self, found: Sequence[DeclaredIndex], bare: bool = True) -> FormulaScope:
        """The scope inside of an index; `bare` arrays in it are meant at the current member."""
        letters = {name: letter(name)[0] for axis in found for name in axis.letters}
        keys = {name: axis.key for axis in found for name in axis.letters}
        inner = replace(self, bound={**self.bound, **letters}, keys={**self.keys, **keys})
        if not bare:
            return inner
        sets = {axis.key: tuple(letters[n] for n in axis.letters) for axis in found}
        return replace(inner, members={**self.members, **sets})


Formula = tuple[str, int]


class Formulas:
    """LaTeX of the expressions of one model."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared

    def text(self, node: tree.Expression, scope: FormulaScope, least: int = OR) -> str:
        """An expression; in parentheses where it holds together less than `least`."""
        text, level = self.formula(node, scope)
        return text if level >= least else rf"\left({text}\right)"

    def formula(self, node: tree.Expression, scope: FormulaScope) -> Formula:
        """An expression, and how strongly it holds together."""
        match node:
            case tree.Number():
                return number(node.written), ATOM
            case tree.Text():
                return words(node.value), ATOM
            case tree.Name():
                return self._name(node.name, (), scope), ATOM
            case tree.Field():
                return words(f"{node.table.name}.{node.column.name}"), ATOM
            case tree.Subscript():
                return self._subscript(node, scope), ATOM
            case tree.Fallback():
                inner = self.text(node.subscript, scope)
                other = self.text(node.otherwise, scope)
                return rf"{inner} \text{{ or }} {other}", OR
            case tree.Unary(operator="not"):
                return rf"\neg {self.text(node.operand, scope, NOT)}", NOT
            case tree.Unary():
                sign = "-" if node.operator == "-" else ""
                return sign + self._unsigned(node.operand, scope), SIGN if sign else MULTIPLY
            case tree.Binary():
                return self._binary(node, scope)
            case tree.Comparison():
                return self._comparison(node, scope), COMPARE
            case tree.Conditional():
                return self._conditional(node, scope), ATOM
            case tree.Range():
                low, high = self.text(node.low, scope, ADD), self.text(node.high, scope, ADD)
                return rf"\lbrace {low}, \dots, {high} \rbrace", ATOM
            case tree.SetLiteral():
                members = ", ".join(self._label(m, scope) for m in node.members)
                return rf"\lbrace {members} \rbrace" if members else r"\emptyset", ATOM
            case tree.SetFilter():
                return rf"\lbrace {self.index(node.index, scope)[0]} \rbrace", ATOM
            case tree.TupleExpression():
                members = ", ".join(self.text(m, scope) for m in node.members)
                return f"({members})", ATOM
            case tree.Call():
                return self._call(node, scope)

    def sum_of(self, node: tree.Expression, scope: FormulaScope) -> list[tuple[str, str]]:
        """The terms of a sum with their signs, `+` or `-`."""
        if isinstance(node, tree.Binary) and node.operator in ("+", "-"):
            right = self._unsigned(node.right, scope)
            *before, (sign, last) = self.sum_of(node.left, scope)
            if _ends_open(node.left):
                last = rf"\left({last}\right)"
            return [*before, (sign, last), (node.operator, right)]
        if isinstance(node, tree.Unary) and node.operator == "-":
            return [("-", self._unsigned(node.operand, scope))]
        return [("+", self.text(node, scope, ADD))]

    def _unsigned(self, node: tree.Expression, scope: FormulaScope) -> str:
        """A term that can stand behind a sign."""
        text = self.text(node, scope, MULTIPLY)
        return rf"\left({text}\right)" if text.startswith("-") else text

    # --- names ---

    def _name(self, name: str, given: Sequence[str], scope: FormulaScope) -> str:
        """A name with the indices that are given, and those that the place leaves out."""
        if name in scope.bound:
            text = scope.bound[name]
            return f"{text}_{{{','.join(given)}}}" if given else text
        if name in ("start", "end"):
            return rf"\mathrm{{{name}}}"
        if name == self.declared.clock:
            return scope.now or letter(name)[0]
        if name == PERIOD:
            return PERIODS
        scaled = bool(self.declared.scaled(name))
        indices = [*given, *self._left_out(name, len(given), scope)]
        return symbol(name, indices, "widetilde" if scaled and len(indices) > len(given) else "")

    def _left_out(self, name: str, given: int, scope: FormulaScope) -> list[str]:
        """The last entries of an index, which the place says."""
        found: list[str] = []
        place = 0
        for axis in self.declared.axes.get(name, ()):
            place += len(axis.letters)
            if place <= given:
                continue
            here = self._here(axis, scope)
            if here is None:
                return []
            found.extend(here)
        if self.declared.changes(name) and scope.now is not None and given <= place:
            found.append(scope.now)
        return found

    def _here(self, axis: DeclaredIndex, scope: FormulaScope) -> tuple[str, ...] | None:
        """The current member of an axis, if there is one."""
        if axis.key in (PERIOD, self.declared.clock) and scope.now is not None:
            return (scope.now,)
        return scope.members.get(axis.key)

    def _subscript(self, node: tree.Subscript, scope: FormulaScope) -> str:
        given = [self._index(i, scope) for i in node.indices]
        if not isinstance(node.base, tree.Name):
            return f"{self.formula(node.base, scope)[0]}_{{{','.join(given)}}}"
        name = node.base.name
        found = self.declared.axes.get(name, ())
        only = node.indices[0]
        if len(given) == 1 and len(found) == 2 and isinstance(only, tree.Name):
            # `spend[p]` is an array over the other set, if it does not follow from the place.
            key = scope.keys.get(only.name)
            if key == found[1].key != found[0].key and len(found[0].letters) == 1:
                other = self._here(found[0], scope)
                return symbol(name, [*(other or (r"\cdot",)), *given])
        return self._name(name, given, scope)

    def _index(self, node: tree.Expression, scope: FormulaScope) -> str:
        """One subscript. A lag counts steps, so that `t-1` is `t - h`."""
        clock = (PERIOD, self.declared.clock)
        time = self.declared.time
        if (
            isinstance(node, tree.Binary)
            and isinstance(node.left, tree.Name)
            and isinstance(node.right, tree.Number)
            and (node.left.name == clock[1] or scope.keys.get(node.left.name) in clock)
            and time is not None
            and time.step is not None
            and not (isinstance(time.step, tree.Number) and time.step.value == 1)
        ):
            steps = "" if node.right.value == 1 else number(node.right.written)
            return f"{self.text(node.left, scope)}{node.operator}{steps}h"
        return self.text(node, scope).replace(" - ", "-").replace(" + ", "+")

    def _label(self, node: tree.Expression, scope: FormulaScope) -> str:
        if isinstance(node, tree.Name):
            return words(node.name)
        return self.text(node, scope)

    # --- operations ---

    def _binary(self, node: tree.Binary, scope: FormulaScope) -> Formula:
        match node.operator:
            case "+" | "-":
                return joined(self.sum_of(node, scope)), ADD
            case "*":
                return self._product(node, scope), MULTIPLY
            case "/":
                above, below = self.text(node.left, scope), self.text(node.right, scope)
                return rf"\frac{{{above}}}{{{below}}}", SIGN
            case "^":
                base = self.text(node.left, scope, ATOM)
                return f"{{{base}}}^{{{self.text(node.right, scope)}}}", POWER
            case "implies":
                left, right = (self.text(x, scope, AND) for x in (node.left, node.right))
                return rf"{left} \Rightarrow {right}", OR
            case _:
                sign, level = (r"\wedge", AND) if node.operator == "and" else (r"\vee", OR)
                left = self.text(node.left, scope, level)
                right = self.text(node.right, scope, level + 1)
                return rf"{left} {sign} {right}", level

    def _product(self, node: tree.Binary, scope: FormulaScope) -> str:
        if self._is_set(node):
            left, right = self.text(node.left, scope, MULTIPLY), self.text(node.right, scope, SIGN)
            return rf"{left} \times {right}"
        factors: list[tree.Expression] = []
        rest: tree.Expression = node
        while isinstance(rest, tree.Binary) and rest.operator == "*":
            factors.append(rest.right)
            rest = rest.left
        factors.append(rest)
        factors.reverse()
        texts = [self._factor(f, scope, k) for k, f in enumerate(factors)]
        if _large(factors[-1]):
            texts[-1] = self.text(factors[-1], scope, MULTIPLY)
        result = texts[0]
        for text in texts[1:]:
            result += rf" \cdot {text}" if text[0].isdigit() else rf"\,{text}"
        return result

    def _factor(self, node: tree.Expression, scope: FormulaScope, place: int) -> str:
        """One factor of a product; what has an open end stands in parentheses."""
        if _large(node):
            return rf"\left({self.text(node, scope)}\right)"
        return self.text(node, scope, POWER if place and _signed(node) else SIGN)

    def _is_set(self, node: tree.Expression) -> bool:
        names = self.declared.names
        return isinstance(node, tree.Binary) and (
            (
                isinstance(node.right, tree.Name)
                and isinstance(names.get(node.right.name), tree.SetDeclaration)
            )
            or isinstance(node.right, tree.SetLiteral | tree.SetFilter | tree.Range)
        )

    def _comparison(self, node: tree.Comparison, scope: FormulaScope) -> str:
        text = self.text(node.operands[0], scope, ADD)
        for sign, operand in zip(node.operators, node.operands[1:], strict=True):
            text += f" {_RELATIONS[sign]} {self.text(operand, scope, ADD)}"
        return text

    def _conditional(self, node: tree.Conditional, scope: FormulaScope) -> str:
        rows = []
        rest: tree.Expression = node
        while isinstance(rest, tree.Conditional):
            condition = self.text(rest.condition, scope)
            rows.append(rf"{self.text(rest.then, scope)} & \text{{if }} {condition}")
            rest = rest.otherwise
        rows.append(rf"{self.text(rest, scope)} & \text{{otherwise}}")
        body = r" \\ ".join(rows)
        return rf"\begin{{cases}} {body} \end{{cases}}"

    # --- calls and indices ---

    def _call(self, node: tree.Call, scope: FormulaScope) -> Formula:
        name = node.function.name
        if node.index is not None and node.body is not None:
            below, inner = self.index(node.index, scope)
            if self.declared.adds_up(node):
                text = self.text(node.body, inner, MULTIPLY)
                return rf"{self.step_length} \sum_{{{below}}} {text}", MULTIPLY
            if name == "sum":
                return rf"\sum_{{{below}}} {self.text(node.body, inner, MULTIPLY)}", MULTIPLY
            return rf"{operator(name)}_{{{below}}} {self.text(node.body, inner, SIGN)}", MULTIPLY
        if len(node.arguments) == 1 and name == "total" and self.declared.adds_up(node):
            text, level = self._over_all("sum", node.arguments[0], scope)
            return rf"{self.step_length} {text}", level
        if len(node.arguments) == 1 and name in ("sum", "mean", "min", "max"):
            return self._over_all(name, node.arguments[0], scope)
        arguments = [self.text(a, scope) for a in node.arguments]
        around = WORDS[name].around if name in WORDS else None
        if around is not None and len(arguments) == 1:
            return arguments[0].join(around), ATOM
        return rf"{operator(name)}\left({', '.join(arguments)}\right)", POWER

    @property
    def step_length(self) -> str:
        """The length of a period, as a symbol."""
        return rf"\Delta {letter(self.declared.clock)[0]}"

    def _over_all(self, name: str, body: tree.Expression, scope: FormulaScope) -> Formula:
        """`sum(x)`: over whatever indices are left out in it."""
        found = {}
        for inner, given in _names(body):
            for axis in self.declared.axes.get(inner.name, ())[given:]:
                timed = axis.key in (PERIOD, self.declared.clock) and scope.now is not None
                if not timed and inner.name not in scope.bound:
                    found[axis.key] = axis
        fresh = []
        used = {*scope.bound}
        for axis in found.values():
            bare = tree.Index((tree.Binder((), axis.members),))
            free = not used & {*axis.letters}
            one = axis if free else axes(bare, self.declared.clock, [*used])[0]
            used.update(one.letters)
            fresh.append(one)
        if not fresh:
            return rf"{operator(name)}\left({self.text(body, scope)}\right)", POWER
        text = self.text(body, scope.over(fresh), MULTIPLY)
        below = ", ".join(self.member(axis, scope) for axis in fresh)
        sign = r"\sum" if name == "sum" else operator(name)
        return rf"{sign}_{{{below}}} {text}", MULTIPLY

    def member(self, axis: DeclaredIndex, scope: FormulaScope) -> str:
        """`c \\in County`; the time says by itself what it runs over."""
        letters = [scope.bound.get(n, letter(n)[0]) for n in axis.letters]
        left = letters[0] if len(letters) == 1 else f"({','.join(letters)})"
        if axis.key == self.declared.clock:
            return rf"{left} \in {POINTS}"
        return rf"{left} \in {self.text(axis.members, replace(scope, now=None), SIGN)}"

    def index(self, index: tree.Index, scope: FormulaScope) -> tuple[str, FormulaScope]:
        """An index list with its condition, and the scope inside of it."""
        found = axes(index, self.declared.clock, [])
        inner = scope
        parts = []
        for axis in found:
            text = self.member(axis, replace(inner, bound=_without(inner.bound, axis.letters)))
            parts.append(text)
            inner = inner.over([axis], bare=False)
            if self.declared.clock in axis.letters:
                inner = replace(inner, now=letter(self.declared.clock)[0])
        below = ", ".join(parts)
        if index.condition is not None:
            below += rf" : {self.text(index.condition, inner)}"
        return below, inner


def _without(bound: Mapping[str, str], letters: Sequence[str]) -> dict[str, str]:
    return {name: text for name, text in bound.items() if name not in letters}


def _signed(node: tree.Expression) -> bool:
    return isinstance(node, tree.Unary)


def _large(node: tree.Expression) -> bool:
    """Whether a factor has an open end, as a sum."""
    if isinstance(node, tree.Call) and node.function.name in ("sum", "mean", "min", "max", "total"):
        return node.index is not None or len(node.arguments) == 1
    return isinstance(node, tree.Conditional)


def _ends_open(node: tree.Expression) -> bool:
    """Whether one could think that a `+` behind it belongs to it, as behind a maximum over a set."""
    if isinstance(node, tree.Binary) and node.operator in ("+", "-", "*"):
        return _ends_open(node.right)
    return _large(node) and isinstance(node, tree.Call) and node.function.name != "sum"


def _names(node: tree.Expression) -> list[tuple[tree.Name, int]]:
    """Names of which an index is left out, perhaps, and how many entries of it are there."""
    match node:
        case tree.Name():
            return [(node, 0)]
        case tree.Unary():
            return _names(node.operand)
        case tree.Binary():
            return [*_names(node.left), *_names(node.right)]
        case tree.Call():
            return [n for a in node.arguments for n in _names(a)]
        case tree.Subscript(base=tree.Name() as base):
            return [(base, len(node.indices))]
        case tree.Conditional():
            return [*_names(node.then), *_names(node.otherwise)]
    return []
