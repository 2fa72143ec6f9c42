"""Targets of an equity function that no allocation can reach, because the totals differ.

`l1(x, y)` and its kin measure how far x is from y, and are zero only where x = y. Then both have one
total. Where ranges prove that the totals differ, the distance cannot become zero: most often shares
do not add up to 1, or a target was scaled by another total than the one that is allotted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allocc.compiler.algebra.expression import (
    Add,
    Apply,
    Data,
    Extreme,
    Node,
    Power,
    Reduce,
    Reference,
    add,
)
from allocc.compiler.algebra.numeric import Evaluation, reduce_array
from allocc.compiler.arrays import FloatArray
from allocc.compiler.lint import messages
from allocc.compiler.lint.ranges import Directions, ranges
from allocc.compiler.lint.subject import Subject, probed, walk
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span
from allocc.dsl.walk import nodes

#: The functions of the library that are zero only where both arguments are equal.
DISTANCES = ("l1", "l2", "squares", "linf")
LIBRARY = "library equity.alloc"
#: So many random points tell whether a total varies.
POINTS = 4
#: Totals that differ by less than this, relative to their size, may be meant to be equal.
ROUNDING = 1e-6


def check_targets(subject: Subject) -> list[Diagnostic]:
    """Distances to a target whose total cannot be that of the allocation."""
    found_at: list[tuple[Span, Node, FloatArray]] = []
    for node, statement in _expressions(subject):
        calls = [n for n in nodes(statement) if _is_distance(n, subject)]
        made = [n for n in walk(node, through=False) if _is_made_by_library(n)]
        sides = [_sides(n) for n in made if isinstance(n, Reduce)]
        if len(calls) != len(sides):
            continue
        for call, both in zip(calls, sides, strict=True):
            if both is not None:
                found_at.append((call.span, *both))
    if not found_at:
        return []
    program, probes = probed(subject.problem, [total for _, total, _ in found_at])
    everything = ranges(Directions(program), np.ones(program.rows, dtype=bool))
    if everything is None:
        return []
    found = []
    for (span, total, targets), here in zip(found_at, probes, strict=True):
        columns = np.arange(here.start, here.stop)
        low, high = everything.definitions(columns)
        always = _always(total, len(columns))
        if always is not None:
            low, high = np.maximum(low, always), np.minimum(high, always)
        slack = ROUNDING * np.maximum(1.0, np.abs(targets))
        missed = np.flatnonzero((low > targets + slack) | (high < targets - slack))
        if len(missed):
            k = int(missed[0])
            found.append(
                messages.missed_target(float(targets[k]), float(low[k]), float(high[k]), span)
            )
    return found


def _always(total: Node, count: int) -> FloatArray | None:
    """What a total is for all values of its variables, as shares add up to 1; None where it varies.

    Without branches an expression is analytic: one that has a single value at random points of an
    open set has it wherever it is defined.
    """
    parts = list(walk(total))
    branched = any(
        isinstance(n, Extreme)
        or (isinstance(n, Apply) and n.function == "abs")
        or (isinstance(n, Reduce) and n.operation != "sum")
        for n in parts
    )
    if branched:
        return None
    rng = np.random.default_rng(0)
    found = []
    for _ in range(POINTS):
        free = {n.variable for n in parts if isinstance(n, Reference) and n.variable.value is None}
        with np.errstate(all="ignore"):
            value = Evaluation({v: rng.uniform(0.5, 2.0, v.shape) for v in free})(total)
        shape = tuple(a.size for a in total.axes)
        found.append(np.broadcast_to(value, shape).ravel())
    first = np.asarray(found[0], dtype=float)
    same = all(np.allclose(x, first, rtol=1e-9, atol=1e-12) for x in found)
    return first if same and np.isfinite(first).all() and len(first) == count else None


def _expressions(subject: Subject) -> list[tuple[Node, Any]]:
    """The expressions of the file's own statements, each with its part of the tree."""
    terms = {
        t.name.name: t for t in (subject.model.objective or tree.Objective("minimize", ())).terms
    }
    prefers = {p.name.name: p for p in subject.model.prefers}
    found: list[tuple[Node, Any]] = []
    for term in subject.problem.terms:
        statement: Any = prefers[term.name] if term.penalty else terms[term.name]
        found.append((term.node, statement))
    limits = {(x.name.name, x.span): x for x in subject.model.limits}
    # A range with a gap, `in 0 or LOW .. HIGH`, is a constraint that no limit states.
    found += [
        (c.body, limits[c.name, c.span])
        for c in subject.problem.constraints
        if (c.name, c.span) in limits
    ]
    for symbol in subject.model.lets.values():
        if symbol.variable is not None and symbol.variable.value is not None:
            found.append((symbol.variable.value, symbol.statement))
    return [(node, statement) for node, statement in found if subject.own(statement.span)]


def _is_distance(n: Any, subject: Subject) -> bool:
    """Whether a part of the tree calls one of the library's distances."""
    if not isinstance(n, tree.Call) or n.function.name not in DISTANCES:
        return False
    function = subject.model.declared.names.get(n.function.name)
    return isinstance(function, tree.Function) and function.span.source.name == LIBRARY


def _is_made_by_library(node: Node) -> bool:
    return isinstance(node, Reduce) and node.span is not None and node.span.source.name == LIBRARY


def _sides(node: Reduce) -> tuple[Node, FloatArray] | None:
    """What a distance compares, added up: the allocation, and the target where that is data."""
    match node.body:
        case Apply(function="abs", argument=inner):
            pass
        case Power(base=inner, exponent=2.0):
            pass
        case _:
            return None
    parts = inner.parts if isinstance(inner, Add) else (inner,)
    data = [p for p in parts if isinstance(p, Data)]
    rest = [p for p in parts if not isinstance(p, Data)]
    if len(data) != 1 or not rest or not any(a in node.over for a in data[0].axes):
        return None
    allotted: Node = rest[0]
    for part in rest[1:]:
        allotted = add(allotted, part)
    target = reduce_array("sum", -data[0].values, data[0].axes, node.over, node.axes, node.scatter)
    shape = tuple(a.size for a in node.axes)
    total = Reduce("sum", allotted, node.over, node.axes, node.scatter, node.span)
    return total, np.broadcast_to(target, shape).ravel()
