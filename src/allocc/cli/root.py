"""The command group: `allocc COMMAND`."""

from __future__ import annotations

import click

from allocc.cli.commands.about_runs.compare import compare
from allocc.cli.commands.check import check
from allocc.cli.commands.compile import compile_model
from allocc.cli.commands.dynamics.analyze import analyze
from allocc.cli.commands.explain import explain
from allocc.cli.commands.fitting.fit import fit
from allocc.cli.commands.format import format_models
from allocc.cli.commands.lsp import lsp
from allocc.cli.commands.new import new
from allocc.cli.commands.over.draw import draw
from allocc.cli.commands.over.evaluate import evaluate
from allocc.cli.commands.over.regret import regret
from allocc.cli.commands.pareto import pareto
from allocc.cli.commands.plot import plot
from allocc.cli.commands.prices import prices
from allocc.cli.commands.render import render
from allocc.cli.commands.simulate import simulate
from allocc.cli.commands.solve import solve
from allocc.cli.commands.solvers import solvers
from allocc.cli.commands.sweeping.sweep import sweep
from allocc.cli.commands.uncertainty.sensitivity import sensitivity
from allocc.cli.commands.verify import verify
from allocc.cli.guard import GuardedGroup
from allocc.version import __version__

_EPILOG = """\b
Exit codes:
  0    solved as asked (optimal within the gap), or nothing wrong
  1    a mistake in the model, its data, or a value on the command line; of `verify` also:
       not all that a run claims could be shown
  2    the command line itself cannot be understood
  3    no allocation meets every limit (infeasible)
  4    the objective can be made as good as one likes (unbounded)
  5    stopped early, with an allocation
  6    stopped without an allocation
  7    a solver or a library that is asked for is missing, or its licence does not reach
  130  interrupted (Ctrl-C, SIGTERM, SIGHUP); the best allocation is reported and kept

\b
Shell completion (bash; zsh and fish likewise):
  eval "$(_ALLOCC_COMPLETE=bash_source allocc)"

\b
Start here:
  allocc new first_model && allocc solve first_model/first_model.alloc
"""


@click.group(
    cls=GuardedGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(
    __version__, "-V", "--version", prog_name="allocc", message="%(prog)s %(version)s"
)
def cli() -> None:
    """Decide who gets scarce help, and prove how good the decision is.

    A model is a .alloc file; its data are CSV files beside it. allocc solves it with any MIP
    solver and hands over an allocation with a certificate: a proven bound, the simulated value,
    and the gap between them.
    """


for command in (
    check,
    solve,
    simulate,
    analyze,
    compile_model,
    explain,
    fit,
    pareto,
    plot,
    prices,
    sensitivity,
    format_models,
    render,
    new,
    solvers,
    sweep,
    verify,
    compare,
    draw,
    evaluate,
    regret,
    lsp,
):
    cli.add_command(command)
