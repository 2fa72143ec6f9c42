"""What a model, and who asks, want decided over draws."""

from __future__ import annotations

from allocc.engine.judging.outcome import Options
from allocc.engine.stages import Stages
from allocc.questions.over.scenario import scenario_draws
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
    """Decide over draws as is asked; what is not asked is as the model's `scenario` says.

    `over` None are the worlds of that scenario, and a number so many draws of what is uncertain. Without a scenario
    draws are weighed by their mean. Decisions `after` the scenario may answer to the draw.
    """
    if over is None or (isinstance(over, int) and not isinstance(over, bool)):
        over = scenario_draws(model, options.seed, over)
    scenario = model.bound.scenario
    said = None if scenario is None else scenario.measure
    return solve_over(
        model,
        over,
        said or "mean" if by is None else by,
        options,
        after=model.bound.after,
        information=information,
        tell=tell,
        scenario="draw" if scenario is None else scenario.name,
    )
