"""The statements of a model as one of its fits takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from allocc.compiler.fitting.observing import counted
from allocc.compiler.names.fits import acting_effects, counted_flow
from allocc.compiler.names.structure import Declarations, declare
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector

#: What has no part in a fit.
_LEFT_OUT = (
    tree.Objective
    | tree.Limit
    | tree.Prefer
    | tree.Chance
    | tree.Effect
    | tree.Report
    | tree.Fit
    | tree.Use
)


def fit_statements(model: Declarations, fit: tree.Fit) -> Declarations:
    """The model's statements as the fit takes them: its own time and initial values.

    Of the effects, those act of whose decisions the fit says what they were.
    """
    time = next((p for p in fit.body if isinstance(p, tree.Time)), None)
    acting = acting_effects(fit, model)
    begins = {p.name.name: p for p in fit.body if isinstance(p, tree.Initial)}
    statements: list[tree.Statement] = []
    for s in _flattened(model):
        if isinstance(s, tree.Time):
            s = replace(s, method=None)
            if time is not None:
                s = replace(s, start=time.start, end=time.end, step=time.step)
        elif isinstance(s, tree.Initial):
            s = begins.pop(s.name.name, s)
        statements.append(s)
    observed = (counted_flow(p, model) for p in fit.body if isinstance(p, tree.Observe))
    for name in dict.fromkeys(n for n in observed if n is not None):
        statements += _counting(model.names[name], acting)
    collector = Collector()
    # The mistakes of these statements are known from the model itself.
    every = (*statements, *begins.values(), *acting)
    return declare([(s, False) for s in every], collector, model.broken)


def _counting(flow: tree.Flow, effects: Sequence[tree.Effect]) -> list[tree.Statement]:
    """A compartment that fills with what a flow moves, by the same expression and effects."""
    name = replace(flow.name, name=counted(flow.name.name))
    same = replace(name, name=f"{name.name} (flow)")
    return [
        tree.Compartment(name, flow.index, flow.description, None, flow.span),
        tree.Initial(name, None, tree.Number(0.0, "0", None, flow.span), flow.span),
        replace(
            flow,
            name=same,
            origin=None,
            target=tree.Name(name.name, flow.span),
        ),
        *(replace(e, name=same) for e in effects if e.name.name == flow.name.name),
    ]


def _flattened(model: Declarations) -> Iterator[tree.Statement]:
    for s in model.statements:
        for inner in s.body if isinstance(s, tree.Intervention) else (s,):
            if not isinstance(inner, _LEFT_OUT):
                yield inner
