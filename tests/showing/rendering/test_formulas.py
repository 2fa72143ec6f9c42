"""Formulas mean what the model says, and are LaTeX that every reader takes."""

from __future__ import annotations

import math
import operator
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.dsl import Source, parse, parse_file, tree
from allocc.showing.rendering.declared_names import declared
from allocc.showing.rendering.document import Equation, FormulaTable, Math, Paragraph, Section
from allocc.showing.rendering.formulas import Formulas, FormulaScope
from allocc.showing.rendering.latex import latex
from allocc.showing.rendering.letters import number, symbol
from allocc.showing.rendering.markdown import markdown
from allocc.showing.rendering.mathematics import sections
from allocc.showing.rendering.plain_text import GREEK

ROOT = Path(__file__).parents[3]
MODELS = sorted(
    path
    for folder in ("examples", "models/library", "src/allocc/templates")
    for path in (ROOT / folder).rglob("*.alloc")
)

# --- LaTeX that can be read ----------------------------------------------------------------------

# fmt: off
KNOWN = {
    "mathrm", "mathcal", "mathbf", "mathbb", "text", "operatorname", "frac", "sqrt", "left", "right", "bigl",
    "bigr", "sum", "int", "min", "max", "exp", "log", "le", "ge", "ne", "in", "forall", "neg",
    "wedge", "vee", "times", "cdot", "dots", "infty", "Rightarrow", "cup", "setminus", "emptyset", "sim", "lbrace", "rbrace",
    "underbrace", "widetilde", "begin", "end", "quad", "qquad", "textbackslash", "textasciitilde",
    "textasciicircum", *GREEK,
}
# fmt: on


def check_formula(text: str) -> None:
    """Braces, environments and `\\left` match; commands are known; no subscript stands twice."""
    plain = re.sub(r"\\[{}$%&#_,;! \\]", " ", text)
    depth = 0
    for sign in re.sub(r"\\[a-zA-Z]+", "", plain):
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0, text
    assert depth == 0, text
    commands = re.findall(r"\\([a-zA-Z]+)", plain)
    assert set(commands) <= KNOWN, {*commands} - KNOWN
    assert commands.count("left") == commands.count("right"), text
    opened = re.findall(r"\\begin\{(\w+)\}", text)
    assert sorted(opened) == sorted(re.findall(r"\\end\{(\w+)\}", text)), text
    assert not re.search(r"_\{[^{}]*\}_|\^\{[^{}]*\}\^|__|\^\^", text), text
    assert "None" not in text and "Name(" not in text


def formulas(section: Section) -> list[str]:
    found = []
    for block in section.blocks:
        if isinstance(block, FormulaTable):
            found += [c.text for row in block.rows for c in row if isinstance(c, Math)]
        elif isinstance(block, Paragraph):
            found += [c.text for c in block.parts if isinstance(c, Math)]
        else:
            for e in block:
                found += [e.left, e.where, *(term for _, term in e.terms)]
    return found


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_shipped_model(path: Path) -> None:
    d = declared(parse_file(path), path)
    parts = sections(d)
    assert parts
    for part in parts:
        for text in formulas(part):
            # `\bigl(` may be closed in the last term of its equation.
            check_formula(text)
    page = markdown(d.title, parts)
    assert page.count("$$") % 2 == 0
    for block in re.findall(r"^\$\$\n(.*?)\n\$\$$", page, re.MULTILINE | re.DOTALL):
        check_formula(block)
        assert block.count(r"\bigl(") == block.count(r"\bigr)")
    document = latex(d.title, parts, standalone=True)
    assert document.startswith(r"\documentclass") and document.endswith("\\end{document}\n")
    opened = re.findall(r"\\begin\{([\w*]+)\}", document)
    assert sorted(opened) == sorted(re.findall(r"\\end\{([\w*]+)\}", document))


# --- what they mean ------------------------------------------------------------------------------

_SIGNS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}
_numbers = st.integers(1, 9).map(lambda n: tree.Number(float(n), str(n)))
_powers = st.integers(0, 3).map(lambda n: tree.Number(float(n), str(n)))
_expressions = st.recursive(
    _numbers,
    lambda inner: (
        st.builds(tree.Binary, st.sampled_from(["+", "-", "*", "/"]), inner, inner)
        | st.builds(tree.Binary, st.just("^"), inner, _powers)
        | st.builds(tree.Unary, st.just("-"), inner)
    ),
    max_leaves=12,
)


