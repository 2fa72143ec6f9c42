"""What a stage has read of a model, and what it has expanded on the way. Each goes on with copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocc.compiler.algebra.expression import Node
from allocc.compiler.arrays import BoolArray
from allocc.compiler.data.tables import DataTable
from allocc.dsl.tree import Span


@dataclass(eq=False)
class Usage:
    """What has been read of each table so far: the rows, and the columns of words.

    `optional` is where a cell of a table is read first that another value may stand for, which hides
    misspelt labels. `told` are tables and index sets for which unused rows have been warned of.
    """

    rows: dict[DataTable, BoolArray] = field(default_factory=dict)
    words: defaultdict[DataTable, set[str]] = field(default_factory=lambda: defaultdict(set))
    optional: dict[DataTable, Span] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)

    def copy(self) -> Usage:
        """The same so far, to go on with."""
        words = defaultdict(set, {table: set(columns) for table, columns in self.words.items()})
        rows = {table: read.copy() for table, read in self.rows.items()}
        return Usage(rows, words, dict(self.optional), set(self.told))

    def note(self, table: DataTable, rows: NDArray[Any] | None) -> None:
        """Keep in mind which rows of a table something reads; None is all of them."""
        read = self.rows.setdefault(table, np.zeros(len(table.rows), dtype=bool))
        read[slice(None) if rows is None else rows] = True

    def unread(self, table: DataTable) -> list[int]:
        """The rows of a table that nothing has read."""
        read = self.rows.get(table)
        return [i for i in range(len(table.rows)) if read is None or not read[i]]


@dataclass(eq=False)
class Expanded:
    """What has been expanded so far, each once.

    `calls` has what each call of a declared function has become, by its place; `lets` the named
    expressions that are the same wherever they are used. `expansions` counts calls, and `open` are
    the names that are being expanded, from the outside in.
    """

    calls: dict[Span, Node] = field(default_factory=dict)
    lets: dict[str, Node] = field(default_factory=dict)
    expansions: int = 0
    open: list[str] = field(default_factory=list)

    def copy(self) -> Expanded:
        """The same so far, to go on with."""
        return Expanded(dict(self.calls), dict(self.lets))

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Expand a name, which is open meanwhile."""
        self.open.append(name)
        try:
            yield
        finally:
            self.open.pop()
