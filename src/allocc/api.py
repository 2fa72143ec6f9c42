"""`Model`, `Result` and `Frontier`: what Python's users hold, with everything that is done with it.

Each is plain data (`Stages`, `Run`, `Tradeoff`) with verbs: questions are asked of a model, and answers
are told, drawn and kept. But for the command line, nothing else imports both what finds and what shows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.asked import as_path
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.engine.judging.options import make_options
from allocc.engine.stages import Stages
from allocc.errors import AlloccError, reported, require
from allocc.results.comparing.comparison import Comparison
from allocc.results.fitting.found import FitResult, Sampler
from allocc.results.frontier import Tradeoff
from allocc.results.over.found import OverDraws
from allocc.results.run import Loosening, Run
from allocc.results.sensitivity.found import SensitivityResult
from allocc.results.stochastic.courses import StochasticResult
from allocc.results.sweeping.swept import SweepResult

if TYPE_CHECKING:
    import threading

    from allocc.compiler.programs.program import Program
    from allocc.engine.judging.outcome import Step
    from allocc.questions.analyze.symbolic.equations import SymbolicEquations
    from allocc.results.dynamics.analysis import Analysis
    from allocc.results.findings import Conflict, Escape
    from allocc.results.prices import Prices


class Model(Stages):
    """A model bound to its data. `bound` and `problem` are the compiler's own stages."""

    def check(self, pedantic: bool = False) -> list[Diagnostic]:
        """Everything that is wrong or suspicious, up to what a solver would need to know.

        It comes by place in the file, then by code; what has no place comes last. `pedantic` also
        looks for mistakes of modelling that the language allows: limits that can never bind, effects
        that change nothing, and others (codes W6001 and up).
        """
        from allocc.questions.check import check

        return check(self, pedantic)

    def unit_of(self, expression: str) -> str | None:
        """The unit of an expression over the model's names; None where it is not known.

        Indices may be left out: `spend / course`. Raises `AlloccError` where it cannot be read.
        """
        from allocc.dsl import errors as syntax_errors
        from allocc.dsl import tree
        from allocc.dsl.reading.parser import parse
        from allocc.dsl.tree import Source

        with reported():
            statement, *rest = parse(Source("expression", f"let it = {expression}")).statements
            if rest:
                span = rest[0].span
                raise DiagnosticError([syntax_errors.unexpected(span, span.text, [])])
        assert isinstance(statement, tree.Let)
        unit = self.bound.units.of(statement.value)
        return None if unit is None else str(unit)

    def program(self, method: str = "auto") -> Program:
        """The mixed-integer program: `direct` keeps products and functions, the others are linear.

        `exact` cuts every integer factor into single values, `refine` gives the relaxation that
        refinement begins with, and `auto` the former where it is exact and not too large.
        """
        from allocc.showing.method_program import method_program

        return method_program(self, method)

    def write(self, path: str | PathLike[str], method: str = "auto") -> None:
        """Write the program as `.mps` or `.lp`, with its map of names beside it."""
        from allocc.backends.files import write
        from allocc.whole import write_whole

        target = as_path(path, "the program")
        program = self.program(method)
        try:
            with reported():
                write_whole(target, lambda part: write(program, part), "the program")
        except ValueError as problem:
            raise AlloccError([mistakes.cannot_express(str(target), str(problem))]) from None

    # --- by itself --------------------------------------------------------------------------

    def analyze(self, infected: Sequence[str] | str = ()) -> Analysis:
        """What the model does by itself: R0, states of rest, what is conserved, how long a step may be.

        No intervention acts, and every decision is at its lower end. `infected` names the compartments that
        carry the infection, where those that are found from the flows are not meant. Raises
        `MissingLibrary` without SymPy, and `AlloccError` for a model that has no such analysis.
        """
        require("sympy", "an analysis", "analyze")
        from allocc.questions.analyze.analyze import analyze

        return analyze(self, [infected] if isinstance(infected, str) else list(infected))

    def to_sympy(self) -> SymbolicEquations:
        """The flows and the right-hand sides as SymPy expressions, with symbols in the model's names.

        Raises as `analyze` does.
        """
        require("sympy", "symbolic equations", "analyze")
        from allocc.questions.analyze.analyze import to_sympy

        return to_sympy(self)

    # --- running ----------------------------------------------------------------------------

    def solve(
        self,
        solver: str = "highs",
        method: str = "auto",
        gap: float = 1e-4,
        time_limit: float | None = None,
        threads: int | None = None,
        seed: int = 0,
        progress: Callable[[Step], None] | bool | None = None,
        cancel: threading.Event | None = None,
        memory_limit: float | None = None,
        start: object = None,
        prove: bool = False,
    ) -> Result:
        """Find the best allocation and prove how good it is.

        `time_limit` is in seconds. `memory_limit` is in megabytes of the whole process, as the
        system counts them (on Linux; elsewhere it is not watched).
        `start` are decisions to begin with, in any form that `simulate` takes: they are simulated,
        and used if they meet every limit. A `Result` of the same model with other numbers also says where
        refinement may begin, which saves most of the time of a long solve.
        `progress` is called with every step of the proof; True prints them. Setting `cancel`
        stops the solve, as Ctrl-C does, with the best allocation that is known.
        With `prove` it ends with a proof in rationals that a stranger can check (`exact_proof`; saved
        with the run, see `allocc.verify`); the time limit is for both.

        Raises `MissingSolver` when the solver is not installed.
        """
        from allocc.questions.solve import solve

        told: Callable[[Step], None] | None = None
        if progress is True:
            from allocc.showing.report import progress_printer

            told = progress_printer(lambda line: print(line, file=sys.stderr, flush=True))
        elif progress is not None and progress is not False:
            told = progress
        options = make_options(
            solver, method, gap, time_limit, threads, seed, cancel, told, memory_limit, prove
        )
        return Result.of(solve(self, options, start))

    def conflict(
        self,
        solver: str = "highs",
        seconds: float = 30.0,
        threads: int | None = None,
        seed: int = 0,
        cancel: threading.Event | None = None,
    ) -> Conflict:
        """The limits, ranges and data of an infeasible model that cannot hold together.

        `seconds` is what may be spent; `status` is "irreducible" only where it is proven that none of
        them can be left out.
        """
        from allocc.questions.conflict.conflict import explain

        options = make_options(solver, "auto", 1e-4, _seconds(seconds), threads, seed, cancel)
        return explain(self, options)

    def loosen(
        self,
        solver: str = "highs",
        gap: float = 1e-4,
        time_limit: float | None = None,
        threads: int | None = None,
        seed: int = 0,
        cancel: threading.Event | None = None,
        progress: Callable[[Step], None] | None = None,
    ) -> Loosening:
        """The cheapest loosening of limits that leaves an allocation, and the best that it leaves.

        A limit's loosening is measured by the limit's own size. `time_limit` is for each of the two
        solves: what to loosen, and what is best then.
        """
        from allocc.questions.conflict.feasibility_relaxation import loosen

        options = make_options(solver, "auto", gap, time_limit, threads, seed, cancel, progress)
        return _loosening(loosen(self, options))

    def escape(
        self,
        solver: str = "highs",
        seconds: float = 30.0,
        threads: int | None = None,
        seed: int = 0,
        cancel: threading.Event | None = None,
    ) -> Escape:
        """The decisions of an unbounded model that go away without end."""
        from allocc.questions.conflict.unbounded_ray import escape

        options = make_options(solver, "auto", 1e-4, _seconds(seconds), threads, seed, cancel)
        return escape(self, options)

    def policy(self, name: str) -> Result:
        """What a policy of the model leads to: its rule, made feasible with the smallest change.

        The notes say what was changed. Raises `AlloccError` for a name that no policy has.
        """
        from allocc.questions.policy.policy import policy

        return Result.of(policy(self, name))

    def simulate(self, decisions: object = None, rest: object = None) -> Result:
        """Run decisions through the dynamics, without any solver.

        None is the baseline: no intervention acts, every decision is at its lower bound. Otherwise
        a mapping from names to numbers, dicts, Series, DataFrames or arrays; a DataFrame in the form
        of a run folder's decisions.csv; the path of a run folder or of such a file; or a `Result`.
        Decisions that are not given are as in `rest`, which has the same forms, else at their lower
        bound; the result's notes say how many, and what else a run's decisions were made with.

        Raises `AlloccError` for decisions that do not fit the model.
        """
        from allocc.questions.simulate import simulate

        return Result.of(simulate(self, decisions, rest))

    def simulate_stochastic(
        self,
        decisions: object = None,
        rest: object = None,
        courses: int = 500,
        seed: int = 0,
        parts: int | None = None,
        scale: float = 1.0,
        cancel: threading.Event | None = None,
    ) -> Courses:
        """Run decisions through the flows as events that happen to whole persons, in many courses.

        Decisions are as for `simulate`. The same `seed` gives the same numbers. Each period is divided into
        `parts`, by default as many as are needed; one unit of a compartment is `scale` persons, for models of
        shares. See the how-to page for what an event is.

        Raises `AlloccError` where compartments are no counts, or a course has a flow without a rate.
        """
        from allocc.questions.stochastic.stochastic import simulate_stochastic

        stopped = (lambda: False) if cancel is None else cancel.is_set
        return Courses.of(
            simulate_stochastic(self, decisions, rest, courses, seed, parts, scale, stopped)
        )

    def pareto(
        self,
        first: str,
        second: str,
        points: int = 9,
        solver: str = "highs",
        gap: float = 1e-4,
        time_limit: float | None = None,
    ) -> Frontier:
        """What the objective's term `first` costs in its term `second`, point by point with proof.

        `time_limit` is for each solve, in seconds. Raises `AlloccError` for terms that nothing can
        be traced between.
        """
        from allocc.questions.pareto.pareto import trace

        options = make_options(solver, "auto", gap, time_limit)
        return Frontier.of(trace(self, (str(first), str(second)), points, options))

    # --- over draws -------------------------------------------------------------------------

    def solve_over(
        self,
        draws: object = None,
        by: str | None = None,
        solver: str = "highs",
        method: str = "auto",
        gap: float = 1e-4,
        time_limit: float | None = None,
        threads: int | None = None,
        seed: int = 0,
        cancel: threading.Event | None = None,
        progress: Callable[[Step], None] | None = None,
        information: bool | None = None,
    ) -> Over:
        """Decide once for all draws of parameters, and prove how good that is.

        `draws` is a CSV file, a DataFrame or a list of mappings with a column for each parameter (`zeta`, or
        `beta[north]`), or what `fit(draws=N)` has found; a column `weight` weighs them. A number takes so many
        draws of what is `uncertain`, by `seed`; None are the worlds of the model's `scenario`. `by` is "mean", "worst",
        "regret", or "cvar 90%", the mean of the worst tenth; by default what the scenario says, else the mean. Every
        limit holds in every draw. Decisions `after` the scenario may answer to the draw. `information` asks
        what knowing the draw before would be worth. Raises `AlloccError` for draws that do not fit the model.
        """
        from allocc.questions.over.asked import solve_asked

        options = make_options(solver, method, gap, time_limit, threads, seed, cancel, progress)
        return Over.of(solve_asked(self, draws, by, information, options))

    def draw(self, count: int, seed: int = 0) -> list[dict[str, float]]:
        """`count` draws of what is `uncertain`, as `solve_over`, `evaluate` and `regret` take them."""
        from allocc.questions.over.drawing import draw

        with reported():
            return [dict(row) for row in draw(self.bound, count, seed).settings]

    def evaluate(self, decisions: object, over: object) -> Over:
        """What decisions, in any form `simulate` takes, lead to in each of the draws (as in `solve_over`)."""
        from allocc.questions.over.evaluate import evaluate

        return Over.of(evaluate(self, decisions, over))

    def regret(
        self,
        decisions: object,
        over: object,
        solver: str = "highs",
        gap: float = 1e-4,
        time_limit: float | None = None,
        cancel: threading.Event | None = None,
        workers: int = 1,
        store: str | PathLike[str] | None = None,
    ) -> Over:
        """How much better than decisions the best of each draw is, and what those have in common.

        Each draw is solved by itself; `time_limit` is for all of them. With `workers` several are solved at a
        time, in processes of their own; the folder `store` keeps what is finished, for when it is asked again.
        """
        from allocc.questions.over.regret import regret

        options = make_options(solver, "auto", gap, time_limit, cancel=cancel)
        kept = None if store is None else as_path(store, "the store")
        return Over.of(regret(self, decisions, over, options, workers=workers, store=kept))

    def prices(self, decisions: object) -> Prices:
        """What one more unit of each limit would buy, at decisions in any form `simulate` takes.

        The integers are fixed; the prices are local, they hold for small changes. The notes say
        what is not given, and what else a run's decisions were made with.
        """
        from allocc.questions.prices.pricing import prices

        return prices(self, decisions)

    def sensitivity(
        self,
        vary: Mapping[str, Any],
        fixed: object = None,
        points: int = 5,
        together: int | None = None,
        solver: str = "highs",
        method: str = "auto",
        gap: float = 1e-4,
        time_limit: float | None = None,
        threads: int | None = None,
        seed: int = 0,
        cancel: threading.Event | None = None,
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
        told: Callable[[str], None] | None = None,
    ) -> Sensitivity:
        """What becomes of the answer when parameters are others.

        `vary` has a range for each parameter: `{"zeta": (0.4, 0.6), "course": "+-20%"}`. Each is moved over its range
        at `points` values, the others as they are, and every point is solved with its certificate; with decisions
        `fixed`, in any form that `simulate` takes, these are simulated instead. `together`, a power of 2, asks for
        Sobol indices from that many times (parameters + 2) points. So many `workers` solve, each a
        process. `progress` is called with how many points are done, and how many there are; `told` with a sentence
        where a process has died.

        Raises `AlloccError` for ranges that are none, and points that are no model.
        """
        from allocc.questions.sensitivity.sensitivity import sensitivity

        options = make_options(solver, method, gap, time_limit, threads, seed, cancel)
        return Sensitivity.of(
            sensitivity(self, vary, options, fixed, points, together, workers, progress, told)
        )

    def fit(
        self,
        name: str | None = None,
        starts: int = 8,
        level: float = 0.95,
        intervals: bool = True,
        draws: int = 0,
        seed: int = 0,
        sampler: Sampler = "laplace",
        steps: int = 5000,
        cancel: threading.Event | None = None,
    ) -> Fit:
        """What data say about parameters, as the model's `fit` of this name asks; see `allocc fit`.

        `starts` is from how many points the best values are sought, `level` that of the profile
        `intervals`, and `draws` how many are taken: around the estimates by the `sampler` "laplace", from
        the posterior by "emcee", whose chains have `steps` at most. `allocc.load(path, fitted=found)` goes
        on with the estimates.

        Raises `AlloccError` where there is no such fit, or data do not fit it, and `MissingLibrary`
        without emcee where that is asked for.
        """
        from allocc.questions.fit.fit import fit

        stopped = (lambda: False) if cancel is None else cancel.is_set
        asked = (starts, level, intervals, draws, seed, sampler, steps)
        return Fit.of(fit(self, name, *asked, stopped))

    # --- looks ------------------------------------------------------------------------------

    def __repr__(self) -> str:
        from allocc.showing.report import model_card

        return model_card(self)

    def _repr_html_(self) -> str:
        from allocc.showing.report_html import model_html

        return model_html(self)


