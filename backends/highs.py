"""HiGHS through highspy; see `HighsSession` for what is asked of it."""

from __future__ import annotations

from allocc.backends.finer import finer
from allocc.backends.highs_session import HighsSession
from allocc.backends.highs_versions import known_to_err
from allocc.backends.solution import Capabilities, Solution, SolveOptions
from allocc.backends.support import installed, package_version, prepare
from allocc.compiler.programs.program import Program

INTERIOR = {"solver": "ipm", "run_crossover": "off"}
"""Options for a bound without a vertex: simplex was seen to stall for half a minute on linear
relaxations of five thousand columns that the interior point method solves in a second."""


class HighsBackend:
    """The default solver."""

    name = "highs"
    isolable = True
    interface = "highspy"
    package = "highspy"
    capabilities = Capabilities(
        warm_start=True,
        cutoff=True,
        duals=True,
        trees=True,
        progress=True,
        interrupt=True,
        entry_seconds=1e-6,
    )

    def version(self) -> str:
        """The version of highspy."""
        return package_version("highspy")

    def solver_version(self) -> str:
        """The version of HiGHS: highspy has its number, after which may follow one of its own."""
        return ".".join(self.version().split(".")[:3])

    def known_to_err(self) -> str:
        """What the installed version is known to do wrong, or an empty string."""
        return known_to_err(self.version())

    def available(self) -> bool:
        """Whether highspy is installed."""
        return installed("highspy")

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        """Solve once. For many solves of a program that changes little use `HighsSession`."""
        done = prepare(program, self.name, None)
        if done is not None:
            return done
        mixed = bool(program.integer.any())
        settings: dict[str, object] = dict(INTERIOR) if options.interior and not mixed else {}
        if not options.presolve:
            settings["presolve"] = "off"
        session = HighsSession(program, settings)
        found = session.solve(options)
        if not mixed or options.cutoff is not None:
            return found
        return finer(session, program, found, options)
