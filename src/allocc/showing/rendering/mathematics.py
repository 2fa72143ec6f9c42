"""A model as mathematics: tables and equations in the notation of papers, before any expansion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from allocc.dsl import tree
from allocc.dsl.escapes import latex as escaped
from allocc.dsl.nesting import deep_recursion
from allocc.dsl.walk import nodes
from allocc.showing.rendering.declared_names import Declared, DeclaredIndex, axes
from allocc.showing.rendering.document import Equation, FormulaTable, Math, Paragraph, Section
from allocc.showing.rendering.fit_formulas import UncertaintySection
from allocc.showing.rendering.flow_formulas import Dynamics
from allocc.showing.rendering.formulas import ADD, MULTIPLY, PERIODS, POINTS, POWER, FormulaScope
from allocc.showing.rendering.letters import letter, number, symbol
from allocc.showing.rendering.notation import unit_text


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
            found.policies(),
            found.objective(),
            found.uncertainty(),
            found.reports(),
            *found.fits(),
        )
    return [section for section in everything if section is not None]


class _Sections(Dynamics, UncertaintySection):
    """All sections of a model."""

    # --- tables ---

    def sets(self) -> Section | None:
        """Sets, and the time."""
        rows: list[tuple[str | Math, ...]] = []
        for s in self.d.every(tree.SetDeclaration):
            value = self._source(s.value) or Math(self.formulas.text(s.value, FormulaScope()))
            rows.append((Math(symbol(s.name.name)), s.description or "", value))
        if self.d.time is not None:
            t = self.d.time
            of = self.formulas
            start, end = of.text(t.start, FormulaScope(), ADD), of.text(t.end, FormulaScope(), ADD)
            step = of.text(t.step, FormulaScope(), ADD) if t.step is not None else "1"
            about = t.description or "points in time"
            unit = f" ({unit_text(t.unit)})" if t.unit is not None else ""
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
            if any(
                isinstance(n, tree.Call) and self.d.adds_up(n)
                for n in nodes(tuple(self.d.statements))
            ):
                rows.append((Math(of.step_length), "length of a period", Math(step)))
        return (
            Section("Sets", (FormulaTable(("set", "", "members"), tuple(rows)),)) if rows else None
        )

    def parameters(self) -> Section | None:
        """Data, with what they are and where they come from."""
        rows = []
        for p in self.d.every(tree.Parameter):
            found = self.d.axes[p.name.name]
            value: str | Math = ""
            if p.name.name in self.values and not found:
                value = Math(number(f"{self.values[p.name.name]:.10g}"))
            elif p.value is not None:
                source = self._source(p.value)
                value = source or Math(self.formulas.text(p.value, self._over(found)))
            rows.append(
                (Math(self._symbol(p.name.name)), p.description or "", unit_text(p.unit), value)
            )
        head = ("symbol", "what it is", "unit", "value")
        return Section("Parameters", (FormulaTable(head, tuple(rows)),)) if rows else None

    def decisions(self) -> Section | None:
        """What is decided, and from which range."""
        rows = []
        for v in self.d.every(tree.Decide):
            found = self.d.axes[v.name.name]
            rows.append(
                (
                    Math(self._symbol(v.name.name)),
                    v.description or "",
                    unit_text(v.unit),
                    Math(self._range(v, found)),
                    Math(self._forall(found, v.index).removeprefix(r"\forall\, ")) if found else "",
                )
            )
        head = ("symbol", "what it is", "unit", "range", "for all")
        return Section("Decisions", (FormulaTable(head, tuple(rows)),)) if rows else None

    def _range(self, v: tree.Decide, found: Sequence[DeclaredIndex]) -> str:
        if v.kind == "binary":
            return r"\lbrace 0, 1 \rbrace"
        scope = self._over(found)
        if v.interval is not None and v.interval.apart is not None:
            value = self.formulas.text(v.interval.apart, scope, ADD)
            rest = self._range(replace(v, interval=replace(v.interval, apart=None)), found)
            return rf"\lbrace {value} \rbrace \cup {rest}"
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
        for f in self.d.every(tree.Function):
            bound = {a.name.name: letter(a.name.name)[0] for a in f.formals}
            bound |= {s.name: symbol(s.name) for a in f.formals for s in a.sets}
            arguments = ", ".join(bound[a.name.name] for a in f.formals)
            left = rf"\operatorname{{{escaped(f.name.name)}}}"
            terms = self.formulas.sum_of(f.value, FormulaScope(bound=bound))
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
        equations += [self._named(let) for let in self.d.every(tree.Let)]
        return Section("Definitions", (tuple(equations),)) if equations else None

    def reports(self) -> Section | None:
        """What is computed from an allocation, and has no part in choosing it."""
        equations = [self._named(report) for report in self.d.every(tree.Report)]
        return Section("Reported", (tuple(equations),)) if equations else None

    def _named(self, let: tree.Let | tree.Report) -> Equation:
        found = self.d.axes[let.name.name]
        terms = self.formulas.sum_of(let.value, self._over(found))
        where = self._forall(found, let.index)
        about = let.description or ""
        return Equation(self._symbol(let.name.name), "=", tuple(terms), where, "", about)

    # --- rules ---

    def limits(self) -> Section | None:
        """Hard limits."""
        equations = [self._limit(x) for x in self.d.every(tree.Limit)]
        return Section("Limits", (tuple(equations),)) if equations else None

    def _limit(self, x: tree.Limit) -> Equation:
        _, scope, where = self._rule(x)
        left, relation, terms = self._sides(x.relation, scope)
        return Equation(left, relation, tuple(terms), where, x.name.name, x.description or "")

    def _sides(
        self, node: tree.Expression, scope: FormulaScope
    ) -> tuple[str, str, list[tuple[str, str]]]:
        """A comparison: what stands before its last sign, the sign, the terms behind it."""
        if not isinstance(node, tree.Comparison):
            return self.formulas.text(node, scope), "", []
        signs = {"<=": r"\le", ">=": r"\ge", "==": "="}
        left = self.formulas.text(node.operands[0], scope, ADD)
        for sign, operand in zip(node.operators[:-1], node.operands[1:-1], strict=True):
            left += f" {signs.get(sign, sign)} {self.formulas.text(operand, scope, ADD)}"
        last = node.operators[-1]
        return left, signs.get(last, last), self.formulas.sum_of(node.operands[-1], scope)

    def policies(self) -> Section | None:
        """What decisions are by the rule of each policy."""
        blocks: list[Paragraph | tuple[Equation, ...]] = []
        for p in self.d.every(tree.Policy):
            about = f": {p.description}" if p.description else ""
            blocks.append(Paragraph((f"{p.name.name}{about}",)))
            equations = tuple(self._assigned(a) for a in p.assignments)
            blocks += [equations] if equations else []
        return Section("Policies", tuple(blocks)) if blocks else None

    def _assigned(self, a: tree.Assignment) -> Equation:
        name = a.name.name
        decide = self.d.names.get(name)
        index = a.index if a.index is not None else getattr(decide, "index", None)
        found = [*axes(index, self.d.clock)]
        letters = [letter(n)[0] for axis in found for n in axis.letters]
        terms = self.formulas.sum_of(a.value, self._over(found))
        return Equation(symbol(name, letters), "=", tuple(terms), self._forall(found, index))

    def chances(self) -> Section | None:
        """Joint chance constraints as statements about a probability."""
        blocks: list[Paragraph | tuple[Equation, ...]] = []
        for x in self.d.every(tree.Chance):
            index, scope = self.formulas.index(x.scenario, FormulaScope())
            level = self.formulas.text(x.probability, FormulaScope(), ADD)
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
        o = self.d.one(tree.Objective)
        if o is None:
            return None
        better = r"\min" if o.sense == "minimize" else r"\max"
        sign = "+" if o.sense == "minimize" else "-"
        named = [("+", symbol(t.name.name)) for t in o.terms]
        named += [(sign, symbol(p.name.name)) for p in self.d.every(tree.Prefer)]
        equations = [Equation(better, r"\quad", tuple(named) or (("+", "0"),))]
        for t in o.terms:
            terms = self.formulas.sum_of(t.value, FormulaScope())
            about = t.description or ""
            equations.append(Equation(symbol(t.name.name), "=", tuple(terms), "", "", about))
        equations += [self._penalty(p) for p in self.d.every(tree.Prefer)]
        return Section("Objective", (tuple(equations),))

    def _penalty(self, p: tree.Prefer) -> Equation:
        """The excess over a soft limit, times its weight."""
        found, scope, where = self._rule(p)
        weight = self.formulas.text(p.penalty, scope, POWER)
        below = where.removeprefix(r"\forall\, ")
        left = symbol(p.name.name)
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
