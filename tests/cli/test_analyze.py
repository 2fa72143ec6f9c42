"""`allocc analyze`: its report, its JSON, its LaTeX, and what it says of mistakes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import allocc
from allocc.compiler.equations.equations import read_equations
from tests import small
from tests.helpers import Run, only_json
from tests.questions.analyze.models import SIR

pytest.importorskip("sympy")

from allocc.questions.analyze import analyze as whole

TWO = """model two "Two regions"
set Region = {north, south}
param people[r in Region] = if r == "north" then 100 else 300
param beta = 0.4
param gamma = 0.2
time t : day = 0 .. 4
compartment S[Region] initial S[r in Region] = people[r] - 1
compartment I[Region] initial I[r in Region] = 1
flow infect[r in Region] : S -> I =
  beta * S[r] * sum(q in Region: I[q]) / sum(q in Region: people[q])
flow recover[r in Region] : I -> S = gamma * I[r]
"""


def sir(folder: Path, more: str = "") -> Path:
    path = folder / "sir.alloc"
    path.write_text(f'model sir "An epidemic"\n{SIR}\n{more}', "utf-8")
    return path


def test_the_report(run: Run, tmp_path: Path) -> None:
    done = run("analyze", sir(tmp_path))
    assert done.exit_code == 0
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[:2] == ["An epidemic", "What it does by itself."]
    for line in (
        "dI/dt = beta*S*I/N - gamma*I",
        "S = N = 1,000",
        "R0 = beta/gamma = 2.5",
        "S + I + R = 1,000",
        "+1.000 %  beta   transmission",
    ):
        assert line in lines, line
    assert all(len(line) <= 98 for line in done.stdout.splitlines())


def test_parameters_can_be_set(run: Run, tmp_path: Path) -> None:
    done = run("analyze", sir(tmp_path), "--set", "beta=0.1")
    assert "R0 = beta/gamma = 0.5" in done.stdout
    assert "Few cases become fewer: they halve in 6.9315 days" in done.stdout


def test_groups_are_a_table(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path, TWO)
    done = run("analyze", path)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["north", "0.5", "2", "25.0", "%"] in rows
    assert ["south", "1.5", "2", "75.0", "%"] in rows


def test_json_has_everything(run: Run, tmp_path: Path) -> None:
    found = only_json(run("analyze", sir(tmp_path), "--json").stdout)
    assert found["infected"] == ["I"] and found["found_by"] == "structure"
    assert found["reproduction"]["number"] == pytest.approx(2.5)
    assert found["reproduction"]["formula"] == {"text": "beta/gamma"}
    assert found["disease_free"]["values"] == {"S": 1000, "I": 0, "R": 0}
    assert found["totals"] == [{"compartments": ["S", "I", "R"], "value": 1000}]


def test_latex_uses_the_letters_of_render(run: Run, tmp_path: Path) -> None:
    done = run("analyze", sir(tmp_path), "--latex")
    assert r"\mathcal{R}_0 &= \frac{\beta}{\gamma} = 2.5" in done.stdout
    assert r"\documentclass" not in done.stdout
    alone = run("analyze", small.easy(tmp_path, TWO), "--latex", "--standalone").stdout
    assert alone.startswith(r"\documentclass") and r"\end{document}" in alone
    assert r"S_{\text{north}}^*" in alone


def test_infected_can_be_said(run: Run, tmp_path: Path) -> None:
    done = run("analyze", small.easy(tmp_path, TWO), "--infected", "I[north], I[south]")
    assert done.exit_code == 0
    assert "I carries the infection (as --infected says)" in done.stdout


def test_options_that_exclude_each_other(run: Run, tmp_path: Path) -> None:
    assert run("analyze", sir(tmp_path), "--json", "--latex").exit_code == 2
    assert run("analyze", sir(tmp_path), "--standalone").exit_code == 2


@pytest.mark.parametrize(
    ("code", "text", "words"),
    [
        ("E7230", small.EASY, "it has no time"),
        ("E7230", "model m\ntime t = 0 .. 3\n", "it has no compartment"),
        (
            "E7230",
            "model m\ntime t = 0 .. 3\ncompartment A initial A = 1\n",
            "it has no flow",
        ),
        (
            "E7231",
            "model m time t = 0 .. 3 compartment A initial A = 1 flow f : A -> = A[t-1] else 2",
            "flow 'f' reads",
        ),
        (
            "E7234",
            "model m time t = 0 .. 3 compartment A initial A = 0 flow f : A -> = A * A / A",
            "flow 'f' has no finite value",
        ),
    ],
)
def test_models_that_have_no_analysis(
    run: Run, tmp_path: Path, code: str, text: str, words: str
) -> None:
    done = run("analyze", small.easy(tmp_path, text))
    assert done.exit_code == 1 and not done.stdout
    assert f"error[{code}]" in done.stderr and words in done.stderr


def test_a_name_that_is_no_compartment(run: Run, tmp_path: Path) -> None:
    done = run("analyze", sir(tmp_path), "--infected", "Im,R")
    assert done.exit_code == 1
    assert "error[E7233]" in done.stderr and "'S', 'I', 'R'" in done.stderr


def test_a_model_that_is_too_large(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "MOST_POINTS", 3)
    done = run("analyze", small.easy(tmp_path, TWO))
    assert done.exit_code == 1
    assert "error[E7232]" in done.stderr and "4 points" in done.stderr


def test_larger_models_have_no_formulas_but_numbers(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "MOST_WRITTEN", 3)
    done = run("analyze", small.easy(tmp_path, TWO))
    assert "  R0 = 2\n" in done.stdout
    assert "formulas are written for at most 3 points" in " ".join(done.stdout.split())


def test_without_sympy(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sir(tmp_path)
    monkeypatch.setitem(sys.modules, "sympy", None)
    done = run("analyze", path)
    assert done.exit_code == 7
    assert "needs the Python package sympy, which is not installed" in done.stderr
    assert "pip install 'allocc[analyze]'" in done.stderr
    with pytest.raises(allocc.MissingLibrary, match="sympy"):
        allocc.load(path).to_sympy()


def test_symbols_have_the_names_of_the_model(tmp_path: Path) -> None:
    found = allocc.load(small.easy(tmp_path, TWO)).to_sympy()
    assert {"S[north]", "I[south]", "beta", "people[north]"} <= set(found.symbols)
    beta, north = found.symbols["beta"], found.symbols["people[north]"]
    assert found.values[beta] == 0.4 and found.values[north] == 100
    amount = found.flows["infect[north]"]
    assert amount.has(beta, found.symbols["S[north]"], found.symbols["I[south]"])
    assert found.rates["S[north]"] == found.flows["recover[north]"] - amount
    assert found.initial["S[north]"] == north - 1


def test_parameters_that_are_made_of_others_are_written_out(tmp_path: Path) -> None:
    text = SIR.replace('gamma "recovery" : 1/day = 0.2', "gamma : 1/day = 1 / ill_for")
    text = text.replace("time t", "param ill_for : day = 5\ntime t")
    path = small.easy(tmp_path, f"model made\n{text}")
    (formula,) = (r.formula for r in [allocc.load(path).analyze().reproduction] if r is not None)
    assert formula is not None and formula.text == "beta*ill_for"
    # Set from outside, it is what it is set to.
    given = allocc.load(path, gamma=0.25).analyze().reproduction
    assert given is not None and given.formula is not None
    assert given.formula.text == "beta/gamma" and given.number == pytest.approx(2)


def test_only_what_has_to_be_data_is_read_as_numbers(tmp_path: Path) -> None:
    """Conditions, filters and exponents read values; extremes, roots and powers stay what they are."""
    path = small.easy(
        tmp_path,
        """model functions
        set G = {a, b}
        param size[g in G] = if g == "a" then 2 else 30
        param bend = 2
        param k = 0.3
        time t = 0 .. 3
        compartment A[G] initial A[g in G] = size[g]
        compartment B initial B = 1
        flow f[g in G if size[g] > 3] : A[g] -> B = k * A[g] ^ bend
        flow h : B -> = max(k * B, sqrt(k) * B, min(exp(-k), 1) * B, abs(k - 1) * tanh(B))
        """,
    )
    model = allocc.load(path)
    found = model.to_sympy()
    k, b = found.symbols["k"], found.symbols["B"]
    assert found.rates["A[a]"] == 0
    assert found.rates["A[b]"] == -k * found.symbols["A[b]"] ** 2
    equations = read_equations(model.bound)
    assert "bend" not in equations.parameters
    (h,) = (x for name, x in found.flows.items() if name == "h")
    at = {k: 0.3, b: 2.0}
    wanted = max(0.6, 0.3**0.5 * 2, 2.718281828459045**-0.3 * 2)
    assert float(h.subs(at)) == pytest.approx(wanted)