def value(node: tree.Expression) -> float:
    if isinstance(node, tree.Binary):
        return float(_SIGNS[node.operator](value(node.left), value(node.right)))
    if isinstance(node, tree.Unary):
        return -value(node.operand)
    assert isinstance(node, tree.Number)
    return node.value


class Reader:
    """Reads arithmetic in LaTeX as a mathematician does."""

    def __init__(self, text: str) -> None:
        self.words = re.findall(r"\\left\(|\\right\)|\\[a-z,]+|\d+|[-+^{}]", text)

    def take(self, *wanted: str) -> str | None:
        return self.words.pop(0) if self.words and self.words[0] in wanted else None

    def sum(self) -> float:
        total = -self.product() if self.take("-") else self.product()
        while sign := self.take("+", "-"):
            total += self.product() if sign == "+" else -self.product()
        return total

    def product(self) -> float:
        total = self.power()
        while self.take(r"\,", r"\cdot"):
            total *= self.power()
        return total

    def power(self) -> float:
        base = self.atom()
        if self.take("^"):
            base **= self.braced()
        return base

    def braced(self) -> float:
        assert self.take("{")
        inner = self.sum()
        assert self.take("}")
        return inner

    def atom(self) -> float:
        if self.take(r"\frac"):
            above = self.braced()
            return above / self.braced()
        if self.take(r"\left("):
            inner = self.sum()
            assert self.take(r"\right)")
            return inner
        if self.words[0] == "{":
            return self.braced()
        return float(self.words.pop(0))


@settings(max_examples=200, deadline=None)
@given(_expressions)
def test_arithmetic_has_its_value(node: tree.Expression) -> None:
    """Parentheses stand where they must: the formula, read back, has the expression's value."""
    text = Formulas(declared(parse(Source("", "")), None)).text(node, FormulaScope())
    check_formula(text)
    try:
        wanted = value(node)
    except (ZeroDivisionError, OverflowError):
        return
    if isinstance(wanted, complex) or not math.isfinite(wanted):
        return
    reader = Reader(text)
    try:
        found = reader.sum()
    except (ZeroDivisionError, OverflowError):
        return
    assert not reader.words
    assert math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9), text


MODEL = """
model small "A small one"
table region from "regions.csv" key name
set Region = region.name
set Link = {(r, q) in region.key if r != q}
param beta : 1/day = 0.5
param N0[Region] "people" : person = region.people
param w_cases = 1e-3
param mixing[Region, Region] = 1
let total[Region] = N0 * w_cases
let share = sum(N0) / max(r in Region: N0[r])
time t : day = 0 .. 10 step 0.5 METHOD
compartment S[Region] "well" : person
compartment I[Region]
compartment D
initial S = N0 - 1
flow infect[r in Region] : S -> I = beta * S[r] * sum(q in Region: mixing[r, q] * I[q]) / N0[r]
flow die[r in Region] : I[r] -> D = 0.1 * I[r]
flow born : -> S["a"] = 3
intervention close "Close" {
  decide lock[Region, period] binary
  decide open[Region] integer in 1 .. N0
  decide free in .. 3
  effect beta *= 1 - 0.5 * sum(r in Region: lock[r])
  effect born += 2
  limit last[r in Region, p in period if p > start] "at most": 0 <= lock[r, p-1] <= lock[r, p-2] else 1
}
prefer few[r in Region]: open[r] <= 3 penalty 2
chance often "often": probability 90% over s in {a, b} weight 0.5 { limit x[r in Region]: open[r] >= 1 }
policy shares "by people" { open[q in Region] = 2 * N0[q]  free = 3 }
minimize { dead "at the end": D[end]  more: -(sum(open) - 2) }
"""


def equations(text: str) -> dict[str, Equation]:
    d = declared(parse(Source("small.alloc", text)), None)
    return {
        e.left: e
        for section in sections(d)
        for block in section.blocks
        if isinstance(block, tuple)
        for e in block
    }


def whole(e: Equation) -> str:
    terms = " ".join(f"{sign} {term}" for sign, term in e.terms).removeprefix("+ ")
    return f"{e.left} {e.relation} {terms} {e.where}".strip()


