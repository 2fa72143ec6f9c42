"""How much better than a given allocation the best of each draw is, and what those have in common."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.engine.judging.outcome import Options
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.questions.over.alone import Alone, Told, alone, alone_in_processes
from allocc.questions.over.draws import read_draws
from allocc.questions.over.evaluate import evaluated
from allocc.questions.over.solve_over import with_best
from allocc.questions.over.worlds import Worlds, shared
from allocc.results.given import given_decisions
from allocc.results.over.found import Firm, OverDraws, quantiles
from allocc.results.run_folder.made_with import other_origin


@reported()
def regret(
    model: Stages,
    decisions: object,
    over: object,
    options: Options | None = None,
    told: Told | None = None,
    workers: int = 1,
    store: Path | None = None,
) -> OverDraws:
    """Each draw is solved by itself; the regret of the given decisions is an interval from both bounds.

    Decisions are in any form that `simulate` takes. Where they break a limit in a draw, there is no regret: what is
    not possible is not compared. With several `workers`, or a folder `store` that keeps what is finished, draws are
    solved in processes of their own.
    """
    options = options or Options()
    began = time.monotonic()
    worlds = Worlds(model, read_draws(over, model.bound))
    given = given_decisions(model.problem, {} if decisions is None else decisions)
    found = evaluated(worlds, given, other_origin(model, decisions), options)
    start = shared(model.problem, given.values)
    if model.path is not None and (workers > 1 or store is not None):
        best = alone_in_processes(worlds, options, workers, store, told)
    else:
        best = alone(worlds, options, told, start=start)
    details = with_best(found.draws, best, found.sense == "minimize")
    known = [d.regret for d in details if d.regret is not None]
    most = [r[1] for r in known if r[1] is not None]
    return replace(
        found,
        measure="regret",
        value=max(most) if most and len(most) == len(known) else None,
        bound=max((r[0] or 0.0 for r in known), default=None),
        draws=details,
        firm=_firm(worlds, best, start),
        seconds=time.monotonic() - began,
        solver=options.solver,
        notes=(*found.notes, *_unknown(best, worlds), *best.notes),
    )


def _unknown(best: Alone, worlds: Worlds) -> tuple[str, ...]:
    names = worlds.draws.names
    if best.infeasible:
        shown = ", ".join(names[k] for k in best.infeasible[:6])
        return (f"no allocation meets every limit in draw {shown}",)
    lost = len(names) - int(np.isfinite(best.value).sum())
    return (
        (f"for {lost} of {len(names)} draws no allocation was found in this time",) if lost else ()
    )


def _firm(worlds: Worlds, best: Alone, given: dict[str, FloatArray]) -> tuple[Firm, ...]:
    """Each decision at each member: what the best of the draws have there."""
    solved = [k for k, x in enumerate(best.decisions) if x is not None]
    if not solved:
        return ()
    weights = worlds.draws.weights[solved]
    weights = weights / weights.sum()
    found = []
    for v in worlds.problems[0].decisions:
        if v.name in worlds.model.bound.after:
            continue
        rows = [x[v.name].ravel() for k in solved if (x := best.decisions[k]) is not None]
        values_ = np.stack(rows)
        levels = quantiles(values_, weights)
        own = given[v.name].ravel()
        scale = 1e-6 * np.maximum(1.0, np.abs(own))
        alike = values_ >= own - scale
        same = weights @ alike
        for k in range(v.size):
            found.append(
                Firm(
                    v.name,
                    v.labels(k),
                    float(own[k]),
                    tuple(map(float, levels[:, k])),
                    float(same[k]),
                )
            )
    return tuple(found)