class Result(Run):
    """An allocation with its certificate.

    `result["spend"]` is a decision, compartment, flow or report: a number, a Series over its labels, or, over
    time, with time down the rows and the labels across, ready for `.plot()`. `to_long()` has
    everything in one tidy table. `value`, `bound`, `gap` and `violation` are None where unknown.
    `proof` says what the bound, or that there is no allocation, rests on: "proven" (recomputed here),
    "agreed" (two solves that differ truly), "claimed" (one solver's word). `exact_proof` is what a
    stranger can check it with, where it was asked for.
    `conflict`, `loosening` and `escape` say why there is no allocation, or no best one, where that was
    asked.
    """

    @classmethod
    def of(cls, run: Run) -> Result:
        """The same with verbs."""
        values = _values(run)
        if run.loosening is not None:
            values["loosening"] = _loosening(run.loosening)
        return cls(**values)

    @property
    def certificate(self) -> dict[str, Any]:
        """What is proven and how: plain data that goes into JSON."""
        from allocc.results.certificate import certificate

        return certificate(self)

    def summary(self, color: bool = False) -> str:
        """The report as text."""
        from allocc.showing.report import summary

        return summary(self, color)

    def plot(self, what: str | None = None) -> Any:
        """A Matplotlib figure: `trajectories`, `allocation` or `progress`.

        Without `what` it is the first of them that there is something for. Raises `MissingLibrary`
        without Matplotlib, and `AlloccError` where there is nothing to draw.
        """
        from allocc.showing.plots import draw

        with reported():
            return draw(self, what)

    def __repr__(self) -> str:
        from allocc.showing.report import card

        return card(self)

    def _repr_html_(self) -> str:
        from allocc.showing.report_html import result_html

        return result_html(self)

    def save(self, folder: str | PathLike[str] | None = None) -> Path:
        """Write a run folder (a new one under `runs/` by default) and return its path."""
        from allocc.results.run_folder.writing import save

        with reported():
            target = None if folder is None else as_path(folder, "the run folder")
            written = save(self, target)
        # The one thing that changes: where it lies is no part of what was found.
        object.__setattr__(self, "folder", written)
        return written

    @staticmethod
    def open(folder: str | PathLike[str]) -> Result:
        """Read a run folder back."""
        from allocc.results.run_folder.reading import read

        with reported():
            return Result.of(read(as_path(folder, "the run folder")))


