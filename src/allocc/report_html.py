"""Results and models as HTML for notebooks: no scripts, readable without any style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from allocc.report import end_heading, facts, model_facts, status_words
from allocc.tables import numbers, percent

if TYPE_CHECKING:
    from allocc.api import Model
    from allocc.result import Result

#: Rows of a decision that are shown; the rest is behind `result[name]`.
MOST_ROWS = 12


def result_html(result: Result) -> str:
    """A card, the objective's terms, the decisions and the compartments at the end."""
    words = status_words(result)
    words = words[:1].upper() + words[1:]
    parts = [
        "<div>",
        f"<p><strong>{escape(result.title or result.model)}</strong><br>{escape(words)}.</p>",
        _table("Certificate", (), facts(result)),
    ]
    if result.objective:
        texts = numbers([t.value for t in result.objective])
        rows = [(t.name, x, t.description) for t, x in zip(result.objective, texts, strict=True)]
        parts.append(_table("Objective", ("term", "value", "what it is"), rows))
    ends = result.ends()
    if ends:
        values = numbers([x for e in ends for x in (e.value, e.baseline)], 7)
        rows_of_ends = [
            (e.name, values[2 * k], values[2 * k + 1], percent(e.change, sign=True), e.description)
            for k, e in enumerate(ends)
        ]
        head = ("name", "value", "without interventions", "change", "what it is")
        parts.append(_table(end_heading(result), head, rows_of_ends))
    for block in result.blocks:
        if block.kind in ("decision", "report"):
            parts.append(_decision(block.name, block.description, block.frame()))
    parts.append("</div>")
    return "\n".join(parts)


def _decision(name: str, description: str, value: Any) -> str:
    about = f" ({escape(description)})" if description else ""
    if isinstance(value, int | float):
        return f"<p>{escape(name)}{about} = {numbers([value])[0]}</p>"
    frame = value.to_frame() if hasattr(value, "to_frame") else value
    rows = len(frame)
    html = frame.to_html(max_rows=MOST_ROWS, max_cols=MOST_ROWS, border=0)
    summary = f"<summary>{escape(name)}{about}, {rows} rows</summary>"
    return f"<details open>{summary}{html}</details>"


def model_html(model: Model) -> str:
    """What a model is made of."""
    title = f"<p><strong>{escape(model.title or model.name)}</strong></p>"
    return f"<div>{title}{_table(model.name, (), model_facts(model))}</div>"


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th scope='col'>{escape(h)}</th>" for h in head)
    body = []
    for first, *rest in rows:
        cells = "".join(f"<td>{escape(x)}</td>" for x in rest)
        body.append(f"<tr><th scope='row'>{escape(first)}</th>{cells}</tr>")
    headed = f"<thead><tr>{top}</tr></thead>" if head else ""
    return (
        f"<table><caption>{escape(caption)}</caption>{headed}<tbody>{''.join(body)}</tbody></table>"
    )
