"""Decisions that the objective cannot feel: nothing leads from them to any of its terms.

Columns that stand in one row or one atom are joined. A decision whose part of the program holds no
column of the objective may be chosen freely: it changes no value of the objective, and nothing that
does. Columns that cannot vary join nothing.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from allocc.compiler.arrays import BoolArray, IntArray
from allocc.compiler.lint import messages
from allocc.compiler.lint.subject import Subject
from allocc.compiler.programs.program import Program
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic


def check_influence(subject: Subject) -> list[Diagnostic]:
    """A warning for each intervention, or else each decision, without any influence."""
    program = subject.program
    if not program.objective.any():
        return []
    felt = _felt(program)
    idle: set[str] = set()
    for variable in subject.problem.decisions:
        used = variable.name in subject.resolved.used
        mine = subject.places.columns[variable]
        if used and subject.own(variable.span) and variable.size and not felt[mine].any():
            idle.add(variable.name)
    found = []
    for statement in subject.model.tree.statements:
        if isinstance(statement, tree.Intervention):
            inside = [s for s in statement.body if isinstance(s, tree.Decide)]
            names = [s.name.name for s in inside]
            if names and idle.issuperset(names):
                found.append(
                    messages.idle_intervention(statement.name.name, names, statement.name.span)
                )
                continue
        else:
            inside = [statement] if isinstance(statement, tree.Decide) else []
        found += [
            messages.idle_decision(s.name.name, s.name.span) for s in inside if s.name.name in idle
        ]
    return found


def _felt(program: Program) -> BoolArray:
    """Columns that are joined with a column of the objective."""
    m = program.matrix
    n = program.columns
    varies = program.lower < program.upper
    first: list[IntArray] = []
    second: list[IntArray] = []
    if m.nnz:
        row_of = np.repeat(np.arange(program.rows), np.diff(m.indptr))
        free = varies[m.indices]
        rows, columns = row_of[free], m.indices[free].astype(np.int64)
        neighbours = rows[1:] == rows[:-1]
        first.append(columns[:-1][neighbours])
        second.append(columns[1:][neighbours])
    q = program.products
    first += [q.result, q.result]
    second += [q.left, q.right]
    for f in program.functions:
        first.append(f.result)
        second.append(f.argument)
    for e in program.extremes:
        first.append(e.result[e.owner])
        second.append(e.argument)
    a, b = np.concatenate(first), np.concatenate(second)
    graph = sparse.coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    wanted = np.unique(part[(program.objective != 0) & varies])
    return np.asarray(np.isin(part, wanted))
