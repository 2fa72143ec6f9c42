"""A model as mathematics: tables and equations in the notation of papers, before any expansion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from allocc.dsl import tree
from allocc.dsl.nesting import deep_recursion
from allocc.rendering.declared import PERIOD, Acting, Axis, Declared, axes
from allocc.rendering.formulas import (
    ADD,
    MULTIPLY,
    PERIODS,
    POINTS,
    POWER,
    Formulas,
    Scope,
    escaped,
    joined,
    letter,
    number,
    symbol,
    words,
)

#: A flow whose amount is longer than this, in characters as shown, gets a symbol of its own.
_SHORT_FLOW = 40


@dataclass(frozen=True, slots=True)
class Math:
    """A formula in a line of text or in a cell."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, some of which are formulas."""

    head: tuple[str, ...]
    rows: tuple[tuple[str | Math, ...], ...]


@dataclass(frozen=True, slots=True)
class Equation:
    """`left relation terms`, for all of `where`; the terms have signs, so that they can be broken."""

    left: str
    relation: str
    terms: tuple[tuple[str, str], ...]
    where: str = ""
    name: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence, in parts."""

    parts: tuple[str | Math, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands below it."""

    title: str
    blocks: tuple[Table | Paragraph | tuple[Equation, ...], ...]


def sections(d: Declared, values: Mapping[str, float] | None = None) -> list[Section]:
    """All of a model. `values` has numbers of parameters without an index, by name."""
    found = _Sections(d, values or {})
    with deep_recursion():
        everything = (
            found.sets(),
            found.parameters(),
            found.decisions(),
            found.definitions(),
            found.dynamics(),
            found.effects(),
            found.limits(),
            found.chances(),
            found.objective(),
        )
    return [section for section in everything if section is not None]