class Compared(Comparison):
    """Allocations side by side, which `print` shows as `allocc compare` does."""

    @classmethod
    def of(cls, found: Comparison) -> Compared:
        """The same with verbs."""
        return cls(**_values(found))

    def plot(self) -> Any:
        """A Matplotlib figure; raises `MissingLibrary` without Matplotlib."""
        from allocc.showing.plots import draw_comparison

        with reported():
            return draw_comparison(self)

    def __str__(self) -> str:
        from allocc.showing.comparing.text import comparison_text

        return comparison_text(self)

    def __repr__(self) -> str:
        names = ", ".join(s.name for s in self.sides)
        return f"<allocc.Compared {self.title}: {names}>"


class Over(OverDraws):
    """One allocation in many draws: `value` and `bound`, `draws`, `terms`, `limits`, `bands`.

    `over["spend"]` is a decision, `to_frame()` has a row a draw. A value is that of the draws simulated one by one.
    """

    @classmethod
    def of(cls, found: OverDraws) -> Over:
        """The same with verbs."""
        return cls(**_values(found))

    def summary(self, color: bool = False) -> str:
        """The report as text."""
        from allocc.showing.over.text import over_text

        return over_text(self, color)

    def plot(self, what: str | None = None) -> Any:
        """A Matplotlib figure: `values`, `courses` or `decisions`; raises `MissingLibrary` without it."""
        from allocc.showing.plots import draw_over

        with reported():
            return draw_over(self, what)

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write everything into a new folder; its `decisions.csv` is what `simulate` reads.

        Raises `AlloccError` where something is there already, or cannot be written.
        """
        from allocc.results.over.files import save
        from allocc.showing.plots import over_svgs

        with reported():
            return save(self, as_path(folder, "the answer"), over_svgs)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"<allocc.Over {self.model}: {len(self.draws)} draws, {self.status}>"


class Frontier(Tradeoff):
    """The points from the best first term to the best second one, and what is out of reach."""

    @classmethod
    def of(cls, found: Tradeoff) -> Frontier:
        """The same with verbs."""
        return cls(**_values(found))

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write the points, the decisions of each and, with Matplotlib, the plot into a new folder.

        `decisions-N.csv` is of point N, and is what `allocc simulate` reads. Raises `AlloccError`
        where something is there already, or cannot be written.
        """
        from allocc.results.frontier_folder import save
        from allocc.showing.plots import frontier_svg

        with reported():
            return save(self, folder, frontier_svg)

    def plot(self) -> Any:
        """A Matplotlib figure; raises `MissingLibrary` without Matplotlib."""
        from allocc.showing.plots import draw_frontier

        with reported():
            return draw_frontier(self)

    def __str__(self) -> str:
        from allocc.showing.pareto_report import summary

        return summary(self)


