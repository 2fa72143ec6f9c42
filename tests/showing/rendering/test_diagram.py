"""Pictures of compartments: everything is there, and nothing stands on anything else."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.dsl import Source, parse, parse_file
from allocc.showing.picture.diagram import Diagram, diagram
from allocc.showing.picture.placing import Edge, Placed, PlacedItem, _crossings, _grouped, place
from allocc.showing.picture.svg import svg, text_width
from allocc.showing.rendering.declared_names import declared

ROOT = Path(__file__).parents[3]
DRAWN = (
    "examples/opioid/opioid.alloc",
    "examples/epidemic/epidemic.alloc",
    "examples/vaccine/vaccine.alloc",
    "examples/lockdown/lockdown.alloc",
    "examples/seir_vaccination/seir_vaccination.alloc",
    "models/library/opioid.alloc",
    "models/library/seir.alloc",
    "models/library/sir.alloc",
    "src/allocc/templates/opioid/opioid.alloc",
)


def picture(path: str) -> Diagram:
    file = ROOT / path
    found = diagram(declared(parse_file(file), file))
    assert found is not None
    return found


@pytest.mark.parametrize("path", DRAWN)
def test_everything_is_drawn(path: str) -> None:
    found = picture(path)
    root = ElementTree.fromstring(svg(found))
    words = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    for box in found.boxes:
        assert not box.name or box.name in words
    for arrow in found.arrows:
        assert arrow.name in words and (not arrow.rate or arrow.rate in words)
        assert all(tag.text in words for tag in arrow.tags)


@pytest.mark.parametrize("path", DRAWN)
def test_words_have_room(path: str) -> None:
    """No two texts touch, and all are inside of the picture."""
    root = ElementTree.fromstring(svg(picture(path)))
    width, height = (float(root.attrib[k]) for k in ("width", "height"))
    shift = next(e.attrib["transform"] for e in root.iter() if "transform" in e.attrib)
    dx, dy = map(float, re.findall(r"[-\d.]+", shift))
    group = next(e for e in root if "transform" in e.attrib)
    boxes = []
    for e in group:
        if not e.tag.endswith("text"):
            continue
        size = float(e.attrib["font-size"])
        wide = text_width(e.text or "", size, "font-weight" in e.attrib)
        x, y = float(e.attrib["x"]), float(e.attrib["y"])
        boxes.append((x - wide / 2, y - 0.75 * size, x + wide / 2, y + 0.2 * size))
        assert boxes[-1][0] + dx >= 0 and boxes[-1][2] + dx <= width
        assert boxes[-1][1] + dy >= 0 and boxes[-1][3] + dy <= height
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


def items(placed: Placed) -> list[PlacedItem]:
    found = {id(i): i for i in placed.boxes}
    found |= {id(i): i for r in placed.routes for i in r.places}
    return list(found.values())


graphs = st.integers(1, 7).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=12),
    )
)


@settings(max_examples=60, deadline=None)
@given(graphs, st.randoms(use_true_random=False))
def test_nothing_stands_on_anything(graph: tuple[int, list[tuple[int, int]]], dice: object) -> None:
    count, pairs = graph
    size = dice.uniform  # type: ignore[attr-defined]
    boxes = [PlacedItem(size(20, 150), h := size(10, 50), h, box=True) for _ in range(count)]
    edges = [Edge(a, b, size(0, 160), size(5, 40), size(5, 60)) for a, b in pairs]
    placed = place(boxes, edges)
    for a, b in combinations(items(placed), 2):
        beside = abs(a.x - b.x) >= (a.width + b.width) / 2 - 1e-6
        over = a.y + a.below <= b.y - b.above + 1e-6 or b.y + b.below <= a.y - a.above + 1e-6
        assert beside or over
    for item in items(placed):
        assert item.x - item.width / 2 >= -1e-6 and item.x + item.width / 2 <= placed.width + 1e-6
        assert item.y - item.above >= -1e-6 and item.y + item.below <= placed.height + 1e-6
    for (a, b), route in zip(pairs, placed.routes, strict=True):
        assert route.places[0] is boxes[a] and route.places[-1] is boxes[b]
        assert route.label in route.places


def test_the_picture_in_the_documentation_is_this_one() -> None:
    """`allocc render examples/opioid/opioid.alloc -o docs/how-to/opioid-compartments.svg`."""
    shown = (ROOT / "docs" / "how-to" / "opioid-compartments.svg").read_text("utf-8")
    assert shown == svg(picture("examples/opioid/opioid.alloc"))


def test_opioid_crosses_no_lines() -> None:
    found = picture("examples/opioid/opioid.alloc")
    keys = {box.key: k for k, box in enumerate(found.boxes)}
    boxes = [PlacedItem(80.0, 25.0, 25.0, box=True) for _ in found.boxes]
    edges = [Edge(keys[a.origin], keys[a.target], 60.0, 30.0, 5.0) for a in found.arrows]
    placed = place(boxes, edges)
    layers = _grouped(sorted(items(placed), key=lambda i: i.y))
    assert _crossings(layers) == 0


def test_interventions_stand_where_they_act() -> None:
    text = """
    compartment A compartment B
    param rate = 1
    flow go : A -> B = rate * A
    flow come : -> A = 0
    flow leave : B -> = B < 1
    intervention speed_up { decide x effect rate *= 1 + x }
    intervention bring { decide y effect come += y }
    effect leave += 2
    """
    found = diagram(declared(parse(Source("m.alloc", text.replace("B < 1", "B"))), None))
    assert found is not None
    by_name = {a.name: a for a in found.arrows}
    assert [t.text for t in by_name["go"].tags] == ["rate × speed up"]
    assert [t.text for t in by_name["come"].tags] == ["+ bring"] and by_name["come"].only
    assert [t.text for t in by_name["leave"].tags] == ["+ 2"]
    assert len(found.boxes) == 4
    assert svg(found).count("stroke-dasharray") >= 4


def test_without_compartments_there_is_no_picture() -> None:
    path = ROOT / "examples/drone/drone.alloc"
    assert diagram(declared(parse_file(path), path)) is None


def test_words_are_escaped() -> None:
    text = 'model m "a < b & c" compartment A "x < y" flow f : A -> A = A'
    found = diagram(declared(parse(Source("m.alloc", text)), None))
    assert found is not None
    root = ElementTree.fromstring(svg(found))
    assert "a < b & c" in [e.text for e in root.iter()]