def test_dynamics_of_a_small_model() -> None:
    found = equations(MODEL.replace("METHOD", "method euler"))
    region, periods = r"r \in \mathrm{Region}", r"t \in \mathcal{P}"
    assert whole(found["I_{r,t+h}"]) == (
        r"I_{r,t+h} = I_{r,t} + h\,\bigl(\mathrm{infect}_{r,t} - 0.1\,I_{r,t}\bigr)"
        rf" \forall\, {region},\ {periods}"
    )
    assert whole(found[r"\mathrm{infect}_{r,t}"]) == (
        r"\mathrm{infect}_{r,t} = \frac{\widetilde{\beta}_{t}\,S_{r,t}\,\sum_{q \in \mathrm{Region}}"
        r" \mathrm{mixing}_{r,q}\,I_{q,t}}{N_{0,r}}"
        rf" \forall\, {region},\ {periods}"
    )
    assert whole(found[r"\widetilde{\beta}_{t}"]) == (
        r"\widetilde{\beta}_{t} = \beta\,\underbrace{\left(1 - 0.5\,\sum_{r \in \mathrm{Region}}"
        r" \mathrm{lock}_{r,t}\right)}_{\text{close}} \forall\, t \in \mathcal{P}"
    )
    assert whole(found["S_{r,0}"]) == r"S_{r,0} = N_{0,r} - 1 \forall\, r \in \mathrm{Region}"
    assert whole(found[r"\mathrm{born}_{t}"]).startswith(
        r"\mathrm{born}_{t} = 3 + \underbrace{2}_{\text{close}}"
    )


def test_other_methods_give_differential_equations() -> None:
    found = equations(MODEL.replace("METHOD", "method trapezoid"))
    assert r"\frac{\mathrm{d} D}{\mathrm{d} t}" in found
    found = equations(MODEL.replace("step 0.5 METHOD", ""))
    assert "D_{t+1}" in found


def test_flows_between_members() -> None:
    """Each end of a flow is written in the letters of its compartment; all others are summed over."""
    text = """
    set Place = {a, b}
    set Road = {(p, q) in Place * Place if p != q}
    time t = 0 .. 4
    compartment X[Place] compartment Y
    flow go[r in Place] : X[r] -> Y = 0.1 * X[r]
    flow bare[r in Place] : X -> Y = 0.2 * X[r]
    flow swap : X["a"] -> X["b"] = 0.5
    flow move[p in Place, q in Place] : X[p] -> X[q] = 0.3 * X[p] - 2
    flow road[(p, q) in Road] : X[p] -> X[q] = 7
    flow some[p in Place if p == "a"] : X[p] -> = 8
    """
    found = equations(text)
    assert [f"{sign}{term}" for sign, term in found["X_{p,t+1}"].terms] == [
        "+X_{p,t}",
        r"-0.1\,X_{p,t}",
        r"-0.2\,X_{p,t}",
        r"+\mathbf{1}_{p = \text{b}}\,0.5",
        r"-\mathbf{1}_{p = \text{a}}\,0.5",
        r"+\sum_{q \in \mathrm{Place}} \left(0.3\,X_{q,t} - 2\right)",
        r"-\sum_{q \in \mathrm{Place}} \left(0.3\,X_{p,t} - 2\right)",
        r"+\sum_{(q,p) \in \mathrm{Road}} 7",
        r"-\sum_{(p,q) \in \mathrm{Road}} 7",
        r"-\mathrm{some}_{p,t}",
    ]
    assert [term for _, term in found["Y_{t+1}"].terms] == [
        "Y_{t}",
        r"\sum_{r \in \mathrm{Place}} 0.1\,X_{r,t}",
        r"\sum_{r \in \mathrm{Place}} 0.2\,X_{r,t}",
    ]
    assert found[r"\mathrm{some}_{p,t}"].where.endswith(r": p = \text{a}")