class Fit(FitResult):
    """What a fit has found: `estimates`, `loss`, `courses`, `remarks`, `covariance`, `draws`, `sampling`.

    `values` has each estimate by its name.
    """

    @classmethod
    def of(cls, found: FitResult) -> Fit:
        """The same with verbs."""
        return cls(**_values(found))

    def summary(self, color: bool = False) -> str:
        """The report as text."""
        from allocc.showing.fit_report import fit_text

        return fit_text(self, color)

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write `fitted.json`, the residuals, the draws and, with Matplotlib, the picture into a new folder.

        Raises `AlloccError` where something is there already, or cannot be written.
        """
        from allocc.results.fitting.files import save
        from allocc.showing.plots import fit_svg

        with reported():
            return save(self, as_path(folder, "the fit"), fit_svg)

    def plot(self) -> Any:
        """A Matplotlib figure of the data and the fitted course; raises `MissingLibrary` without it."""
        from allocc.showing.plots import draw_fit

        with reported():
            return draw_fit(self)

    def __str__(self) -> str:
        return self.summary()


class Sweep(SweepResult):
    """Many solves side by side: `points`, their `answers`, `to_frame()`.

    An answer's `decisions` are what `Model.simulate` takes.
    """

    @classmethod
    def of(cls, found: SweepResult) -> Sweep:
        """The same with verbs."""
        return cls(**_values(found))

    def summary(self, color: bool = False) -> str:
        """The report as text."""
        from allocc.showing.sweeping.report import sweep_text

        return sweep_text(self, color)

    def plot(self) -> Any:
        """A Matplotlib figure: the value against the setting with the most numbers, the gap as a band.

        Raises `MissingLibrary` without Matplotlib, and `AlloccError` where no point has a value.
        """
        from allocc.showing.plots import draw_sweep

        with reported():
            return draw_sweep(self)

    def __str__(self) -> str:
        return self.summary()


class Courses(StochasticResult):
    """Many courses of a model with chance in its flows: `value`, `terms`, `bands`, `limits`, `extinct`.

    `states["I"]` has all courses of a compartment, an array over courses, its sets and the points of time.
    """

    @classmethod
    def of(cls, found: StochasticResult) -> Courses:
        """The same with verbs."""
        return cls(**_values(found))

    def summary(self, color: bool = False) -> str:
        """The report as text."""
        from allocc.showing.uncertainty.stochastic import stochastic_text

        return stochastic_text(self, color)

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write the bands, the courses' values and, with Matplotlib, the picture into a new folder.

        Raises `AlloccError` where something is there already, or cannot be written.
        """
        from allocc.results.stochastic.files import save
        from allocc.showing.plots import bands_svg

        with reported():
            return save(self, as_path(folder, "the run folder"), bands_svg)

    def plot(self) -> Any:
        """A Matplotlib figure of the bands; raises `MissingLibrary` without Matplotlib."""
        from allocc.showing.plots import draw_bands

        with reported():
            return draw_bands(self)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"<allocc.Courses {self.model}: {self.courses:,} courses>"


