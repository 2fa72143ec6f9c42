"""What a model, and who asks, want decided over draws."""

from __future__ import annotations

from allocc.engine.judging.outcome import Options
from allocc.engine.stages import Stages
from allocc.questions.over.solve_over import Phase, solve_over
from allocc.results.over.found import OverDraws


def solve_asked(
    model: Stages,
    over: object,
    by: object,
    information: bool | None,
    options: Options,
    tell: Phase | None = None,
) -> OverDraws:
    """Decide over draws as is asked; what is not asked is by the mean."""
    return solve_over(
        model, over, "mean" if by is None else by, options, information=information, tell=tell
    )
