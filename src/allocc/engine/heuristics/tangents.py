"""Products and functions replaced by their tangents at a point: right near it, and no relaxation."""

from __future__ import annotations

from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import FunctionAtoms, Products


def write_products(build: Extension, products: Products, point: FloatArray) -> None:
    """A row for each product: its tangent plane at the point."""
    q = products
    a, b = point[q.left], point[q.right]
    entries = [(q.result, 1.0), (q.left, -b), (q.right, -a)]
    build.rows("tangent product", entries, -a * b, -a * b, count=len(q))


def write_function(build: Extension, atoms: FunctionAtoms, point: FloatArray) -> None:
    """A row for each entry of a function that has a slope everywhere: its tangent at the point."""
    x = point[atoms.argument]
    rate = atoms.function.slope(x)
    level = atoms.function.value(x) - rate * x
    entries = [(atoms.result, 1.0), (atoms.argument, -rate)]
    build.rows("tangent", entries, level, level, count=len(atoms))
