"""Write a Program as an MPS or LP file that any solver reads, with a map back to model names.

Both writers are our own: HiGHS's writer has no quadratic rows and wants its names one call at a
time. Choices that make a file mean the same to every reader:

- MPS is free MPS. Both bounds of every column that is not `0 <= x` are written, and those of every
  integer column, because readers differ in the defaults for integers and for negative upper bounds.
  The objective's offset is the negative right-hand side of the objective row.
- LP writes one term a line, because some readers cut long lines, and a row with two sides as two
  rows, because readers differ there. A product is a quadratic row. The offset is the cost of one
  more column that is fixed at 1: of a plain number in the objective, Gurobi 13 makes a column, and
  SCIP 10 reads it only as the last term.
- A row without a finite side restricts nothing and is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from allocc.backends.support import check_data
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import Program, ProgramBlock, find_block

NAME_LIMIT = 255
"""The longest name that the LP format allows."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.]+")
_AWKWARD_START = re.compile(r"[^A-Za-z]|[eE][0-9.]|[eE]$")
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "free inf infinity st bound bounds end max maximize maximise maximum min minimize minimise "
        "minimum general generals gen integer integers int binary binaries bin semi semis sos sos1 "
        "sos2 subject such that obj rhs ranges name rows columns marker objsense",
    )
)


