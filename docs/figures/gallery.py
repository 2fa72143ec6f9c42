"""Draw the pictures of docs/gallery: each system is solved, and its run is drawn.

python docs/figures/gallery.py [NAME ...]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import allocc
from allocc.engine.judging.options import make_options
from allocc.questions.pareto.pareto import trace
from allocc.showing.plots import available
from allocc.showing.plots.over import drawable

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"

#: Parameters that differ from those of the model file, and the gap.
RUNS: dict[str, tuple[dict[str, Any], float]] = {
    "opioid": ({}, 1e-4),
    "opioid_v1": ({}, 1e-6),
    "vaccine": ({}, 1e-6),
    "lockdown": ({"case": "both"}, 1e-4),
    "access": ({}, 1e-4),
    "drone": ({}, 1e-4),
    "epidemic": ({"weeks": 10}, 1e-2),
    "seir_vaccination": ({}, 1e-4),
    "ventilators": ({}, 1e-4),
    "hiv": ({}, 1e-4),
    "malaria": ({}, 1e-4),
    "benefits": ({}, 1e-4),
    "stroke": ({}, 1e-4),
    "season": ({}, 1e-4),
}


def main(names: list[str]) -> None:
    """Solve and draw the named systems, or all of them."""
    for name in names or RUNS:
        settings, gap = RUNS[name]
        model = allocc.load(EXAMPLES / name / f"{name}.alloc", **settings)
        over = model.bound.scenario is not None
        found: Any = model.solve_over(gap=gap) if over else model.solve(gap=gap)
        # Only pictures of what is proven: a figure in the documentation is a result.
        assert found.status == "optimal", f"{name}: {found.status}"
        for what in drawable(found) if over else available(found):
            if what != "progress" or name == "opioid":
                found.plot(what).write(HERE / f"{name}-{what}.svg")
    if "lockdown" in (names or RUNS):
        model = allocc.load(EXAMPLES / "lockdown" / "lockdown.alloc", case="both", w_days=1)
        options = make_options("highs", "auto", 1e-4)
        trace(model, ("ill", "closed"), 8, options).plot().write(HERE / "lockdown-frontier.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
