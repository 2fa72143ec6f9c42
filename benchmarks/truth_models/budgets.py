"""Budgets: money for two to four programmes whose effects saturate, in cents or in billions.

The effect of money x on a programme is a x/(h+x), the S-shaped a x^2/(h^2+x^2), a log(1+x/h),
a sqrt(x/h) or a (1-exp(-x/h)). Either the effect of a budget is made as large as it can be, or what is
left undone as small, or the money for a wanted effect. Some programmes cost a fee before they begin.
The oracle fills a table of the best effect by money, programme by programme, for every choice of
programmes that are begun, and polishes the best entries with SLSQP.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from truth_models.case import Best, Case, Decisions, Look, Units, digits, log_uniform

Array = NDArray[np.float64]
SHAPES = ("saturating", "s_shaped", "log", "sqrt", "exp")
#: Steps of money in the table; what a limit must have left to be met without doubt.
STEPS, MARGIN = 600, 1e-9


@dataclass(frozen=True)
class Programme:
    """One programme: its shape, its size in persons, and its money in dollars."""

    shape: str
    size: float
    half: float
    most: float
    fee: float

    def effect(self, x: Array) -> Array:
        """Persons helped by money."""
        z = np.maximum(x, 0) / self.half
        if self.shape == "saturating":
            return self.size * z / (1 + z)
        if self.shape == "s_shaped":
            return self.size * z * z / (1 + z * z)
        if self.shape == "log":
            return self.size * np.log1p(z)
        if self.shape == "sqrt":
            return self.size * np.sqrt(z)
        return -self.size * np.expm1(-z)

    def text(self, i: int) -> str:
        """The same in the language."""
        return {
            "saturating": f"size{i} * x{i} / (half{i} + x{i})",
            "s_shaped": f"size{i} * x{i} ^ 2 / (half{i} ^ 2 + x{i} ^ 2)",
            "log": f"size{i} * log(1 + x{i} / half{i})",
            "sqrt": f"size{i} * sqrt(x{i} / half{i})",
            "exp": f"size{i} * (1 - exp(-x{i} / half{i}))",
        }[self.shape]


@dataclass(frozen=True)
class Plan:
    """All numbers of a model. `goal` is effect, need (what is left of it) or money (for `target`)."""

    goal: str
    programmes: tuple[Programme, ...]
    budget: float
    target: float

    @property
    def sense(self) -> str:
        """To minimize or to maximize."""
        return "maximize" if self.goal == "effect" else "minimize"

    def effect(self, x: Array) -> Array:
        """Persons helped, for rows of money."""
        parts = [p.effect(x[..., i]) for i, p in enumerate(self.programmes)]
        return np.asarray(sum(parts), dtype=float)

    def judged(self, x: Array, begun: Array) -> tuple[float, float, float]:
        """Objective, size of its parts, worst relative violation of one allocation."""
        fees = np.array([p.fee for p in self.programmes])
        most = np.array([p.most for p in self.programmes])
        spent = float(x.sum() + fees @ begun)
        helped = float(self.effect(x))
        free = np.where(fees > 0, begun, 1.0)
        off = [float(np.max(x / most - free)), float(np.max(-x / most))]
        if self.goal == "money":
            return spent, spent, max(1 - helped / self.target, *off)
        off.append(spent / self.budget - 1)
        value = helped if self.goal == "effect" else self.target - helped
        return value, self.target + helped, max(off)


def budget(seed: int, units: Units) -> Case:
    """The budget with a number."""
    plan = _draw(np.random.default_rng([seed, 2]))
    power = (0, 1) if plan.goal == "money" else (1, 0)
    factor, money = units.factor(*power), units.factor(usd=1)
    names = [f"x{i}" for i in range(len(plan.programmes))]
    decided = {n: (0, 1) for n in names}
    decided |= {f"begin{i}": (0, 0) for i, p in enumerate(plan.programmes) if p.fee}

    def look(d: Decisions) -> Look:
        x = np.array([d[n][0] for n in names]) / money
        begun = np.array([d.get(f"begin{i}", [0.0])[0] for i in range(len(names))])
        value, terms, off = plan.judged(x, begun)
        return Look(value * factor, terms * factor, off)

    def best() -> Best:
        value, terms, x, begun = _best(plan)
        if value is None:
            return Best(None, 0.0, {})
        said = {n: [float(v) * money] for n, v in zip(names, x, strict=True)}
        said |= {f"begin{i}": [float(begun[i])] for i, p in enumerate(plan.programmes) if p.fee}
        return Best(value * factor, terms * factor, said)

    size = f"1e{int(np.floor(np.log10(plan.budget))):+03d}"
    text = _text(plan, units)
    return Case("budgets", size, seed, text, plan.sense, best, look, units, power, decided)


def _draw(rng: np.random.Generator) -> Plan:
    count = int(rng.integers(2, 5))
    whole = log_uniform(rng, -2, 10)
    people = log_uniform(rng, 0, 7)
    fees = rng.random() < 0.25
    programmes = tuple(
        Programme(
            shape=str(rng.choice(SHAPES, p=[0.3, 0.3, 0.15, 0.1, 0.15])),
            size=digits(people * rng.uniform(0.1, 1), 3),
            half=digits(whole * log_uniform(rng, -1.5, 0), 3),
            most=digits(whole * rng.uniform(0.3, 1), 3),
            fee=digits(whole * rng.uniform(0.02, 0.2), 2) if fees and rng.random() < 0.7 else 0.0,
        )
        for _ in range(count)
    )
    goal = str(rng.choice(["effect", "need", "money"], p=[0.6, 0.15, 0.25]))
    reach = sum(float(p.effect(np.array(p.most))) for p in programmes)
    part = rng.uniform(0.2, 0.9) if goal == "money" else rng.uniform(1.05, 1.5)
    if goal == "money" and rng.random() < 0.1:
        part = 1.02
    share = digits(whole * rng.uniform(0.3, 1), 3)
    return Plan(goal, programmes, share, digits(part * reach))


# --- the best allocation --------------------------------------------------------------------------


def _best(plan: Plan) -> tuple[float | None, float, Array, Array]:
    """Value, size of its parts, money and programmes begun of the best that was found."""
    sign = 1.0 if plan.sense == "minimize" else -1.0
    found: tuple[float | None, float, Array, Array] = (None, 0.0, np.zeros(0), np.zeros(0))
    choices = itertools.product(*[(0.0, 1.0) if p.fee else (0.0,) for p in plan.programmes])
    for chosen in choices:
        begun = np.array(chosen)
        free = np.array([not p.fee or bool(b) for p, b in zip(plan.programmes, begun, strict=True)])
        most = np.array([p.most for p in plan.programmes]) * free
        fees = float(np.array([p.fee for p in plan.programmes]) @ begun)
        whole = most.sum() if plan.goal == "money" else plan.budget - fees
        if whole <= 0:
            continue
        for x in _starts(plan, most, float(whole)):
            for point in (x, _polished(plan, x, most, float(whole))):
                value, terms, off = plan.judged(point, begun)
                # The budget and the ranges may be used up, the target only just be met.
                if off > 1e-15 or (plan.goal == "money" and off > -MARGIN and off != 0):
                    continue
                if found[0] is None or sign * value < sign * found[0]:
                    found = (value, terms, point, begun)
    return found


def _starts(plan: Plan, most: Array, whole: float) -> list[Array]:
    """Points of a table of the best effect by money."""
    unit = whole / STEPS
    reached = np.full(STEPS + 1, -np.inf)
    reached[0] = 0.0
    taken = []
    # How much of `j` steps goes to the programme at hand, for all `j` at once.
    j, k = np.arange(STEPS + 1)[:, None], np.arange(STEPS + 1)[None, :]
    money = np.linspace(0, whole, STEPS + 1)
    for i, p in enumerate(plan.programmes):
        gain = np.where(money <= most[i], p.effect(money), -np.inf)
        sums = np.where(k <= j, reached[np.maximum(j - k, 0)] + gain[None, :], -np.inf)
        taken.append(np.argmax(sums, axis=1))
        reached = np.max(sums, axis=1)
    if plan.goal == "money":
        enough = np.flatnonzero(reached >= plan.target * (1 + 2 * MARGIN))
        ends = [int(enough[0])] if len(enough) else []
    else:
        ends = [int(np.argmax(reached))]
    points = []
    for end in ends:
        x, left = np.zeros(len(most)), end
        for i in reversed(range(len(most))):
            x[i] = taken[i][left] * unit
            left -= int(taken[i][left])
        points.append(np.minimum(x, most))
    if plan.goal == "money" and float(plan.effect(most)) >= plan.target * (1 + 2 * MARGIN):
        points.append(most.copy())
    return points


def _polished(plan: Plan, x: Array, most: Array, whole: float) -> Array:
    """A local optimum near a point, put back into the limits."""
    size = float(plan.effect(most)) or 1.0

    def effect(z: Array) -> float:
        return float(plan.effect(z * whole)) / size

    bounds = [(0.0, m / whole) for m in most]
    if plan.goal == "money":
        need = plan.target * (1 + 4 * MARGIN) / size
        limit = {"type": "ineq", "fun": lambda z: effect(z) - need}
        done = minimize(np.sum, x / whole, bounds=bounds, constraints=[limit], method="SLSQP")
        point = np.clip(done.x * whole, 0, most)
        return _raised(plan, point, most)
    limit = {"type": "ineq", "fun": lambda z: 1 - np.sum(z)}
    options = {"ftol": 1e-12, "maxiter": 200}
    done = minimize(
        lambda z: -effect(z),
        x / whole,
        bounds=bounds,
        constraints=[limit],
        method="SLSQP",
        options=options,
    )
    point = np.clip(np.nan_to_num(done.x) * whole, 0, most)
    kept = min(1.0, whole / max(float(point.sum()), 1e-300)) * (1 - MARGIN)
    return np.asarray(point * kept, dtype=float)


def _raised(plan: Plan, point: Array, most: Array) -> Array:
    """The point, or the first on the way from it to everything that reaches the target."""
    need = plan.target * (1 + 2 * MARGIN)
    if float(plan.effect(point)) >= need:
        return point
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if float(plan.effect(point + middle * (most - point))) >= need:
            high = middle
        else:
            low = middle
    return point + high * (most - point)


# --- the text -------------------------------------------------------------------------------------


def _text(plan: Plan, units: Units) -> str:
    amount = units.text
    lines = ["model budget"]
    spent, effects = [], []
    for i, p in enumerate(plan.programmes):
        lines += [
            f"param size{i} : person = {amount(p.size, person=1)}",
            f"param half{i} : USD = {amount(p.half, usd=1)}",
            f"param most{i} : USD = {amount(p.most, usd=1)}",
            f"decide x{i} : USD in 0 .. most{i}",
        ]
        spent.append(f"x{i}")
        effects.append(p.text(i))
        if p.fee:
            lines += [
                f"param fee{i} : USD = {amount(p.fee, usd=1)}",
                f"decide begin{i} binary",
                f"limit begun{i}: x{i} <= most{i} * begin{i}",
            ]
            spent.append(f"fee{i} * begin{i}")
    helped, paid = " + ".join(effects), " + ".join(spent)
    if plan.goal != "effect":
        lines.append(f"param target : person = {amount(plan.target, person=1)}")
    if plan.goal == "money":
        lines += [f"limit enough: {helped} >= target", f"minimize {{ money: {paid} }}"]
        return "\n".join(lines) + "\n"
    lines.append(f"param grant : USD = {amount(plan.budget, usd=1)}")
    lines.append(f"limit afford: {paid} <= grant")
    goal = f"helped: {helped}" if plan.goal == "effect" else f"left: target - ({helped})"
    lines.append(f"{plan.sense} {{ {goal} }}")
    return "\n".join(lines) + "\n"
