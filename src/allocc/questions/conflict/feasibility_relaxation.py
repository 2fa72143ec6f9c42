"""The cheapest loosening of limits that leaves an allocation, and the best allocation it leaves.

Each limit gets slack, and the sum of all slack is minimized, the slack of a limit in parts of the
limit's own size (see `row_sizes`). Whole numbers stay whole. Ranges of decisions are loosened only where limits
alone do not suffice; flows, initial values and compartments that are not negative never are. Then the
limits are moved by what was found, and the model's own objective decides among what they allow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from allocc.compiler.algebra.expression import Data, Variable
from allocc.compiler.arrays import FloatArray
from allocc.compiler.labels import label_text
from allocc.compiler.unrolling.problem import Constraint, Problem
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.solve import run, solve
from allocc.errors import reported
from allocc.questions.conflict.conflict import limit_member
from allocc.questions.conflict.elastic_problem import ElasticLoop, ElasticProblem, Slack, elastic
from allocc.questions.conflict.row_sizes import sizes, stated_size
from allocc.questions.conflict.switches import Ranges, SwitchedStatement, SwitchedStatements
from allocc.results.building import loosened_run
from allocc.results.findings import Loosened
from allocc.results.run import Loosening

if TYPE_CHECKING:
    from allocc.engine.stages import Stages

#: Slack below this part of a limit's size is rounding.
ROUNDING = 1e-7
#: Loosened limits get this part of their size more, so that what loosened them fits; more if it does not.
ROOM = (1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
#: With more room than this, what is told is the loosening with the room, and no longer the cheapest.
PLAIN = 1e-6


@reported()
def loosen(model: Stages, options: Options) -> Loosening:
    """The cheapest loosening of an infeasible model, and the best allocation that it leaves."""
    statements = SwitchedStatements(model.problem)
    weights = _weights(statements)
    blocks = {
        limit.constraint: 1.0 / _block_size(limit.constraint)
        for b in model.problem.chances
        for limit in b.limits
    }
    seconds = 0.0
    for with_ranges in (False, True):
        soft = {s: w for s, w in weights.items() if with_ranges or s.kind == "limit"}
        kept = np.ones(statements.size, dtype=bool)
        try:
            loose = elastic(statements, kept, soft, blocks)
            outcome = run(ElasticLoop(loose, replace(options, method="auto")))
        except DiagnosticError as error:
            # With a limit loosened, a factor has no range any more.
            message = error.diagnostics[0].message
            return Loosening("unknown", (), None, None, seconds, with_ranges, message)
        seconds += outcome.seconds
        if outcome.values is not None:
            return _proposal(model, options, statements, loose, outcome, seconds)
        if outcome.status != "infeasible":
            return Loosening("unknown", (), None, outcome.bound, seconds, with_ranges)
    return Loosening("impossible", (), None, None, seconds, True)


def _weights(statements: SwitchedStatements) -> dict[SwitchedStatement, FloatArray]:
    """What a unit of slack costs in each row of each limit, and at each end of a range."""
    size = sizes(statements.problem)
    found: dict[SwitchedStatement, FloatArray] = {}
    for s in statements.all:
        if isinstance(s.source, Constraint):
            found[s] = 1.0 / size[s.source]
        elif s.kind == "range" and not np.isfinite(s.free):
            assert isinstance(s.source, Variable)
            ends = s.source.ends[0 if s.side == "lower" else 1]
            found[s] = 1.0 / np.maximum(np.abs(ends.ravel()[s.places]), 1.0)
    return found


def _block_size(c: Constraint) -> FloatArray:
    size = stated_size(c)
    return np.where(size > 0, size, 1.0)


def _proposal(
    model: Stages,
    options: Options,
    statements: SwitchedStatements,
    loose: ElasticProblem,
    outcome: Outcome,
    seconds: float,
) -> Loosening:
    """The loosening that an elastic problem's outcome means."""
    assert outcome.values is not None
    found = {key: slack.amounts(outcome.values) for key, slack in loose.slacks.items()}
    amounts = found
    result = None
    for room in ROOM:
        amounts = {key: _with_room(by, loose.slacks[key], room) for key, by in found.items()}
        own = solve(_moved(statements, amounts), options)
        told = amounts if room > PLAIN else found
        items = [i for key, by in told.items() for i in _items(model, key, loose.slacks[key], by)]
        result = loosened_run(model, own, options, [i.named for i in items])
        if own.status != "infeasible":
            break
    plain = told is found
    return Loosening(
        "cheapest" if plain and outcome.status == "optimal" else "proposed",
        tuple(items),
        outcome.value if plain else sum(i.share for i in items),
        outcome.bound,
        seconds,
        any(isinstance(k, SwitchedStatement) for k in loose.slacks),
        "",
        result,
    )


