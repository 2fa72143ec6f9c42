"""The Python front door: load a model, solve it, simulate it, look into it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.asked import METHODS, make_options, versions
from allocc.dsl.diagnostics import AlloccError as PlainError
from allocc.dsl.diagnostics import Diagnostic
from allocc.errors import AlloccError, reported

if TYPE_CHECKING:
    import threading

    from allocc.compiler.model import Model as Bound
    from allocc.compiler.problem import Problem
    from allocc.compiler.program import FloatArray, Program
    from allocc.compiler.relaxation import Relaxation
    from allocc.compiler.simulate import Values
    from allocc.conflict.escape import Escape
    from allocc.conflict.explanation import Conflict
    from allocc.conflict.loosen import Loosening
    from allocc.dsl.tree import File
    from allocc.engine.assess import Assessment
    from allocc.engine.outcome import Options, Outcome, Step
    from allocc.frontier import Frontier
    from allocc.labelled import Block
    from allocc.prices import Prices
    from allocc.result import Result


def load(
    path: str | PathLike[str], /, data: str | PathLike[str] | None = None, **params: Any
) -> Model:
    """Read a model and bind it to its data.

    `data` is the folder of the CSV files: by default the model's own folder, or `data/` in it when
    the files are there. `params` override parameters: numbers, dicts by label, pandas Series or
    DataFrames, arrays; one member is `**{"cap[44001]": 12}`.

    Raises `AlloccError` with every independent mistake.
    """
    from allocc.compiler.bind import bind
    from allocc.dsl.parser import parse_file

    with reported():
        place = Path(path)
        _check_model(place)
        file = parse_file(place)
        folder = data_folder(place, file) if data is None else Path(data)
        if not folder.is_dir():
            raise PlainError([mistakes.no_data_folder(str(folder), folder.exists())])
        settings = {name: _setting(value) for name, value in params.items()}
        model = Model(bind(file, folder, settings, path=place), folder, settings)
        model.problem  # noqa: B018 - mistakes that unrolling finds are reported here, too
        return model


def read_tree(path: str | PathLike[str]) -> File:
    """The syntax tree of a model file; no data are read."""
    from allocc.dsl.parser import parse_file

    with reported():
        _check_model(Path(path))
        return parse_file(Path(path))


def _check_model(path: Path) -> None:
    if path.is_dir():
        inside = sorted(p.name for p in path.glob("*.alloc"))
        raise PlainError([mistakes.model_is_folder(str(path), inside)])
    if not path.exists():
        beside = path.parent.glob("*.alloc") if path.parent.is_dir() else ()
        raise PlainError([mistakes.no_model(str(path), sorted(str(p) for p in beside))])


def data_folder(path: Path, file: File) -> Path:
    """Where a model's tables are when nobody says it: beside the model, or in `data/`."""
    from allocc.dsl import tree

    names = [s.file.value for s in file.statements if isinstance(s, tree.Table)]
    inner = path.parent / "data"
    beside = sum(_is_file(path.parent / n) for n in names)
    inside = sum(_is_file(inner / n) for n in names)
    return inner if inside > beside else path.parent


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        # No name of a file: too long, or with a NUL in it. Reading the table says so.
        return False


def _worth(problem: Problem, values: Values) -> float | None:
    """The objective of a simulation, None where it has no finite value."""
    import math

    from allocc.compiler.numeric import Evaluation

    evaluate = Evaluation(dict(values))
    total = problem.objective({t.name: float(evaluate(t.node)) for t in problem.terms})
    return total if math.isfinite(total) else None


def _setting(value: Any) -> Any:
    """A parameter's value as the binder takes it; a DataFrame's labels are (row, column)."""
    if hasattr(value, "columns") and hasattr(value, "at"):
        return {
            (
                *(row if isinstance(row, tuple) else (row,)),
                *(column if isinstance(column, tuple) else (column,)),
            ): value.at[row, column]
            for row in value.index
            for column in value.columns
        }
    return value


#: `check` propagates bounds through programs up to this many coefficients.
MOST_PROPAGATED = 200_000


