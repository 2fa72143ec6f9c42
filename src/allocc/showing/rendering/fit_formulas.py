"""Fits in a written model: what is estimated, and what is observed of which expression."""

from __future__ import annotations

from collections.abc import Iterator

from allocc.dsl import tree
from allocc.showing.rendering.declared_names import axes
from allocc.showing.rendering.document import FormulaTable, Math, Paragraph, Section
from allocc.showing.rendering.formulas import ADD, FormulaScope
from allocc.showing.rendering.letters import letter, symbol
from allocc.showing.rendering.notation import Notation


class FitSections(Notation):
    """A section for each fit."""

    def fits(self) -> Iterator[Section]:
        """What each fit estimates and observes, in tables."""
        for fit in self.d.every(tree.Fit):
            about = fit.description or fit.name.name
            blocks: list[Paragraph | FormulaTable] = [self._when(fit)]
            estimates = [p for p in fit.body if isinstance(p, tree.Estimate)]
            sought: list[tuple[str | Math, ...]] = [
                (Math(self._symbol(p.name.name)), *self._search(p)) for p in estimates
            ]
            titles = ["estimated", "range", "first guess"]
            if any(p.prior is not None for p in estimates):
                titles.append("prior")
                sought = [(*x, self._prior(p)) for x, p in zip(sought, estimates, strict=True)]
            blocks.append(FormulaTable(tuple(titles), tuple(sought)))
            begins = [p for p in fit.body if isinstance(p, tree.Initial)]
            if begins:
                rows = tuple(self._begin(p) for p in begins)
                blocks.append(FormulaTable(("compartment", "begins with"), rows))
            past = [p for p in fit.body if isinstance(p, tree.Assignment)]
            if past:
                rows = tuple(self._begin(p) for p in past)
                blocks.append(FormulaTable(("decision", "was"), rows))
            seen = [p for p in fit.body if isinstance(p, tree.Observe)]
            head = ("in the model", "observed", "error", "weight")
            blocks.append(FormulaTable(head, tuple(self._observation(p) for p in seen)))
            yield Section(f"Fitted: {about}", tuple(blocks))

    def _when(self, fit: tree.Fit) -> Paragraph:
        time = next((p for p in fit.body if isinstance(p, tree.Time)), None)
        acts = any(isinstance(p, tree.Assignment) for p in fit.body)
        acting = "with what had been decided" if acts else "without interventions"
        if time is None:
            return Paragraph((f"Over the time of the model, {acting}.",))
        ends = [self.formulas.text(e, FormulaScope(), ADD) for e in (time.start, time.end)]
        how = "by steps of Euler's method" if time.method is not None else "in continuous time"
        points = Math(rf"{self.clock} = {ends[0]}, \dots, {ends[1]}")
        return Paragraph(("For ", points, f" {how}, {acting}."))

    def _search(self, p: tree.Estimate) -> tuple[str | Math, str | Math]:
        statement = self.d.names.get(p.name.name)
        own = statement.interval if isinstance(statement, tree.Parameter) else None
        interval = p.interval or own
        low = high = ""
        if interval is not None and interval.low is not None:
            low = self.formulas.text(interval.low, FormulaScope(), ADD) + r" \le "
        if interval is not None and interval.high is not None:
            high = r" \le " + self.formulas.text(interval.high, FormulaScope(), ADD)
        within: str | Math = Math(f"{low}{self._symbol(p.name.name)}{high}") if low or high else ""
        guess = Math(self.formulas.text(p.guess, FormulaScope())) if p.guess is not None else ""
        return within, guess

    def _prior(self, p: tree.Estimate) -> str | Math:
        if not isinstance(p.prior, tree.Call):
            return ""
        told = ", ".join(self.formulas.text(e, FormulaScope()) for e in p.prior.arguments)
        return Math(rf"\text{{{p.prior.function.name} }} {told}")

    def _begin(self, p: tree.Initial | tree.Assignment) -> tuple[str | Math, ...]:
        statement = self.d.names.get(p.name.name)
        own = statement.index if isinstance(statement, tree.Compartment | tree.Decide) else None
        found = axes(p.index or own, self.d.clock)
        scope = self._over(found)
        indices = [letter(n)[0] for axis in found for n in axis.letters]
        value = self._source(p.value) or Math(self.formulas.text(p.value, scope))
        return Math(symbol(p.name.name, indices)), value

    def _observation(self, p: tree.Observe) -> tuple[str | Math, ...]:
        scope = self._over(axes(p.index, self.d.clock), now=True)
        data, kind = p.data, "squares"
        more = ""
        if p.operator == "~" and isinstance(p.data, tree.Call) and p.data.arguments:
            data, *rest = p.data.arguments
            kind = p.data.function.name.replace("_", " ")
            more = ", ".join(self.formulas.text(e, scope) for e in rest)
        weight = Math(self.formulas.text(p.weight, scope)) if p.weight is not None else ""
        error: str | Math = kind if not more else Math(rf"\text{{{kind} }} {more}")
        seen = self._source(data) or Math(self.formulas.text(data, scope))
        return (Math(self.formulas.text(p.value, scope)), seen, error, weight)
