"""Ordinary epidemics: SIR and SEIR in steps of a day, with what a health office could decide.

Populations of 100 to 10 billion; a yes or no, a number of teams, an amount of money or a share in
every period; a cap on beds and a budget in most. Every allocation of whole numbers is simulated in
NumPy; where money or shares are decided, a grid of them is, and the best points are polished.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from truth_models.case import Best, Case, Decisions, Look, Units, digits, log_uniform

Array = NDArray[np.float64]
#: A limit of real numbers counts as met without doubt where this part of it is left.
MARGIN = 1e-9
MODES = ("binary", "integer", "money", "share", "mixed")


@dataclass(frozen=True)
class Outbreak:
    """All numbers of a model, in persons, dollars and days.

    `fee` is what one unit of `u` costs (1 where `u` is money), `worth` the persons that a dollar
    weighs in the objective. `counted` says that the budget limits the sum of `u`, not money.
    """

    mode: str
    goal: str
    sense: str
    periods: int
    people: float
    ill: float
    beta: float
    leave: float
    progress: float | None
    block: float
    jab: float
    price: float
    high: float
    fee: float
    worth: float
    budget: float
    counted: bool
    cap: float | None = None

    @property
    def sharing(self) -> float:
        """The most money a day that the mixed mode has beside its yes or no."""
        return digits(self.price * self.people * 0.05, 3)

    def simulate(self, u: Array, extra: Array) -> tuple[Array, Array, Array]:
        """Objective, size of its parts and worst violation for rows of decisions.

        `u` has a column for every period; `extra` is money a day, one amount for all periods.
        """
        s = np.full(len(u), float(Decimal(repr(self.people)) - Decimal(repr(self.ill))))
        e, i = np.zeros(len(u)), np.full(len(u), self.ill)
        off, peak, total = np.full(len(u), -1.0), i.copy(), np.zeros(len(u))
        for k in range(self.periods):
            held, jabbed = self._acts(u[:, k], extra)
            new = self.beta * (1 - self.block * held) * s * i
            total += new
            size = np.maximum(np.maximum(s, new), np.maximum(jabbed, MARGIN * self.people))
            s = s - new - jabbed
            if self.progress is None:
                i = i + new - self.leave * i
            else:
                grown = self.progress * e
                e, i = e + new - grown, i + grown - self.leave * i
            off = np.maximum(off, -s / size)
            peak = np.maximum(peak, i)
        if self.cap is not None:
            off = np.maximum(off, peak / self.cap - 1)
        spent = self.fee * u.sum(axis=1) + self.periods * extra
        used = u.sum(axis=1) if self.counted else spent
        # A whole number of teams can use the budget up exactly.
        off = np.maximum(off, used / self.budget - 1 - (2 * MARGIN if self.counted else 0))
        end = s if self.sense == "maximize" else i
        main = {"peak": peak, "total": total, "end": end}[self.goal]
        sign = 1.0 if self.sense == "minimize" else -1.0
        good = 1.0 if end is s and self.goal == "end" else sign
        paid = self.worth * spent
        return good * main + sign * paid, np.abs(main) + np.abs(paid), off

    def _acts(self, u: Array, extra: Array) -> tuple[Array, Array]:
        """What a period's decisions do: the part of contacts blocked, the people protected."""
        if self.mode in ("binary", "share"):
            return u, np.zeros(len(u))
        if self.mode == "mixed":
            return u, extra / self.price
        return np.zeros(len(u)), u * self.jab if self.mode == "integer" else u / self.price


def epidemic(seed: int, units: Units) -> Case:
    """The epidemic with a number."""
    o = _draw(np.random.default_rng([seed, 1]))
    unit = (0, 1) if o.mode == "money" else (0, 0)
    decided = {"u": unit} | ({"extra": (0, 1)} if o.mode == "mixed" else {})
    persons = units.factor(person=1)

    def look(d: Decisions) -> Look:
        u = np.array([d["u"]]) / units.factor(*unit)
        extra = np.array(d.get("extra", [0.0])) / units.factor(usd=1)
        value, terms, off = o.simulate(u, extra)
        worst = [off[0], u.max() / o.high - 1, -u.min() / o.high, -extra[0] / o.sharing]
        return Look(float(value[0]) * persons, float(terms[0]) * persons, float(max(worst)))

    def best() -> Best:
        found = _best(o)
        scaled = {n: [x * units.factor(*decided[n]) for x in v] for n, v in found.decisions.items()}
        value = None if found.value is None else found.value * persons
        return Best(value, found.terms * persons, scaled)

    size = f"1e{int(np.floor(np.log10(o.people))):02d}"
    text = _text(o, units)
    return Case("epidemics", size, seed, text, o.sense, best, look, units, (1, 0), decided)


