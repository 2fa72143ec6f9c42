"""`allocc simulate`: what given decisions lead to, without any solver."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from allocc import mistakes
from allocc.cli.options import (
    csv_option,
    json_option,
    load_and_warn,
    model_options,
    run_option,
    strict_option,
)
from allocc.cli.terminal import color_on, put, say, stdout_kept_clean, write_json
from allocc.dsl.diagnostics import DiagnosticError


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
@click.option(
    "--policy",
    metavar="NAME",
    help="A policy of the model: its rule, made feasible with the smallest change.",
)
@click.option(
    "--stochastic",
    "courses",
    type=int,
    metavar="N",
    help="Flows as events that happen to whole persons, in N courses: bands instead of one course.",
)
@click.option("--seed", type=int, metavar="N", help="Of chance, with --stochastic. By default 0.")
@click.option(
    "--parts",
    type=int,
    metavar="N",
    help="Into how many parts each period is divided, with --stochastic. By default as many as are needed.",
)
@click.option(
    "--scale",
    type=float,
    metavar="X",
    help="How many persons one unit of a compartment is, with --stochastic. By default 1.",
)
@run_option("New folder for the results, as `allocc solve` writes it. By default none.")
@strict_option
@json_option
@csv_option("Write compartments, flows and reports; with --stochastic the bands.")
def simulate(
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    decisions: str | None,
    rest: str | None,
    policy: str | None,
    courses: int | None,
    seed: int | None,
    parts: int | None,
    scale: float | None,
    run: str | None,
    as_json: bool,
    csv_file: str | None,
) -> None:
    """Run decisions through the dynamics of MODEL, without any solver.

    Without --decisions or --policy this is the baseline: what happens when no intervention acts. The settings of
    a run hold for its decisions, too; --set goes over them. Nothing is written unless it is asked
    for, because a simulation is quickly done again.

    \b
    allocc simulate epidemic.alloc --run runs/baseline
    allocc plot runs/baseline
    allocc simulate epidemic.alloc --decisions runs/best --stochastic 500 --seed 1
    """
    from allocc.cli.progress import working
    from allocc.results.run_folder.place import check_free

    if policy is not None and (decisions is not None or rest is not None):
        other = "--decisions" if decisions is not None else "--rest"
        raise DiagnosticError([mistakes.two_sources("--policy", other)])
    chance = {"seed": seed, "parts": parts, "scale": scale}
    given = {name: value for name, value in chance.items() if value is not None}
    if courses is None and given:
        raise DiagnosticError([mistakes.only_stochastic(f"--{name}") for name in given])
    if run is not None:
        check_free(Path(run))
    loaded = load_and_warn(model, data, settings, decisions, rest)
    if courses is not None:
        from allocc.cli.commands.uncertainty.stochastic import stochastic

        stochastic(loaded, decisions, rest, policy, courses, given, run, as_json, csv_file)
        return
    if policy is None:
        result = loaded.simulate(decisions, rest)
    else:
        with stdout_kept_clean(), working("making the policy feasible"):
            result = loaded.policy(policy)
    if csv_file is not None:
        from allocc.results.run_folder.tidy import write_long
        from allocc.whole import write_whole

        blocks = [b for b in result.blocks if b.kind != "decision"]
        write_whole(
            Path(csv_file), lambda part: write_long(part, blocks, kinds=True), "the CSV file"
        )
    if run is not None:
        result.save(run)
    if as_json:
        from allocc.results.reports import report_data

        write_json(
            {
                "model": result.model,
                "status": result.status,
                "value": result.value,
                "violation": result.violation,
                "terms": result.terms,
                "notes": list(result.notes),
                "reports": report_data(result.blocks),
                "end": {e.name: e.value for e in result.ends()},
                "csv": csv_file,
                "run": run,
            }
        )
    else:
        put(result.summary(color=color_on(sys.stdout)))
        if run is not None:
            put(f"\nEverything is in {run}")
    if csv_file is not None:
        say(f"compartments, flows and reports are in {csv_file}")
