"""Badly scaled mixed-integer linear programs: coefficients of 1e-6 to 1e8, rows of mixed sizes.

Every choice of the integers is tried. What is left is a linear program of at most four columns, whose
vertices are enumerated; the best of them are computed again with fractions, and count only where they
meet every limit exactly.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from truth_models.case import Best, Case, Decisions, Look, Units, digits, log_uniform

Array = NDArray[np.float64]
#: Choices of the integers at most, without and with continuous columns.
MOST_CHOICES, MOST_WITH_REST = 3000, 300
SMALLEST, LARGEST = 1e-6, 1e8
#: Vertices that are computed again with fractions until one meets every limit.
TRIED = 40
#: What a row, the objective, and a continuous column are counted in: powers of person and USD.
COUNTED = ((1, 0), (0, 1))


@dataclass(frozen=True)
class Linear:
    """Minimize or maximize c x, A x <= b (== where `equal`), integers first, all from 0 to `upper`."""

    sense: str
    integers: int
    upper: Array
    matrix: Array
    right: Array
    equal: tuple[bool, ...]
    costs: Array
    row_units: tuple[tuple[int, int], ...]
    column_units: tuple[tuple[int, int], ...]

    @property
    def columns(self) -> int:
        """Integers and continuous columns."""
        return len(self.upper)

    def choices(self) -> Array:
        """Every choice of the integers, a row each."""
        ranges = [np.arange(u + 1) for u in self.upper[: self.integers]]
        return np.array(list(itertools.product(*ranges)))

    def looked(self, x: Sequence[Fraction]) -> Look:
        """Objective, its terms and the worst relative violation, without rounding errors."""
        off = Fraction(-1)
        for row, right, equal in zip(self.matrix, self.right, self.equal, strict=True):
            parts = [Fraction(float(a)) * v for a, v in zip(row, x, strict=True)]
            excess = sum(parts) - Fraction(float(right))
            size = max(abs(Fraction(float(right))), *map(abs, parts)) or Fraction(1)
            off = max(off, (abs(excess) if equal else excess) / size)
        for v, upper in zip(x, self.upper, strict=True):
            off = max(off, -v / Fraction(float(upper)), v / Fraction(float(upper)) - 1)
        for v in x[: self.integers]:
            off = max(off, abs(v - round(v)))
        terms = [Fraction(float(c)) * v for c, v in zip(self.costs, x, strict=True)]
        return Look(float(sum(terms)), float(sum(map(abs, terms))), float(off))


def program(seed: int, units: Units) -> Case:
    """The program with a number."""
    rng = np.random.default_rng([seed, 3])
    p = _draw(rng)
    goal = (0, 1)
    factor = units.factor(*goal)
    names = [f"n{j}" if j < p.integers else f"y{j}" for j in range(p.columns)]
    decided = dict(zip(names, p.column_units, strict=True))

    def look(d: Decisions) -> Look:
        x = [Fraction(d[n][0]) / Fraction(units.factor(*decided[n])) for n in names]
        seen = p.looked(x)
        return Look(seen.value * factor, seen.terms * factor, seen.violation)

    def best() -> Best:
        x = _best(p)
        if x is None:
            return Best(None, 0.0, {})
        seen = p.looked(x)
        said = {n: [float(v) * units.factor(*decided[n])] for n, v in zip(names, x, strict=True)}
        return Best(seen.value * factor, seen.terms * factor, said)

    size = f"{p.columns:02d}"
    text = _text(p, names, units)
    return Case("programs", size, seed, text, p.sense, best, look, units, goal, decided)


# --- numbers --------------------------------------------------------------------------------------


def _draw(rng: np.random.Generator) -> Linear:
    rest = int(rng.integers(0, 5))
    integers = int(rng.integers(3, 9 if not rest else 7))
    upper: Array = rng.integers(1, 5, size=integers).astype(float)
    while np.prod(upper + 1) > (MOST_WITH_REST if rest else MOST_CHOICES):
        upper[int(np.argmax(upper))] -= 1
    sizes = np.array([digits(log_uniform(rng, -3, 7), 3) for _ in range(rest)])
    upper = np.concatenate([upper, sizes])
    rows = int(rng.integers(2, 6))
    matrix = np.array([_row(rng, upper) for _ in range(rows)])
    # A point that most programs allow.
    inside = np.floor(rng.random(len(upper)) * (upper + 1))
    inside[integers:] = rng.random(rest) * upper[integers:]
    equal = tuple(bool(rest >= 2 and k == 0 and rng.random() < 0.2) for k in range(rows))
    right = []
    for row, same in zip(matrix, equal, strict=True):
        size = float(np.max(np.abs(row * inside), initial=0.0)) or float(np.max(np.abs(row)))
        slack = 0.0 if same else size * (rng.uniform(0, 0.2) if rng.random() < 0.93 else -0.5)
        right.append(digits(float(row @ inside) + slack, 5))
    costs = _row(rng, upper)
    return Linear(
        sense=str(rng.choice(["minimize", "maximize"])),
        integers=integers,
        upper=upper,
        matrix=matrix,
        right=np.array(right),
        equal=equal,
        costs=costs,
        row_units=tuple(COUNTED[int(k)] for k in rng.integers(0, 2, size=rows)),
        column_units=((0, 0),) * integers
        + tuple(COUNTED[int(k)] for k in rng.integers(0, 2, size=rest)),
    )


def _row(rng: np.random.Generator, upper: Array) -> Array:
    """Coefficients, some of them 0; what they add to the row differs by up to a thousand in most."""
    if rng.random() < 0.7:
        size = log_uniform(rng, -4, 7)
        values = size * 10 ** rng.uniform(-1.5, 1.5, len(upper)) / upper
    else:
        low = rng.uniform(-6, 3)
        values = 10 ** rng.uniform(low, low + 5, len(upper))
    values = np.clip(values, SMALLEST, LARGEST) * rng.choice([-1, 1], len(upper), p=[0.4, 0.6])
    values[rng.random(len(upper)) < 0.2] = 0.0
    return np.array([digits(float(v), 3) for v in values])


# --- the best allocation --------------------------------------------------------------------------


def _best(p: Linear) -> list[Fraction] | None:
    """The best point that meets every limit exactly, or None."""
    choices = p.choices()
    found: list[tuple[float, int, tuple[int, ...]]] = []
    sign = 1.0 if p.sense == "minimize" else -1.0
    # Rows and columns are brought to size 1, so that one tolerance fits all of them.
    lengths = np.concatenate([np.ones(p.integers), p.upper[p.integers :]])
    scaled = p.matrix * lengths
    sizes = np.maximum(np.max(np.abs(scaled), axis=1), 1e-300)
    scaled, right = scaled / sizes[:, None], p.right / sizes
    free = right[None, :] - choices @ scaled[:, : p.integers].T
    fixed = choices @ p.costs[: p.integers]
    rest = p.columns - p.integers
    for active in _bases(p, rest):
        y, met = _vertices(scaled[:, p.integers :], free, active, np.array(p.equal))
        values = sign * (fixed + y @ (p.costs * lengths)[p.integers :])
        found += [(float(values[at]), int(at), active) for at in np.flatnonzero(met)]
        found = sorted(found, key=lambda f: f[0])[:TRIED]
    for _, at, active in found:
        x = _exactly(p, choices[at], active)
        if x is not None and p.looked(x).violation <= 0:
            return x
    return None


def _bases(p: Linear, rest: int) -> Iterator[tuple[int, ...]]:
    """Rows and ranges that hold with equality at a vertex: rows, then upper ends, then zeros."""
    rows = len(p.right)
    must = [k for k in range(rows) if p.equal[k]]
    others = [k for k in range(rows + 2 * rest) if k not in must]
    for more in itertools.combinations(others, rest - len(must)):
        yield (*must, *more)


def _equations(rows: Array, active: tuple[int, ...]) -> Array:
    """The left sides of what is active, for continuous columns between 0 and 1."""
    rest = rows.shape[1]
    return np.vstack([rows, np.eye(rest), np.eye(rest)])[list(active)]


def _vertices(
    rows: Array, free: Array, active: tuple[int, ...], equal: NDArray[np.bool_]
) -> tuple[Array, NDArray[np.bool_]]:
    """The vertex of every choice, and whether it meets the limits but for rounding errors."""
    rest = rows.shape[1]
    count = len(free)
    if rest:
        left = _equations(rows, active)
        if abs(np.linalg.det(left)) < 1e-12:
            return np.zeros((count, rest)), np.zeros(count, dtype=bool)
        all_right = np.hstack([free, np.ones((count, rest)), np.zeros((count, rest))])
        y = np.asarray(np.linalg.solve(left, all_right[:, list(active)].T).T, dtype=float)
    else:
        y = np.zeros((count, 0))
    over = y @ rows.T - free
    over = np.where(equal, np.abs(over), over)
    outside = np.abs(y - 0.5) - 0.5
    return y, np.all(np.hstack([over, outside]) <= 1e-9, axis=1)


def _exactly(p: Linear, choice: Array, active: tuple[int, ...]) -> list[Fraction] | None:
    """The vertex of a choice with fractions; None where it has none."""
    rest, rows = p.columns - p.integers, len(p.right)
    n = [Fraction(int(v)) for v in choice]
    system = []
    for k in active:
        if k < rows:
            row = [Fraction(float(a)) for a in p.matrix[k]]
            used = sum((a * v for a, v in zip(row, n, strict=False)), Fraction(0))
            system.append([*row[p.integers :], Fraction(float(p.right[k])) - used])
        else:
            j = (k - rows) % rest
            high = Fraction(float(p.upper[p.integers + j])) if k < rows + rest else Fraction(0)
            system.append([Fraction(int(j == i)) for i in range(rest)] + [high])
    solved = _eliminated(system)
    return None if solved is None else n + solved


def _eliminated(system: list[list[Fraction]]) -> list[Fraction] | None:
    """The solution of a square system with its right sides in the last column."""
    size = len(system)
    for k in range(size):
        at = next((r for r in range(k, size) if system[r][k] != 0), None)
        if at is None:
            return None
        system[k], system[at] = system[at], system[k]
        system[k] = [v / system[k][k] for v in system[k]]
        for r in range(size):
            if r != k and system[r][k] != 0:
                times = system[r][k]
                system[r] = [a - times * b for a, b in zip(system[r], system[k], strict=True)]
    return [row[-1] for row in system]


# --- the text -------------------------------------------------------------------------------------


def _text(p: Linear, names: list[str], units: Units) -> str:
    lines = ["model linear"]
    for j, name in enumerate(names):
        if j < p.integers:
            lines.append(f"decide {name} integer in 0 .. {int(p.upper[j])}")
        else:
            high = units.text(float(p.upper[j]), *p.column_units[j])
            lines.append(f"decide {name} : {_unit(p.column_units[j])} in 0 .. {high}")
    for k, right in enumerate(p.right):
        text, params = _sum(p.matrix[k], f"a{k}_", p.row_units[k], p, names, units)
        lines += params
        unit = p.row_units[k]
        lines.append(f"param b{k} : {_unit(unit)} = {units.text(float(right), *unit)}")
        lines.append(f"limit r{k}: {text} {'==' if p.equal[k] else '<='} b{k}")
    text, params = _sum(p.costs, "c", (0, 1), p, names, units)
    return "\n".join([*lines, *params, f"{p.sense} {{ goal: {text} }}"]) + "\n"


def _sum(
    row: Array, head: str, unit: tuple[int, int], p: Linear, names: list[str], units: Units
) -> tuple[str, list[str]]:
    """A sum of products with named coefficients, and the statements that name them."""
    parts, params = [], []
    for j, a in enumerate(row):
        if a:
            power = (unit[0] - p.column_units[j][0], unit[1] - p.column_units[j][1])
            number = units.text(float(a), *power)
            params.append(f"param {head}{j} : {_unit(power)} = {number}")
            parts.append(f"{head}{j} * {names[j]}")
    return (" + ".join(parts) or "0"), params


def _unit(power: tuple[int, int]) -> str:
    """The unit of person^a USD^b as it is written."""
    up = [n for n, e in zip(("person", "USD"), power, strict=True) if e > 0]
    down = [n for n, e in zip(("person", "USD"), power, strict=True) if e < 0]
    return "*".join(up or ["1"]) + "".join(f"/{n}" for n in down)
