"""`Program`: the mixed-integer program that a backend solves, as sparse arrays.

    minimize or maximize   c' x + offset
    subject to             row_lower <= A x <= row_upper
                           lower <= x <= upper,   x_j whole for integer[j]
                           x[w] = x[a] * x[b]          for each product (w, a, b)
                           x[w] = f(x[a])              for each function atom

Products and function atoms are there only as long as a reformulation has not replaced them, or when
the backend takes them as they are. Columns and rows belong to blocks that know their statement, so
that names are made only when someone asks for them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.functions import function
from allocc.compiler.functions.record import ScalarFunction
from allocc.compiler.labels import label_text, named
from allocc.compiler.origin import Origin

if TYPE_CHECKING:  # a process that only solves needs neither, and starts the sooner
    from scipy import sparse

    from allocc.dsl.tree import Span


Role = Literal["stated", "definition", "auxiliary"]


@dataclass(frozen=True, slots=True)
class ProgramBlock:
    """`count` consecutive columns or rows that come from one statement.

    `labels(k)` gives the index labels of the k-th entry, as `("44001", 2017.25)`.
    """

    name: str
    start: int
    count: int
    role: Role
    origin: Origin | None = None
    unit: str = ""
    labels: Callable[[int], tuple[Any, ...]] | None = None

    @property
    def span(self) -> Span | None:
        """The place of the statement that it comes from."""
        return None if self.origin is None else self.origin.span

    @property
    def statement(self) -> str:
        """The statement that it comes from, as `limit viable`; empty where it comes from none."""
        return "" if self.origin is None else str(self.origin)

    def name_of(self, k: int) -> str:
        """The name of the k-th entry, as `spend[44001,2017.25]`."""
        labels = self.labels(k) if self.labels is not None else ()
        if not labels and self.count > 1:
            labels = (k,)
        return named(self.name, tuple(label_text(x) for x in labels))


def find_block(blocks: Sequence[ProgramBlock], position: int) -> ProgramBlock:
    """The block that holds a column or a row; blocks are ordered and leave no hole."""
    return blocks[max(bisect_right(blocks, position, key=lambda b: b.start) - 1, 0)]


@dataclass(frozen=True, slots=True)
class Products:
    """`x[result] = factor * x[left] * x[right]`, entry by entry; arrays of one length.

    Where `is_ratio`, `left` was made to be the quotient `result / right`; elsewhere `result` was made to be
    the product. Only scaling makes a `factor`; without one it is 1 everywhere.
    """

    result: IntArray
    left: IntArray
    right: IntArray
    is_ratio: BoolArray
    factor: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.result)

    @property
    def factors(self) -> FloatArray:
        """`factor`, written out."""
        return np.ones(len(self.result)) if self.factor is None else self.factor

    @property
    def bottoms(self) -> IntArray:
        """The denominators of the ratios."""
        return self.right[self.is_ratio]

    def taken(self, which: BoolArray | IntArray) -> Products:
        """Some of the products."""
        factor = None if self.factor is None else self.factor[which]
        return Products(
            self.result[which], self.left[which], self.right[which], self.is_ratio[which], factor
        )

    def entries(self) -> Iterator[tuple[int, int, int, float]]:
        """Result, left, right and factor of each product."""
        sides = (self.result.tolist(), self.left.tolist(), self.right.tolist())
        return zip(*sides, self.factors.tolist(), strict=True)


@dataclass(frozen=True, slots=True)
class FunctionAtoms:
    """`x[result] = f(x[argument])`, entry by entry, for one `kind`; `exponent` is for `power`.

    With `tangents_only` what they say beside their tangents follows from the rest of the program: a relaxation
    needs no secant for them, and no range is cut because of them.
    """

    kind: str
    result: IntArray
    argument: IntArray
    exponent: float = 1.0
    span: Span | None = None
    tangents_only: bool = False

    def __len__(self) -> int:
        return len(self.result)

    @property
    def function(self) -> ScalarFunction:
        """f."""
        return function(self.kind, self.exponent)


@dataclass(frozen=True, slots=True)
class Extremes:
    """`x[result[k]]` is the largest (or smallest) of `x[argument[p]]` over all p of owner[p] = k."""

    sense: Literal["min", "max"]
    result: IntArray
    owner: IntArray
    argument: IntArray
    span: Span | None = None

    def __len__(self) -> int:
        return len(self.result)


@dataclass(frozen=True, slots=True)
class IndicatorRows:
    """Rows `start` and on that hold only where each of their binaries is 1.

    Every array of `binaries` has one column for each row.
    """

    start: int
    count: int
    binaries: tuple[IntArray, ...]
    span: Span | None = None

    @property
    def rows(self) -> IntArray:
        """The positions of the rows."""
        return np.arange(self.start, self.start + self.count)


def no_products() -> Products:
    """An empty set of products."""
    none = np.zeros(0, dtype=np.int64)
    return Products(none, none, none, np.zeros(0, dtype=bool))


@dataclass(frozen=True, slots=True)
class Program:
    """See the module's docstring. `matrix` is CSR without duplicate entries, rows x columns.

    `defined[i]` is the column that definition row i defines (its coefficient there is 1), else -1.
    """

    name: str
    sense: Literal["minimize", "maximize"]
    objective: FloatArray
    offset: float
    lower: FloatArray
    upper: FloatArray
    integer: BoolArray
    matrix: sparse.csr_array
    row_lower: FloatArray
    row_upper: FloatArray
    column_blocks: tuple[ProgramBlock, ...]
    row_blocks: tuple[ProgramBlock, ...]
    products: Products = field(default_factory=no_products)
    functions: tuple[FunctionAtoms, ...] = ()
    extremes: tuple[Extremes, ...] = ()
    conditional: tuple[IndicatorRows, ...] = ()
    defined: IntArray | None = None

    @property
    def polyhedral(self) -> bool:
        """Whether there are rows and ranges only, no products and functions."""
        return not (len(self.products) or self.functions)

    @property
    def linear(self) -> bool:
        """Whether it is a linear program: `polyhedral`, and nothing has to be whole."""
        return self.polyhedral and not self.integer.any()

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.lower)

    @property
    def stated(self) -> BoolArray:
        """Which columns are decisions or states of the model, and no definitions."""
        found: BoolArray = np.zeros(self.columns, dtype=bool)
        for block in self.column_blocks:
            found[block.start : block.start + block.count] = block.role == "stated"
        return found

    @property
    def rows(self) -> int:
        """Number of linear rows."""
        return len(self.row_lower)

    def column_name(self, j: int) -> str:
        """The model's own name of column j."""
        block = find_block(self.column_blocks, j)
        return block.name_of(j - block.start)

    def row_name(self, i: int) -> str:
        """The model's own name of row i."""
        block = find_block(self.row_blocks, i)
        return block.name_of(i - block.start)