class Model:
    """A model bound to its data. `bound` and `problem` are the compiler's own stages."""

    def __init__(self, bound: Bound, data: Path, settings: dict[str, Any]) -> None:
        self.bound = bound
        self.data = data
        self.settings = settings

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
        """What is suspicious but no mistake."""
        return [d for d in self.bound.diagnostics if d.severity == "warning"]

    @cached_property
    def problem(self) -> Problem:
        """The model unrolled in time."""
        from allocc.compiler.discretize import discretize

        with reported():
            return discretize(self.bound)

    @cached_property
    def lowered(self) -> Program:
        """The program as the model states it, with products and functions."""
        from allocc.compiler.lower import lower

        with reported():
            return lower(self.problem)

    @cached_property
    def relaxation(self) -> Relaxation:
        """The lowered program with tightened bounds, before any piece of it is refined."""
        from allocc.compiler.bounds import Infeasible
        from allocc.compiler.relaxation import Relaxation

        with reported():
            try:
                return Relaxation(self.lowered)
            except Infeasible:
                raise PlainError([mistakes.bounds_infeasible()]) from None

    def _propagate(self) -> None:
        """Show that the limits contradict each other, where propagation alone can show it."""
        from allocc.compiler.bounds import Infeasible

        relaxation = self.relaxation
        if self.lowered.matrix.nnz > MOST_PROPAGATED:
            return
        try:
            relaxation.propagator.run(self.lowered.lower, self.lowered.upper)
        except Infeasible:
            raise PlainError([mistakes.bounds_infeasible()]) from None

    def check(self, pedantic: bool = False) -> list[Diagnostic]:
        """Everything that is wrong or suspicious, up to what a solver would need to know.

        `pedantic` also looks for mistakes of modelling that the language allows: limits that can
        never bind, effects that change nothing, and others (codes W6001 and up).
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
        return found

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
        from allocc.dsl import Source, parse, syntax_errors, tree

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

        `exact` cuts every integer factor into single values; `auto` and `refine` give the
        relaxation that refinement begins with.
        """
        from allocc.explain import linear_program

        if method not in METHODS:
            raise AlloccError([mistakes.unknown_choice("--method", method, METHODS)])
        with reported():
            return linear_program(self, method)

    def write(self, path: str | PathLike[str], method: str = "auto") -> None:
        """Write the program as `.mps` or `.lp`, with its map of names beside it."""
        from allocc.backends.files import write

        target = Path(path)
        try:
            write(self.program(method), target)
        except ValueError as problem:
            raise AlloccError([mistakes.cannot_express(str(target), str(problem))]) from None
        except OSError as problem:
            reason = problem.strerror or str(problem)
            found = mistakes.cannot_write("the program", str(target), reason)
            raise AlloccError([found]) from None

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
        from allocc.given import given_decisions

        told: Callable[[Step], None] | None = None
        if progress is True:
            from allocc.report import progress_printer

            told = progress_printer(lambda line: print(line, file=sys.stderr, flush=True))
        elif callable(progress):
            told = progress
        options = make_options(
            solver, method, gap, time_limit, threads, seed, cancel, told, memory_limit
        )
        with reported():
            starts = [] if start is None else [given_decisions(self.problem, start)]
            try:
                outcome = solve(self.problem, options, starts)
            except CannotServe as reason:
                raise PlainError([mistakes.cannot_serve(str(reason))]) from None
            return self._result(outcome, options)

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
        from allocc.conflict.explanation import explain

        options = make_options(solver, "auto", 1e-4, seconds, threads, seed, cancel)
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
        from allocc.conflict.loosen import loosen

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
        from allocc.conflict.escape import escape

        options = make_options(solver, "auto", 1e-4, seconds, threads, seed, cancel)
        with reported():
            return escape(self, options, seconds)

    def simulate(self, decisions: object = None) -> Result:
        """Run decisions through the dynamics, without any solver.

        None is the baseline: no intervention acts, every decision is at its lower bound. Otherwise
        a mapping from names to numbers, dicts, Series, DataFrames or arrays, or the path of a run
        folder or CSV file; decisions that are not named stay at their lower bound.
        """
        from allocc.engine.assess import assess
        from allocc.given import baseline_decisions, given_decisions

        with reported():
            if decisions is None:
                problem = self.baseline_problem
                values = baseline_decisions(problem)
            else:
                problem = self.problem
                values = given_decisions(problem, decisions)
            return self._simulated(problem, assess(problem, values), decisions is None)

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
        from allocc.pareto import trace

        options = make_options(solver, "auto", gap, time_limit)
        return trace(self, (first, second), points, options)

    def prices(self, decisions: object) -> Prices:
        """What one more unit of each limit would buy, at decisions in any form `simulate` takes.

        The integers are fixed; the prices are local, they hold for small changes.
        """
        from allocc.prices import prices

        with reported():
            return prices(self, decisions)

    @cached_property
    def baseline_problem(self) -> Problem:
        """The model in a world in which no intervention acts."""
        from allocc.compiler.discretize import discretize

        with reported():
            return discretize(self.bound, effects=False)

    @cached_property
    def _baseline(self) -> tuple[Problem, Values] | None:
        """The baseline's simulation; None in a model without time."""
        from allocc.compiler.simulate import simulate
        from allocc.given import baseline_decisions

        if self.bound.time is None:
            return None
        problem = self.baseline_problem
        return problem, simulate(problem, baseline_decisions(problem))

    def _simulated(self, problem: Problem, found: Assessment, baseline: bool) -> Result:
        from allocc.result import Result

        return Result(
            **self._about(problem, found.terms, found.values, None if baseline else self._baseline),
            status="simulated",
            stopped="",
            value=found.value,
            bound=None,
            gap=None,
            violation=found.violation,
            message="baseline: no intervention acts" if baseline else "",
            versions=versions(),
        )

    def loosened_result(
        self, outcome: Outcome, options: Options, loosened: Sequence[str]
    ) -> Result:
        """A result of the model with some limits loosened; it says so wherever it is shown."""
        result = self._result(outcome, options)
        result.loosened = tuple(loosened)
        return result

    def _result(self, outcome: Outcome, options: Options) -> Result:
        from allocc.result import Result

        base = self._baseline if outcome.values is not None else None
        asked = {
            name: getattr(options, name)
            for name in (
                "solver",
                "method",
                "gap",
                "violation",
                "time_limit",
                "memory_limit_mb",
                "threads",
                "seed",
            )
        }
        return Result(
            **self._about(self.problem, outcome.terms, outcome.values, base, outcome.notes),
            status=outcome.status,
            stopped=outcome.stopped,
            value=outcome.value,
            bound=outcome.bound,
            gap=outcome.gap,
            violation=outcome.violation,
            seconds=outcome.seconds,
            solver=outcome.solver,
            method=outcome.method,
            rounds=outcome.rounds,
            message=outcome.message,
            explanation=outcome.explanation,
            discretization=outcome.discretization,
            history=outcome.history,
            options=asked,
            versions=versions(options.solver),
        )

    def _about(
        self,
        problem: Problem,
        terms: Mapping[str, float],
        values: Mapping[Any, FloatArray] | None,
        baseline: tuple[Problem, Values] | None,
        told: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """What results of a solve and of a simulation have in common."""
        from allocc.comparisons import targets_of
        from allocc.engine.assess import judge
        from allocc.labelled import blocks_of
        from allocc.reports import report_blocks
        from allocc.result import TermValue

        time = self.bound.time
        blocks: list[Block] = []
        notes: list[str] = []
        if values is not None:
            blocks = blocks_of(problem, values, baseline)
            reports, notes = report_blocks(problem, values, baseline)
            blocks += reports
        return {
            "model": self.name,
            "title": self.title,
            "sense": problem.sense,
            "objective": tuple(
                TermValue(t.name, terms[t.name], t.description, t.penalty)
                for t in problem.terms
                if t.name in terms
            ),
            "blocks": tuple(blocks),
            "notes": (*told, *notes),
            "targets": () if values is None else targets_of(problem, values),
            "time_unit": time.unit if time is not None else "",
            "baseline_value": None if baseline is None else _worth(*baseline),
            "baseline_violation": None if baseline is None else judge(*baseline).violation,
            "settings": dict(self.settings),
            "files": self.hashes(),
        }

    def hashes(self) -> dict[str, str]:
        """The sha256 of the model file and of every table, by file name."""
        from allocc.dsl import tree
        from allocc.run_folder import sha256

        found = {}
        if self.path is not None and self.path.is_file():
            found[self.path.name] = sha256(self.path)
        for statement in self.bound.tree.statements:
            if isinstance(statement, tree.Table):
                table = self.data / statement.file.value
                if table.is_file():
                    found[statement.file.value] = sha256(table)
        return found

    # --- looks ------------------------------------------------------------------------------

    def __repr__(self) -> str:
        from allocc.report import model_card

        return model_card(self)

    def _repr_html_(self) -> str:
        from allocc.report_html import model_html

        return model_html(self)