def write(program: Program, path: str | Path, quadratic: bool = False) -> None:
    """Write `.mps` or `.lp`, and beside it `.map.json`: from the file's names to the model's.

    The column that carries the offset in LP belongs to no model name: it maps to "". With `quadratic`, products
    are written in MPS as well, as rows with a section QCMATRIX each, which not all solvers read.
    Raises ValueError for another suffix, and for what the format cannot say: products in MPS and
    functions in both.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in (".mps", ".lp"):
        raise ValueError(f"a model is written as .mps or .lp, not {target.suffix or 'no suffix'}")
    if any(len(f) for f in program.functions) or any(len(e) for e in program.extremes):
        raise ValueError(
            f"the {suffix} format has no functions such as exp or max; compile with a linear method"
        )
    check_data(program)
    if suffix == ".mps" and len(program.products) and not quadratic:
        raise ValueError(
            "the MPS format has no products that all solvers read; "
            "compile with a linear method, or write .lp"
        )
    column_names, columns, row_names, rows, taken = _all_names(program)
    back: dict[str, dict[str, str]] = {
        "columns": dict(zip(columns, column_names, strict=True)),
        "rows": dict(zip(rows, row_names, strict=True)),
    }
    if suffix == ".mps":
        parts = _mps(program, columns, rows)
    else:
        upper = _second_names(program, rows, taken)
        back["rows"].update({name: row_names[i] for i, name in upper.items()})
        one = ""
        if program.offset:
            one = safe_names(["objective_offset"], "x", taken)[0]
            back["columns"][one] = ""
        parts = _lp(program, columns, rows, upper, one)
    with target.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(parts)
    map_path = target.with_suffix(target.suffix + ".map.json")
    map_path.write_text(json.dumps(back, ensure_ascii=False) + "\n", encoding="utf-8")


def names(program: Program) -> tuple[list[str], list[str]]:
    """The names of columns and rows in the files that `write` makes; those of products come last."""
    _, columns, _, rows, _ = _all_names(program)
    return columns, [*rows, *_product_names(program, set(rows))]


def _all_names(program: Program) -> tuple[list[str], list[str], list[str], list[str], set[str]]:
    """The model's names and the file's, of columns and of rows, and those that are taken."""
    taken: set[str] = set()
    column_names = _model_names(program.column_blocks, program.columns)
    row_names = _model_names(program.row_blocks, program.rows)
    columns = safe_names(column_names, "x", taken)
    rows = safe_names(row_names, "r", taken)
    return column_names, columns, row_names, rows, taken


def safe_names(names: Sequence[str], kind: str, taken: set[str]) -> list[str]:
    """Names of letters, digits, `_` and `.`, unique, no keyword, at most `NAME_LIMIT` long.

    `taken` holds names that are used already and takes the new ones.
    """
    result = []
    for position, name in enumerate(names):
        safe = _UNSAFE.sub("_", name).rstrip("_")
        if not safe or _AWKWARD_START.match(safe) or safe.lower() in _KEYWORDS:
            safe = f"{kind}_{safe}"
        if len(safe) > NAME_LIMIT or safe in taken:
            tail = f"_{kind}{position}"
            safe = safe[: NAME_LIMIT - len(tail)] + tail
            while safe in taken:
                tail += "_"
                safe = safe[: NAME_LIMIT - len(tail)] + tail
        taken.add(safe)
        result.append(safe)
    return result


def _model_names(blocks: Sequence[ProgramBlock], count: int) -> list[str]:
    names: list[str] = []
    for block in blocks:
        names.extend(block.name_of(k) for k in range(block.count))
    if len(names) == count:
        return names
    return [find_block(blocks, p).name_of(p - find_block(blocks, p).start) for p in range(count)]


def _numbers(values: FloatArray) -> list[str]:
    """Each number in the shortest form that reads back as the same number."""
    return [repr(v) for v in values.tolist()]


# ---- MPS ----


def _mps(program: Program, columns: list[str], rows: list[str]) -> Iterator[str]:
    products = _product_names(program, set(rows))
    low, high = program.row_lower, program.row_upper
    has_low, has_high = np.isfinite(low), np.isfinite(high)
    kinds = np.full(program.rows, "L")
    kinds[has_low & ~has_high] = "G"
    kinds[has_low & has_high & (low == high)] = "E"
    kept = has_low | has_high
    goal = "objective_"
    while goal in rows or goal in products:
        goal += "_"
    yield f"NAME {_UNSAFE.sub('_', program.name) or 'allocc'}\n"
    yield f"OBJSENSE\n    {'MAX' if program.sense == 'maximize' else 'MIN'}\n"
    yield f"ROWS\n N {goal}\n"
    names = [rows[i] for i in np.flatnonzero(kept)]
    yield from (f" {k} {r}\n" for k, r in zip(kinds[kept].tolist(), names, strict=True))
    yield from (f" E {name}\n" for name in products)
    yield "COLUMNS\n"
    yield from _mps_columns(program, columns, rows, kept, goal, products)
    yield "RHS\n"
    if program.offset:
        yield f" RHS {goal} {-float(program.offset)!r}\n"
    side = np.where(kinds == "G", low, high)
    for i in np.flatnonzero(kept & (side != 0.0)).tolist():
        yield f" RHS {rows[i]} {float(side[i])!r}\n"
    ranges = np.flatnonzero(has_low & has_high & (low != high)).tolist()
    if ranges:
        yield "RANGES\n"
        yield from (f" RNG {rows[i]} {float(high[i] - low[i])!r}\n" for i in ranges)
    yield "BOUNDS\n"
    yield from _mps_bounds(program, columns)
    for name, (_, a, b, k) in zip(products, program.products.entries(), strict=True):
        yield f"QCMATRIX {name}\n"
        # The matrix is symmetric: a product of two columns stands in it twice.
        pairs = [(a, a, -k)] if a == b else [(a, b, -k / 2.0), (b, a, -k / 2.0)]
        yield from (f" {columns[i]} {columns[j]} {value!r}\n" for i, j, value in pairs)
    yield "ENDATA\n"


def _mps_columns(
    program: Program,
    columns: list[str],
    rows: list[str],
    kept: np.ndarray,
    goal: str,
    products: list[str],
) -> Iterator[str]:
    results: dict[int, list[str]] = {}
    for product, j in zip(products, program.products.result.tolist(), strict=True):
        results.setdefault(j, []).append(product)
    matrix = program.matrix.tocsc()
    starts = matrix.indptr.tolist()
    entries = matrix.indices.tolist()
    values = _numbers(matrix.data)
    costs = _numbers(program.objective)
    written = kept.tolist()
    whole = program.integer.tolist()
    inside = False
    markers = 0
    for j, name in enumerate(columns):
        if whole[j] != inside:
            inside = whole[j]
            yield f" MARKER{markers} 'MARKER' '{'INTORG' if inside else 'INTEND'}'\n"
            markers += 1
        part = range(starts[j], starts[j + 1])
        # The cost is written when it is zero, too: it also announces a column without entries.
        yield f" {name} {goal} {costs[j]}\n"
        yield from (
            f" {name} {rows[entries[k]]} {values[k]}\n" for k in part if written[entries[k]]
        )
        yield from (f" {name} {product} 1.0\n" for product in results.get(j, ()))
    if inside:
        yield f" MARKER{markers} 'MARKER' 'INTEND'\n"


def _mps_bounds(program: Program, columns: list[str]) -> Iterator[str]:
    lower, upper, whole = program.lower.tolist(), program.upper.tolist(), program.integer.tolist()
    needed = program.integer | (program.lower != 0.0) | np.isfinite(program.upper)
    infinity = float("inf")
    for j in np.flatnonzero(needed).tolist():
        name, low, high = columns[j], lower[j], upper[j]
        if whole[j] and low == 0.0 and high == 1.0:
            yield f" BV BND {name}\n"
        elif low == high:
            yield f" FX BND {name} {low!r}\n"
        elif low == -infinity and high == infinity:
            yield f" FR BND {name}\n"
        else:
            yield f" MI BND {name}\n" if low == -infinity else f" LO BND {name} {low!r}\n"
            if high == infinity:
                yield f" PL BND {name}\n"
            else:
                yield f" UP BND {name} {high!r}\n"


# ---- LP ----


def _second_names(program: Program, rows: list[str], taken: set[str]) -> dict[int, str]:
    """Names for the upper sides of rows that have two different sides."""
    low, high = program.row_lower, program.row_upper
    ranges = np.flatnonzero(np.isfinite(low) & np.isfinite(high) & (low != high)).tolist()
    return dict(zip(ranges, safe_names([f"{rows[i]}.up" for i in ranges], "r", taken), strict=True))


def _lp(
    program: Program, columns: list[str], rows: list[str], second: dict[int, str], one: str
) -> Iterator[str]:
    yield "Maximize\n" if program.sense == "maximize" else "Minimize\n"
    yield " obj:\n"
    used = np.flatnonzero(program.objective)
    costs = _signed(program.objective[used])
    yield from (f" {c} {columns[j]}\n" for c, j in zip(costs, used.tolist(), strict=True))
    if not len(used) and columns:
        yield f" 0 {columns[0]}\n"
    if one:
        yield f" {_signed(np.array([program.offset]))[0]} {one}\n"
    yield "Subject To\n"
    matrix = program.matrix
    starts = matrix.indptr.tolist()
    terms = [
        f" {v} {columns[j]}\n"
        for v, j in zip(_signed(matrix.data), matrix.indices.tolist(), strict=True)
    ]
    low, high = program.row_lower.tolist(), program.row_upper.tolist()
    infinity = float("inf")
    for i, name in enumerate(rows):
        body = "".join(terms[starts[i] : starts[i + 1]]) or f" 0 {columns[0]}\n"
        if low[i] == high[i]:
            yield f" {name}:\n{body} = {high[i]!r}\n"
            continue
        if low[i] > -infinity:
            yield f" {name}:\n{body} >= {low[i]!r}\n"
        if high[i] < infinity:
            yield f" {second.get(i, name)}:\n{body} <= {high[i]!r}\n"
    yield from _lp_products(program, columns, {*rows, *second.values()})
    yield "Bounds\n"
    if one:
        yield f" {one} = 1\n"
    yield from _lp_bounds(program, columns)
    whole = np.flatnonzero(program.integer).tolist()
    if whole:
        yield "Generals\n"
        yield from (f" {columns[j]}\n" for j in whole)
    yield "End\n"


def _signed(values: FloatArray) -> list[str]:
    return [f"- {-v!r}" if v < 0 else f"+ {v!r}" for v in values.tolist()]


def _product_names(program: Program, taken: set[str]) -> list[str]:
    """Names of the rows of products, none of which is taken."""
    prefix = "product"
    while any(name.startswith(prefix) for name in taken):
        prefix += "_"
    return [f"{prefix}{number}" for number in range(len(program.products))]


def _lp_products(program: Program, columns: list[str], taken: set[str]) -> Iterator[str]:
    pairs = zip(_product_names(program, taken), program.products.entries(), strict=True)
    for name, (w, a, b, k) in pairs:
        square = f"{columns[a]} ^2" if a == b else f"{columns[a]} * {columns[b]}"
        factor = "" if k == 1.0 else f"{k!r} "
        yield f" {name}:\n - 1.0 {columns[w]}\n + [ {factor}{square} ]\n = 0\n"


def _lp_bounds(program: Program, columns: list[str]) -> Iterator[str]:
    lower, upper = program.lower.tolist(), program.upper.tolist()
    infinity = float("inf")
    needed = (program.lower != 0.0) | np.isfinite(program.upper)
    for j in np.flatnonzero(needed).tolist():
        name, low, high = columns[j], lower[j], upper[j]
        if low == -infinity and high == infinity:
            yield f" {name} free\n"
        elif low == high:
            yield f" {name} = {low!r}\n"
        elif high == infinity:
            yield f" {name} >= {low!r}\n"
        elif low == -infinity:
            yield f" -inf <= {name} <= {high!r}\n"
        else:
            yield f" {low!r} <= {name} <= {high!r}\n"
