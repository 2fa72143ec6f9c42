"""What all boxes of a program with products share: its rows in exact numbers, and how ranges follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from allocc.compiler.programs.program import Program
from allocc.engine.certifying.boxes.facts import Fact
from allocc.engine.certifying.exact import ExactProgram
from allocc.engine.certifying.vipr import ProofFile, Sense

#: A column whose definition reaches more definitions than this, or more products, is taken row by row.
MOST_DEFINITIONS, MOST_PRODUCTS = 30, 8
ONE = Fraction(1)
#: Both factors of a product at these of their ends: for a lower side of the product, and an upper one.
CORNERS = ((False, False), (True, True)), ((True, False), (False, True))


@dataclass(frozen=True, slots=True)
class Line:
    """Linear terms, exactly and in floating point, with each column once."""

    columns: tuple[int, ...]
    exact: tuple[Fraction, ...]
    near: tuple[float, ...]

    @classmethod
    def of(cls, terms: list[tuple[int, Fraction]]) -> Line:
        """The line with these columns and coefficients."""
        kept = [(j, a) for j, a in terms if a]
        return cls(
            tuple(j for j, _ in kept), tuple(a for _, a in kept), tuple(float(a) for _, a in kept)
        )

    def terms(self) -> Iterator[tuple[int, Fraction]]:
        """Columns and coefficients."""
        return zip(self.columns, self.exact, strict=True)


@dataclass(frozen=True, slots=True)
class Definition:
    """`column` is `constant` and `line`, as an equation says: `factor` times the row `row`."""

    column: int
    row: int
    factor: Fraction
    constant: Fraction
    line: Line


@dataclass(frozen=True, slots=True)
class Product:
    """`result` is `first` times `second`, as the row `row` of the file says."""

    result: int
    first: int
    second: int
    row: int


@dataclass(frozen=True, slots=True)
class Task:
    """Ranges that follow from others: by a row, by the envelope of a product, by a definition written out.

    One of the three is given. Tasks of lower `level` come first.
    """

    level: int
    row: int = -1
    product: Product | None = None
    definition: Definition | None = None
    inner: tuple[Definition | Product, ...] = ()


class Frame:
    """The rows, definitions and products of a program, as `proof` numbers them.

    Rows of products stand behind those of the program.
    """

    def __init__(
        self, exact: ExactProgram, proof: ProofFile, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Ranges are left as they are once `stop` says so."""
        p: Program = exact.program
        self.exact, self.proof, self.stop = exact, proof, stop
        self.rows = [Line.of(exact.row(i)) for i in range(p.rows)]
        self.products = [
            Product(w, a, b, p.rows + k) for k, (w, a, b, _) in enumerate(p.products.entries())
        ]
        self.integer: list[bool] = p.integer.tolist()
        self._by_result = {product.result: product for product in self.products}
        self._stated: list[bool] = p.stated.tolist()
        self.definitions = self._definitions()
        self.levels = self._levels()
        self.tasks = self._tasks()
        #: The tasks that a column takes part in.
        self.watchers: list[list[int]] = [[] for _ in range(p.columns)]
        for t, task in enumerate(self.tasks):
            for j in self._watched(task):
                self.watchers[j].append(t)
        self._sides: dict[tuple[int, bool], Fact] = {}

    def side(self, i: int, upper: bool) -> Fact | None:
        """A side of a row as a fact, None where it has none."""
        x = self.exact
        value = x.row_upper[i] if upper else x.row_lower[i]
        if value is None:
            return None
        if (i, upper) not in self._sides:
            self._sides[(i, upper)] = Fact(
                "L" if upper else "G",
                value,
                tuple(self.rows[i].terms()),
                given=self.proof.row(i, upper),
            )
        return self._sides[(i, upper)]

    def ends(self) -> tuple[list[Fact | None], list[Fact | None]]:
        """The lower and the upper bounds of columns that the program has."""
        x = self.exact
        found: list[list[Fact | None]] = []
        senses: tuple[Sense, Sense] = ("G", "L")
        for upper, (sense, values) in enumerate(zip(senses, (x.lower, x.upper), strict=True)):
            found.append(
                [
                    None
                    if value is None
                    else Fact(sense, value, ((j, ONE),), given=self.proof.bound(j, bool(upper)))
                    for j, value in enumerate(values)
                ]
            )
        return found[0], found[1]

    def _definitions(self) -> dict[int, Definition]:
        x, p = self.exact, self.exact.program
        found: dict[int, Definition] = {}
        defined = [] if p.defined is None else p.defined.tolist()
        for i, j in enumerate(defined):
            side, line = x.row_lower[i], self.rows[i]
            if j < 0 or side is None or side != x.row_upper[i] or j not in line.columns:
                continue
            factor = 1 / line.exact[line.columns.index(j)]
            others = [(k, -a * factor) for k, a in line.terms() if k != j]
            found[j] = Definition(j, i, factor, side * factor, Line.of(others))
        return found

    def _parts(self) -> dict[int, tuple[int, ...]]:
        """What each defined column is made of."""
        parts = {j: d.line.columns for j, d in self.definitions.items()}
        return parts | {p.result: (p.first, p.second) for p in self.products}

    def _levels(self) -> list[int]:
        """How many definitions stand before each column; those in a circle count as given."""
        parts = self._parts()
        level = [0] * self.exact.program.columns
        waiting = {j: sum(k in parts for k in ks) for j, ks in parts.items()}
        users: dict[int, list[int]] = {}
        for j, ks in parts.items():
            for k in ks:
                users.setdefault(k, []).append(j)
        ready = [j for j, n in waiting.items() if n == 0]
        for j in ready:
            level[j] = 1
        while ready:
            j = ready.pop()
            for k in users.get(j, ()):
                level[k] = max(level[k], level[j] + 1)
                waiting[k] -= 1
                if waiting[k] == 0:
                    ready.append(k)
        return level

    def _tasks(self) -> list[Task]:
        tasks = [
            Task(max((self.levels[j] for j in line.columns), default=0), row=i)
            for i, line in enumerate(self.rows)
            if line.columns
        ]
        tasks += [Task(self.levels[p.result], product=p) for p in self.products]
        for j, definition in self.definitions.items():
            inner = self._inner(definition)
            if inner:
                tasks.append(Task(self.levels[j], definition=definition, inner=inner))
        return tasks

    def _inner(self, definition: Definition) -> tuple[Definition | Product, ...]:
        """The definitions and products that one is made of down to stated columns, the outermost first.

        Nothing where there is no product among them, or very many.
        """
        by_result, stated = self._by_result, self._stated
        found: dict[int, Definition | Product] = {}
        pending = list(definition.line.columns)
        while pending and len(found) <= MOST_DEFINITIONS:
            j = pending.pop()
            if j in found or j == definition.column:
                continue
            if j in by_result:
                found[j] = by_result[j]
                pending += [by_result[j].first, by_result[j].second]
            elif j in self.definitions and not stated[j]:
                found[j] = self.definitions[j]
                pending += self.definitions[j].line.columns
        count = sum(isinstance(x, Product) for x in found.values())
        if not 0 < count <= MOST_PRODUCTS or len(found) > MOST_DEFINITIONS:
            return ()
        order = sorted(found, key=lambda j: -self.levels[j])
        levels = [self.levels[j] for j in order]
        if min(levels) == 0 or np.max(levels) >= self.levels[definition.column]:
            return ()  # in a circle
        return tuple(found[j] for j in order)

    def _watched(self, task: Task) -> set[int]:
        if task.product is not None:
            return {task.product.result, task.product.first, task.product.second}
        if task.definition is None:
            return set(self.rows[task.row].columns)
        found = set(task.definition.line.columns)
        for x in task.inner:
            found |= {x.first, x.second} if isinstance(x, Product) else set(x.line.columns)
        return found
