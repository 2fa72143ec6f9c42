"""What in a model a block of unknowns, columns or rows comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # a process that only solves does not need it, and starts the sooner
    from allocc.dsl.tree import Span

#: The word that a statement begins with; `expression` for a part of one that has columns of its own, and
#: `slack` for what a limit is loosened by.
Kind = Literal[
    "decide", "param", "compartment", "let", "flow", "limit", "chance", "expression", "slack"
]


@dataclass(frozen=True, slots=True)
class Origin:
    """A statement, by its first word and its name, and its place; an expression's name is its words."""

    kind: Kind
    name: str
    span: Span | None = None

    def __str__(self) -> str:
        return self.name if self.kind == "expression" else f"{self.kind} {self.name}"
