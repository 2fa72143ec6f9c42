"""The optima of whole systems, beside programs that are written by hand from the READMEs' mathematics.

A value that allocc reports and its bound must enclose what SciPy's HiGHS finds for the other program.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import allocc
from tests.examples.by_hand import ByHand, Sum, column, plus, table, times

EXAMPLES = Path(__file__).parents[2] / "examples"
#: Solvers' tolerances in the other program, relative to its optimum.
CLOSE = 2e-6


@cache
def solved(name: str, system: str = "") -> tuple[float, float]:
    """Value and bound of an example that is proven, in this order."""
    found = allocc.load(EXAMPLES / (system or name) / f"{name}.alloc").solve(time_limit=120)
    assert found.status == "optimal"
    assert found.value is not None and found.bound is not None
    return found.value, found.bound


def encloses(name: str, least: float, most: float | None = None, system: str = "") -> None:
    """The ends that allocc reports lie around an optimum that is known to lie in `least .. most`."""
    low, high = sorted(solved(name, system))
    most = least if most is None else most
    assert low <= most + CLOSE * abs(most)
    assert high >= least - CLOSE * abs(least)
    assert high - low <= 1.1e-4 * abs(high)


def test_ventilators() -> None:
    folder = EXAMPLES / "ventilators"
    owned = column(folder / "states.csv", "state", "ventilators")
    demand = table(folder / "demand.csv", "state", "day")
    link = table(folder / "links.csv", "from", "to")
    surge = column(folder / "surge.csv", "day", "ventilators")
    days = range(1, 21)
    need = {(s, d): float(demand[s, str(d)]["patients"]) for s in owned for d in days}
    p = ByHand()
    send = {(*k, d): p.new(0, 60) for k in link for d in days}
    given = {(s, d): p.new() for s in owned for d in days}
    stock = {(s, d): p.new(0.6 * owned[s]) for s in owned for d in days}
    short = {k: p.new() for k in need}
    spare = {k: p.new() for k in need}
    cost: Sum = {}
    for s in owned:
        alone = sum(max(need[s, d] - owned[s], 0) for d in days)
        p.most({short[s, d]: 1.0 for d in days}, alone)
        for d in days:
            out: Sum = {send[s, q, d]: 1.0 for q in owned if q != s}
            came: Sum = {
                send[r, s, d - int(link[r, s]["days"])]: 1.0
                for r in owned
                if r != s and d > int(link[r, s]["days"])
            }
            before: Sum = {stock[s, d - 1]: -1.0} if d > 1 else {}
            change = plus(before, {stock[s, d]: 1.0, given[s, d]: -1.0}, out, times(-1, came))
            p.equal(change, owned[s] if d == 1 else 0.0)
            p.least({short[s, d]: 1.0, stock[s, d]: 1.0}, need[s, d])
            p.least({spare[s, d]: 1.0, stock[s, d]: 1.0}, 1.1 * need[s, d])
            p.most(out, 60)
            sends = p.yes()
            p.most(plus(out, {sends: -60.0}), 0)
            p.least({stock[s, d]: 1.0, sends: -need[s, d]}, 0)
            lately: Sum = {stock[s, d]: -1.0}
            for q in range(max(1, d - 10), d):
                lately[given[s, q]] = 1.0
                lately |= {send[r, s, q]: 1.0 for r in owned if r != s}
            p.most(lately, 0)
            cost |= {short[s, d]: 0.75, spare[s, d]: 0.25, given[s, d]: 1e-4 * 10}
    for d in days:
        p.most({given[s, d]: 1.0 for s in owned}, surge[str(d)])
    for (r, s, _), k in send.items():
        cost[k] = 1e-4 * (float(link[r, s]["km"]) + 10)
    encloses("ventilators", p.minimum(cost))


def hiv(outside: bool) -> float:
    """The optimum with each curve replaced by lines above it, or by chords below it."""
    folder = EXAMPLES / "hiv"
    rows = {k[0]: r for k, r in table(folder / "programmes.csv", "programme").items()}
    budget = column(folder / "years.csv", "year", "budget")
    years = sorted(map(int, budget))
    p = ByHand()
    spend, runs, reach = ({(j, y): 0 for j in rows for y in years} for _ in range(3))
    gain: Sum = {}
    for j, row in rows.items():
        eligible, each = float(row["eligible"]), float(row["cost_each"])
        most, start = float(row["saturation"]) * eligible, float(row["start_up"])
        high, scale = 2 * each * eligible, each * most
        at = np.linspace(0, high, 1201)
        curve = most * -np.expm1(-at / scale)
        slopes = np.exp(-at / scale) / each if outside else np.diff(curve) / np.diff(at)
        for y in years:
            x, z, w = p.new(0, high), p.yes(), p.new(0, most)
            spend[j, y], runs[j, y], reach[j, y] = x, z, w
            for a, c, m in zip(at, curve, slopes, strict=False):
                p.most({w: 1.0, x: -m}, c - m * a)
            p.most({x: 1.0, z: -high}, 0)
            p.least({x: 1.0, z: -start}, 0)
            gain[w] = -float(row["daly_each"]) / 1.03 ** (y - years[0])
            today = float(row["spent_today"])
            before: Sum = {} if y == years[0] else {spend[j, y - 1]: 1.0}
            level = today if y == years[0] else 0.0
            begins = p.yes()
            p.most(plus({x: 1.0, begins: -high}, times(-1.5, before)), 1.5 * level)
            p.most({x: 1.0, begins: high}, start + high)
            if j == "treatment":
                p.least(plus({x: 1.0}, times(-0.95, before)), 0.95 * level)
            if y > years[0]:
                p.most({z: 1.0, runs[j, y - 1]: -1.0}, 0)
    for y in years:
        paid = {spend[j, y]: 1.0 for j in rows}
        p.most(plus(paid, {runs[j, y]: 150000.0 for j in rows}), budget[str(y)])
        p.most({runs[j, y]: 1.0 for j in rows}, 6)
        key = {spend[j, y]: 1.0 for j in rows if rows[j]["serves"] == "key"}
        p.least(plus(key, times(-0.12, paid)), 0)
        needed = 0.4 * float(rows["testing"]["eligible"])
        p.least({reach["testing", y]: 1.0, runs["prophylaxis_men", y]: -needed}, 0)
    return -p.minimum(gain, gap=1e-6)


def test_hiv() -> None:
    """Between chords below the curves and tangents above them."""
    below, above = hiv(False), hiv(True)
    assert below <= above <= below * (1 + 1e-5)
    encloses("hiv", below, above)


def test_malaria() -> None:
    folder = EXAMPLES / "malaria"
    place = {k[0]: r for k, r in table(folder / "districts.csv", "district").items()}
    season = {int(k[0]): r for k, r in table(folder / "seasons.csv", "season").items()}
    kinds = {k[0]: r for k, r in table(folder / "classes.csv", "class").items()}
    p = ByHand()
    money: dict[int, Sum] = {t: {} for t in season}
    crews: dict[int, Sum] = {t: {} for t in season}
    cost: Sum = {}
    for row in place.values():
        people = float(row["people"])
        nets: Sum = {}
        level = float(row["nets"])
        last: dict[str, int] = {}
        for t, when in season.items():
            nets, level = times(0.82, nets), 0.82 * level
            if when["rains"] == "no":
                given, campaign = p.new(0, people / 1.8), p.yes()
                p.most({given: 1.0, campaign: -people / 1.8}, 0)
                p.least({given: 1.0, campaign: -0.1 * people}, 0)
                nets[given] = 1.0
                money[t][given] = 4.2
            covered, ill = p.new(0, 1), p.new()
            p.most(plus({covered: people / 1.8}, times(-1, nets)), level)
            burden = float(row["incidence"]) * people * float(when["weight"])
            spray = {c: p.yes() for c in kinds} if when["rains"] == "yes" else {}
            # Cases are at least what is left by nets and by the class that is sprayed, if any is.
            exposed = {ill: 1.0, covered: 0.55 * burden}
            p.least(plus(exposed, {z: burden for z in spray.values()}), burden)
            for c, z in spray.items():
                left = 1 - float(kinds[c]["mortality"])
                p.least({ill: 1.0, covered: left * 0.55 * burden, z: -burden}, (left - 1) * burden)
                money[t][z] = float(kinds[c]["price"]) * float(row["houses"])
                crews[t][z] = 1.0
                if c in last:
                    p.most({z: 1.0, last[c]: 1.0}, 1)
            if spray:
                p.most({z: 1.0 for z in spray.values()}, 1)
                last = spray
            cost[ill] = 1.0
        if row["remote"] == "yes":
            p.least(times(1.8, nets), 0.5 * people - 1.8 * level)
    for t, when in season.items():
        p.most(money[t], float(when["budget"]))
        if crews[t]:
            p.most(crews[t], 3)
    encloses("malaria", p.minimum(cost))


def test_benefits() -> None:
    folder = EXAMPLES / "benefits"
    service = {k[0]: r for k, r in table(folder / "services.csv", "service").items()}
    hours = table(folder / "hours.csv", "service", "cadre")
    cadre = {k[0]: r for k, r in table(folder / "cadres.csv", "cadre").items()}
    budget = column(folder / "years.csv", "year", "budget")
    p = ByHand()
    offer = {(i, y): p.yes() for i in service for y in budget}
    money: dict[str, Sum] = {y: {} for y in budget}
    paid = dict.fromkeys(budget, 0.0)
    gain: Sum = {}
    for c, row in cadre.items():
        staff: Sum = {}
        level = float(row["staff"])
        for y in budget:
            work = {
                offer[i, y]: float(hours[i, c]["hours"]) * 0.7 * float(service[i]["cases"])
                for i in service
            }
            a_year, pay = float(row["hours_a_year"]), float(row["pay"])
            p.most(plus(work, times(-a_year, staff)), a_year * level)
            train = p.new(0, float(row["training_places"]), whole=True)
            money[y] = plus(money[y], times(pay, staff), {train: 4500.0})
            paid[y] += pay * level
            stay = 1 - float(row["leaving"])
            staff, level = plus(times(stay, staff), {train: 1.0}), stay * level
    years = list(budget)
    for k, y in enumerate(years):
        for i, row in service.items():
            met = 0.7 * float(row["cases"])
            money[y][offer[i, y]] = met * float(row["cost_each"])
            gain[offer[i, y]] = -met * float(row["daly_each"])
            if k:
                p.least({offer[i, y]: 1.0, offer[i, years[k - 1]]: -1.0}, 0)
        p.most(money[y], budget[y] - paid[y])
        now = {offer[i, y]: 1.0 for i in service}
        before = {offer[i, years[k - 1]]: -1.0 for i in service} if k else {}
        p.most(plus(now, before), 8 if k else 9)
        p.most({offer["cervical_screening", y]: 1.0, offer["cervical_hpv_test", y]: 1.0}, 1)
        p.least({offer["hiv_testing", y]: 1.0, offer["hiv_treatment", y]: -1.0}, 0)
        p.least({offer["emergency_obstetrics", y]: 1.0, offer["skilled_delivery", y]: -1.0}, 0)
        if k:
            p.least({offer[i, y]: 1.0 for i in service if service[i]["area"] == "chronic"}, 1)
    encloses("benefits", -p.minimum(gain))


@pytest.mark.parametrize("kappa", [None, -0.05])
def test_stroke(kappa: float | None) -> None:
    """The p-median, and the Kolm-Pollak mean over patients."""
    folder = EXAMPLES / "stroke"
    town = {k[0]: r for k, r in table(folder / "towns.csv", "town").items()}
    road = table(folder / "roads.csv", "from", "to")
    strokes = {i: float(r["strokes"]) for i, r in town.items()}
    minutes = {k: float(r["minutes"]) for k, r in road.items()}
    p = ByHand()
    centre = {h: p.yes() for h, r in town.items() if r["can_host"] == "yes"}
    goes = {(i, h): p.new(0, 1) for i in town for h in centre}
    p.most(dict.fromkeys(centre.values(), 1.0), 5)
    near: Sum = {}
    for i, row in town.items():
        p.equal({goes[i, h]: 1.0 for h in centre}, 1)
        for h, z in centre.items():
            p.most({goes[i, h]: 1.0, z: -1.0}, 0)
        if row["setting"] == "rural":
            counted = p.yes()
            near[counted] = 1.0
            within = {z: -1.0 for h, z in centre.items() if minutes[i, h] <= 45}
            p.most(plus({counted: 1.0}, within), 0)
    p.least(near, 0.5 * len(near))
    for h, z in centre.items():
        p.least(plus({goes[i, h]: strokes[i] for i in town}, {z: -250.0}), 0)
    if kappa is None:
        encloses("stroke", p.minimum({k: strokes[i] * minutes[i, h] for (i, h), k in goes.items()}))
        return
    everybody = sum(strokes.values())
    cost = {
        k: strokes[i] / everybody * math.exp(-kappa * minutes[i, h]) for (i, h), k in goes.items()
    }
    encloses("kolm_pollak", p.minimum(cost), system="stroke")
