"""What became of each nonlinear term, and why: read from the plan of a lowered program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from allocc.compiler.arrays import IntArray
from allocc.compiler.programs.program import FunctionAtoms, Program, ProgramBlock, find_block
from allocc.compiler.reformulations import univariate
from allocc.compiler.reformulations.logarithms import SHORT, WIDE, growing
from allocc.compiler.relaxing.plan import Plan
from allocc.dsl.tree import Span
from allocc.engine.choose import takers
from allocc.errors import reported
from allocc.showing.explain_functions import function_uses
from allocc.tables import number, wrap

if TYPE_CHECKING:
    from allocc.engine.stages import Stages


@dataclass(frozen=True, slots=True)
class ExplainedFactor:
    """The columns of one block that take part: their name, their range and where it comes from."""

    name: str
    low: float
    high: float
    derived: bool

    def __str__(self) -> str:
        how = "derived" if self.derived else "declared"
        return f"{self.name} in {number(self.low)} .. {number(self.high)} ({how})"


@dataclass(frozen=True)
class Explanation:
    """One kind of nonlinear term between the same blocks.

    `by_values` says that it is exact once a whole factor is cut into single values.
    """

    expression: str
    count: int
    kind: str
    form: str
    exact: bool
    factors: tuple[ExplainedFactor, ...]
    used_in: tuple[str, ...] = ()
    place: str = ""
    by_values: bool = False


def explanations(plan: Plan, before: Program) -> list[Explanation]:
    """Every nonlinear block, products first; `before` is the program as it was lowered."""
    return [
        *_products(plan, before),
        *_functions(plan, before),
        *_extremes(plan),
    ]


# --- products ------------------------------------------------------------------------------------


def _products(plan: Plan, before: Program) -> Iterator[Explanation]:
    p, q = plan.program, plan.program.products
    if not len(q):
        return
    exact = plan.exact_products(p.lower, p.upper)
    # In a ratio the new column is a factor: w * bottom = top.
    made = np.where(q.is_ratio, q.left, q.result)
    first = np.where(q.is_ratio, q.result, q.left)
    second = q.right
    starts = np.array([b.start for b in p.column_blocks])

    def block_of(columns: IntArray) -> IntArray:
        return np.asarray(np.searchsorted(starts, columns, side="right") - 1)

    kinds = [_kinds(plan, int(a), int(b)) for a, b in zip(q.left, q.right, strict=True)]
    groups: dict[tuple[bool, int, int, _Kinds, int], list[int]] = {}
    keys = zip(
        q.is_ratio.tolist(),
        block_of(first).tolist(),
        block_of(second).tolist(),
        kinds,
        plan.partition.tolist(),
        strict=True,
    )
    for k, (is_ratio, a, b, kind, cut) in enumerate(keys):
        chosen = int(block_of(np.array([cut]))[0]) if cut >= 0 else -1
        groups.setdefault((is_ratio, a, b, kind, chosen), []).append(k)
    # What is linear anyway says the least.
    for (is_ratio, a, b, kind, chosen), members in sorted(
        groups.items(), key=lambda group: group[0][3][0] == "fixed"
    ):
        mine = np.array(members)
        left, right = p.column_blocks[a], p.column_blocks[b]
        good = bool(exact[mine].all())
        cut_columns = np.unique(plan.partition[mine])
        form = _product_form(plan, kind, good, chosen, cut_columns)
        factors = [
            _factor(p, before, shown(left), first[mine]),
            _factor(p, before, shown(right), second[mine]),
        ]
        if is_ratio:
            factors.append(_factor(p, before, "the ratio", made[mine]))
        yield Explanation(
            f"{shown(left)} {'/' if is_ratio else '*'} {shown(right)}",
            len(mine),
            f"{_words(kind)}{', under a ratio' if is_ratio else ''}",
            form,
            good,
            tuple(factors),
            _used_in(p, made[mine]),
            by_values=kind[0] == "integer",
        )


_Kind = Literal["fixed", "anything", "binary", "integer", "continuous"]
_Kinds = tuple[_Kind, _Kind]


def _kinds(plan: Plan, a: int, b: int) -> _Kinds:
    """What the two factors of a product are, the one that makes it easier first."""
    p = plan.program
    if p.lower[a] == p.upper[a] or p.lower[b] == p.upper[b]:
        return "fixed", "anything"
    classes: list[_Kind] = []
    for j in (a, b):
        binary = p.integer[j] and p.upper[j] - p.lower[j] <= 1
        classes.append("binary" if binary else "integer" if p.integer[j] else "continuous")
    order: list[_Kind] = ["binary", "integer", "continuous"]
    first, second = sorted(classes, key=order.index)
    return first, second


def _words(kinds: _Kinds) -> str:
    """The class of a product in words."""
    first, second = kinds
    if first == "fixed":
        return "a factor is a number"
    bounded = second == "continuous" and first != "continuous"
    return f"{first} x {'bounded' if bounded else second}"


#: What is said of a product that is not exact, where ranges are divided together.
_BOXES = {
    "integer": ": exact where the whole factor has one value",
    "continuous": ": the smaller the box, the nearer to the product",
}


def _product_form(plan: Plan, kinds: _Kinds, exact: bool, chosen: int, cut: IntArray) -> str:
    p = plan.program
    if kinds[0] == "fixed":
        return "a constant multiple: linear as it is"
    if exact:
        return "four rows around the product (McCormick), exact because a factor is 0 or 1"
    if len(plan.multiplied):
        return f"four rows around the product (McCormick) over each box{_BOXES[kinds[0]]}"
    name = shown(p.column_blocks[chosen])
    values = (p.upper[cut] - p.lower[cut] + 1).sum()
    return (
        f"the range of {name} is cut into pieces where the error is; cut into single values "
        f"({values:,.0f} for {len(cut):,} column{'s' if len(cut) > 1 else ''}) it is exact"
    )


def _factor(program: Program, before: Program, name: str, columns: IntArray) -> ExplainedFactor:
    mine = np.unique(columns)
    low, high = program.lower[mine], program.upper[mine]
    derived = bool((before.lower[mine] < low).any() or (before.upper[mine] > high).any())
    return ExplainedFactor(name, float(low.min()), float(high.max()), derived)


def _used_in(program: Program, columns: IntArray) -> tuple[str, ...]:
    """The statements whose rows (or objective) hold some of these columns."""
    chosen = np.zeros(program.columns, dtype=bool)
    chosen[columns] = True
    entries = np.flatnonzero(chosen[program.matrix.indices])
    rows = np.searchsorted(program.matrix.indptr, entries, side="right") - 1
    starts = np.array([b.start for b in program.row_blocks])
    blocks = np.unique(np.searchsorted(starts, rows, side="right") - 1)
    found = [program.row_blocks[int(b)] for b in blocks] if len(starts) else []
    names = [b.statement or b.name for b in found]
    if program.objective[columns].any():
        names.append("the objective")
    return tuple(dict.fromkeys(names))


# --- functions, min and max ----------------------------------------------------------------------


def _functions(plan: Plan, before: Program) -> Iterator[Explanation]:
    p = plan.program
    for atoms in p.functions:
        name = shown(_block(p, int(atoms.argument[0])))
        factor = _factor(p, before, name, atoms.argument)
        if not atoms.function.smooth:
            free = bool(plan.down[atoms.result].all())
            form = (
                "two rows: only its lower side matters here"
                if free
                else "a binary for its sign where both signs are possible"
            )
            yield _function(p, atoms, factor, "absolute value", form, True)
            continue
        low, high = p.lower[atoms.argument], p.upper[atoms.argument]
        sign = atoms.function.curvature(low, high)
        secant = univariate.needs_secant(atoms, sign, plan.down, plan.up) | (sign == 0)
        shape = {1: "convex", -1: "concave"}.get(int(sign[0]), "neither convex nor concave")
        if bool((np.asarray(sign) != sign[0]).any()):
            shape = "of mixed curvature"
        if len(plan.multiplied):
            form = (
                "tangents and a secant over each box: the smaller the box, the nearer to the curve"
            )
        elif bool(np.asarray(secant).any()):
            form = "tangents on one side and secants on the other, over pieces that are cut where the error is"
        else:
            form = "tangents, added where the solution is; only that side matters here"
        yield _function(p, atoms, factor, f"{shape} function", form, False)


def _function(
    program: Program,
    atoms: FunctionAtoms,
    factor: ExplainedFactor,
    kind: str,
    form: str,
    exact: bool,
) -> Explanation:
    return Explanation(
        atoms.function.text.format(factor.name),
        len(atoms),
        kind,
        form,
        exact,
        (factor,),
        _used_in(program, atoms.result),
        _place(atoms.span),
    )


def _extremes(plan: Plan) -> Iterator[Explanation]:
    p = plan.program
    for e in p.extremes:
        free = plan.down if e.sense == "max" else plan.up
        blocks = dict.fromkeys(shown(_block(p, int(j))) for j in e.argument)
        one_sided = bool(free[e.result].all())
        side = "lower" if e.sense == "max" else "upper"
        form = (
            f"one row an argument: only its {side} side matters here"
            if one_sided
            else "one row an argument and a binary that picks the one that is reached"
        )
        yield Explanation(
            f"{e.sense} of {', '.join(list(blocks)[:4])}",
            len(e),
            "smallest" if e.sense == "min" else "largest",
            form,
            True,
            (),
            _used_in(p, e.result),
            _place(e.span),
        )


def shown(block: ProgramBlock) -> str:
    """A block's name; the text of a long expression ends in dots."""
    name = block.name
    is_text = block.origin is not None and block.origin.kind == "expression"
    if is_text and len(name) >= 42:
        return f"({name[1:-1].rstrip()} ...)"
    return name


