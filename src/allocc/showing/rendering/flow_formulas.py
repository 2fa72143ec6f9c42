"""Compartments as equations, gathered from the flows, with effects where they act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from allocc.compiler.names.structure import side_name
from allocc.dsl import tree
from allocc.showing.rendering.declared_names import Acting, DeclaredIndex, axes
from allocc.showing.rendering.document import Equation, FormulaTable, Math, Paragraph, Section
from allocc.showing.rendering.formulas import ADD, MULTIPLY, PERIODS, POWER, FormulaScope
from allocc.showing.rendering.letters import joined, letter, symbol, words
from allocc.showing.rendering.notation import Notation, unit_text

#: A flow whose amount is longer than this, in characters as shown, gets a symbol of its own.
_SHORT_FLOW = 40


class Dynamics(Notation):
    """The sections about compartments, flows and effects."""

    def dynamics(self) -> Section | None:
        """One equation for each compartment, gathered from the flows."""
        if not self.d.every(tree.Compartment):
            return None
        # A part of a model has no time: how it is discretized is another file's matter.
        method = step = ""
        if self.d.time is not None:
            step = "1"
            method = self.d.time.method.name if self.d.time.method is not None else "euler"
            if self.d.time.step is not None:
                step = self.formulas.text(self.d.time.step, FormulaScope(), MULTIPLY)
        named = {f.name.name for f in self.d.every(tree.Flow) if self._is_long(f)}
        equations = [self._balance(c, method, step, named) for c in self.d.every(tree.Compartment)]
        starts = [e for c in self.d.every(tree.Compartment) for e in self._initial(c)]
        flows = [self._flow(f) for f in self.d.every(tree.Flow) if f.name.name in named]
        scaled = list(self._scaled())
        blocks: list[FormulaTable | Paragraph | tuple[Equation, ...]] = [
            FormulaTable(("symbol", "compartment", "unit"), tuple(self._compartments())),
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
        for c in self.d.every(tree.Compartment):
            yield Math(self._symbol(c.name.name, now=True)), c.description or "", unit_text(c.unit)

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
        if method == "implicit":
            formula = rf"x_{{{t}+h}} = x_{{{t}}} + h\, f_{{{t}+h}}"
            return Paragraph(("Implicit Euler method, ", h, ": ", Math(formula), "."))
        formula = rf"x_{{{t}+h}} = e^{{h M_{{{t}}}}} x_{{{t}}} + \int_0^h e^{{s M_{{{t}}}}}\,ds\; b_{{{t}}}"
        return Paragraph(("Exact for linear flows, ", h, ": ", Math(formula), "."))

    def _balance(self, c: tree.Compartment, method: str, step: str, named: set[str]) -> Equation:
        name = c.name.name
        found = self.d.axes[name]
        own = [letter(n)[0] for axis in found for n in axis.letters]
        terms: list[tuple[str, str]] = []
        for flow in self.d.every(tree.Flow):
            for sign, end in (("+", flow.target), ("-", flow.origin)):
                if end is not None and side_name(end) == name:
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
                fixed.append((place, self.formulas.text(index, FormulaScope())))
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

    def _flow_scope(self, flow: tree.Flow, renamed: Mapping[str, str]) -> FormulaScope:
        found = self.d.axes[flow.name.name]
        scope = replace(FormulaScope().over(found), now=self.clock)
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

    def _effect_scope(self, acting: Acting, found: Sequence[DeclaredIndex]) -> FormulaScope:
        """The scope of an effect, in which its letters are those of what it acts on."""
        own = [letter(n)[0] for axis in found for n in axis.letters]
        mine = [n for a in axes(acting.effect.index, self.d.clock) for n in a.letters]
        scope = replace(FormulaScope().over(found), now=self.clock)
        return replace(scope, bound={**scope.bound, **dict(zip(mine, own, strict=False))})

    def _scaled(self) -> Iterator[Equation]:
        """Parameters that interventions multiply."""
        for p in self.d.every(tree.Parameter):
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
        initial = next((i for i in self.d.every(tree.Initial) if i.name.name == name), None)
        if initial is None:
            return
        found = axes(initial.index, self.d.clock) or self.d.axes[name]
        own = [letter(n)[0] for axis in found for n in axis.letters]
        start = r"\mathrm{start}"
        if self.d.time is not None:
            start = self.formulas.text(self.d.time.start, FormulaScope(), ADD)
        source = self._source(initial.value)
        terms = [("+", words(source))] if source else None
        terms = terms or self.formulas.sum_of(initial.value, self._over(found))
        yield Equation(
            symbol(name, [*own, start]), "=", tuple(terms), self._forall(found, initial.index)
        )

    def effects(self) -> Section | None:
        """What interventions do to flows and parameters of a model that this file is used by."""
        known = {
            *(f.name.name for f in self.d.every(tree.Flow)),
            *(p.name.name for p in self.d.every(tree.Parameter)),
        }
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


def _braced(text: str, acting: Acting) -> str:
    """What an intervention does, with its name below."""
    if acting.intervention is None:
        return text
    return rf"\underbrace{{{text}}}_{{{words(acting.intervention.name.name.replace('_', ' '))}}}"
