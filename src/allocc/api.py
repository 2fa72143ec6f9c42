"""`Model`, the Python front door: solve it, simulate it, look into it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.asked import METHODS, as_path, make_options
from allocc.dsl.diagnostics import AlloccError as PlainError
from allocc.dsl.diagnostics import Diagnostic, in_order
from allocc.errors import AlloccError, reported

if TYPE_CHECKING:
    import threading

    from allocc.compiler.pipeline import Chain
    from allocc.compiler.programs.program import Program
    from allocc.compiler.relaxing.relaxation import Relaxation
    from allocc.compiler.scoping.model import Model as Bound
    from allocc.compiler.unrolling.problem import Problem
    from allocc.engine.assess import Assessment
    from allocc.engine.outcome import Step
    from allocc.questions.conflict.escape import Escape
    from allocc.questions.conflict.explanation import Conflict
    from allocc.questions.conflict.loosen import Loosening
    from allocc.questions.pareto.frontier import Frontier
    from allocc.questions.prices.prices import Prices
    from allocc.results.result import Result


class Model:
    """A model bound to its data. `bound` and `problem` are the compiler's own stages."""

    def __init__(self, bound: Bound, data: Path, settings: dict[str, Any]) -> None:
        self.bound = bound
        self.data = data
        self.settings = settings
        self._chains: dict[str, Chain] = {}

    @property
    def name(self) -> str:
        """The name in the `model` statement."""
        return self.bound.name

    @property
    def title(self) -> str:
        """The title in the `model` statement."""
        return self.bound.title

    @property
    def path(self) -> Path | None:
        """The model file."""
        return self.bound.path

    @property
    def warnings(self) -> list[Diagnostic]:
        """What is suspicious but no mistake, by place in the file, then by code."""
        unrolled = self.__dict__.get("problem")
        found = self.bound.diagnostics if unrolled is None else unrolled.diagnostics
        return in_order(d for d in found if d.severity == "warning")

    @cached_property
    def problem(self) -> Problem:
        """The model unrolled in time."""
        from allocc.compiler.unrolling.discretize import discretize

        with reported():
            return discretize(self.bound)

    @cached_property
    def lowered(self) -> Chain:
        """The program as the model states it, with products and functions."""
        return self.chain("stated")

    def chain(self, method: str = "auto") -> Chain:
        """The passes between the problem and what is relaxed for a method; see `compile --emit passes`."""
        from allocc.engine.proving.denominators import prepared

        if method not in self._chains:
            with reported():
                self._chains[method] = prepared(self.problem, method)
        return self._chains[method]

    @cached_property
    def relaxation(self) -> Relaxation:
        """The lowered program with tightened bounds, before any piece of it is refined."""
        from allocc.compiler.programs.bounds import Infeasible
        from allocc.compiler.relaxing.relaxation import Relaxation

        with reported():
            try:
                return Relaxation(self.lowered.program)
            except Infeasible:
                raise PlainError([mistakes.bounds_infeasible()]) from None

    def _propagate(self) -> None:
        """Show that the limits contradict each other, where propagation alone can show it."""
        from allocc.compiler.programs.bounds import MOST_PROPAGATED, Infeasible

        relaxation = self.relaxation
        program = self.lowered.program
        if program.matrix.nnz > MOST_PROPAGATED:
            return
        try:
            relaxation.propagator.run(program.lower, program.upper)
        except Infeasible:
            raise PlainError([mistakes.bounds_infeasible()]) from None

    def check(self, pedantic: bool = False) -> list[Diagnostic]:
        """Everything that is wrong or suspicious, up to what a solver would need to know.

        It comes by place in the file, then by code; what has no place comes last. `pedantic` also
        looks for mistakes of modelling that the language allows: limits that can never bind, effects
        that change nothing, and others (codes W6001 and up).
        """
        found: list[Diagnostic] = []
        try:
            self.problem  # noqa: B018
            self._propagate()
        except PlainError as error:
            found.extend(error.diagnostics)
        found += [d for d in self.warnings if d not in found]
        if pedantic and not any(d.severity == "error" for d in found):
            found = self._linted(found)
        return in_order(found)

    def _linted(self, found: list[Diagnostic]) -> list[Diagnostic]:
        """What was found, with the warnings of the lint."""
        from allocc.compiler.lint.run import lint

        with reported():
            more = lint(self.problem, self.lowered)
        if any(d.code == "W6010" for d in more):
            # The limit that can never hold is named; that not all can be met says less.
            found = [d for d in found if d.code != "W7001"]
        return [*found, *more]

    def units(self) -> dict[str, str | None]:
        """The unit of every quantity of the model, declared or inferred; None where none is known.

        A pure number has the unit `1`. Parameters that hold words are no quantities.
        """
        words = {n for n, p in self.bound.parameters.items() if p.values.dtype.kind == "O"}
        found = self.bound.units.quantities
        return {n: None if u is None else str(u) for n, u in found.items() if n not in words}

    def unit_of(self, expression: str) -> str | None:
        """The unit of an expression over the model's names; None where it is not known.

        Indices may be left out: `spend / course`. Raises `AlloccError` where it cannot be read.
        """
        from allocc.dsl import Source, parse, tree
        from allocc.dsl import errors as syntax_errors

        with reported():
            statement, *rest = parse(Source("expression", f"let it = {expression}")).statements
            if rest:
                span = rest[0].span
                raise PlainError([syntax_errors.unexpected(span, span.text, [])])
        assert isinstance(statement, tree.Let)
        unit = self.bound.units.of(statement.value)
        return None if unit is None else str(unit)

    def program(self, method: str = "auto") -> Program:
        """The mixed-integer program: `direct` keeps products and functions, the others are linear.

        `exact` cuts every integer factor into single values, `refine` gives the relaxation that
        refinement begins with, and `auto` the former where it is exact and not too large.
        """
        from allocc.showing.method_program import method_program

        if method not in METHODS:
            raise AlloccError([mistakes.unknown_choice("--method", method, METHODS)])
        with reported():
            return method_program(self, method)

    def write(self, path: str | PathLike[str], method: str = "auto") -> None:
        """Write the program as `.mps` or `.lp`, with its map of names beside it."""
        from allocc.backends.files import write
        from allocc.whole import replace

        target = as_path(path, "the program")
        program = self.program(method)
        try:
            with reported():
                replace(target, lambda part: write(program, part), "the program")
        except ValueError as problem:
            raise AlloccError([mistakes.cannot_express(str(target), str(problem))]) from None

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
    ) -> Result:
        """Find the best allocation and prove how good it is.

        `time_limit` is in seconds. `memory_limit` is in megabytes of the whole process, as the
        system counts them (on Linux; elsewhere it is not watched).
        `start` are decisions to begin with, in any form that `simulate` takes: they are simulated,
        and used if they meet every limit.
        `progress` is called with every step of the proof; True prints them. Setting `cancel`
        stops the solve, as Ctrl-C does, with the best allocation that is known.

        Raises `MissingSolver` when the solver is not installed.
        """
        from allocc.engine.choose import CannotServe
        from allocc.engine.solve import solve
        from allocc.results.building import solved_result
        from allocc.results.given import given_decisions

        told: Callable[[Step], None] | None = None
        if progress is True:
            from allocc.showing.report import progress_printer

            told = progress_printer(lambda line: print(line, file=sys.stderr, flush=True))
        elif progress is not None and progress is not False:
            told = progress
        options = make_options(
            solver, method, gap, time_limit, threads, seed, cancel, told, memory_limit
        )
        with reported():
            if not self.bound.decisions and not self.bound.limits:
                raise PlainError([mistakes.nothing_to_decide(self.name)])
            starts = [] if start is None else [given_decisions(self.problem, start).values]
            try:
                outcome = solve(self.problem, options, starts)
            except CannotServe as reason:
                raise PlainError([mistakes.cannot_serve(str(reason))]) from None
            return solved_result(self, outcome, options)

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
        from allocc.questions.conflict.explanation import explain

        options = make_options(solver, "auto", 1e-4, _seconds(seconds), threads, seed, cancel)
        with reported():
            return explain(self, options, seconds)

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
        from allocc.questions.conflict.loosen import loosen

        options = make_options(solver, "auto", gap, time_limit, threads, seed, cancel, progress)
        with reported():
            return loosen(self, options)

    def escape(
        self,
        solver: str = "highs",
        seconds: float = 30.0,
        threads: int | None = None,
        seed: int = 0,
        cancel: threading.Event | None = None,
    ) -> Escape:
        """The decisions of an unbounded model that go away without end."""
        from allocc.questions.conflict.escape import escape

        options = make_options(solver, "auto", 1e-4, _seconds(seconds), threads, seed, cancel)
        with reported():
            return escape(self, options, seconds)

    def simulate(self, decisions: object = None, rest: object = None) -> Result:
        """Run decisions through the dynamics, without any solver.

        None is the baseline: no intervention acts, every decision is at its lower bound. Otherwise
        a mapping from names to numbers, dicts, Series, DataFrames or arrays; a DataFrame in the form
        of a run folder's decisions.csv; the path of a run folder or of such a file; or a `Result`.
        Decisions that are not given are as in `rest`, which has the same forms, else at their lower
        bound; the result's notes say how many, and what else a run's decisions were made with.

        Raises `AlloccError` for decisions that do not fit the model.
        """
        from allocc.compiler.unrolling.undefined import undefined
        from allocc.engine.assess import assess
        from allocc.results.building import simulated_result
        from allocc.results.given import baseline_decisions, given_decisions

        with reported():
            baseline = decisions is None and rest is None
            notes: tuple[str, ...] = ()
            if baseline:
                problem = self.baseline_problem
                values = baseline_decisions(problem)
            else:
                problem = self.problem
                given = given_decisions(problem, {} if decisions is None else decisions, rest)
                others = (*self._other_origin(decisions), *self._other_origin(rest))
                values, notes = given.values, (*others, *given.notes)
            found = assess(problem, values)
            if not found.finite:
                raise AlloccError([undefined(problem, found.values)])
            return simulated_result(self, problem, found, baseline, notes)

    def _other_origin(self, decisions: object) -> tuple[str, ...]:
        """What this model has other than the run that decisions come from."""
        from allocc.results.run_folder.origin import differences, origin_of

        origin = origin_of(decisions)
        return () if origin is None else differences(self, origin)

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
        with reported():
            return trace(self, (str(first), str(second)), points, options)

    def prices(self, decisions: object) -> Prices:
        """What one more unit of each limit would buy, at decisions in any form `simulate` takes.

        The integers are fixed; the prices are local, they hold for small changes. The notes say
        what is not given, and what else a run's decisions were made with.
        """
        from dataclasses import replace

        from allocc.questions.prices.pricing import prices

        with reported():
            found = prices(self, decisions)
            return replace(found, notes=(*self._other_origin(decisions), *found.notes))

    @cached_property
    def baseline_problem(self) -> Problem:
        """The model in a world in which no intervention acts."""
        from allocc.compiler.unrolling.discretize import discretize

        with reported():
            return discretize(self.bound, effects=False)

    @cached_property
    def baseline_simulation(self) -> tuple[Problem, Assessment] | None:
        """What happens in that world, and what it is worth.

        None in a model without time. What is simulated may be no finite number.
        """
        from allocc.engine.assess import assess
        from allocc.results.given import baseline_decisions

        if self.bound.time is None:
            return None
        problem = self.baseline_problem
        return problem, assess(problem, baseline_decisions(problem))

    def hashes(self) -> dict[str, str]:
        """The sha256 of the model file and of every table, by file name."""
        from allocc.dsl import tree

        found = {}
        if self.path is not None and self.path.is_file():
            found[self.path.name] = _sha256(self.path)
        for statement in self.bound.tree.statements:
            if isinstance(statement, tree.Table):
                table = self.data / statement.file.value
                if table.is_file():
                    found[statement.file.value] = _sha256(table)
        return found

    # --- looks ------------------------------------------------------------------------------

    def __repr__(self) -> str:
        from allocc.showing.report import model_card

        return model_card(self)

    def _repr_html_(self) -> str:
        from allocc.showing.report_html import model_html

        return model_html(self)


def _seconds(seconds: float) -> float:
    """A time to spend; unlike a time limit, it cannot be left open."""
    if seconds is None:
        raise AlloccError([mistakes.bad_option("seconds", None, "a number of seconds above 0")])
    return seconds


def _sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