# --- numbers ----------------------------------------------------------------------------------


def _draw(rng: np.random.Generator) -> Outbreak:
    mode = str(rng.choice(MODES, p=[0.3, 0.3, 0.15, 0.1, 0.15]))
    periods = int(rng.integers(2, 5 if mode in ("binary", "integer") else 4))
    people = digits(log_uniform(rng, 2, 10))
    price = digits(log_uniform(rng, -1, 4), 3)
    high = 3.0 if mode == "integer" else 1.0
    if mode == "money":
        high = digits(price * people * rng.uniform(0.02, 0.2), 3)
    fee = 1.0 if mode == "money" else digits(price * people * rng.uniform(0.01, 0.1), 3)
    counted = mode in ("binary", "integer") and rng.random() < 0.5
    part = rng.uniform(0.3, 0.9) * high * periods
    if mode in ("binary", "integer"):
        part = max(1.0, np.floor(part)) + (0 if counted else 0.5)
    return _capped(
        Outbreak(
            mode=mode,
            goal=str(rng.choice(["peak", "end", "total"])),
            sense=str(rng.choice(["minimize", "maximize"], p=[0.7, 0.3])),
            periods=periods,
            people=people,
            ill=digits(people * log_uniform(rng, -4, -1)),
            beta=digits(rng.uniform(0.3, 1.5) / people),
            leave=round(rng.uniform(0.1, 0.5), 2),
            progress=round(rng.uniform(0.2, 0.7), 2) if rng.random() < 0.4 else None,
            block=round(rng.uniform(0.1, 0.6), 2),
            jab=digits(people * rng.uniform(0.005, 0.08), 3),
            price=price,
            high=high,
            fee=fee,
            worth=digits(people * log_uniform(rng, -4, -1.5) / (fee * high), 3),
            budget=float(part) if counted else digits(part * fee),
            counted=bool(counted),
        ),
        rng.random(),
        rng.uniform(0.1, 0.9),
    )


def _capped(o: Outbreak, kind: float, at: float) -> Outbreak:
    """With a cap on beds, in most: a part of the way from the lowest peak to that without action.

    In one of ten it lies below the lowest peak, and no allocation keeps it.
    """
    if kind < 0.2:
        return o
    u, extra = _points(o, 9)
    free = replace(o, goal="peak", sense="minimize", worth=0.0)
    peaks, _, off = free.simulate(u, extra)
    idle = float(free.simulate(0 * u[:1], 0 * extra[:1])[0][0])
    low = min((float(p) for p in peaks[off <= 0]), default=idle)
    cap = digits(low + (at if kind < 0.9 else -0.3) * (idle - low), 6)
    return replace(o, cap=cap) if low < 0.999 * idle and cap > o.ill else o


# --- the best allocation ----------------------------------------------------------------------


def _points(o: Outbreak, cuts: int) -> tuple[Array, Array]:
    """All decisions of whole numbers, with a grid of those that are not."""
    whole = o.mode in ("binary", "integer", "mixed")
    line = np.arange(o.high + 1) if whole else np.linspace(0, o.high, cuts)
    u = np.array(list(itertools.product(line, repeat=o.periods)))
    if o.mode != "mixed":
        return _within(o, u, np.zeros(len(u)))
    money = np.linspace(0, o.sharing, cuts * cuts)
    return _within(o, np.repeat(u, len(money), axis=0), np.tile(money, len(u)))


def _within(o: Outbreak, u: Array, extra: Array) -> tuple[Array, Array]:
    """Points with their continuous part put into its range and drawn back to the budget."""
    left = o.budget * (1 - 2 * MARGIN)
    if o.mode in ("money", "share"):
        u = np.clip(u, 0, o.high)
        u = u / np.maximum(1, o.fee * u.sum(axis=1) / left)[:, None]
    elif o.mode == "mixed":
        most = np.clip((left - o.fee * u.sum(axis=1)) / o.periods, 0, o.sharing)
        extra = np.clip(extra, 0, most)
    return u, extra