def _with_room(by: FloatArray, slack: Slack, room: float) -> FloatArray:
    """Amounts with a little more, in the direction in which there is any."""
    finite = np.where(np.isfinite(slack.sizes), slack.sizes, 0.0)
    size = np.maximum(np.maximum(finite, np.abs(by)), 1.0)
    return np.asarray(by + np.sign(by) * room * size)


def _items(
    model: Stages, key: Constraint | SwitchedStatement, slack: Slack, amounts: FloatArray
) -> Iterator[Loosened]:
    """The rows of one limit or range that are loosened by more than rounding."""
    c = slack.constraint if isinstance(key, SwitchedStatement) else key
    size = slack.sizes
    for k in np.flatnonzero(np.abs(amounts) > ROUNDING * size).tolist():
        amount = float(amounts[k])
        share = abs(amount) / float(size[k])
        if isinstance(key, SwitchedStatement):
            yield _range_item(key, k, abs(amount), share)
            continue
        told = limit_member(model, c, k)
        # The row is `left - right <= amount`, or turned round for `>=`.
        sign = -1.0 if told.operator == ">=" else 1.0
        change = sign * amount
        before = after = None
        side = ""
        # An equation of a chance block is two rows, of which one is turned round.
        turned = told.operator == "==" and bool(np.isneginf(c.lower.values).all())
        if not turned and told.fixed == "right":
            side, before = "right side", told.right
            after = None if before is None else before + change
        elif not turned and told.fixed == "left":
            side, before = "left side", told.left
            after = None if before is None else before - change
        yield Loosened(
            "limit",
            told.name,
            told.labels,
            told.file,
            told.line,
            told.source,
            abs(amount),
            share,
            told.unit,
            side,
            before,
            after,
            told.description,
        )


def _range_item(s: SwitchedStatement, k: int, amount: float, share: float) -> Loosened:
    v = s.source
    assert isinstance(v, Variable)
    assert v.span is not None
    ends = v.ends[0 if s.side == "lower" else 1]
    place = int(s.places[k])
    before = float(ends.ravel()[place])
    after = before - amount if s.side == "lower" else before + amount
    labels = tuple(label_text(x) for x in v.labels(place))
    source = " ".join(v.span.text.split())
    side = "lower end" if s.side == "lower" else "upper end"
    return Loosened(
        "range",
        v.name,
        labels,
        v.span.source.name,
        v.span.line,
        source,
        amount,
        share,
        v.unit,
        side,
        before,
        after,
        v.description,
    )


def _moved(
    statements: SwitchedStatements, amounts: Mapping[Constraint | SwitchedStatement, FloatArray]
) -> Problem:
    """The problem with its limits and ranges moved outward by amounts."""
    problem = statements.problem

    def moved(c: Constraint) -> Constraint:
        if c not in amounts:
            return c
        by = amounts[c]
        up = Data(c.axes, np.maximum(by, 0.0).reshape(c.shape))
        if np.isneginf(c.lower.values).all():
            return replace(c, upper=up)
        down = Data(c.axes, np.minimum(by, 0.0).reshape(c.shape))
        return replace(c, lower=down, upper=up)

    chances = [
        replace(b, limits=[replace(x, constraint=moved(x.constraint)) for x in b.limits])
        for b in problem.chances
    ]
    ranges: Ranges = {}
    for key, by in amounts.items():
        if isinstance(key, SwitchedStatement) and isinstance(key.source, Variable):
            v = key.source
            low, high = ranges.get(v, (np.array(v.ends[0], float), np.array(v.ends[1], float)))
            ranges[v] = (low, high)
            if key.side == "lower":
                low.flat[key.places] -= by
            else:
                high.flat[key.places] += by
            if v.integer:
                low[...], high[...] = np.ceil(low - 1e-6), np.floor(high + 1e-6)
    return replace(
        problem,
        constraints=[moved(c) for c in problem.constraints],
        chances=chances,
        ranges={**problem.ranges, **ranges},
    )
