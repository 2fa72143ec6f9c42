"""What is not known in a written model: what fits estimate and observe, and what is uncertain."""

from __future__ import annotations

from collections.abc import Iterator

from allocc.dsl import tree
from allocc.showing.rendering.declared_names import axes
from allocc.showing.rendering.document import FormulaTable, Math, Paragraph, Section
from allocc.showing.rendering.formulas import ADD, FormulaScope
from allocc.showing.rendering.letters import letter, symbol
from allocc.showing.rendering.notation import Notation

#: Distributions as papers write them; `{0}` and so on are the numbers that they are told.
_WRITTEN = {
    "normal": r"\mathcal{{N}}\left({0},\, \left({1}\right)^2\right)",
    "lognormal": r"\operatorname{{Lognormal}}\left(\log\left({0}\right),\, \left({1}\right)^2\right)",
    "uniform": r"\mathcal{{U}}\left({0},\, {1}\right)",
    "triangular": r"\operatorname{{Triangular}}\left({0},\, {1},\, {2}\right)",
    "beta": r"\operatorname{{Beta}}\left({0},\, {1}\right)",
}
_MEASURES = {
    "mean": "the mean over the worlds",
    "worst": "the worst of the worlds",
    "regret": "the largest regret of any world",
}


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
        within = self._within(self._symbol(p.name.name), interval)
        guess = Math(self.formulas.text(p.guess, FormulaScope())) if p.guess is not None else ""
        return within, guess

    def _within(self, name: str, interval: tree.Interval | None) -> str | Math:
        """A range around what it is of."""
        low = high = ""
        if interval is not None and interval.low is not None:
            low = self.formulas.text(interval.low, FormulaScope(), ADD) + r" \le "
        if interval is not None and interval.high is not None:
            high = r" \le " + self.formulas.text(interval.high, FormulaScope(), ADD)
        return Math(f"{low}{name}{high}") if low or high else ""

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


class UncertaintySection(FitSections):
    """The section about what is uncertain."""

    def uncertainty(self) -> Section | None:
        """What is uncertain, and over which worlds is decided."""
        rows = [self._distributed(u) for u in self.d.every(tree.Uncertain)]
        blocks: list[Paragraph | FormulaTable] = []
        if rows:
            blocks.append(FormulaTable(("uncertain", "distribution", "within"), tuple(rows)))
        scenario = self.d.one(tree.Scenario)
        if scenario is not None:
            blocks.append(self._worlds(scenario))
        return Section("Uncertainty", tuple(blocks)) if blocks else None

    def _distributed(self, u: tree.Uncertain) -> tuple[str | Math, ...]:
        parameter = self.d.names.get(u.name.name)
        found = axes(u.index or getattr(parameter, "index", None), self.d.clock)
        scope = self._over(found)
        left = symbol(u.name.name, [letter(n)[0] for axis in found for n in axis.letters])
        e = u.distribution
        if not isinstance(e, tree.Call) or e.function.name not in _WRITTEN:
            return Math(left), Math(self.formulas.text(e, scope)), ""
        told = [self.formulas.text(x, scope, ADD) for x in e.arguments]
        written = _WRITTEN[e.function.name].format(*told)
        interval = parameter.interval if isinstance(parameter, tree.Parameter) else None
        return Math(rf"{left} \sim {written}"), e.function.name, self._within(left, interval)

    def _worlds(self, s: tree.Scenario) -> Paragraph:
        about = f" ({s.description})" if s.description else ""
        if s.draws is not None:
            worlds = f"{s.draws.value:.0f} draws of what is uncertain"
        else:
            assert s.file is not None
            weighed = f", weighed by its column {s.weight.name}" if s.weight is not None else ""
            worlds = f"a world for each row of {s.file.value}{weighed}"
        measure = _MEASURES["mean"]
        if s.measure is not None:
            level = s.measure.level
            tail = f"the mean over the worst {1 - level.value:.4g} of the worlds" if level else ""
            measure = _MEASURES.get(s.measure.name.name, tail)
        parts: list[str | Math] = [f"Decided over {s.name.name}{about}: {worlds}, by {measure}."]
        later = [
            Math(symbol(x.name.name)) for x in self.d.every(tree.Decide) if x.after is not None
        ]
        if later:
            listed: list[str | Math] = [part for x in later for part in (", ", x)]
            parts += [" Decided in each world by itself: ", *listed[1:], "."]
        return Paragraph(tuple(parts))