class Sensitivity(SensitivityResult):
    """What an answer is when parameters are others: `base`, `varied` (`by_swing`), `together`."""

    @classmethod
    def of(cls, found: SensitivityResult) -> Sensitivity:
        """The same with verbs."""
        return cls(**_values(found))

    def summary(self, color: bool = False) -> str:
        """The report as text."""
        from allocc.showing.uncertainty.sensitivity import sensitivity_text

        return sensitivity_text(self, color)

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write the answers and, with Matplotlib, the picture into a new folder.

        Raises `AlloccError` where something is there already, or cannot be written.
        """
        from allocc.results.sensitivity.files import save
        from allocc.showing.plots import tornado_svg

        with reported():
            return save(self, as_path(folder, "the sensitivities"), tornado_svg)

    def plot(self) -> Any:
        """A Matplotlib figure, a tornado; raises `MissingLibrary` without Matplotlib."""
        from allocc.showing.plots import draw_tornado

        with reported():
            return draw_tornado(self)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"<allocc.Sensitivity {self.model}: {', '.join(v.name for v in self.varied)}>"


def _values(
    found: Run
    | Tradeoff
    | Comparison
    | FitResult
    | OverDraws
    | SweepResult
    | StochasticResult
    | SensitivityResult,
) -> dict[str, Any]:
    return {f.name: getattr(found, f.name) for f in fields(found)}


def _loosening(found: Loosening) -> Loosening:
    """The same, whose result has verbs."""
    return found if found.result is None else replace(found, result=Result.of(found.result))


def _seconds(seconds: float) -> float:
    """A time to spend; unlike a time limit, it cannot be left open."""
    if seconds is None:
        raise AlloccError([mistakes.bad_option("seconds", None, "a number of seconds above 0")])
    return seconds
