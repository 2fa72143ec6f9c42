"""Broken models and broken data end in diagnostics, never in another exception or a warning.

Valid models are mutated word by word, and their data cell by cell. `ALLOCC_MUTANTS=5000` makes
the run longer.
"""

from __future__ import annotations

import os
import random
import re
import warnings
from pathlib import Path

import pytest

from allocc.compiler.bind import bind
from allocc.compiler.discretize import discretize
from allocc.dsl.diagnostics import AlloccError
from allocc.dsl.parser import parse
from allocc.dsl.render import render
from allocc.dsl.scanner import RESERVED
from allocc.dsl.tree import Source

EPIDEMIC = """
model seir "Two waves"
set R = {n, s, w}
set Link = {n, s} * {s, w}
set Week = 1 .. 6
param mixing[r in R, q in R] = if r == q then 1 else 0.1
param pop[R] : person in 0 .. = 1000
param lag[R] = 2
param beta = 0.5
param moving : 1/day = 0.01
use l1, linf, worst_off, range from "equity.alloc"
time t : day = 0 .. 10 step 0.5 method euler
compartment S[R] "susceptible" : person
compartment E[R]
compartment I[R]
compartment D
initial S = pop - 1 initial E = 0 initial I = 1 initial D = 0
let foi[r in R] = sum(q in R: mixing[r, q] * I[q]) / pop[r]
flow infect[r in R] : S -> E = beta * S[r] * foi[r]
flow sick[r in R] : E -> I = 0.2 * E[r]
flow die[r in R] : I[r] -> D = 0.01 * I[r]
flow move[r in R, q in R if r != q] : S[r] -> S[q] = moving * S[r]
flow back : D -> S["n"] = 0.001 * D[t-2] else 0
function twice(x, y[S]) = 2 * x + sum(i in S: y[i])
intervention vaccinate "v" {
  decide site[R] integer in 0 .. 3
  decide dose[R, period] in 0 .. 5
  decide ship[Link] in 0 .. 9
  decide plan[Week] binary
  decide mask in 0 .. 0.5
  effect infect[r in R] += 0 - 0.1 * dose[r] * site[r]
  effect beta *= 1 - mask
  limit cap[r in R, p in period if p > start]: dose[r, p] - dose[r, p-1] <= 2 * site[r]
  limit out[a in R]: sum((a, b) in Link: ship[a, b]) <= 4
  limit week[w in Week, r in R]: plan[w] + (plan[w - lag[r]] else 0) <= 1
  limit up[t]: sum(r in R: I[r, t]) <= 500
  prefer fair: max(r in R: site[r]) <= 2 penalty 3
}
minimize {
  a : D[end] + twice(mask, site)
  b : l1(site, pop / 500)
  c : sum(t: I["n", t]) ^ 2
  d : sum(dose) + beta[end] + linf(site, pop) + worst_off(site) + range(pop)
}
report peak[r in R] "most who are ill" = max(t: I[r, t]) / max(1, site[r])
report busy[p in period] = sum(r in R if dose[r, p] > site[r]: floor(dose[r, p])) + sum(peak)
report safe = if mask > 0.1 then binomial(site["n"], 9, mask) else 1 / (1 + D[end])
"""
TABLES = """
table county from "county.csv" key fips
table rates from "rates.csv" key name
table pair from "pair.csv" key a, b
table one from "one.csv"
set County = county.fips
set Arc = pair.key
param pop[County] in 0 .. 100000 = county.population
param region[County] = county.region
param dist[Arc] : km = pair.distance
param near[a in County, b in County] = pair.distance[a, b] else 99
param delta : 1/year = rates.value["delta"]
param budget = one.budget
decide x[County] in 0 .. pop
decide go[Arc] in 0 ..
limit b: sum(c in County if region[c] == "north": x[c]) <= budget
limit m[a in County]: sum((a, b) in Arc: go[a, b]) <= x[a] * delta
limit n[a in County, b in County if near[a, b] < 50]: x[a] >= x[b] / pop[b]
minimize { c : sum((a, b) in Arc: dist[a, b] * go[a, b]) + mean(x) }
report rest[c in County] = if x[c] < pop[c] then log(pop[c] - x[c]) else 0
report worst = max(c in County if region[c] == "north": rest[c] / x[c])
"""
FILES = {
    "county.csv": "fips,population,region\n44001,100,north\n44003,200,south\n44005,300,north\n",
    "rates.csv": "name,value\nalpha,1\ndelta,0.5\n",
    "pair.csv": "a,b,distance\n44001,44003,10\n44003,44005,20\n44005,44001,5\n",
    "one.csv": "budget,label\n100,x\n",
}
WORDS = re.compile(r'"[^"\n]*"|[A-Za-z_]\w*|\d+(?:\.\d+)?|\.\.|->|[<>=!+*]=|\S|\s+')
TROUBLE = [
    "0",
    "1",
    "-1",
    "(0)",
    "2.5",
    "1e999",
    "nan",
    "t",
    "t-1",
    "x[t-1]",
    "S[r]",
    "R",
    "end",
    "start",
    "period",
    "sum",
    "sum(x)",
    "min",
    "max",
    "..",
    "1 .. 3",
    '"n"',
    "1000000000000",
    "=",
    "<",
    "==",
    "/",
    "*",
    "^",
    "-",
    "+",
    "in",
    "not",
    "and",
    "mask",
    "infect",
    "D",
    "{a, b}",
    "method",
    "(1 > 0)",
    "(1/0)",
    "county",
    "county.key",
    "one.key",
    "pair.key",
    "Arc",
    "Link",
    "(a, b)",
    "lag",
    "twice",
    "l1",
    "range",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "if",
    "else",
]
CELLS = (
    "",
    *[
        "0",
        "-1",
        "nan",
        "inf",
        "1e999",
        "abc",
        '"',
        'a"b',
        ",",
        ";",
        "44001",
        "é",
        "\x00",
        "\n",
        "01",
        "1_0",
        "１",
        "+",
        "#N/A",
        " ",
        "\r",
        "1e308",
    ],
)


