"""Results and models as HTML for notebooks: no scripts, readable without any style sheet.

Everything is in the page itself. With Matplotlib there are pictures, too, as inline SVG.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

from allocc.dsl.escapes import html
from allocc.results.certificate import status_words
from allocc.showing.decision_tables import decisions_in_short
from allocc.showing.report import end_heading, facts, model_facts
from allocc.tables import numbers, percent

if TYPE_CHECKING:
    from allocc.engine.stages import Stages
    from allocc.results.run import Run


def result_html(result: Run) -> str:
    """The certificate, the objective's terms, the allocation, the end, and the pictures."""
    words = status_words(result)
    words = words[:1].upper() + words[1:]
    parts = [
        "<div>",
        f"<p><strong>{html(result.title or result.model)}</strong><br>{html(words)}.</p>",
        _table("Certificate", (), facts(result)),
    ]
    if result.objective:
        texts = numbers([t.value for t in result.objective])
        rows = [(t.name, x, t.description) for t, x in zip(result.objective, texts, strict=True)]
        parts.append(_table("Objective", ("term", "value", "what it is"), rows))
    for kind, heading in (("decision", "Decisions"), ("report", "Reports")):
        for short in decisions_in_short([b for b in result.blocks if b.kind == kind]):
            parts.append(_table(heading, short.head, short.rows))
            if short.about:
                about = "<br>".join(map(html, short.about))
                parts.append(f"<p><small>{about}</small></p>")
    ends = result.ends()
    if ends:
        values = numbers([x for e in ends for x in (e.value, e.baseline)], 7)
        rows_of_ends = [
            (e.name, values[2 * k], values[2 * k + 1], percent(e.change, sign=True), e.description)
            for k, e in enumerate(ends)
        ]
        head = ("name", "value", "without interventions", "change", "what it is")
        parts.append(_table(end_heading(result), head, rows_of_ends))
    return "\n".join([*parts, *_pictures(result), "</div>"])


def _pictures(result: Run) -> list[str]:
    """Who gets what, and what it leads to; nothing where Matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        return []
    from allocc.showing.plots import available, draw

    found = []
    for what in ("allocation", "trajectories"):
        if what in available(result):
            svg = draw(result, what).inline_svg()
            found.append(f"<details open><summary>{what}</summary>{svg}</details>")
    return found


def model_html(model: Stages) -> str:
    """What a model is made of."""
    title = f"<p><strong>{html(model.title or model.name)}</strong></p>"
    return f"<div>{title}{_table(model.name, (), model_facts(model))}</div>"


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th scope='col'>{html(h)}</th>" for h in head)
    body = []
    for first, *rest in rows:
        cells = "".join(f"<td>{html(x)}</td>" for x in rest)
        body.append(f"<tr><th scope='row'>{html(first)}</th>{cells}</tr>")
    headed = f"<thead><tr>{top}</tr></thead>" if head else ""
    return (
        f"<table><caption>{html(caption)}</caption>{headed}<tbody>{''.join(body)}</tbody></table>"
    )
