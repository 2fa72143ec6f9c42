"""Labels of index sets, and names with them, as they are shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocc.dsl.escapes import one_line


def label_text(label: object) -> str:
    """A label as a user writes it: whole numbers without a fraction."""
    if isinstance(label, (float, np.floating)):
        return f"{float(label):.12g}"
    return str(label)


def named(name: str, labels: Sequence[str]) -> str:
    """A name with its index, as `viable[44001,2017]`."""
    return f"{name}[{one_line(','.join(labels))}]" if labels else name


def shown_label(label: object) -> str:
    """A label in a message or a report, where it begins no line and does nothing else."""
    return one_line(label_text(label))