def _block(program: Program, column: int) -> ProgramBlock:
    return find_block(program.column_blocks, column)


def _place(span: object) -> str:
    return f"line {span.line}" if isinstance(span, Span) else ""


# --- text ----------------------------------------------------------------------------------------


def explain_text(model: Stages) -> str:
    """The whole explanation as a person reads it."""
    p = model.plan.program
    with reported():
        found = explanations(model.plan, model.lowered.program)
    whole = int(p.integer.sum())
    size = (
        f"{p.columns:,} columns ({whole:,} of them whole numbers), {p.rows:,} rows, "
        f"{p.matrix.nnz:,} coefficients"
    )
    lines = [model.title or model.name, size, ""]
    lines += _function_lines(model)
    if not found:
        return "\n".join([*lines, "The model is linear: nothing had to be rewritten."])
    for e in found:
        times = f"  ({e.count:,} time{'s' if e.count > 1 else ''})"
        lines.append(f"{e.expression}{times}")
        rows = [("class", e.kind), ("form", e.form), ("result", _exactness(e))]
        rows += [("range" if k == 0 else "", str(f)) for k, f in enumerate(e.factors)]
        if e.used_in:
            rows.append(("used in", ", ".join(e.used_in)))
        if e.place:
            rows.append(("written at", e.place))
        for name, text in rows:
            first, *rest = wrap(text, 84)
            lines.append(f"  {name:<11}{first}")
            lines += [f"  {'':<11}{line}" for line in rest]
        lines.append("")
    steps = model.chain().names
    if "logarithms" in steps:
        lines += [*_beside(p), ""]
    if "growth" in steps:
        return "\n".join([*lines, _IN_LOGARITHMS])
    return "\n".join([*lines, _conclusion(found, model.plan)])


