"""The conflicts of small models, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocc.backends import registry
from allocc.showing.findings import conflict_lines
from tests.questions.conflict.telling import load, told

IRREDUCIBLE = """\
Why: these {} cannot hold together. The set is irreducible: without any one of them the others can
hold."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["highs", "scip", "pyomo"])
def solver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if not registry.get(name).available():
        pytest.skip(f"{name} is not installed")
    return name


def test_two_limits(tmp_path: Path, solver: str) -> None:
    text = """model never
decide x "doses" : dose in 0 .. 5
decide y : dose in 0 .. 5
param need "people waiting" : dose = 6
limit more "enough": x + y >= need
limit other: x - y <= 4
limit less "store": x + y <= 5
minimize { cost: x + y }
"""
    assert told(load(tmp_path, text), solver) == (
        IRREDUCIBLE.format(2)
        + """

  1  limit more  "enough"
     m.alloc:5: limit more "enough": x + y >= need
     with the others the left side is 5 dose or less; the right side is 6 dose
     need = 6 dose  (m.alloc:4)

  2  limit less  "store"
     m.alloc:7: limit less "store": x + y <= 5
     with the others the left side is 6 dose or more; the right side is 5 dose"""
    )


def test_whole_numbers_alone(tmp_path: Path, solver: str) -> None:
    text = """model odd
decide x integer in 0 .. 5
decide y integer in 0 .. 5
limit half: 2 * x + 2 * y == 3
limit low: x <= 4
minimize { cost: x + y }
"""
    assert (
        told(load(tmp_path, text), solver)
        == """\
Why: this cannot hold, even where everything else that can be left out is.

  1  limit half
     m.alloc:4: limit half: 2 * x + 2 * y == 3
     with the others the two sides differ by 1 or more

Whole numbers are part of it: if fractions were allowed, these could hold."""
    )


def test_ranges_and_a_cell(tmp_path: Path, solver: str) -> None:
    text = """model cell
table clinic from "clinic.csv" key name
set Clinic = clinic.name
param room[Clinic] "places" : place = clinic.places
decide open[Clinic] : place integer in 0 .. room
limit total: sum(c in Clinic: open[c]) >= 20
limit even[c in Clinic]: open[c] <= 100 * room[c]
minimize { cost: sum(open) }
"""
    model = load(tmp_path, text, {"clinic": "name,places\na,12\nb,3\n"})
    assert told(model, solver) == (
        IRREDUCIBLE.format(3)
        + """

  1  limit total
     m.alloc:6: limit total: sum(c in Clinic: open[c]) >= 20
     with the others the left side is 15 place or less; the right side is 20 place

  2  range: open[a] is at most 12 place
     m.alloc:5: decide open[Clinic] : place integer in 0 .. room
     with the others it is 17 place or more
     room[a] = 12 place  (clinic.csv, row 2, column 'places')

  3  range: open[b] is at most 3 place
     m.alloc:5, as above
     with the others it is 8 place or more
     room[b] = 3 place  (clinic.csv, row 3, column 'places')"""
    )


def test_only_the_row_that_conflicts(tmp_path: Path) -> None:
    text = """model rows
table county from "county.csv" key name
set County = county.name
param need[County] = county.need
decide x[County, 1 .. 3] in 0 .. 50
limit enough[c in County, k in 1 .. 3 if k > 1]: x[c, k] + x[c, k-1] >= need[c]
limit room[c in County, k in 1 .. 3]: x[c, k] <= 10
minimize { cost: sum(x) }
"""
    model = load(tmp_path, text, {"county": "name,need\na,12\nb,90\nc,9\n"})
    found = model.conflict()
    assert found.status == "irreducible"
    assert {m.named for m in found.members if m.kind == "limit"} in (
        {"enough[b,2]", "room[b,1]", "room[b,2]"},
        {"enough[b,3]", "room[b,2]", "room[b,3]"},
    )
    (cell,) = found.members[0].cells
    assert (cell.name, cell.value, cell.file, cell.row, cell.column) == (
        "need[b]",
        90.0,
        "county.csv",
        3,
        "need",
    )


def test_dynamics(tmp_path: Path, solver: str) -> None:
    text = """model empty
time t : day = 0 .. 4
compartment A "sick" : person
initial A = 10
decide take[period] in 0 .. 5
flow out : A -> = take
limit all: sum(take) >= 12
minimize { cost: sum(take) }
"""
    assert told(load(tmp_path, text), solver) == (
        IRREDUCIBLE.format(3)
        + """

  1  limit all
     m.alloc:7: limit all: sum(take) >= 12
     with the others the left side is 10 or less; the right side is 12

  2  initial value: A starts at 10 person  "sick"
     m.alloc:4: initial A = 10

  3  compartment: A[4] is never negative  "sick"
     m.alloc:3: compartment A "sick" : person
     with the others it is -2 person or less"""
    )


