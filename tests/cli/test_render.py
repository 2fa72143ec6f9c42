"""`allocc render`: formulas, pictures and rows from the command line."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.helpers import Run

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def opioid(run: Run) -> str:
    shutil.copytree(EXAMPLES / "opioid", "opioid")
    return "opioid/opioid.alloc"


def test_markdown_needs_no_data(run: Run) -> None:
    shutil.copy(EXAMPLES / "opioid" / "opioid.alloc", "alone.alloc")
    found = run("render", "alone.alloc")
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("# Treatment facilities and budgets for one US state\n")
    assert r"S_{t+h} &= S_{t} + h\,\bigl(-\alpha\,S_{t} + \epsilon\,P_{t}" in found.stdout
    assert r"\underbrace{\sum_{c \in \mathrm{County}}" in found.stdout


def test_latex_by_itself_or_to_be_put_in(run: Run, opioid: str) -> None:
    whole = run("render", opioid, "--to", "latex", "--standalone").stdout
    part = run("render", opioid, "--to", "latex").stdout
    assert whole.startswith(r"\documentclass") and r"\begin{document}" not in part
    assert part.rstrip() in whole
    assert run("render", opioid, "--standalone").exit_code == 2


def test_values_come_from_the_data(run: Run, opioid: str) -> None:
    written = run("render", opioid).stdout
    bound = run("render", opioid, "--values", "--set", "scale=7").stdout
    assert "column zeta of state.csv" in written and "column zeta of state.csv" not in bound
    assert "| $\\zeta$ | entry into treatment | 1/year | $0.4883$ |" in bound
    assert "person | $7$ |" in bound


def test_a_picture_into_a_file(run: Run, opioid: str) -> None:
    found = run("render", opioid, "-o", "picture.svg")
    assert found.exit_code == 0 and "wrote picture.svg" in found.output
    assert ElementTree.parse("picture.svg").getroot().tag.endswith("svg")
    assert run("render", opioid, "-o", "nowhere/picture.svg").exit_code == 1
    assert run("render", opioid, "--to", "svg").stdout == Path("picture.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "formulas.pdf"), "no form for the ending .pdf; choose one of .md, .tex, .svg"),
        (("-o", "f.tex", "--to", "markdown"), "its name says latex, and --to says markdown"),
    ],
)
def test_an_ending_of_another_form_is_refused(
    run: Run, opioid: str, arguments: tuple[str, ...], words: str
) -> None:
    found = run("render", opioid, *arguments)
    assert found.exit_code == 1 and "E7011" in found.output
    assert words in " ".join(found.output.split())
    assert not Path(arguments[1]).exists()


def test_a_name_without_an_ending_gets_markdown(run: Run, opioid: str) -> None:
    assert run("render", opioid, "-o", "formulas").exit_code == 0
    assert Path("formulas").read_text() == run("render", opioid).stdout


def test_without_compartments_a_sentence(run: Run) -> None:
    found = run("render", EXAMPLES / "drone" / "drone.alloc", "-o", "drone.svg")
    assert found.exit_code == 0 and "no compartments to draw" in found.output
    assert found.stdout == "" and not Path("drone.svg").exists()


def test_rows_of_the_program(run: Run, opioid: str) -> None:
    found = run("render", opioid, "--program", "--rows", "1").stdout
    assert "limit grant_limit[t] " in found and "opioid/opioid.alloc:" in found
    assert "  5,000 open[44001] - spend[44001,2017] <= 0\n  ... and 44 more" in found
    direct = run("render", opioid, "--program", "--method", "direct", "--rows", "2").stdout
    assert "products: 32\n  spend[44003,2017] = ratio[" in direct and " ... and 30 more" in direct
    assert run("render", opioid, "--program", "--to", "svg").exit_code == 2


def test_rows_of_functions(run: Run) -> None:
    Path("m.alloc").write_text(
        "model m decide x in 1 .. 2 decide y in 1 .. 2 limit a: exp(x) + x^0.5 <= 9"
        " minimize { cost: max(x, y, 1.5) + x * y }"
    )
    found = run("render", "m.alloc", "--program", "--method", "direct").stdout
    assert "  exp[x] = exp(x)\n" in found and "  power 0.5[x] = power 0.5(x)" in found
    assert "max: 3 rows, auxiliary" in found and "products: 1\n  product[x,y] = x * y" in found


def test_mistakes(run: Run) -> None:
    assert run("render", "none.alloc").exit_code == 1
    Path("bad.alloc").write_text("param = 3")
    assert run("render", "bad.alloc").exit_code == 1
    Path("lost.alloc").write_text('use l9 from "equity.alloc"\nparam a = 1')
    found = run("render", "lost.alloc")
    assert found.exit_code == 1 and "l9" in found.output
