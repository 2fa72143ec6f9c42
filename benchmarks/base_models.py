"""The models and tables that mutants are made from: two made for it, and shipped ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

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
fit past "deaths" {
  time t = 0 .. 4 step 0.5 method euler
  decided mask = 0.1
  decided dose[r in R, period] = pop[r] / 1000
  estimate beta in 0 .. 2 from 0.5 ~ lognormal(0.5, 0.2)
  initial I = 2
  observe D ~ poisson(3) weight 2
}
uncertain beta ~ lognormal(0.5, 0.2)
uncertain mixing[r in R, q in R] ~ triangular(0, 0.1 * beta, 2)
scenario World "waves" draws 3 by cvar 90%
decide after in 0 .. 2 after World
limit later: after <= beta
intervention vaccinate "v" {
  decide site[R] integer in 0 .. 3
  decide dose[R, period] in 0 .. 5
  decide ship[Link] in 0 .. 9
  decide plan[Week] binary
  decide mask in 0 .. 0.5 after World
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
policy by_people "doses by people" {
  site = 3 * pop[r] / sum(pop)
  dose[r in R, period] = 5 * pop[r] / sum(pop)
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
decide go[Arc] in 0 .. after Next
uncertain budget ~ uniform(50, one.budget + 50)
scenario Next "budgets" from "next.csv" weight share by mean
limit b: sum(c in County if region[c] == "north": x[c]) <= budget
limit m[a in County]: sum((a, b) in Arc: go[a, b]) <= x[a] * delta
limit n[a in County, b in County if near[a, b] < 50]: x[a] >= x[b] / pop[b]
minimize { c : sum((a, b) in Arc: dist[a, b] * go[a, b]) + mean(x) }
policy all { x[c in County] = pop[c] go[a in Arc] = 1 }
report rest[c in County] = if x[c] < pop[c] then log(pop[c] - x[c]) else 0
report worst = max(c in County if region[c] == "north": rest[c] / x[c])
"""
FILES = {
    "county.csv": "fips,population,region\n44001,100,north\n44003,200,south\n44005,300,north\n",
    "rates.csv": "name,value\nalpha,1\ndelta,0.5\n",
    "pair.csv": "a,b,distance\n44001,44003,10\n44003,44005,20\n44005,44001,5\n",
    "one.csv": "budget,label\n100,x\n",
    "next.csv": "draw,budget,share\nlow,80,1\nhigh,120,2\n",
}

#: The shipped models that are mutated, besides the two above; each with the folder of its tables.
SHIPPED = (
    "access/access",
    "access/exact",
    "drone/drone",
    "lockdown/lockdown",
    "lockdown/cubic",
    "opioid/opioid",
    "seir_vaccination/seir_vaccination",
    "vaccine/vaccine",
)
#: A shipped table is cut to so many rows: the mistakes are the same, and found sooner.
MOST_ROWS = 30


@dataclass(frozen=True)
class Start:
    """A model and its tables, as they are before anything is changed."""

    name: str
    text: str
    tables: dict[str, str]


@lru_cache(maxsize=1)
def starts() -> tuple[Start, ...]:
    """The models that are mutated."""
    found = [Start("epidemic", EPIDEMIC, {}), Start("tables", TABLES, dict(FILES))]
    for name in SHIPPED:
        path = ROOT / "examples" / f"{name}.alloc"
        tables = {
            p.name: "".join(p.read_text("utf-8").splitlines(True)[: MOST_ROWS + 1])
            for p in sorted(path.parent.glob("*.csv"))
        }
        text = path.read_text("utf-8")
        found.append(Start(name, text, {k: v for k, v in tables.items() if f'"{k}"' in text}))
    return tuple(found)