def test_chance_block(tmp_path: Path, solver: str) -> None:
    text = """model ch
set O = {mild, usual, harsh}
param demand[o in O] = if o == "mild" then 4 else if o == "usual" then 7 else 12
param likely[o in O] = if o == "usual" then 0.6 else 0.2
decide x in 0 .. 20
limit few: x <= 6
limit some: x >= 1
chance mostly: probability 70% over o in O weight likely[o] { limit enough: x >= demand[o] }
minimize { c: x }
"""
    found = told(load(tmp_path, text), solver)
    assert found.startswith(IRREDUCIBLE.format(2))
    assert "  1  limit few\n" in found
    assert "  2  chance mostly: its limits hold in scenarios that weigh 70 % or more\n" in found
    assert "     demand[usual] = 7  (m.alloc:3)\n" in found
    assert "A product, a function or a chance block needs the range of x" in found


def test_products(tmp_path: Path) -> None:
    text = """model nl
decide a in 0 .. 4
decide b in 0 .. 4
decide c in 0 .. 9
limit p: a * b >= 9
limit q: a + b <= 5
limit r: a + c <= 12
minimize { c0: a + c }
"""
    found = load(tmp_path, text).conflict()
    assert found.status == "irreducible"
    # Two negative factors have a large product: one of the ranges belongs to it.
    assert [(m.kind, m.name) for m in found.members][:2] == [("limit", "p"), ("limit", "q")]
    (third,) = found.members[2:]
    assert third.about == "is at least 0" or third.about == "at least 0"
    assert found.whole_numbers is None


def test_linear_rows_of_a_nonlinear_model(tmp_path: Path) -> None:
    """What conflicts in the linear rows is proven there, whatever products need."""
    text = """model part
decide n integer in 1 .. 5
decide s in 2 .. 9
decide r in 0 .. 9
limit mix: s * n + r <= 30
limit top: r + n >= 20
minimize { c: r }
"""
    found = load(tmp_path, text).conflict()
    assert found.status == "irreducible"
    assert [(m.kind, m.name) for m in found.members] == [
        ("limit", "top"),
        ("range", "n"),
        ("range", "r"),
    ]
    assert not found.held
    assert not found.widened


def test_a_ratio_is_not_multiplied_out_without_its_sign(tmp_path: Path) -> None:
    """With `safe` left out, `a / b <= 2` is another limit than `a <= 2 b`."""
    text = """model ratio
decide a in 1 .. 9
decide b in -5 .. 5
limit part: a / b <= 2
limit safe: b >= 1
limit much: a >= 3 * b + 1
minimize { c: a }
"""
    model = load(tmp_path, text)
    assert model.solve().status == "infeasible"
    found = model.conflict()
    names = {m.name for m in found.members if m.kind == "limit"}
    assert {"part", "safe", "much"} <= names
    if found.status == "irreducible":
        assert all(m.needed for m in found.members)


@pytest.mark.parametrize("curve", ["x[i]", "x[i] * y"])
def test_a_limit_over_nothing_is_no_part_of_a_conflict(tmp_path: Path, curve: str) -> None:
    text = f"""model empty
set S = 1 .. 3
decide x[S] in 0 .. 10
decide y in 1 .. 2
limit none[i in S if i > 5]: x[i] >= 3
limit much: sum(i in S: {curve}) >= 25
limit little: sum(x) <= 10
minimize {{ all: sum(x) }}
"""
    found = load(tmp_path, text).conflict()
    assert [m.name for m in found.members if m.kind == "limit"] == ["much", "little"]


def test_nothing_to_decide(tmp_path: Path) -> None:
    text = """model fixed
time t : day = 0 .. 2
compartment A : person
initial A = 10
flow grow : -> A = 4
limit top[t]: A[t] <= 15
minimize { c: A[end] }
"""
    model = load(tmp_path, text)
    assert model.solve().status == "infeasible"
    found = model.conflict()
    assert [(m.kind, m.named) for m in found.members] == [("limit", "top[2]"), ("initial", "A")]
    assert found.status == "irreducible"


def test_set_from_outside(tmp_path: Path) -> None:
    import allocc

    text = """model out
param stock = 10
decide x in 0 .. 20
limit store: x <= stock
limit need: x >= 8
minimize { c: x }
"""
    load(tmp_path, text)
    (cell,) = allocc.load("m.alloc", stock=3).conflict().members[0].cells
    assert (cell.name, cell.value, cell.file) == ("stock", 3.0, "")