class _Sections:
    def __init__(self, d: Declared, values: Mapping[str, float]) -> None:
        self.d = d
        self.values = values
        self.formulas = Formulas(d)
        self.clock = letter(d.clock)[0]
        self.periods = PERIODS if d.time is not None else ""

    # --- indices ---

    def _over(self, found: Sequence[Axis], now: bool = False) -> Scope:
        scope = Scope().over(found)
        keys = {axis.key for axis in found}
        here = now or self.d.clock in keys or PERIOD in keys
        moment = next((scope.members[k][0] for k in (self.d.clock, PERIOD) if k in keys), None)
        return replace(scope, now=moment or self.clock) if here else scope

    def _symbol(self, name: str, now: bool = False) -> str:
        """A declared name with its own letters."""
        found = self.d.axes.get(name, ())
        indices = [letter(n)[0] for axis in found for n in axis.letters]
        return symbol(name, [*indices, *([self.clock] if now else [])])

    def _forall(
        self, found: Sequence[Axis], index: tree.Index | None = None, time: str = ""
    ) -> str:
        members = [self.formulas.member(axis, Scope()) for axis in found]
        if time:
            members.append(rf"{self.clock} \in {time}")
        if not members:
            return ""
        text = r"\forall\, " + ",\\ ".join(members)
        if index is not None and index.condition is not None:
            scope = self._over(found)
            text += rf" : {self.formulas.text(index.condition, scope)}"
        return text

    def _rule(self, statement: tree.Limit | tree.Prefer) -> tuple[list[Axis], Scope, str]:
        found = [*axes(statement.index, self.d.clock)]
        return found, self._over(found), self._forall(found, statement.index)

    # --- tables ---

    def sets(self) -> Section | None:
        """Sets, and the time."""
        rows: list[tuple[str | Math, ...]] = []
        for s in self.d.sets:
            value = self._source(s.value) or Math(self.formulas.text(s.value, Scope()))
            rows.append((Math(symbol(s.name.name)), s.description or "", value))
        if self.d.time is not None:
            t = self.d.time
            of = self.formulas
            start, end = of.text(t.start, Scope(), ADD), of.text(t.end, Scope(), ADD)
            step = of.text(t.step, Scope(), ADD) if t.step is not None else "1"
            about = t.description or "points in time"
            unit = f" ({_unit(t.unit)})" if t.unit is not None else ""
            second = f"{start} + {step}"
            if isinstance(t.start, tree.Number) and isinstance(t.step, tree.Number | None):
                second = f"{t.start.value + (t.step.value if t.step is not None else 1.0):.10g}"
            points = rf"\lbrace {start},\ {second},\ \dots,\ {end} \rbrace"
            rows.append((Math(POINTS), f"{about}{unit}", Math(points)))
            rows.append(
                (
                    Math(PERIODS),
                    "periods, by their begins",
                    Math(rf"{POINTS} \setminus \lbrace {end} \rbrace"),
                )
            )
        return Section("Sets", (Table(("set", "", "members"), tuple(rows)),)) if rows else None

    def parameters(self) -> Section | None:
        """Data, with what they are and where they come from."""
        rows = []
        for p in self.d.parameters:
            found = self.d.axes[p.name.name]
            value: str | Math = ""
            if p.name.name in self.values and not found:
                value = Math(number(f"{self.values[p.name.name]:.10g}"))
            elif p.value is not None:
                source = self._source(p.value)
                value = source or Math(self.formulas.text(p.value, self._over(found)))
            rows.append(
                (Math(self._symbol(p.name.name)), p.description or "", _unit(p.unit), value)
            )
        head = ("symbol", "what it is", "unit", "value")
        return Section("Parameters", (Table(head, tuple(rows)),)) if rows else None

    def _source(self, node: tree.Expression) -> str | None:
        """The column of a table in words, None for any other expression."""
        if isinstance(node, tree.Subscript) and isinstance(node.base, tree.Field):
            key = ", ".join(i.span.text.strip('"') for i in node.indices)
            column = self._source(node.base)
            return f"{column}, row {key}" if column else None
        if not isinstance(node, tree.Field) or node.table.name not in self.d.tables:
            return None
        column = node.column.name
        what = "keys" if column == "key" else f"column {column}"
        return f"{what} of {self.d.tables[node.table.name].file.value}"

    def decisions(self) -> Section | None:
        """What is decided, and from which range."""
        rows = []
        for v in self.d.decisions:
            found = self.d.axes[v.name.name]
            rows.append(
                (
                    Math(self._symbol(v.name.name)),
                    v.description or "",
                    _unit(v.unit),
                    Math(self._range(v, found)),
                    Math(self._forall(found, v.index).removeprefix(r"\forall\, ")) if found else "",
                )
            )
        head = ("symbol", "what it is", "unit", "range", "for all")
        return Section("Decisions", (Table(head, tuple(rows)),)) if rows else None

    def _range(self, v: tree.Decide, found: Sequence[Axis]) -> str:
        if v.kind == "binary":
            return r"\lbrace 0, 1 \rbrace"
        scope = self._over(found)
        low = high = None
        if v.interval is not None:
            if v.interval.low is not None:
                low = self.formulas.text(v.interval.low, scope, ADD)
            if v.interval.high is not None:
                high = self.formulas.text(v.interval.high, scope, ADD)
        if v.kind == "integer":
            if low is not None and high is not None:
                return rf"\lbrace {low}, \dots, {high} \rbrace"
            ends = rf"\ge {low}" if low is not None else rf"\le {high}" if high is not None else ""
            return rf"\mathbb{{Z}},\ {ends}" if ends else r"\mathbb{Z}"
        left = rf"\left[{low}" if low is not None else r"\left(-\infty"
        right = rf"{high}\right]" if high is not None else r"\infty\right)"
        return f"{left},\\ {right}"

    # --- equations ---

    def definitions(self) -> Section | None:
        """Named expressions and functions."""
        equations = []
        for f in self.d.functions:
            bound = {a.name.name: letter(a.name.name)[0] for a in f.formals}
            bound |= {s.name: symbol(s.name) for a in f.formals for s in a.sets}
            arguments = ", ".join(bound[a.name.name] for a in f.formals)
            left = rf"\operatorname{{{escaped(f.name.name)}}}"
            terms = self.formulas.sum_of(f.value, Scope(bound=bound))
            equations.append(
                Equation(
                    rf"{left}\left({arguments}\right)",
                    "=",
                    tuple(terms),
                    "",
                    "",
                    f.description or "",
                )
            )
        for let in self.d.lets:
            found = self.d.axes[let.name.name]
            terms = self.formulas.sum_of(let.value, self._over(found))
            equations.append(
                Equation(
                    self._symbol(let.name.name),
                    "=",
                    tuple(terms),
                    self._forall(found, let.index),
                    "",
                    let.description or "",
                )
            )
        return Section("Definitions", (tuple(equations),)) if equations else None

    def dynamics(self) -> Section | None:
        """One equation for each compartment, gathered from the flows."""
        if not self.d.compartments:
            return None
        # A part of a model has no time: how it is discretized is another file's matter.
        method = step = ""
        if self.d.time is not None:
            step = "1"
            method = self.d.time.method.name if self.d.time.method is not None else "euler"
            if self.d.time.step is not None:
                step = self.formulas.text(self.d.time.step, Scope(), MULTIPLY)
        named = {f.name.name for f in self.d.flows if self._is_long(f)}
        equations = [self._balance(c, method, step, named) for c in self.d.compartments]
        starts = [e for c in self.d.compartments for e in self._initial(c)]
        flows = [self._flow(f) for f in self.d.flows if f.name.name in named]
        scaled = list(self._scaled())
        blocks: list[Table | Paragraph | tuple[Equation, ...]] = [
            Table(("symbol", "compartment", "unit"), tuple(self._compartments())),
            tuple(equations),
        ]
        if flows:
            blocks += [Paragraph(("with the flows, for a unit of time,",)), tuple(flows)]
        if scaled:
            blocks += [Paragraph(("and what interventions multiply,",)), tuple(scaled)]
        if method:
            blocks.append(self._discretized(method, step))
        if starts:
            blocks += [Paragraph(("At the start",)), tuple(starts)]
        return Section("Dynamics", tuple(blocks))

    def _compartments(self) -> Iterator[tuple[str | Math, ...]]:
        for c in self.d.compartments:
            yield Math(self._symbol(c.name.name, now=True)), c.description or "", _unit(c.unit)

    def _discretized(self, method: str, step: str) -> Paragraph:
        h = Math(f"h = {step}")
        t = self.clock
        if method == "euler":
            begin = "Euler's method: in each period the flows are those at its begin, "
            return Paragraph((begin, h, "."))
        if method == "trapezoid":
            formula = (
                rf"x_{{{t}+h}} = x_{{{t}}} + \frac{{h}}{{2}}\left(f_{{{t}}} + f_{{{t}+h}}\right)"
            )
            return Paragraph(("Trapezoidal rule, ", h, ": ", Math(formula), "."))
        formula = rf"x_{{{t}+h}} = e^{{h M_{{{t}}}}} x_{{{t}}} + \int_0^h e^{{s M_{{{t}}}}}\,ds\; b_{{{t}}}"
        return Paragraph(("Exact for linear flows, ", h, ": ", Math(formula), "."))

    def _balance(self, c: tree.Compartment, method: str, step: str, named: set[str]) -> Equation:
        name = c.name.name
        found = self.d.axes[name]
        own = [letter(n)[0] for axis in found for n in axis.letters]
        terms: list[tuple[str, str]] = []
        for flow in self.d.flows:
            for sign, end in (("+", flow.target), ("-", flow.origin)):
                if end is not None and _base(end) == name:
                    terms += self._part(flow, end, sign, own, named)
        where = self._forall(found, time=PERIODS if method == "euler" else "")
        t = self.clock
        if method != "euler":
            left = symbol(name, own)
            rate = rf"\frac{{\mathrm{{d}} {left}}}{{\mathrm{{d}} {t}}}"
            return Equation(
                rate, "=", tuple(terms) or (("+", "0"),), where, "", c.description or ""
            )
        now, then = (
            symbol(name, [*own, t]),
            symbol(name, [*own, f"{t}+{'1' if step == '1' else 'h'}"]),
        )
        if not terms:
            return Equation(then, "=", (("+", now),), where, "", c.description or "")
        if step != "1":
            if len(terms) == 1:
                terms = [(terms[0][0], rf"h\,{terms[0][1]}")]
            else:
                first, last = terms[0], terms[-1]
                lead = "-" if first[0] == "-" else ""
                opened = rf"h\,\bigl({lead}{first[1]}"
                terms = [("+", opened), *terms[1:-1], (last[0], rf"{last[1]}\bigr)")]
        return Equation(then, "=", (("+", now), *terms), where, "", c.description or "")

    def _part(
        self,
        flow: tree.Flow,
        end: tree.Name | tree.Subscript,
        sign: str,
        own: Sequence[str],
        named: set[str],
    ) -> list[tuple[str, str]]:
        """What a flow adds to the balance of the compartment at one of its ends."""
        found = self.d.axes[flow.name.name]
        mine = [n for axis in found for n in axis.letters]
        renamed, fixed = self._matched(end, mine, own)
        shown = {**self._free(mine, renamed, own), **renamed}
        scope = self._flow_scope(flow, shown)
        if flow.name.name in named:
            terms = [("+", symbol(flow.name.name, [*(shown[n] for n in mine), self.clock]))]
        else:
            terms = self.formulas.sum_of(flow.value, scope)
        if terms == [("+", "0")]:
            return []
        text = terms[0][1]
        if len(terms) > 1 or terms[0][0] == "-":
            text = rf"\left({joined(terms)}\right)"
        outside = [axis for axis in found if not {*axis.letters} <= {*renamed}]
        if outside:
            below = ", ".join(self.formulas.member(axis, scope) for axis in outside)
            text = rf"\sum_{{{below}}} {text}"
        for place, member in fixed:
            text = rf"\mathbf{{1}}_{{{place} = {member}}}\,{text}"
        return [(sign, text)]

    def _matched(
        self, end: tree.Name | tree.Subscript, mine: Sequence[str], own: Sequence[str]
    ) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """The flow's letters as the compartment calls them, and its places for one member only."""
        if not isinstance(end, tree.Subscript):
            return dict(zip(mine, own, strict=False)), []
        renamed: dict[str, str] = {}
        fixed = []
        for index, place in zip(end.indices, own, strict=False):
            if isinstance(index, tree.Name) and index.name in mine and index.name not in renamed:
                renamed[index.name] = place
            else:
                fixed.append((place, self.formulas.text(index, Scope())))
        return renamed, fixed

    def _free(
        self, mine: Sequence[str], renamed: Mapping[str, str], own: Sequence[str]
    ) -> dict[str, str]:
        """Letters for those of a flow that the compartment does not have: summed over."""
        found: dict[str, str] = {}
        taken = {*own, self.clock}
        for name in mine:
            if name in renamed:
                continue
            wishes = (letter(name)[0], *(letter(n)[0] for n in mine), *"ijklmnpqrsuvxyz")
            found[name] = next(x for x in wishes if x not in taken)
            taken.add(found[name])
        return found

    def _flow_scope(self, flow: tree.Flow, renamed: Mapping[str, str]) -> Scope:
        found = self.d.axes[flow.name.name]
        scope = replace(Scope().over(found), now=self.clock)
        members = {
            axis.key: tuple(renamed.get(n, letter(n)[0]) for n in axis.letters) for axis in found
        }
        return replace(scope, bound={**scope.bound, **renamed}, members=members)

    def _is_long(self, flow: tree.Flow) -> bool:
        """Whether a flow gets a symbol: it is long, or interventions act on it."""
        some = flow.index is not None and flow.index.condition is not None
        if some or self.d.added(flow.name.name):
            return True
        if self.d.time is None and isinstance(flow.value, tree.Number):
            # It is there for the effects of a model that uses this file.
            return True
        text = self.formulas.text(flow.value, self._flow_scope(flow, {}))
        plain = text.replace("mathrm", "").replace("left", "").replace("right", "")
        return sum(ch.isalnum() for ch in plain) > _SHORT_FLOW

    def _flow(self, flow: tree.Flow) -> Equation:
        """A flow with what interventions add to it."""
        found = self.d.axes[flow.name.name]
        scope = self._flow_scope(flow, {})
        terms = self.formulas.sum_of(flow.value, scope)
        added = self.d.added(flow.name.name)
        if added and terms == [("+", "0")]:
            terms = []
        for acting in added:
            effect = acting.effect
            inner = self._effect_scope(acting, found)
            text = self.formulas.text(effect.value, inner)
            terms.append(("+", _braced(text, acting)))
        where = self._forall(found, flow.index, self.periods)
        left = self._symbol(flow.name.name, now=True)
        return Equation(left, "=", tuple(terms), where, "", flow.description or "")

    def _effect_scope(self, acting: Acting, found: Sequence[Axis]) -> Scope:
        """The scope of an effect, in which its letters are those of what it acts on."""
        own = [letter(n)[0] for axis in found for n in axis.letters]
        mine = [n for a in axes(acting.effect.index, self.d.clock) for n in a.letters]
        scope = replace(Scope().over(found), now=self.clock)
        return replace(scope, bound={**scope.bound, **dict(zip(mine, own, strict=False))})

    def _scaled(self) -> Iterator[Equation]:
        """Parameters that interventions multiply."""
        for p in self.d.parameters:
            acting = self.d.scaled(p.name.name)
            if not acting:
                continue
            found = self.d.axes[p.name.name]
            indices = [letter(n)[0] for axis in found for n in axis.letters]
            text = symbol(p.name.name, indices)
            for one in acting:
                inner = self._effect_scope(one, found)
                factor = self.formulas.text(one.effect.value, inner, POWER)
                text += rf"\,{_braced(factor, one)}"
            left = symbol(p.name.name, [*indices, self.clock], "widetilde")
            where = self._forall(found, time=self.periods)
            yield Equation(left, "=", (("+", text),), where, "", p.description or "")

    def _initial(self, c: tree.Compartment) -> Iterator[Equation]:
        name = c.name.name
        initial = self.d.initials.get(name)
        if initial is None:
            return
        found = axes(initial.index, self.d.clock) or self.d.axes[name]
        own = [letter(n)[0] for axis in found for n in axis.letters]
        start = r"\mathrm{start}"
        if self.d.time is not None:
            start = self.formulas.text(self.d.time.start, Scope(), ADD)
        source = self._source(initial.value)
        terms = [("+", words(source))] if source else None
        terms = terms or self.formulas.sum_of(initial.value, self._over(found))
        yield Equation(
            symbol(name, [*own, start]), "=", tuple(terms), self._forall(found, initial.index)
        )

    def effects(self) -> Section | None:
        """What interventions do to flows and parameters of a model that this file is used by."""
        known = {*(f.name.name for f in self.d.flows), *(p.name.name for p in self.d.parameters)}
        equations = []
        for acting in self.d.effects:
            name = acting.effect.name.name
            if name in known:
                continue
            found = axes(acting.effect.index, self.d.clock)
            added = acting.effect.operator == "+="
            scope = self._effect_scope(acting, found)
            text = self.formulas.text(acting.effect.value, scope, ADD if added else POWER)
            indices = [letter(n)[0] for axis in found for n in axis.letters]
            old = symbol(name, [*indices, self.clock])
            new = (
                rf"{old} + {_braced(text, acting)}" if added else rf"{old}\,{_braced(text, acting)}"
            )
            left = symbol(name, [*indices, self.clock], "widetilde")
            equations.append(
                Equation(
                    left, "=", (("+", new),), self._forall(found, acting.effect.index, self.periods)
                )
            )
        return Section("Effects", (tuple(equations),)) if equations else None

    # --- rules ---

    def limits(self) -> Section | None:
        """Hard limits."""
        equations = [self._limit(x) for x in self.d.limits]
        return Section("Limits", (tuple(equations),)) if equations else None

    def _limit(self, x: tree.Limit) -> Equation:
        _, scope, where = self._rule(x)
        left, relation, terms = self._sides(x.relation, scope)
        return Equation(left, relation, tuple(terms), where, x.name.name, x.description or "")

    def _sides(self, node: tree.Expression, scope: Scope) -> tuple[str, str, list[tuple[str, str]]]:
        """A comparison: what stands before its last sign, the sign, the terms behind it."""
        if not isinstance(node, tree.Comparison):
            return self.formulas.text(node, scope), "", []
        signs = {"<=": r"\le", ">=": r"\ge", "==": "="}
        left = self.formulas.text(node.operands[0], scope, ADD)
        for sign, operand in zip(node.operators[:-1], node.operands[1:-1], strict=True):
            left += f" {signs.get(sign, sign)} {self.formulas.text(operand, scope, ADD)}"
        last = node.operators[-1]
        return left, signs.get(last, last), self.formulas.sum_of(node.operands[-1], scope)

    def chances(self) -> Section | None:
        """Joint chance constraints as statements about a probability."""
        blocks: list[Paragraph | tuple[Equation, ...]] = []
        for x in self.d.chances:
            index, scope = self.formulas.index(x.scenario, Scope())
            level = self.formulas.text(x.probability, Scope(), ADD)
            weight = self.formulas.text(x.weight, scope)
            events = []
            for limit in x.limits:
                found = [*axes(limit.index, self.d.clock)]
                inner = scope.over(found)
                text = self.formulas.text(limit.relation, inner)
                where = self._forall(found, limit.index)
                events.append(rf"{text}\ \ {where}" if where else text)
            lines = r" \\ ".join(events)
            inside = rf"\begin{{gathered}} {lines} \end{{gathered}}" if len(events) > 1 else lines
            left = rf"\mathbb{{P}}_{{{index}}}\left[{inside}\right]"
            about = x.description or x.name.name
            blocks.append((Equation(left, r"\ge", (("+", level),), "", x.name.name, about),))
            blocks.append(Paragraph(("The probability of a scenario is ", Math(weight), ".")))
        return Section("Chance constraints", tuple(blocks)) if blocks else None

    def objective(self) -> Section | None:
        """The objective by its terms, and the penalties of preferences."""
        o = self.d.objective
        if o is None:
            return None
        better = r"\min" if o.sense == "minimize" else r"\max"
        sign = "+" if o.sense == "minimize" else "-"
        named = [("+", words(t.name.name)) for t in o.terms]
        named += [(sign, words(p.name.name)) for p in self.d.prefers]
        equations = [Equation(better, r"\quad", tuple(named) or (("+", "0"),))]
        for t in o.terms:
            terms = self.formulas.sum_of(t.value, Scope())
            about = t.description or ""
            equations.append(Equation(words(t.name.name), "=", tuple(terms), "", "", about))
        equations += [self._penalty(p) for p in self.d.prefers]
        return Section("Objective", (tuple(equations),))

    def _penalty(self, p: tree.Prefer) -> Equation:
        """The excess over a soft limit, times its weight."""
        found, scope, where = self._rule(p)
        weight = self.formulas.text(p.penalty, scope, POWER)
        below = where.removeprefix(r"\forall\, ")
        left = words(p.name.name)
        relation = p.relation
        if not isinstance(relation, tree.Comparison) or len(relation.operands) != 2:
            text = self.formulas.text(relation, scope)
            return Equation(left, "=", (("+", weight), ("+", text)), where, "", p.description or "")
        a, b = (self.formulas.text(x, scope, MULTIPLY) for x in relation.operands)
        if relation.operators[0] == ">=":
            a, b = b, a
        even = relation.operators[0] == "=="
        excess = rf"\left|{a} - {b}\right|" if even else rf"\left({a} - {b}\right)^{{+}}"
        text = rf"{weight}\,{excess}"
        if found:
            text = rf"\sum_{{{below}}} {text}"
        return Equation(left, "=", (("+", text),), "", "", p.description or "")


def _braced(text: str, acting: Acting) -> str:
    """What an intervention does, with its name below."""
    if acting.intervention is None:
        return text
    return rf"\underbrace{{{text}}}_{{{words(acting.intervention.name.name)}}}"


def _base(end: tree.Name | tree.Subscript) -> str:
    base = end.base if isinstance(end, tree.Subscript) else end
    assert isinstance(base, tree.Name)
    return base.name


def _unit(unit: tree.Unit | None) -> str:
    """A unit as it is written."""
    return "".join(unit.span.text.split()) if unit is not None else ""
