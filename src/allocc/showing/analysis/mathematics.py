"""An analysis as sections with formulas, for LaTeX: the equations as `allocc render` writes them, then what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import sympy

from allocc.results.dynamics.analysis import Analysis, Formula, StateOfRest
from allocc.showing.analysis.words import amount, listed
from allocc.showing.rendering.declared_names import Declared
from allocc.showing.rendering.document import Equation, Paragraph, Section
from allocc.showing.rendering.flow_formulas import Dynamics
from allocc.showing.rendering.letters import symbol, words


def analysis_sections(found: Analysis, model: Declared) -> list[Section]:
    """The dynamics of the model, the state without the disease, R0, and states of rest."""
    dynamics = Dynamics(model, {}).dynamics()
    sections = [] if dynamics is None else [dynamics]
    if found.disease_free is not None:
        equations = tuple(_state(found.disease_free))
        what = f"Infected: {listed(found.infected)}."
        sections.append(Section("Without the disease", (Paragraph((what,)), equations)))
    if found.reproduction is not None:
        sections.append(_reproduction(found))
    for state in found.states_of_rest:
        if state.formulas:
            title = {"endemic": "With the disease", "rest": "At rest"}.get(
                state.kind, "Without the disease, at rest"
            )
            sections.append(Section(title, (tuple(_state(state)),)))
    return sections


def _reproduction(found: Analysis) -> Section:
    r = found.reproduction
    assert r is not None
    value = _number(r.number)
    left = r"\mathcal{R}_0"
    if r.formula is None:
        equations = (Equation(left, "=", (("+", value),)),)
    else:
        equations = (Equation(left, "=", (("+", f"{tex(r.formula)} = {value}"),)),)
    moved = tuple(
        Equation(
            rf"\frac{{{_name(e.parameter)}}}{{{left}}}\frac{{\partial {left}}}{{\partial {_name(e.parameter)}}}",
            "=",
            (("+", _both(e.formula, e.elasticity)),),
        )
        for e in r.elasticities
        if e.elasticity and e.value is not None
    )
    blocks: list[Any] = [Paragraph(("By the next-generation matrix,",)), equations]
    if moved:
        blocks += [Paragraph(("with the elasticities",)), moved]
    return Section("Basic reproduction number", tuple(blocks))


def _both(formula: Formula | None, value: float) -> str:
    shown = _number(value)
    if formula is None or formula.expression.is_number:
        return shown
    return f"{tex(formula)} = {shown}"


def _state(state: StateOfRest) -> Iterator[Equation]:
    formulas: Mapping[str, Formula] = state.formulas or {}
    for name, value in state.values.items():
        left = f"{_name(name)}^*"
        if name in state.free:
            yield Equation(left, r"\ge", (("+", "0"),), words("free"))
        elif name in formulas:
            text = tex(formulas[name])
            shown = "" if value is None else _number(value)
            both = shown and shown != text
            yield Equation(left, "=", (("+", f"{text} = {shown}" if both else text),))
        elif value is not None:
            yield Equation(left, "=", (("+", _number(value)),))


def tex(formula: Formula) -> str:
    """A formula in LaTeX, with the letters that `allocc render` gives the names."""
    symbols = formula.expression.free_symbols
    text: str = sympy.latex(formula.expression, symbol_names={x: _name(x.name) for x in symbols})
    return text


def _name(name: str) -> str:
    """`I[North]` as a letter with a subscript."""
    base, bracket, rest = name.partition("[")
    return symbol(base, [words(part) for part in rest[:-1].split(",")] if bracket else [])


def _number(x: float) -> str:
    text = amount(x)
    power = re.fullmatch(r"(.*)e([+-]\d+)", text)
    text = rf"{power[1]} \cdot 10^{{{int(power[2])}}}" if power else text
    return text.replace(",", r"\,")
