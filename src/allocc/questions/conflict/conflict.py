"""What a person is told about a model without an allocation: plain data, in the model's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from allocc.compiler.algebra.expression import Data, Node, Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.evaluating.evaluator import Evaluator, reader
from allocc.compiler.evaluating.logic import is_logic, operands
from allocc.compiler.labels import label_text
from allocc.compiler.unrolling.problem import ChanceConstraint, Constraint, WrittenComparison
from allocc.compiler.unrolling.simulate import Values, lowest
from allocc.compiler.unrolling.undefined import undefined
from allocc.dsl import tree
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Options
from allocc.errors import reported
from allocc.questions.conflict.budget import Budget
from allocc.questions.conflict.cells import cells
from allocc.questions.conflict.deletion import Filtered, mask, smallest
from allocc.questions.conflict.flow_cells import flow_cells
from allocc.questions.conflict.oracle import Nearest
from allocc.questions.conflict.switches import SwitchedStatement, SwitchedStatements
from allocc.results.findings import Cell, Conflict, Counted, Kind, Member, Status
from allocc.tables import number

if TYPE_CHECKING:
    from allocc.dsl.tree import Span
    from allocc.engine.stages import Stages

#: Of more members than this, only the first of each statement are told, so many of them.
MOST_TOLD, MOST_ALIKE = 500, 3
#: The data of a chance block are read in so many rows of each of its limits.
MOST_ROWS = 50
#: A set with more members than this is told without what the others leave for each of them.
MOST_NEAREST = 12


@reported()
def explain(model: Stages, options: Options) -> Conflict:
    """The members of an infeasible model that cannot hold together, found within the time limit."""
    assert options.time_limit is not None
    budget = Budget(options.time_limit, options.cancel)
    statements = SwitchedStatements(model.problem)
    found = smallest(statements, options, budget)
    told = _Told(model, statements, found, options, budget)
    return told.conflict()


class _Told:
    """Members as numbers become members in words."""

    def __init__(
        self,
        model: Stages,
        statements: SwitchedStatements,
        found: Filtered,
        options: Options,
        budget: Budget,
    ) -> None:
        self.model = model
        self.evaluator = reader(model.bound)
        self.statements = statements
        self.found = found
        self.options = options
        self.budget = budget

    def conflict(self) -> Conflict:
        """Everything that there is to say."""
        found, oracle = self.found, self.found.oracle
        status: Status = "irreducible" if found.irreducible else "reduced"
        if not found.agreed:
            status = "contradicted"
        members: list[int] = [] if status == "contradicted" else found.members.tolist()
        groups: dict[tuple[Kind, str], list[int]] = {}
        for k in members:
            s, _ = self.statements.of(k)
            groups.setdefault((s.kind, s.name), []).append(k)
        most = MOST_ALIKE if len(members) > MOST_TOLD else len(members)
        whole = None
        if status == "irreducible" and self.budget.left > 0 and members:
            kept = mask(self.statements.size, [found.members])
            whole = oracle.ask(kept, self.budget.left, fractions=True).holds
        told = tuple(self.member(k) for rows in groups.values() for k in rows[:most])
        mine = {id(self.statements.of(k)[0].source) for k in members}
        held = {
            _titled(s)
            for s in self.statements.all
            if oracle.held[s.members].any() and id(s.source) not in mine
        }
        widened = {_titled(s) for s in oracle.wide if id(s.source) not in mine}
        return Conflict(
            status,
            told,
            tuple(Counted(kind, name, len(rows)) for (kind, name), rows in groups.items()),
            len(members),
            len(found.needed),
            self.budget.spent,
            self.budget.seconds,
            found.checks,
            self.options.solver,
            self.statements.size,
            tuple(sorted(held)) if oracle.exact else (),
            tuple(sorted(widened)) if oracle.exact else (),
            whole,
            "" if members else self.formula(),
        )

    def formula(self) -> str:
        """The formula that has no value at the lower ends of decisions; empty where all have one."""
        problem = self.model.problem
        found = assess(problem, lowest(problem))
        return "" if found.finite else undefined(problem, found.values).message

    def member(self, k: int) -> Member:
        """One member."""
        s, place = self.statements.of(k)
        needed = k in self.found.needed
        match s.source:
            case Constraint() as c:
                made = limit_member(self.model, c, place)
            case ChanceConstraint() as block:
                made = self.chance(block)
            case Variable() as v:
                made = self.variable(s, v, place)
        near = Nearest(None)
        few = len(self.found.members) <= MOST_NEAREST
        if needed and few and made.operator and self.budget.left > 0:
            kept = mask(self.statements.size, [self.found.members])
            near = self.found.oracle.nearest(kept, k, self.budget.left / 4)
        values = near.values or self.found.needed.get(k)
        if made.operator:
            made = _with_values(made, s, place, near.off, values)
        return replace(made, needed=needed)

    def chance(self, block: ChanceConstraint) -> Member:
        """A chance block, with the data of its limits in every scenario."""
        statement = next(x for x in self.model.bound.chances if x.name.name == block.name)
        file, line, source = _place(statement.span)
        share = f"{100 * block.probability:.6g} %"
        about = f"its limits hold in scenarios that weigh {share} or more"
        read: dict[str, Cell] = {}
        for limit in block.limits:
            written = limit.constraint.written
            assert written is not None
            for row in range(min(limit.constraint.count, MOST_ROWS)):
                read |= {c.name: c for c in _cells(self.evaluator, written, row)}
        return Member(
            "chance",
            block.name,
            (),
            about,
            file,
            line,
            source,
            block.description,
            cells=tuple(read.values()),
        )

    def variable(self, s: SwitchedStatement, v: Variable, place: int) -> Member:
        """A range's end, an initial value, or a compartment that is not negative."""
        labels = tuple(label_text(x) for x in v.labels(place))
        d = self.model.bound.declared
        span, source, expressions = v.span, "", []
        space, _ = self.evaluator.space(None)
        operator, end = "", 0.0
        if s.kind == "initial":
            initial = d.initials[v.name]
            labels = labels[:-1]
            span, expressions = initial.span, [initial.value]
            symbol = self.model.bound.compartments[v.name]
            space = (
                symbol.space if initial.index is None else self.evaluator.space(initial.index)[0]
            )
            place = place // v.shape[-1]
            assert symbol.initial is not None
            about = (
                f"starts at {number(float(symbol.initial.ravel()[place]), 10)} {v.unit}".rstrip()
            )
        elif s.kind == "nonnegative":
            operator, about = ">=", "is never negative"
        else:
            decide = d.names[v.name]
            assert isinstance(decide, tree.Decide)
            interval = decide.interval
            low = s.side == "lower"
            end = float(v.ends[0 if low else 1].ravel()[place])
            operator = ">=" if low else "<="
            about = f"{'at least' if low else 'at most'} {number(end, 10)} {v.unit}".rstrip()
            if interval is not None:
                side = interval.low if low else interval.high
                expressions = [side] if side is not None else []
            space = self.evaluator.space(decide.index)[0]
        file, line, source = _place(span)
        if s.kind == "nonnegative":
            *member, last = (int(k) for k in np.unravel_index(place, v.shape))
            read = flow_cells(self.model.bound, v.name, member, last)
        else:
            read = cells(self.evaluator, expressions, space, place) if expressions else []
        return Member(
            s.kind,
            v.name,
            labels,
            about,
            file,
            line,
            source,
            v.description,
            operator,
            right=end if operator else None,
            fixed="right" if operator else "",
            unit=v.unit,
            cells=tuple(read),
        )


