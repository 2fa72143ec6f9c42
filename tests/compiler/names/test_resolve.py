"""What names mean, from the text alone: a model with other names everywhere is the same model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from allocc.compiler.binding.bind import bind
from allocc.compiler.lowering.lower import lower
from allocc.compiler.names.library import expand_uses
from allocc.compiler.names.resolve import Bound, BuiltIn, Named, Resolved, resolve
from allocc.compiler.unrolling.discretize import discretize
from allocc.dsl import Source, parse, tree
from allocc.dsl.diagnostics import Collector
from allocc.dsl.reading.parser import parse_file
from allocc.questions.read_model import data_folder

ROOT = Path(__file__).parents[3]
MODELS = sorted((ROOT / "examples").rglob("*.alloc"))
#: Models whose data are made by another run, and parts of others; and data that lie elsewhere.
NOT_ALONE = ("expected", "policy", "regret", "worst_case")
DATA = {"cubic": "cubic", "fewest_days": "seed400", "lowest_rates": "seed400"}


def of(text: str) -> Resolved:
    return resolve(parse(Source("m.alloc", text)).statements)


def meanings(text: str, name: str) -> list[object]:
    """What each mention of a name means, in the order of the text."""
    found = [m for m in of(text).mentions if m.node.name == name]
    return [m.meaning for m in sorted(found, key=lambda m: m.node.span.start)]


def bound_at(meaning: object) -> int:
    assert isinstance(meaning, Bound)
    return meaning.name.span.start


# --- the law ---------------------------------------------------------------------------------------


def renamed(file: tree.File, path: Path) -> str:
    """The text of a file with another name for everything that it declares or binds."""
    brought = [s for s, used in expand_uses(file, path, Collector())[0] if used]
    found = resolve((*file.statements, *brought))
    edits: dict[tuple[int, int], str] = {}
    for k, x in enumerate((*found.declared, *found.bound)):
        if isinstance(x, tree.Parameter) and x.index is None and isinstance(x.value, tree.Field):
            continue  # its name is the key of its row
        places = found.places(x)
        if any(span.source is not file.source for span in places):
            continue  # another file has it, too
        for span in places:
            assert span.text == x.name.name
            edits[span.start, span.stop] = f"{x.name.name}_{k}"
    text = file.source.text
    for (start, stop), new in sorted(edits.items(), reverse=True):
        text = text[:start] + new + text[stop:]
    return text


@pytest.mark.parametrize(
    "path", [p for p in MODELS if p.stem not in NOT_ALONE], ids=lambda p: p.name
)
def test_a_model_with_other_names_is_the_same(path: Path) -> None:
    file = parse_file(path)
    other = parse(Source(str(path), renamed(file, path)))
    folder = path.parent / DATA[path.stem] if path.stem in DATA else data_folder(path, file)
    one, two = (lower(discretize(bind(f, folder, {}, path=path))).program for f in (file, other))
    assert (one.matrix != two.matrix).nnz == 0
    for a, b in ((one.objective, two.objective), (one.lower, two.lower), (one.upper, two.upper)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.name)
def test_every_name_of_the_examples_means_something(path: Path) -> None:
    file = parse_file(path)
    statements = [s for s, _ in expand_uses(file, path, Collector())[0]]
    unknown = {
        m.node.name
        for m in resolve(statements).mentions
        if m.meaning is None and not isinstance(m.node, tree.UnitName)
    }
    assert unknown == ({"t"} if path.name == "policy.alloc" else set())


# --- what is in sight ------------------------------------------------------------------------------


def test_the_innermost_name_counts() -> None:
    text = "param c = 1\nset S = 1 .. 2\nlimit l[i in S]: sum(c in S: c * i) <= c"
    inner, outer = meanings(text, "c")
    assert bound_at(inner) == text.index("c in S: c")
    assert isinstance(outer, tree.Parameter)


def test_a_name_in_a_tuple_picks_by_what_is_bound_around_it() -> None:
    text = "set S = 1 .. 2\nlet x[r in S] = sum((r, q) in S * S: q)"
    (slice_,) = meanings(text, "r")
    assert bound_at(slice_) == text.index("r in S")
    assert [b.name.name for b in of(text).bound] == ["r", "q"]


def test_indices_of_what_a_statement_is_about_are_in_sight() -> None:
    head = "set S = 1 .. 2\ntime t = 0 .. 1\ncompartment A[c in S]\nflow f[d in S] : A[d] -> = 0\n"
    text = head + "initial A = c\neffect f += d\ninitial B = c\neffect f[c in S] += d + c"
    first, second, third = meanings(text, "c")
    assert bound_at(first) == text.index("c in S") and second is None
    assert bound_at(third) == text.index("c in S", len(head))
    assert [m is None for m in meanings(text, "d")] == [False, False, True]


def test_scenarios_are_in_sight_of_weights_and_limits() -> None:
    text = "set S = 1 .. 2\nchance a: probability s over s in S weight s { limit l: s <= 1 }"
    assert [m is None for m in meanings(text, "s")] == [True, False, False]


def test_arguments_and_their_sets() -> None:
    text = "set S = 1 .. 2\nfunction f(x[S], y[S], z) = sum(i in S: x[i] * y[i]) + z + S\nlet w = S"
    of_head, of_body, *rest = meanings(text, "S")
    assert of_head is of_body and bound_at(of_head) == text.index("S]")
    assert isinstance(rest[-1], tree.SetDeclaration)
    assert isinstance(meanings(text, "z")[0], Bound)


def test_labels_columns_and_built_in_names() -> None:
    text = 'table t from "t.csv" key k\nset S = {sum, t}\nlet a = sum(t.k) + end + total(a)\n'
    assert [type(m) for m in meanings(text, "t")] == [tree.Table]
    assert meanings(text, "k") == []
    assert meanings(text, "sum") == [BuiltIn("sum")] and meanings(text, "end") == [BuiltIn("end")]
    assert meanings(text, "total") == [BuiltIn("total")]
    own = text + "function total(x) = x"
    assert isinstance(meanings(own, "total")[0], tree.Function)


def test_units_and_rules_have_names_of_their_own() -> None:
    text = "unit x\ndecide x : x in 0 .. 1\nlimit y: x <= 1\nlet z = y"
    assert [type(m) for m in meanings(text, "x")] == [tree.UnitDeclaration, tree.Decide]
    assert meanings(text, "y") == [None]
    assert [type(s) for s in of(text).declared if isinstance(s, Named)] == [
        tree.UnitDeclaration,
        tree.Decide,
        tree.Limit,
        tree.Let,
    ]


def test_what_only_an_uncalled_function_mentions_is_not_used() -> None:
    text = "param a = 1\nparam b = 2\nfunction g(x) = a * x\nfunction f(x) = g(x) + b\n"
    assert of(text).used == frozenset()
    assert of(text + "let z = f(1)").used == {"a", "b", "f", "g"}
    assert of(text + "limit l: g(1) <= 2").used == {"a", "g"}
