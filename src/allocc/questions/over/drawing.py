"""Draws of what a model says is uncertain: quantiles at the points of a Latin hypercube.

A Latin hypercube (McKay, Beckman and Conover 1979) has one point in each of `count` strips of equal probability, in
every number that is drawn. A mean over the draws then varies less than over as many independent ones. Each
distribution is cut to the range of its parameter: quantiles are taken between the probabilities of its two ends,

    x = F^-1(F(low) + u (F(high) - F(low))),

from the upper tail where the range lies beyond the median, so that no digits are lost there.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from allocc import mistakes
from allocc.compiler.algebra.errors import nothing_in_range
from allocc.compiler.arrays import FloatArray
from allocc.compiler.labels import label_text, named
from allocc.dsl.diagnostics import DiagnosticError
from allocc.dsl.reading.builder import LARGEST_DRAWS
from allocc.questions.over import errors
from allocc.questions.over.draws import NAME, Draws
from allocc.results.run_folder.tidy import guarded

if TYPE_CHECKING:
    from allocc.compiler.scoping.model import BoundModel, UncertainSymbol


def draw(model: BoundModel, count: int, seed: int = 0) -> Draws:
    """`count` draws of everything that is uncertain, each number by itself; `seed` chooses them.

    Raises `DiagnosticError` E7287 where nothing is uncertain, E7005 for a number of draws that is none, and E4046
    where a range is so far out that its probability is no number above 0.
    """
    if not model.uncertain:
        raise DiagnosticError([errors.nothing_uncertain(model.name)])
    if not 1 <= count <= LARGEST_DRAWS:
        raise DiagnosticError(
            [mistakes.bad_option("--draws", count, f"from 1 to {LARGEST_DRAWS:_}")]
        )
    from scipy.stats import qmc

    names = [n for u in model.uncertain for n in members(u)]
    sampler = qmc.LatinHypercube(d=len(names), seed=np.random.default_rng(seed))
    shares = sampler.random(count)
    columns: list[FloatArray] = []
    for u in model.uncertain:
        size = u.low.size
        own = shares[:, len(columns) : len(columns) + size]
        columns += list(quantiles(u, own).T)
    settings = tuple(
        {n: float(c[k]) for n, c in zip(names, columns, strict=True)} for k in range(count)
    )
    source = f"drawn from what is uncertain, seed {seed}"
    weights = np.full(count, 1.0 / count)
    given = {n.split("[", 1)[0] for n in model.settings}
    notes = tuple(
        f"'{u.name}' is set from outside, and drawn all the same"
        for u in model.uncertain
        if u.name in given and not _tells_its_place(u)
    )
    return Draws(source, tuple(str(k) for k in range(1, count + 1)), weights, settings, notes)


def members(u: UncertainSymbol) -> list[str]:
    """The parameter, or each member of it, as `--set` names it: `beta[north]`, `x["Congo, Dem. Rep."]`."""
    if not u.sets:
        return [u.name]
    found = []
    for at in np.ndindex(u.low.shape):
        labels = [label_text(x) for s, k in zip(u.sets, at, strict=True) for x in s.label(k)]
        found.append(named(u.name, [f'"{x}"' if "," in x else x for x in labels]))
    return found


def quantiles(u: UncertainSymbol, shares: FloatArray) -> FloatArray:
    """The value of each member below which a share of its cut distribution lies; both (draws, members)."""
    found = _distribution(u.kind, [n.ravel() for n in u.numbers])
    low, high = u.low.ravel(), u.high.ravel()
    # Counted from the side where the range lies, where probabilities are small and have their digits.
    upper = found.cdf(low) > 0.5
    first = np.where(upper, found.sf(low), found.cdf(low))
    last = np.where(upper, found.sf(high), found.cdf(high))
    for k in np.flatnonzero(first == last)[:1]:
        span = u.statement.distribution.span
        raise DiagnosticError(
            [nothing_in_range(members(u)[k], (float(low[k]), float(high[k])), span)]
        )
    at = first + shares * (last - first)
    values: FloatArray = np.where(upper, found.isf(at), found.ppf(at))
    return np.clip(values, low, high)


def _distribution(kind: str, numbers: list[FloatArray]) -> Any:
    """The frozen distribution of SciPy over all members."""
    from scipy import stats

    match kind:
        case "normal":
            return stats.norm(*numbers)
        case "lognormal":
            return stats.lognorm(numbers[1], scale=numbers[0])
        case "uniform":
            return stats.uniform(numbers[0], numbers[1] - numbers[0])
        case "triangular":
            low, mode, high = numbers
            return stats.triang((mode - low) / (high - low), low, high - low)
        case _:
            return stats.beta(*numbers)


def _tells_its_place(u: UncertainSymbol) -> bool:
    """Whether a distribution is told the parameter itself, as in `uncertain x ~ normal(x, 1)`."""
    from allocc.dsl import tree
    from allocc.dsl.walk import nodes

    return any(
        isinstance(n, tree.Name) and n.name == u.name for n in nodes(u.statement.distribution)
    )


def draws_text(draws: Draws) -> str:
    """Draws as the CSV file that `--over` reads: a row a draw, every digit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([NAME, *draws.drawn])
    for name, row in zip(draws.names, draws.settings, strict=True):
        writer.writerow([guarded(name), *(repr(row[n]) for n in draws.drawn)])
    return text.getvalue()
