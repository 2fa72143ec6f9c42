"""Which compartments carry an infection, and what there is where none do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from tests.questions.analyze.models import SIR, analyze, load

pytest.importorskip("sympy")

HEAD = "time t = 0 .. 10\n"
#: Without units, so that a number may stand wherever a rate does.
BARE = SIR.replace(" : person", "").replace(" : 1/day", "").replace("time t : day", "time t")


def states(names: str) -> str:
    return "".join(f"compartment {n} initial {n} = {50 + 7 * k}\n" for k, n in enumerate(names))


@pytest.mark.parametrize(
    ("names", "flows", "infected"),
    [
        ("SIR", "S -> I = 0.01 * S * I; I -> R = 0.2 * I; R -> S = 0.1 * R", "I"),
        ("SI", "S -> I = 0.01 * S * I / (S + I); I -> S = 0.2 * I", "I"),
        ("SLI", "S -> L = 0.01*S*I; L -> I = 0.1*L; L -> I = 0.001*L*I; I -> = I", "LI"),
        # Whoever is treated and falls ill again carries it; who is well for good does not.
        ("SITR", "S -> I = S*I; I -> T = I; T -> I = 0.1*T; T -> R = T", "IT"),
        ("SIHR", "S -> I = S*I; I -> H = I; H -> R = H", "I"),
        # Contact tracing: who is kept at home because of cases is not infected.
        ("SIQR", "S -> I = S*I; I -> R = I; S -> Q = 0.1*S*I; Q -> S = Q", "I"),
        # Births in proportion to all, also to the infected, are no infection.
        ("SI", "S -> I = S*I; -> S = 0.1*(S + I); S -> = 0.1*S; I -> = I", "I"),
        ("SIJ", "S -> I = S*I; S -> J = S*J; I -> S = I; J -> S = J", "IJ"),
        ("AB", "A -> B = 0.3 * A; B -> A = 0.1 * B", ""),
        ("AB", "A -> B = 0.3 * A; -> A = 0.1 * A; B -> = B", ""),
    ],
)
def test_who_carries_it(names: str, flows: str, infected: str) -> None:
    parts = [f"flow f{k} : {f}\n" for k, f in enumerate(flows.split("; "))]
    found = analyze(HEAD + states(names) + "".join(parts))
    assert found.infected == tuple(infected)


def test_stages_as_labels() -> None:
    found = analyze(
        HEAD
        + """
        set Stage = {s, i, r}
        compartment X[Stage] initial X[k in Stage] = if k == "s" then 99 else 1
        flow infect : X["s"] -> X["i"] = 0.5 * X["s"] * X["i"] / 101
        flow recover : X["i"] -> X["r"] = 0.2 * X["i"]
        """
    )
    assert found.infected == ("X[i]",)
    assert found.reproduction is not None and not found.reproduction.groups
    assert found.reproduction.number == pytest.approx(2.5)


def test_who_is_infected_can_be_said() -> None:
    """Logistic growth has no susceptible compartment: nothing but a word can tell who is infected."""
    text = HEAD + "param K = 100\nparam b = 0.5\nparam g = 0.2\n" + states("I")
    text += "flow grow : -> I = b * I * (1 - I / K)\nflow recover : I -> = g * I\n"
    assert analyze(text).infected == ()
    found = analyze(text, infected="I")
    assert found.found_by == "given" and found.reproduction is not None
    assert found.reproduction.number == pytest.approx(0.5 / 0.2)


def test_what_comes_from_elsewhere_leaves_no_state_without_the_disease() -> None:
    for line in ("flow come : -> I = 0.1", "flow catch : S -> I = 0.01 * S"):
        found = analyze(f"{BARE}\n{line}\n")
        assert found.infected == ("I",)
        assert found.reproduction is None and found.disease_free is None
        assert any("elsewhere" in note and line.split()[1] in note for note in found.notes)


def test_who_never_recovers_has_no_number() -> None:
    found = analyze(SIR.replace("flow recover : I -> R = gamma * I", ""))
    assert found.infected == ("I",) and found.reproduction is None
    assert any("no basic reproduction number" in note for note in found.notes)


def test_more_births_than_deaths() -> None:
    found = analyze(f"{BARE}\nflow born : -> S = 0.03 * (S + I + R)\nflow die : S -> = 0.01 * S\n")
    assert found.disease_free is None and found.reproduction is not None
    assert found.reproduction.number == pytest.approx(2.5)
    assert any("births and deaths" in note for note in found.notes)


def test_births_and_deaths_in_balance_keep_the_total() -> None:
    found = analyze(
        HEAD
        + """
        param mu = 0.01
        compartment S initial S = 900
        compartment I initial I = 100
        flow infect : S -> I = 0.5 * S * I / (S + I)
        flow recover : I -> S = 0.2 * I
        flow born : -> S = mu * (S + I)
        flow die_S : S -> = mu * S
        flow die_I : I -> = mu * I
        """
    )
    assert [t.value for t in found.totals] == [1000]
    assert found.disease_free is not None and found.disease_free.values["S"] == 1000
    assert found.reproduction is not None
    assert found.reproduction.number == pytest.approx(0.5 / 0.21)


def test_without_infection_there_are_mean_times() -> None:
    """Against the course of one person through the compartments, in continuous time."""
    found = analyze(
        HEAD
        + states("WBH")
        + """
        param come = 8
        flow arrive : -> W = come
        flow enter : W -> B = 0.5 * W
        flow give_up : W -> = 0.1 * W
        flow go_home : B -> H = 0.25 * B
        flow back : H -> W = 0.02 * H
        flow well : H -> = 0.03 * H
        """
    )
    assert found.infected == () and found.reproduction is None
    (rest,) = found.states_of_rest
    assert rest.kind == "rest" and rest.stable and rest.reached
    matrix = np.array([[-0.6, 0, 0.02], [0.5, -0.25, 0], [0, 0.25, -0.05]])
    assert list(rest.values.values()) == pytest.approx(np.linalg.solve(matrix, [-8, 0, 0]))
    grid = np.linspace(0, 600, 6001)
    begin = expm(matrix * (grid[1] - grid[0]))
    person, course = np.array([1.0, 0, 0]), []
    for _ in grid:
        course.append(person)
        person = begin @ person
    spent = np.trapezoid(np.array(course), grid, axis=0)
    (waiting, _, _) = found.stays
    assert waiting.once == pytest.approx(1 / 0.6)
    assert waiting.in_all is not None
    assert list(waiting.in_all.values()) == pytest.approx(spent, rel=1e-3)


def test_the_safe_step_is_where_euler_begins_to_fail() -> None:
    text = "time t = 0 .. {end} step {step}\n" + states("AB") + "flow go : A -> B = 4 * A\n"
    found = analyze(text.format(end=1, step=0.1))
    start = found.steps[0]
    assert start.positive == pytest.approx(0.25) and start.compartment == "A"
    assert start.flows == ("go",) and start.stable == pytest.approx(0.5)
    lowest = {
        step: load(text.format(end=10 * step, step=step)).simulate()["A"].min()
        for step in (0.249, 0.251)
    }
    assert lowest[0.249] >= 0 > lowest[0.251]


def test_who_dies_in_one_place_was_susceptible_in_their_own_group() -> None:
    """All share the compartment of the dead, yet without the disease each group is as large as it was."""
    found = analyze(
        HEAD
        + """
        set Region = {north, south}
        set Age = {young, old}
        param N[r in Region, a in Age] = if r == "north" and a == "old" then 700 else 300
        param mix[a in Age, b in Age] = if a == b then 0.3 else 0.1
        param stay = 0.8
        param gamma = 0.25
        param mu = 0.01
        compartment S[Region, Age] initial S[r in Region, a in Age] = N[r, a] - 1
        compartment I[Region, Age] initial I[r in Region, a in Age] = 1
        compartment D initial D = 0
        let force[r in Region, a in Age] = sum(b in Age: mix[a, b] * I[r, b] / N[r, b])
        flow infect[r in Region, a in Age] : S -> I =
          S[r, a] * sum(q in Region: (if r == q then stay else 1 - stay) * force[q, a])
        flow recover[r in Region, a in Age] : I -> S = gamma * I[r, a]
        flow die[r in Region, a in Age] : I[r, a] -> D = mu * I[r, a]
        """
    )
    assert found.disease_free is not None and found.disease_free.formulas is not None
    assert found.disease_free.values["S[north,old]"] == pytest.approx(700)
    assert found.disease_free.formulas["S[south,young]"].text == "N[south,young]"
    assert [t.value for t in found.totals] == [1600]
    r = found.reproduction
    # Each of a group meets 0.3 + 0.1 in all: by the shares of the groups, R0 is that over the rate of ending.
    assert r is not None and r.number == pytest.approx(0.4 / 0.26)
    assert [g.group for g in r.groups] == [
        "north, young",
        "north, old",
        "south, young",
        "south, old",
    ]
    assert sum(g.share for g in r.groups) == pytest.approx(1)
