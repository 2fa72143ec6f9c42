"""Dates, which the language does not have yet: `2020-02-05` would be a subtraction, and come to 2013.

They are looked for in the text, since in `d - 2020-02-05` no part of the tree is the date.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence

from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Source, Span, Statement, Time

#: A text, a comment, or a year, month and day with nothing between: nobody subtracts like this.
_DATE = re.compile(
    r'"(?:[^"\\\r\n]|\\[^\r\n])*"|#[^\r\n]*'
    r"|(?<![\w.])([12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))(?![\w.])"
)


def dates(source: Source, statements: Sequence[Statement]) -> Iterator[Diagnostic]:
    """An error for every date outside of quotes; one for a horizon from a date to a date."""
    found = [Span(source, m.start(1), m.end(1)) for m in _DATE.finditer(source.text) if m[1]]
    horizons = [s for s in statements if isinstance(s, Time)]
    for horizon in horizons if found else ():
        ends = (horizon.start.span, horizon.end.span)
        if all(end in found for end in ends):
            # Both ends are one mistake, with one mend.
            found = [span for span in found if span not in ends]
            yield _dated_horizon(*ends)
    yield from map(_date, found)


def _date(span: Span) -> Diagnostic:
    hint = f'a label stands in quotes, as "{span.text}"; elsewhere count days, weeks or months'
    message = f"'{span.text}' would be a subtraction: the language has no dates yet"
    return Diagnostic("E1040", message, span, hint)


def _dated_horizon(start: Span, end: Span) -> Diagnostic:
    hint = "count the days, weeks or months from the first one, as in `time d : day = 0 .. 30`"
    try:
        first, last = (datetime.date.fromisoformat(x.text) for x in (start, end))
        if first < last:
            hint = f"count days: write 0 .. {(last - first).days}, where 0 stands for {start.text}"
    except ValueError:
        pass  # No day of the calendar, such as 2020-02-30: the general advice holds.
    message = "the language has no dates yet: these would be subtractions"
    return Diagnostic("E1040", message, start.to(end), hint)