def test_a_part_of_a_model_leaves_the_step_open() -> None:
    part = MODEL.replace("time t : day = 0 .. 10 step 0.5 METHOD", "")
    found = equations(part)
    assert r"\frac{\mathrm{d} D}{\mathrm{d} t}" in found
    effect = "intervention x { decide u[period] effect mu *= 1 - u  effect care += 2 * u }"
    found = equations(f"set A = {{a}} {effect}")
    assert whole(found[r"\widetilde{\mu}_{t}"]) == (
        r"\widetilde{\mu}_{t} = \mu_{t}\,\underbrace{\left(1 - u_{t}\right)}_{\text{x}}"
    )
    assert whole(found[r"\widetilde{\mathrm{care}}_{t}"]).startswith(
        r"\widetilde{\mathrm{care}}_{t} = \mathrm{care}_{t} + \underbrace{2\,u_{t}}_{\text{x}}"
    )


def test_rules_of_a_small_model() -> None:
    found = equations(MODEL.replace("METHOD", ""))
    assert whole(found[r"\mathrm{total}_{r}"]) == (
        r"\mathrm{total}_{r} = N_{0,r}\,w_{\mathrm{cases}} \forall\, r \in \mathrm{Region}"
    )
    assert whole(found[r"\mathrm{share}"]) == (
        r"\mathrm{share} = \frac{\sum_{r \in \mathrm{Region}} N_{0,r}}"
        r"{\max_{r \in \mathrm{Region}} N_{0,r}}"
    )
    assert whole(found[r"\mathrm{few}"]) == (
        r"\mathrm{few} = \sum_{r \in \mathrm{Region}} 2\,\left(\mathrm{open}_{r} - 3\right)^{+}"
    )
    assert whole(found[r"0 \le \mathrm{lock}_{r,p-h}"]) == (
        r"0 \le \mathrm{lock}_{r,p-h} \le \left(\mathrm{lock}_{r,p-2h} \text{ or } 1\right)"
        r" \forall\, r \in \mathrm{Region},\ p \in \mathcal{P} : p > \mathrm{start}"
    )
    chance = next(e for left, e in found.items() if "mathbb{P}" in left)
    assert chance.left == (
        r"\mathbb{P}_{s \in \lbrace \text{a}, \text{b} \rbrace}\left[\mathrm{open}_{r} \ge 1"
        r"\ \ \forall\, r \in \mathrm{Region}\right]"
    )
    assert (chance.relation, chance.terms) == (r"\ge", (("+", r"90\%"),))
    assert whole(found[r"\mathrm{open}_{q}"]) == (
        r"\mathrm{open}_{q} = 2\,N_{0,q} \forall\, q \in \mathrm{Region}"
    )
    assert whole(found[r"\mathrm{free}"]) == r"\mathrm{free} = 3"
    assert whole(found[r"\min"]).endswith(r"\mathrm{dead} + \mathrm{more} + \mathrm{few}")
    assert whole(found[r"\mathrm{more}"]) == (
        r"\mathrm{more} = - \left(\sum_{r \in \mathrm{Region}} \mathrm{open}_{r} - 2\right)"
    )


def test_symbols_and_numbers() -> None:
    assert symbol("alpha") == r"\alpha"
    assert symbol("lambda_1", ["c"]) == r"\lambda_{1,c}"
    assert symbol("S0") == "S_{0}"
    assert symbol("w_days", ["t"]) == r"w_{\mathrm{days},t}"
    assert symbol("new_facilities") == r"\mathrm{new\_facilities}"
    assert number("1_000_000") == r"1\,000\,000"
    assert number("1e-3") == "10^{-3}" and number("2.5E6") == r"2.5 \cdot 10^{6}"
    assert number("80%") == r"80\%"


def test_a_fit_is_written_with_what_it_estimates_and_observes() -> None:
    model = """model m
table seen from "seen.csv" key week, place
set Place = {a, b}
param beta[Place] in 0 .. 3 = 1
time t = 0 .. 9
compartment I[Place]
initial I[p in Place] = 1
flow infect[p in Place] : -> I = beta[p] * I[p]
fit past "weekly counts" {
  time t = 1 .. 4
  initial I[p in Place] = seen.ill[1, p]
  estimate beta from 2
  observe infect[p in Place] ~ negative_binomial(seen.new[t, p], 4) weight 2
}
"""
    text = markdown("m", sections(declared(parse(Source("m", model)), None)))
    assert "Fitted: weekly counts" in text
    assert r"0 \le \beta_{p} \le 3" in text
    assert r"\mathrm{infect}_{p,t}" in text
    assert r"\text{negative binomial } 4" in text
    assert "column ill of seen.csv, row 1, p" in text
