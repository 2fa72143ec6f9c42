"""What a written model consists of: sections with tables, sentences and equations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Math:
    """A formula in a line of text or in a cell."""

    text: str


@dataclass(frozen=True, slots=True)
class FormulaTable:
    """Rows of cells, some of which are formulas."""

    head: tuple[str, ...]
    rows: tuple[tuple[str | Math, ...], ...]


@dataclass(frozen=True, slots=True)
class Equation:
    """`left relation terms`, for all of `where`; the terms have signs, so that they can be broken."""

    left: str
    relation: str
    terms: tuple[tuple[str, str], ...]
    where: str = ""
    name: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence, in parts."""

    parts: tuple[str | Math, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands below it."""

    title: str
    blocks: tuple[FormulaTable | Paragraph | tuple[Equation, ...], ...]
