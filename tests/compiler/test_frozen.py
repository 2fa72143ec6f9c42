"""A stage takes a value and returns a value: what the stages hand on cannot be written to."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil

import pytest

import allocc.compiler.algebra
import allocc.compiler.binding
import allocc.compiler.data
import allocc.compiler.evaluating
import allocc.compiler.names
import allocc.compiler.scoping
import allocc.compiler.unrolling

ROOMS = (
    allocc.compiler.names,
    allocc.compiler.algebra,
    allocc.compiler.data,
    allocc.compiler.scoping,
    allocc.compiler.evaluating,
    allocc.compiler.binding,
    allocc.compiler.unrolling,
)
#: Who writes to what is not frozen.
OWN = {
    "Declarations": "declare, until it returns it",
    "Usage": "one stage, which begins with a copy",
    "Expanded": "one stage, which begins with a copy",
    "Known": "one evaluation of the reports",
}


def classes() -> dict[str, type]:
    found = {}
    for room in ROOMS:
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            for name, thing in vars(importlib.import_module(module.name)).items():
                if dataclasses.is_dataclass(thing) and thing.__module__ == module.name:  # type: ignore[union-attr]
                    found[name] = thing
    return found  # type: ignore[return-value]


def test_there_are_no_others() -> None:
    loose = {n for n, c in classes().items() if not c.__dataclass_params__.frozen}  # type: ignore[attr-defined]
    assert loose == set(OWN)


@pytest.mark.parametrize(
    "name", ["BoundModel", "Problem", "Variable", "IndexSet", "DataTable", "Context"]
)
def test_the_stages_themselves_are_looked_at(name: str) -> None:
    assert name in classes()
