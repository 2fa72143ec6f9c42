"""What a policy may say, and what each mistake in it is told as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import allocc
from allocc.dsl.reading.parser import parse
from allocc.dsl.tree import Policy, Source
from tests import small

MODEL = """model clinics "Doses"
set Clinic = {a, b}
set Day = 1 .. 3
param stock : dose = 10
param people[c in Clinic] = if c == "a" then 3 else 1
decide doses[Clinic, Day] : dose in 0 .. 6
decide helpers in 0 .. 6
limit store: sum(doses) <= stock
minimize { cost : helpers + sum(doses) / stock }
"""


def load(folder: Path, policy: str) -> allocc.Model:
    return allocc.load(small.easy(folder, MODEL + policy))


def values(folder: Path, policy: str) -> dict[str, list[object]]:
    (found,) = load(folder, policy).bound.policies
    return {v.name: x.tolist() for v, x in found.values.items()}


@pytest.mark.parametrize(
    ("rule", "doses"),
    [
        ("doses[c in Clinic, d in Day] = people[c] * d", [[3, 6, 9], [1, 2, 3]]),
        ("doses[c in Clinic, Day] = people[c]", [[3, 3, 3], [1, 1, 1]]),
        ("doses = 2", [[2, 2, 2], [2, 2, 2]]),
        ("doses = people", None),
    ],
)
def test_an_index_is_that_of_the_decision(
    tmp_path: Path, rule: str, doses: list[list[float]] | None
) -> None:
    if doses is None:
        # Over one of two sets: the same for each member of the other, as elsewhere.
        doses = np.broadcast_to([[3.0], [1.0]], (2, 3)).tolist()
    assert values(tmp_path, f"policy p {{ {rule} }}") == {"doses": doses}


def test_it_may_be_empty_and_have_a_description(tmp_path: Path) -> None:
    assert values(tmp_path, 'policy p "nothing" {}') == {}


@pytest.mark.parametrize(
    ("policy", "code", "told"),
    [
        ("{ helpers = 1 helpers = 2 }", "E2006", "more than one `helpers = ...` in policy 'p'"),
        ("{ helper = 1 }", "E2001", "did you mean 'helpers'?"),
        ("{ stock = 1 }", "E2003", "'stock' is a parameter, but a decision is expected here"),
        ("{ helpers = sum(doses) }", "E4009", "what policy 'p' says of 'helpers'"),
        ("{ doses[d in Day, c in Clinic] = d }", "E4023", "is indexed by [Clinic, Day]"),
        ("{ doses[c, d in Day] = d }", "E2001", "write `c in Clinic`"),
        ("{ doses = stock * stock }", "E4103", "the value by policy 'p' of 'doses' is in dose^2"),
        ('{ helpers = "a" }', "E4010", "is a label, not a number"),
        ("{ helpers = 1 / (stock - stock) }", "E4011", "division by zero"),
        ("{ helpers 1 }", "E1001", "policy NAME"),
    ],
)
def test_mistakes(tmp_path: Path, policy: str, code: str, told: str) -> None:
    with pytest.raises(allocc.AlloccError) as error:
        load(tmp_path, f"policy p {policy}")
    (found,) = error.value.diagnostics
    assert found.code == code and found.span is not None
    assert told in str(error.value)


def test_each_mistake_of_a_policy_is_told(tmp_path: Path) -> None:
    with pytest.raises(allocc.AlloccError) as error:
        load(tmp_path, "policy p { helper = 1 stock = 1 doses = helpers }")
    assert [d.code for d in error.value.diagnostics] == ["E2001", "E2003", "E4009"]


def test_it_stands_outside_of_interventions(tmp_path: Path) -> None:
    with pytest.raises(allocc.AlloccError, match="E1025"):
        load(tmp_path, "intervention i { policy p { helpers = 1 } }")


def test_names_are_those_of_limits_too(tmp_path: Path) -> None:
    with pytest.raises(allocc.AlloccError, match="E2002"):
        load(tmp_path, "policy store { helpers = 1 }")


def test_that_it_names_a_decision_does_not_make_it_used(tmp_path: Path) -> None:
    model = load(tmp_path, "decide idle in 0 .. 1\npolicy p { idle = 1 }")
    assert [d.code for d in model.warnings if "idle" in d.message] == ["W2001"]


def test_what_only_a_policy_mentions_is_used(tmp_path: Path) -> None:
    model = load(tmp_path, 'policy p { helpers = people["a"] }')
    assert not [d for d in model.warnings if "people" in d.message]


def test_a_whole_model_that_is_used_brings_its_policies(tmp_path: Path) -> None:
    part = MODEL.partition("minimize")[0] + "policy p { helpers = 1 }\n"
    (tmp_path / "part.alloc").write_text(part, "utf-8")
    text = 'model whole\nuse clinics from "part.alloc"\nminimize { cost : helpers }\n'
    model = allocc.load(small.easy(tmp_path, text))
    assert [p.name for p in model.bound.policies] == ["p"]


def test_words_of_places_may_name_decisions() -> None:
    text = "model m\ndecide weight in 0 .. 1\npolicy p { weight = 1 from = 2 }\nminimize { c : weight }"
    found = next(s for s in parse(Source("m", text)).statements if isinstance(s, Policy))
    assert [a.name.name for a in found.assignments] == ["weight", "from"]