def mutate_model(text: str, chance: random.Random) -> str:
    words = WORDS.findall(text)
    names = [k for k, w in enumerate(words) if re.match(r'[A-Za-z_"]', w) and w not in RESERVED]
    filled = [w for w in words if w.strip()]
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        kind = chance.random()
        place = chance.choice(names) if kind < 0.75 else chance.randrange(len(words))
        if kind < 0.4:
            words[place] = words[chance.choice(names)]
        elif kind < 0.85:
            words[place] = chance.choice([*TROUBLE, chance.choice(filled)])
        elif kind < 0.93:
            words[place] = ""
        else:
            words[place] += " " + chance.choice(filled)
    return "".join(words)


def mutate_files(chance: random.Random) -> dict[str, bytes]:
    files = dict(FILES)
    for _ in range(chance.choice([0, 1, 1, 2])):
        name = chance.choice(list(files))
        cells = re.split(r"([,\n])", files[name])
        place = chance.randrange(len(cells))
        kind = chance.random()
        if kind < 0.8:
            cells[place] = chance.choice(CELLS)
        elif kind < 0.9:
            cells.insert(place, chance.choice(cells))
        else:
            del cells[place:]
        files[name] = "".join(cells)
    encoding = "utf-8" if chance.random() < 0.97 else "utf-16"
    return {name: text.encode(encoding) for name, text in files.items()}


def compile_quietly(text: str, data: Path) -> None:
    """Compile; only `AlloccError` may come of it, and every diagnostic can be shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            model = bind(parse(Source("model.alloc", text)), data)
            discretize(model)
            render(model.diagnostics)
        except AlloccError as error:
            assert error.diagnostics
            render(error.diagnostics)


@pytest.mark.parametrize("text", [EPIDEMIC, TABLES], ids=["epidemic", "tables"])
def test_the_models_themselves_are_fine(text: str, tmp_path: Path) -> None:
    for name, cells in FILES.items():
        (tmp_path / name).write_text(cells)
    discretize(bind(parse(Source("model.alloc", text)), tmp_path))


@pytest.mark.parametrize("seed", range(int(os.environ.get("ALLOCC_MUTANTS", "200")) // 20))
def test_mutants_end_in_diagnostics(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    for _ in range(20):
        for name, cells in mutate_files(chance).items():
            (tmp_path / name).write_bytes(cells)
        text = mutate_model(chance.choice([EPIDEMIC, TABLES]), chance)
        try:
            compile_quietly(text, tmp_path)
        except Exception as error:
            error.add_note(text)
            raise
