"""`allocc simulate`: what given decisions lead to, without any solver."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from allocc import mistakes
from allocc.cli.options import csv_option, json_option, load_and_warn, model_options, strict_option
from allocc.cli.terminal import color_on, put, say, write_json
from allocc.dsl.diagnostics import AlloccError


@click.command()
@model_options
@click.option(
    "--decisions",
    type=click.Path(),
    metavar="FILE|RUNDIR",
    help="A run folder or its decisions.csv. By default the baseline: no intervention acts.",
)
@click.option(
    "--rest",
    type=click.Path(),
    metavar="FILE|RUNDIR",
    help="Take the decisions that are not given from here, not from their lower ends.",
)
@strict_option
@json_option
@csv_option("Write compartments, flows and reports.")
def simulate(
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    decisions: str | None,
    rest: str | None,
    as_json: bool,
    csv_file: str | None,
) -> None:
    """Run decisions through the dynamics of MODEL, without any solver.

    Without --decisions this is the baseline: what happens when no intervention acts. The settings of
    a run hold for its decisions, too; --set goes over them.
    """
    loaded = load_and_warn(model, data, settings, decisions, rest)
    result = loaded.simulate(decisions, rest)
    if csv_file is not None:
        from allocc.run_folder.tidy import write_long

        target = Path(csv_file)
        try:
            write_long(target, [b for b in result.blocks if b.kind != "decision"], kinds=True)
        except OSError as problem:
            reason = problem.strerror or str(problem)
            raise AlloccError([mistakes.cannot_write("the CSV file", csv_file, reason)]) from None
    if as_json:
        from allocc.reports import report_data
        from allocc.result import violation_data

        write_json(
            {
                "model": result.model,
                "status": result.status,
                "value": result.value,
                "violation": violation_data(result.violation),
                "terms": result.terms,
                "notes": list(result.notes),
                "reports": report_data(result.blocks),
                "end": {e.name: e.value for e in result.ends()},
                "csv": csv_file,
            }
        )
    else:
        put(result.summary(color=color_on(sys.stdout)))
    if csv_file is not None:
        say(f"compartments, flows and reports are in {csv_file}")