#: What is said of a model whose products are growth, instead of how products are written.
_IN_LOGARITHMS = (
    "A yes or no chooses by what a quantity grows, and its range is wide: `allocc solve` writes the\n"
    "growth in logarithms, which is linear in the decisions, instead of the products above."
)


def _beside(program: Program) -> list[str]:
    """What has logarithms beside it, and by which rule."""
    found = growing(program)
    if found is None:
        return []

    def names(columns: Iterable[int]) -> str:
        return ", ".join(dict.fromkeys(shown(_block(program, j)) for j in columns))

    rule = (
        "sums of products with positive coefficients, positive themselves; more of them is worse, "
        "and decisions scale a term; the ends of a range differ by a factor of up to "
        f"{number(found.widest(found.sums))}, which is at least {WIDE:g}"
    )
    other = (
        f"what else is multiplied, {names(found.others)}, by one of up to "
        f"{number(found.widest(found.others))}, which is at most {SHORT:g}"
    )
    form = (
        "rows beside the products, which stay: a sum is convex in logarithms, so that tangents "
        "hold it from below, whatever its range"
    )
    rows = [("rule", rule), ("", other), ("form", form), ("result", "a better bound")]
    lines = [f"Logarithms of {names(found.sums)}"]
    for name, text in rows:
        if text is other and not found.others:
            continue
        first, *rest = wrap(text, 84)
        lines.append(f"  {name:<11}{first}")
        lines += [f"  {'':<11}{line}" for line in rest]
    return lines


def _function_lines(model: Stages) -> list[str]:
    """The declared functions that the model calls, their shape and what each use costs."""
    uses = function_uses(model)
    if not uses:
        return []
    lines = ["Functions, where they are used"]
    for use in uses:
        first, *rest = wrap(use.call, 84)
        lines += [f"  {first}", *(f"    {line}" for line in rest)]
        lines.append(f"    {use.shape}, {use.kept} in {use.statement}: {use.cost}")
    return [*lines, ""]


def _exactness(e: Explanation) -> str:
    if e.exact:
        return "exact"
    return "exact once every value stands alone" if e.by_values else "relaxed"


def _conclusion(found: list[Explanation], plan: Plan) -> str:
    if all(e.exact for e in found):
        return "Every term has an exact linear form: one solve gives the proof."
    if all(e.exact or e.by_values for e in found):
        return (
            "Every term has an exact linear form. Where the ranges are long, `--method auto` refines "
            "them\npiece by piece instead, which ends with the same proof and is often faster."
        )
    text = "Some terms are relaxed: `allocc solve` refines them round by round."
    if len(plan.multiplied):
        text = (
            "Some terms are relaxed. `allocc solve` looks at boxes: a range for each quantity. In each box a "
            "linear program gives a bound. A box that may hold a better allocation than the best one known is "
            "divided in two, until none is left."
        )
    solver = next(takers(plan.program), "")
    if solver:
        text += (
            " A solver that takes products as they are can be tried with "
            f"`--method direct --solver {solver}`."
        )
    return "\n".join(wrap(text, 96))
