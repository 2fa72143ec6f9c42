"""What a lint looks at: a model's stages, and which of its statements are the file's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from allocc.compiler.algebra.expression import Data, Node, Reference, Variable, children
from allocc.compiler.algebra.index import IndexSet
from allocc.compiler.evaluating.evaluator import Evaluator, reader
from allocc.compiler.lowering.lowered import Lowered, Places
from allocc.compiler.names.resolve import Resolved, flat
from allocc.compiler.pipeline import chain
from allocc.compiler.programs.program import Program, ProgramBlock, find_block
from allocc.compiler.scoping.model import BoundModel, along
from allocc.compiler.unrolling.problem import Constraint, Problem
from allocc.dsl import tree
from allocc.dsl.tree import Span


@dataclass(eq=False)
class Subject:
    """A problem with its program; statements that a `use` brought are not judged."""

    problem: Problem
    lowered: Lowered

    @property
    def program(self) -> Program:
        """The problem as a program."""
        return self.lowered.program

    @property
    def places(self) -> Places:
        """Where in the program its parts stand."""
        return self.lowered.places

    @property
    def model(self) -> BoundModel:
        """The bound model."""
        return self.problem.model

    @cached_property
    def evaluator(self) -> Evaluator:
        """Who knows what expressions mean."""
        return reader(self.model)

    @cached_property
    def resolved(self) -> Resolved:
        """What every name in the model means."""
        return self.model.declared.resolved

    def own(self, span: Span | None) -> bool:
        """Whether a place lies in the model's own file."""
        return span is not None and span.source is self.model.tree.source

    @cached_property
    def statements(self) -> list[tree.Statement]:
        """The file's own statements, with those inside of interventions."""
        return list(flat(self.model.tree.statements))

    @cached_property
    def limits(self) -> list[tuple[tree.Limit, list[ProgramBlock]]]:
        """The file's own limits with their rows; those inside of a chance block are left out."""
        rows: dict[int, list[ProgramBlock]] = {}
        for c in self.problem.constraints:
            if c.written is not None and c.count:
                block = find_block(self.program.row_blocks, self.places.rows[c].start)
                rows.setdefault(id(c.written.statement), []).append(block)
        return [
            (limit, rows[id(limit)])
            for limit in self.model.limits
            if self.own(limit.span) and id(limit) in rows
        ]


def probed(problem: Problem, nodes: Sequence[Node]) -> tuple[Program, list[slice]]:
    """A problem's program with a block of columns for each node."""
    probes: list[Variable] = []
    extra: list[Constraint] = []
    for k, node in enumerate(nodes):
        name = f"probe {k}"
        sets = tuple(IndexSet(name, [range(a.size)], "integer") for a in node.axes)
        probe = Variable(name, "definition", sets, axes=node.axes, value=node)
        places = along(node.axes, sets)
        nothing = Data((), np.asarray(-np.inf)), Data((), np.asarray(np.inf))
        body = Reference(probe, places, node.axes)
        span = node.span or Span(tree.Source("", ""), 0, 0)
        extra.append(Constraint(name, node.axes, body, *nothing, lambda k: (), span))
        probes.append(probe)
    made = chain(replace(problem, constraints=[*problem.constraints, *extra]), "stated")
    return made.program, [made.places.columns[p] for p in probes]


def walk(node: Node, through: bool = True) -> Iterator[Node]:
    """A node and all that it is made of, from the left; also behind named expressions."""
    seen: set[Variable] = set()
    stack = [node]
    while stack:
        n = stack.pop()
        yield n
        if through and isinstance(n, Reference) and n.variable.value is not None:
            if n.variable not in seen:
                seen.add(n.variable)
                stack.append(n.variable.value)
            continue
        stack.extend(reversed(children(n)))
