"""Small fits, read from texts."""

from __future__ import annotations

from pathlib import Path

from allocc.compiler.binding.bind import bind
from allocc.compiler.fitting.bind_fit import bind_fit
from allocc.compiler.fitting.problem import FitProblem
from allocc.dsl import tree
from allocc.dsl.reading.parser import parse
from allocc.dsl.tree import Source


def fit_of(folder: Path, model: str, **tables: str) -> FitProblem:
    """The one fit of a model, whose tables are `NAME.csv` in a folder."""
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    bound = bind(parse(Source("model.alloc", model)), folder)
    (fit,) = bound.declared.every(tree.Fit).values()
    return bind_fit(bound, fit, folder)
