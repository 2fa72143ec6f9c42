"""What a closed group of compartments holds: no flow enters it from outside or leaves it.

Every step of such a group only moves what it holds, so that at each time its compartments add up to what they
began with. Row by row propagation does not find this: the infectious alone may seem to outgrow everybody.
"""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import IntArray
from allocc.compiler.lowering.lowered import Places
from allocc.compiler.names.structure import side_name
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import Program
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl import tree

#: What a sum is off by when it is simulated, in parts of it.
ROUNDING = 1e-9


def with_closed_mass(
    program: Program, problem: Problem, places: Places, now: IntArray | None = None
) -> Program:
    """The program with a row for each closed group, each of its members and each time.

    `now` has for each column in `places` the column of the program that it is, where that is another.
    """
    build = Extension(program)
    for names, by_member in _closed(problem):
        states = [u for u in problem.updates if u.compartment.statement.name.name in names]
        if not states or any(u.next_value is not None for u in states):
            continue
        columns, held = [], []
        for u in states:
            v = u.variable
            place: IntArray = np.arange(places.columns[v].start, places.columns[v].stop)
            place = place if now is None else now[place]
            start = np.asarray(problem.starts[v], dtype=float)
            periods = v.shape[-1]
            columns.append(place.reshape(-1, periods))
            held.append(start.reshape(-1))
        if by_member and len({len(h) for h in held}) == 1:
            total = np.sum(held, axis=0)
            groups = np.stack(columns)  # compartments, members, times
        else:
            total = np.array([float(sum(h.sum() for h in held))])
            groups = np.concatenate(columns)[:, None, :]
        _, members, times = groups.shape
        row = np.arange(members * times).reshape(members, times)
        rows = np.broadcast_to(row, groups.shape).ravel()
        level = np.repeat(total, times)
        slack = ROUNDING * np.abs(level)
        build.ragged(
            "closed mass", rows, groups.ravel(), 1.0, level - slack, level + slack, len(level)
        )
    return build.finish(program.products, program.functions, program.extremes)


def _closed(problem: Problem) -> list[tuple[frozenset[str], bool]]:
    """The groups of compartments that flows connect and none leaves, by name.

    And whether every flow stays with its member: with the same region, say.
    """
    group = {name: {name} for name in problem.model.compartments}
    leaky: set[str] = set()
    moving: set[str] = set()
    for flow in problem.flows:
        statement = flow.symbol.statement
        sides = [s for s in (statement.origin, statement.target) if s is not None]
        names = [name for s in sides if (name := side_name(s)) is not None]
        if len(names) < 2:
            leaky.update(names)
            continue
        joined = group[names[0]] | group[names[1]]
        for name in joined:
            group[name] = joined
        if not all(isinstance(s, tree.Name) for s in sides):
            moving.update(names)
    found = {frozenset(names) for names in group.values() if not names & leaky}
    return [(names, not names & moving) for names in sorted(found, key=sorted)]