def _best(o: Outbreak) -> Best:
    """The best of all points; continuous decisions are polished on ever smaller grids."""
    u, extra = _points(o, 33)
    value, terms, off = o.simulate(u, extra)
    sign = 1.0 if o.sense == "minimize" else -1.0
    met = np.flatnonzero(off <= -MARGIN)
    if not len(met):
        return Best(None, 0.0, {})
    order = met[np.argsort(sign * value[met], kind="stable")]
    if o.mode in ("binary", "integer"):
        return _said(o, u[order[0]], 0.0, value[order[0]], terms[order[0]])
    # The best point, and the best ones that are not beside it.
    starts = [int(order[0]), *(int(k) for k in order[len(order) // 50 :: 1 + len(order) // 3][:2])]
    ends = [_polished(o, u[k], float(extra[k]), sign) for k in starts]
    return min(ends, key=lambda b: sign * b.value)  # type: ignore[operator]


def _polished(o: Outbreak, u: Array, extra: float, sign: float) -> Best:
    """The best that ever smaller grids around a point lead to."""
    value, terms, _ = (float(x[0]) for x in o.simulate(u[None], np.array([extra])))
    steps = np.linspace(-1, 1, 7)
    for k in range(40):
        width = 0.1 * 0.65**k
        if o.mode == "mixed":
            many = extra + width * o.sharing * np.linspace(-1, 1, 41)
            near, beside = _within(o, np.repeat(u[None], len(many), axis=0), many)
        else:
            moves = np.array(list(itertools.product(steps, repeat=o.periods)))
            near, beside = _within(o, u + width * o.high * moves, np.zeros(len(moves)))
        values, sizes, off = o.simulate(near, beside)
        values = np.where(off <= -MARGIN, sign * values, np.inf)
        at = int(np.argmin(values))
        if values[at] < sign * value:
            value, terms = sign * float(values[at]), float(sizes[at])
            u, extra = near[at], float(beside[at])
    return _said(o, u, extra, value, terms)


def _said(o: Outbreak, u: Array, extra: float, value: float, terms: float) -> Best:
    decisions = {"u": [float(x) for x in u]}
    if o.mode == "mixed":
        decisions["extra"] = [extra]
    return Best(float(value), float(terms), decisions)


# --- the text ---------------------------------------------------------------------------------


def _text(o: Outbreak, units: Units) -> str:
    amount = units.text
    well = Decimal(repr(o.people)) - Decimal(repr(o.ill))
    kind = {"binary": "binary", "integer": "integer in 0 .. 3", "share": "in 0 .. 1"}
    kinds = kind | {"mixed": "binary", "money": f": USD in 0 .. {amount(o.high, usd=1)}"}
    spent = "sum(u)" if o.mode == "money" else "fee * sum(u)"
    if o.mode == "mixed":
        spent += f" + {o.periods} * extra"
    lines = [
        "model outbreak",
        f"time t : day = 0 .. {o.periods}",
        f"compartment S : person initial S = {amount(well, person=1)}",
        f"compartment I : person initial I = {amount(o.ill, person=1)}",
        "compartment R : person initial R = 0",
        f"param beta : 1/(person*day) = {amount(o.beta, person=-1)}",
        f"param leave : 1/day = {o.leave!r}",
        f"param worth : person/USD = {amount(o.worth, person=1, usd=-1)}",
        f"param budget{'' if o.counted else ' : USD'} = {amount(o.budget, usd=0 if o.counted else 1)}",
        f"decide u[period] {kinds[o.mode]}",
        f"flow infect : S -> {'I' if o.progress is None else 'E'} = beta * S * I",
        "flow recover : I -> R = leave * I",
    ]
    if o.progress is not None:
        lines += [
            "compartment E : person initial E = 0",
            f"param progress : 1/day = {o.progress!r}",
            "flow fall_ill : E -> I = progress * E",
        ]
    if o.mode != "money":
        lines.append(f"param fee : USD = {amount(o.fee, usd=1)}")
    if o.mode in ("money", "mixed"):
        lines.append(f"param price : USD/(person/day) = {amount(o.price, person=-1, usd=1)}")
    if o.mode == "mixed":
        lines.append(f"decide extra : USD in 0 .. {amount(o.sharing, usd=1)}")
    if o.mode in ("binary", "share", "mixed"):
        lines.append(f"effect beta *= 1 - {o.block!r} * u")
    if o.mode not in ("binary", "share"):
        lines.append("flow protect : S -> R = 0")
        lines.append("effect protect += " + _protects(o.mode))
    if o.mode == "integer":
        lines.append(f"param team : person/day = {amount(o.jab, person=1)}")
    if o.cap is not None:
        lines += [
            f"param beds : person = {amount(o.cap, person=1)}",
            "limit enough_beds[t]: I[t] <= beds",
        ]
    lines.append(f"limit afford: {'sum(u)' if o.counted else spent} <= budget")
    end = "S[end]" if o.sense == "maximize" else "I[end]"
    goal = {"peak": "max(t: I[t])", "end": end, "total": "sum(k in period: infect[k])"}[o.goal]
    sign = "1" if o.sense == "minimize" else "(-1)"
    good = "1" if end == "S[end]" and o.goal == "end" else sign
    lines.append(f"{o.sense} {{ ill: {good} * {goal}  paid: {sign} * worth * ({spent}) }}")
    return "\n".join(lines) + "\n"


def _protects(mode: str) -> str:
    return {"integer": "team * u", "money": "u / price", "mixed": "extra / price"}[mode]
