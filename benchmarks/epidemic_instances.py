"""The nonlinear epidemics of `epidemics.py`: the shipped model with other data, and three small ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from allocc.compiler.binding.bind import bind
from allocc.compiler.unrolling.discretize import discretize
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl import Source, parse
from allocc.dsl.reading.parser import parse_file

MODEL = Path(__file__).resolve().parent.parent / "examples" / "epidemic" / "epidemic.alloc"

#: Name, population, exposed and infectious of the regions, as many of them as are asked for.
REGIONS = [
    ("North", 60_000, 60, 40),
    ("East", 30_000, 20, 10),
    ("South", 40_000, 300, 200),
    ("West", 50_000, 10, 5),
    ("Hill", 20_000, 30, 20),
    ("Lake", 70_000, 5, 5),
    ("Coast", 45_000, 50, 30),
    ("Delta", 35_000, 80, 60),
]

#: Closures; in twelve weeks the beds suffice with whole weeks of closure only from three of them on.
ICU = """
model icu "Closures that keep an intensive care unit within its beds"
time w : week = 0 .. {weeks}
param people : person = 100000
param beta   : 1/week = 1.3
param gamma  : 1/week = 0.6
compartment S : person  initial S = people - 500
compartment I : person  initial I = 500
compartment R : person  initial R = 0
decide closed[period] "share of a week" {kind}
effect beta *= 1 - 0.6 * closed
flow infect  : S -> I = beta * S * I / people
flow recover : I -> R = gamma * I
limit icu[w] "beds": 0.02 * I[w] <= 200
minimize {{ closures: sum(closed)  ill: {ill} * sum(k in period: infect[k]) }}
"""

#: Events that raise contacts; without the limit all would be held, and the peak be 6,100.
EVENTS = """
model events "Events that an epidemic leaves room for"
time w : week = 0 .. {weeks}
param people : person = 100000
param beta   : 1/week = 1.2
param sigma  : 1/week = 0.8
param gamma  : 1/week = 0.7
compartment S : person  initial S = people - 200
compartment E : person  initial E = 100
compartment I : person  initial I = 100
compartment R : person  initial R = 0
decide event[period] {kind}
effect beta *= 1 + {more} * event
flow infect  : S -> E = beta * S * I / people
flow onset   : E -> I = sigma * E
flow recover : I -> R = gamma * I
limit peak[w]: I[w] <= {peak}
maximize {{ held: sum(event) }}
"""

#: One vaccine for two areas that infect each other.
AREAS = """
model areas "Two areas that share a vaccine"
set Area = {{town, country}}
time w : week = 0 .. {weeks}
param people[a in Area]  : person = if a == "town" then 60000 else 40000
param ill[a in Area]     : person = if a == "town" then 100 else 300
param beta  : 1/week = 1.1
param gamma : 1/week = 0.5
compartment S[Area] : person  initial S[a in Area] = people[a] - ill[a]
compartment I[Area] : person  initial I[a in Area] = ill[a]
compartment R[Area] : person  initial R[a in Area] = 0
decide doses[Area, period] : person/week in 0 .. {supply}
flow infect[a in Area] : S -> I =
  beta * S[a] * sum(b in Area: (if a == b then 0.85 else 0.15) * I[b] / people[b])
flow recover[a in Area] : I -> R = gamma * I[a]
flow protect[a in Area] : S -> R = 0.9 * doses[a]
limit stock[p in period]: sum(a in Area: doses[a, p]) <= {supply}
minimize {{ infections: sum(a in Area, p in period: infect[a, p]) }}
"""


@dataclass(frozen=True)
class Instance:
    """A problem under a name; `make` compiles it, from tables that are written and thrown away."""

    name: str
    what: str
    make: Callable[[], Problem]


def vaccination(regions: int, weeks: int, supply: int, throughput: int, sites: int) -> Problem:
    """The shipped model: doses a week, doses a week at a site, and sites for so many regions."""
    chosen = REGIONS[:regions]
    mixing = [
        f"{to},{source},{_share(regions, i - j):.6g}"
        for i, (to, *_) in enumerate(chosen)
        for j, (source, *_) in enumerate(chosen)
    ]
    tables = {
        "regions": ["name,population,exposed,infectious", *(",".join(map(str, r)) for r in chosen)],
        "mixing": ["to,from,share", *mixing],
        "settings": ["weeks,supply,throughput,sites", f"{weeks},{supply},{throughput},{sites}"],
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in tables.items():
            Path(folder, f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
        return discretize(bind(parse_file(MODEL), Path(folder), path=MODEL))


def _share(regions: int, apart: int) -> float:
    """The share of contacts with a region so far along a ring; the shares of one region add up to 1."""
    steps = min(apart % regions, -apart % regions)
    if regions == 1:
        return 1.0
    if regions == 2:
        return (0.9, 0.1)[steps]
    return (0.82, 0.08)[steps] if steps < 2 else 0.02 / (regions - 3)


def small(text: str, **numbers: object) -> Problem:
    """A model without data, with numbers put into its text."""
    with tempfile.TemporaryDirectory() as folder:
        return discretize(bind(parse(Source("model.alloc", text.format(**numbers))), Path(folder)))


def _regions(name: str, what: str, *numbers: int) -> Instance:
    return Instance(name, what, lambda: vaccination(*numbers))


def _small(name: str, what: str, text: str, **numbers: object) -> Instance:
    return Instance(name, what, lambda: small(text, **numbers))


#: Regions, weeks, doses a week, doses a week at a site, sites.
INSTANCES = (
    _regions("one_20", "one region, 20 weeks, few doses", 1, 20, 1_500, 1_000, 4),
    _regions("one_40", "one region, 40 weeks, sites plentiful", 1, 40, 2_500, 1_000, 4),
    _regions("two_20", "two regions, 20 weeks", 2, 20, 4_000, 1_000, 5),
    _regions("two_40", "two regions, 40 weeks, sites scarce", 2, 40, 4_000, 1_000, 3),
    _regions("four_few", "four regions, 20 weeks, few doses", 4, 20, 800, 500, 6),
    _regions("four_many", "four regions, 20 weeks, many doses", 4, 20, 6_000, 1_000, 6),
    _regions("four_sites", "four regions, 20 weeks, sites scarce", 4, 20, 6_000, 600, 6),
    _regions("four_free", "four regions, 20 weeks, sites plentiful", 4, 20, 6_000, 2_000, 12),
    _regions("eight_20", "eight regions, 20 weeks, sites as doses", 8, 20, 12_000, 1_000, 12),
    _regions("eight_40", "eight regions, 40 weeks, sites as doses", 8, 40, 12_000, 1_000, 12),
    _small("icu_whole", "closed weeks for beds, 12 weeks", ICU, weeks=12, kind="binary", ill=1e-5),
    _small("icu_part", "parts of weeks for beds, 20 weeks", ICU, weeks=20, kind="in 0 .. 1", ill=0),
    _small("events", "events, 12 weeks", EVENTS, weeks=12, kind="binary", more=0.5, peak=2_300),
    _small(
        "events_many", "up to three events a week, 20 weeks", EVENTS,
        weeks=20, kind="integer in 0 .. 3", more=0.2, peak=6_000,
    ),
    _small("areas", "two areas, one vaccine, 12 weeks", AREAS, weeks=12, supply=3_000),
)  # fmt: skip
