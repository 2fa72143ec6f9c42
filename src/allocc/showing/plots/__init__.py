"""Plots of a result: who gets what, trajectories against the baseline, the proof, the frontier.

In: results. Out: Matplotlib figures, drawn without pyplot and so without any global state. They are made to be
read in grey: what differs, differs in shape, line style or shade, never in colour alone. It may import the
engine's outcomes and the results. Matplotlib is the extra `plot`; nothing here is imported before a plot is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError
from allocc.errors import MissingLibrary, require

if TYPE_CHECKING:
    from allocc.results.comparing.comparison import Comparison
    from allocc.results.fitting.found import FitResult
    from allocc.results.frontier import Tradeoff
    from allocc.results.over.found import OverDraws
    from allocc.results.run import Run
    from allocc.results.sensitivity.found import SensitivityResult
    from allocc.results.stochastic.courses import StochasticResult
    from allocc.results.sweeping.swept import SweepResult

#: What can be drawn of a result, and of a frontier.
OF_A_RESULT = ("trajectories", "allocation", "progress")
OF_A_FRONTIER = ("frontier",)
KINDS = (*OF_A_RESULT, *OF_A_FRONTIER)


def check_installed(what: str = "a plot") -> None:
    """Raise `MissingLibrary` where Matplotlib cannot be imported; `what` needs it."""
    require("matplotlib", what, "plot")


def why_not(result: Run, what: str) -> str:
    """Why a result has nothing to draw of one kind; empty where it has."""
    match what:
        case "trajectories":
            if not result.has_allocation:
                return f"the run has no allocation ({result.status})"
            if not any(b.kind == "compartment" for b in result.blocks):
                return "the model has no compartments"
        case "allocation":
            if not any(b.kind == "decision" for b in result.blocks):
                return f"the run has no allocation ({result.status})"
        case "progress":
            if result.status == "simulated":
                return "it is a run of `allocc simulate`, which proves nothing"
            if not any(s.bound is not None or s.value is not None for s in result.history):
                return "neither a value nor a bound was recorded on the way"
        case "frontier":
            return "it is a run of one allocation; `allocc pareto --run DIR` writes a frontier"
        case "fit":
            return "it is a run of one allocation; `allocc fit MODEL -o DIR` writes a fit"
        case "tornado":
            return "it is a run of one solve; `allocc sensitivity MODEL -o DIR` writes a tornado"
        case "bands":
            return (
                "it is a run of one course; `allocc simulate --stochastic N --run DIR` writes bands"
            )
    return ""


def available(result: Run) -> list[str]:
    """What can be drawn of a result."""
    return [what for what in OF_A_RESULT if not why_not(result, what)]


def draw(result: Run, what: str | None = None) -> Any:
    """A Matplotlib figure of a result; without `what` the first one that there is something for.

    Raises `MissingLibrary` without Matplotlib, and `DiagnosticError` E7006 or E7031 where there is no
    such plot or nothing to draw.
    """
    check_installed()
    from allocc.showing.plots.allocation import allocation
    from allocc.showing.plots.progress import progress
    from allocc.showing.plots.readable import readable
    from allocc.showing.plots.trajectories import trajectories

    known = {"trajectories": trajectories, "allocation": allocation, "progress": progress}
    if what is None:
        what = next(iter(available(result)), "allocation")
    if not isinstance(what, str) or what not in known:
        raise DiagnosticError([mistakes.unknown_choice("what", what, list(known))])
    reason = why_not(result, what)
    if reason:
        raise DiagnosticError([mistakes.nothing_to_draw(what, reason)])
    return known[what](readable(result))


def frontier_svg(found: Tradeoff) -> bytes | None:
    """The SVG file of a frontier with points; None without Matplotlib."""
    try:
        check_installed()
    except MissingLibrary:
        return None
    svg: bytes = draw_frontier(found).data("svg")
    return svg


def fit_svg(found: FitResult) -> bytes | None:
    """The SVG file of a fit; None without Matplotlib."""
    try:
        check_installed()
    except MissingLibrary:
        return None
    svg: bytes = draw_fit(found).data("svg")
    return svg


def draw_fit(found: FitResult) -> Any:
    """A Matplotlib figure of a fit; raises `MissingLibrary` without Matplotlib."""
    check_installed()
    from allocc.showing.plots.fitted import fitted

    return fitted(found)


def draw_over(found: OverDraws, what: str | None = None) -> Any:
    """A Matplotlib figure of an answer about draws; raises as `draw` does."""
    check_installed()
    from allocc.showing.plots.over import KNOWN, drawable

    there = drawable(found)
    if what is None and there:
        what = there[0]
    if what is not None and what not in KNOWN:
        raise DiagnosticError([mistakes.unknown_choice("what", what, list(KNOWN))])
    if what is None or what not in there:
        raise DiagnosticError([mistakes.nothing_to_draw(what or "values", "there is none in it")])
    return KNOWN[what](found)


def over_svgs(found: OverDraws) -> dict[str, bytes]:
    """The SVG files of an answer about draws, by name; none without Matplotlib."""
    try:
        check_installed()
    except MissingLibrary:
        return {}
    from allocc.showing.plots.over import KNOWN, drawable

    return {what: KNOWN[what](found).data("svg") for what in drawable(found)}


def tornado_svg(found: SensitivityResult) -> bytes | None:
    """The SVG file of a sensitivity; None without Matplotlib."""
    try:
        check_installed()
    except MissingLibrary:
        return None
    svg: bytes = draw_tornado(found).data("svg")
    return svg


def draw_tornado(found: SensitivityResult) -> Any:
    """A Matplotlib figure of a sensitivity; raises `MissingLibrary` without Matplotlib."""
    check_installed()
    from allocc.showing.plots.tornado import tornado

    return tornado(found)


def bands_svg(found: StochasticResult) -> bytes | None:
    """The SVG file of the bands of many courses; None without Matplotlib."""
    try:
        check_installed()
    except MissingLibrary:
        return None
    svg: bytes = draw_bands(found).data("svg")
    return svg


def draw_bands(found: StochasticResult) -> Any:
    """A Matplotlib figure of the bands of many courses; raises `MissingLibrary` without Matplotlib."""
    check_installed()
    from allocc.showing.plots.bands import stochastic_bands

    return stochastic_bands(found)


def draw_frontier(found: Tradeoff) -> Any:
    """A Matplotlib figure of a frontier; raises as `draw` does."""
    check_installed()
    from allocc.showing.plots.frontier import frontier

    if not found.points:
        raise DiagnosticError([mistakes.nothing_to_draw("frontier", "it has no point")])
    return frontier(found)


def draw_comparison(found: Comparison) -> Any:
    """A Matplotlib figure of a comparison; raises as `draw` does."""
    check_installed()
    from allocc.showing.plots.comparison import comparison, drawable

    if not drawable(found):
        reason = "no side has an objective, and no decision differs"
        raise DiagnosticError([mistakes.nothing_to_draw("comparison", reason)])
    return comparison(found)


def sweep_svg(found: SweepResult) -> bytes | None:
    """The SVG file of a sweep; None without Matplotlib, or where no point has a value."""
    try:
        svg: bytes = draw_sweep(found).data("svg")
    except (MissingLibrary, DiagnosticError):
        return None
    return svg


def draw_sweep(found: SweepResult) -> Any:
    """A Matplotlib figure of a sweep; raises as `draw` does."""
    check_installed()
    from allocc.showing.plots.swept import solved, swept

    if not solved(found):
        raise DiagnosticError([mistakes.nothing_to_draw("sweep", "no point has a value")])
    return swept(found)