def test_cells_of_a_column_with_else(tmp_path: Path) -> None:
    """A value that no cell has is that of the statement; the other rows were not read for it."""
    text = """model rows
table county from "county.csv" key name
set County = {a, b, c}
param need[County] = county.need else 70
decide x[County] in 0 .. 50
limit enough[c in County]: x[c] >= need[c]
minimize { cost: sum(x) }
"""
    found = load(tmp_path, text, {"county": "name,need\na,12\nb,\n"}).conflict()
    (cell,) = found.members[0].cells
    assert (cell.name, cell.value, cell.file, cell.row) == ("need[b]", 70.0, "m.alloc", 4)


def test_cells_of_a_column_in_quotes(tmp_path: Path) -> None:
    text = """model rows
table county from "county.csv" key name
set County = county.name
decide x[County] in 0 .. 50
limit enough[c in County]: x[c] >= county."in need"[c]
minimize { cost: sum(x) }
"""
    found = load(tmp_path, text, {"county": "name,in need\na,12\nb,90\n"}).conflict()
    (cell,) = found.members[0].cells
    assert (cell.name, cell.column) == ('county."in need"[b]', "in need")


def test_library_and_sums_over_pairs(tmp_path: Path) -> None:
    """Cells behind named expressions, filters and slices are those of the row alone."""
    text = """model pairs
table link from "link.csv" key from, to
table place from "place.csv" key name
set Place = place.name
set Link = link.key
param minutes[Link] = link.minutes
let near[r in Place] = sum((r, q) in Link: minutes[r, q])
decide x[Place] in 0 .. 3
limit far[r in Place if near[r] > 0]: x[r] >= near[r] / 10
minimize { c: sum(x) }
"""
    tables = {"link": "from,to,minutes\na,b,20\na,c,25\nb,c,10\n", "place": "name\na\nb\nc\n"}
    found = load(tmp_path, text, tables).conflict()
    assert [m.named for m in found.members] == ["far[a]", "x[a]"]
    assert [c.name for c in found.members[0].cells] == ["minutes[a,b]", "minutes[a,c]"]


def test_initial_value_of_a_nonlinear_model(tmp_path: Path) -> None:
    """The engine simulates from initial values; one that starts at 0 shows that it is needed."""
    text = """model cases
time t : day = 0 .. 3
compartment ill : person
initial ill = 25
decide lock[period] binary
flow growth : -> ill = (0.2 - 0.4 * lock) * ill
limit hospitals[t]: ill[t] <= 20
minimize { c: sum(lock) }
"""
    model = load(tmp_path, text)
    before = model.bound.compartments["ill"].initial
    found = model.conflict()
    assert found.status == "irreducible"
    assert [(m.kind, m.named) for m in found.members] == [
        ("limit", "hospitals[0]"),
        ("initial", "ill"),
    ]
    assert model.bound.compartments["ill"].initial is before


MOVING = """model moving
set C = {a, b}
time y : year = 0 .. 2
param net[c in C, p in period] : person/year = if c == "a" then -60 else 5
param hit : 1/year = 0.1
compartment P[C] : person
compartment Ill : person
initial P = 100
initial Ill = 0
flow move[c in C] : -> WHERE = net[c]
flow onset[c in C] : P[c] -> Ill = hit * P[c]
decide care : person/year in 0 .. 1
flow cure : Ill -> P["b"] = care
minimize { ill : Ill[end] }
"""


@pytest.mark.parametrize("where", ["P", "P[c]"])
def test_what_empties_a_compartment_is_told_with_its_data(tmp_path: Path, where: str) -> None:
    """Of the flows that touch the member, up to the time at which it is below zero."""
    lines = told(load(tmp_path, MOVING.replace("WHERE", where)), "highs").splitlines()
    start = next(k for k, x in enumerate(lines) if "P[a,2] is never negative" in x)
    found = [x.strip() for x in lines[start + 1 : start + 6] if "=" in x]
    assert found[-3:] == [
        "net[a,0] = -60 person/year  (m.alloc:4)",
        "net[a,1] = -60 person/year  (m.alloc:4)",
        "hit = 0.1 1/year  (m.alloc:5)",
    ]


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("flow go : S -> = sqrt(20 - S) + 0 * x minimize { c : S[end] }", "flow go"),
        ("flow go : S -> = 0.1 * S minimize { c : S[end] + sqrt(x - 2) }", "term c"),
    ],
)
def test_a_formula_without_a_value_is_to_blame(tmp_path: Path, value: str, where: str) -> None:
    text = f"model m time t = 0 .. 3 compartment S initial S = 100 decide x in 0 .. 1 {value}"
    model = load(tmp_path, text)
    assert model.solve().status == "infeasible"
    said = " ".join("\n".join(conflict_lines(model.conflict())).split())
    assert said.startswith("Why: no limit is to blame. A formula has to have a value: `sqrt(")
    assert f"in {where} is no finite number" in said