def limit_member(model: Stages, c: Constraint, place: int) -> Member:
    """A row of a limit, without values that depend on an allocation."""
    labels = tuple(label_text(x) for x in c.labels(place))
    written = c.written
    assert written is not None
    sides = comparison_sides(written)
    file, line, source = _place(c.span)
    fixed: dict[str, float] = {}
    for name, node in (("left", written.left), ("right", written.right)):
        if isinstance(node, Data):
            fixed[name] = _at(node, c, place, {})
    # Never both: such a limit is checked before anything is solved.
    only: Literal["left", "right", ""] = "left" if "left" in fixed else "right" if fixed else ""
    return Member(
        "limit",
        c.name,
        labels,
        " ".join(" ".join(sides).split()),
        file,
        line,
        source,
        c.description,
        # Logic has no two sides.
        "" if c.alternatives else written.operator,
        fixed.get("left"),
        fixed.get("right"),
        only,
        unit=model.bound.units.of_limit(written.statement),
        cells=tuple(_cells(reader(model.bound), written, place)),
    )


def comparison_sides(written: WrittenComparison) -> tuple[str, str, str]:
    """The two sides as they are written, and the operator between them."""
    relation = written.statement.relation
    if not isinstance(relation, tree.Comparison) or is_logic(relation):
        return relation.span.text, "", ""
    left, right = relation.operands[written.place : written.place + 2]
    return left.span.text, written.operator, right.span.text


def _cells(evaluator: Evaluator, written: WrittenComparison, place: int) -> list[Cell]:
    relation = written.statement.relation
    if not isinstance(relation, tree.Comparison) or is_logic(relation):
        return cells(evaluator, operands(relation), written.space, place)
    sides = relation.operands[written.place : written.place + 2]
    return cells(evaluator, sides, written.space, place)


def _titled(s: SwitchedStatement) -> str:
    return {
        "limit": s.name,
        "chance": s.name,
        "initial": f"the initial value of {s.name}",
        "range": f"the range of {s.name}",
        "nonnegative": f"{s.name} not negative",
    }[s.kind]


def _place(span: Span | None) -> tuple[str, int, str]:
    """The file, the line and the text of a statement, its blanks made one."""
    if span is None:
        return "", 0, ""
    return span.source.name, span.line, " ".join(span.text.split())


def _at(node: Node, c: Constraint, place: int, values: Mapping[Variable, Any]) -> float:
    """The value of a side at one row of a limit."""
    evaluate = Evaluation(dict(values))
    full = np.broadcast_to(spread(evaluate(node), node.axes, c.axes), c.shape)
    return float(full.ravel()[place])


def _with_values(
    made: Member, s: SwitchedStatement, place: int, off: float | None, values: Values | None
) -> Member:
    """A member with both sides' values where all others hold, as far as they are known."""
    if off is not None:
        made = replace(made, off=off)
        end = made.right if made.fixed == "right" else made.left
        if made.fixed and made.operator != "==" and end is not None:
            # The left side is too large for `<=`, too small for `>=`.
            up = (made.operator == "<=") == (made.fixed == "right")
            moved = end + off if up else end - off
            both = (moved, end) if made.fixed == "right" else (end, moved)
            return replace(made, left=both[0], right=both[1])
    if values is None:
        return made
    if isinstance(s.source, Constraint):
        written = s.source.written
        assert written is not None
        left, right = (_at(n, s.source, place, values) for n in (written.left, written.right))
        return replace(made, left=left, right=right)
    assert isinstance(s.source, Variable)
    return replace(made, left=float(values[s.source].ravel()[place]))
