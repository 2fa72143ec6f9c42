"""`allocc prices`: what one more unit of each limit would buy."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from allocc.cli.guard import EXIT_INFEASIBLE, EXIT_NOTHING, exit_code
from allocc.cli.options import (
    gap_option,
    json_option,
    load_to_solve,
    model_options,
    quiet_option,
    solver_option,
    strict_option,
    time_limit_option,
)
from allocc.cli.terminal import color_on, put, stdout_kept_clean, write_json
from allocc.dsl.escapes import one_line

if TYPE_CHECKING:
    from allocc.questions.prices.prices import Group, Prices
    from allocc.results.result import Result

#: Lines that are shown for limits that bind, without `--all`.
MOST = 20


@click.command()
@model_options
@click.option(
    "--run",
    type=click.Path(),
    metavar="RUNDIR",
    help="Take the decisions of a run folder (or its decisions.csv) instead of solving.",
)
@solver_option
@gap_option
@time_limit_option("Stop solving after this time; reading the data is not counted.")
@click.option("every", "--all", is_flag=True, help="Show every row of every limit.")
@strict_option
@json_option
@quiet_option
@click.pass_context
def prices(
    ctx: click.Context,
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    run: str | None,
    solver: str,
    gap: float,
    time_limit: float | None,
    every: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """What one more unit of each limit of MODEL would buy in the objective.

    With --run the settings of the run hold, too; --set goes over them. The integers are fixed at the best allocation (or at that of --run); the prices are local, they
    hold for small changes.
    """
    from allocc.asked import make_options
    from allocc.cli.progress import stoppable, watching, working
    from allocc.questions.prices.pricing import prices as find

    make_options(solver, "auto", gap, time_limit, None, 0)
    loaded = load_to_solve(model, data, settings, run, quiet=quiet)
    result: Result
    if run is not None:
        result = loaded.simulate(run)
    else:
        cancel = threading.Event()
        with stdout_kept_clean(), stoppable(cancel), watching(quiet) as tell:
            result = loaded.solve(
                solver=solver, gap=gap, time_limit=time_limit, progress=tell, cancel=cancel
            )
    found: Prices | None = None
    if result.has_allocation:
        decisions = {b.name: b.values for b in result.blocks if b.kind == "decision"}
        with stdout_kept_clean(), working("finding the prices", quiet):
            found = find(loaded, decisions)
    if as_json:
        write_json(_object(result, found))
    else:
        put(_text(result, found, every, color_on(sys.stdout)))
    code = exit_code(result)
    if not code and found is not None and found.status != "priced":
        code = EXIT_INFEASIBLE if found.status == "infeasible" else EXIT_NOTHING
    ctx.exit(code)


def _text(result: Result, found: Prices | None, every: bool, color: bool) -> str:
    from allocc.showing.report import facts, status_words
    from allocc.tables import number, wrap

    title = result.title or result.model
    lines = [f"\x1b[1m{one_line(title)}\x1b[0m" if color else one_line(title)]
    status = status_words(result)
    if result.status == "simulated":
        status = "the decisions of a run, not optimized here"
    lines.append(f"{status[:1].upper()}{status[1:]}.")
    if found is None:
        return "\n".join(lines)
    if found.status == "infeasible":
        these = "with these integers " if found.integers else ""
        lines += ["", f"No prices: {these}no allocation meets every limit."]
        return "\n".join([*lines, *_notes(result, found)])
    if found.status == "failed":
        lines += ["", "No prices: the solver could not solve the linear program that is left."]
        return "\n".join([*lines, *_notes(result, found)])
    rows = [r for r in facts(result) if r[0] in ("value", "bound", "gap", "violation")]
    best = "with the integers fixed" if found.integers else "the continuous decisions at their best"
    rows.append(("priced at", f"{number(found.value, 8)}  ({best})"))
    lines += ["", *(f"  {name:<9}  {text}" for name, text in rows), ""]
    fixed = "the integers are fixed, and " if found.integers else ""
    about = f"Local prices: {fixed}they hold for small changes only."
    if not found.exact:
        about += (
            " Products or functions of continuous decisions remain in this model: they are"
            " replaced by their tangents at the allocation."
        )
        before, after = number(result.value, 8), number(found.value, 8)
        if before != after:
            about += f" That was improved nearby first, with a value of {before} before."
    lines += [*wrap(about, 98), ""]
    lines += _limits(found.single() if every else found.groups(), every)
    return "\n".join([*lines, *_notes(result, found)])


def _notes(result: Result, found: Prices) -> list[str]:
    notes = dict.fromkeys((*result.notes, *found.notes))
    return [line for note in notes for line in ("", f"Note: {note}")]


def _limits(groups: list[Group], every: bool) -> list[str]:
    from allocc.questions.prices.prices import words

    if not groups:
        return ["The model has no limit."]
    whole = [g for g in groups if g.whole]
    binding = [g for g in groups if g.binding and not g.whole]
    slack = [g for g in groups if not g.binding and not g.whole]
    none = "No limit that has a price binds." if whole else "No limit binds."
    lines = ["Binding limits" if binding else none]
    for group in binding if every else binding[:MOST]:
        lines.append(f"  {words(group)}")
        if len(group.rows) > 1 and group.price:
            lines.append(f"    {_spread(group)}")
    if not every and len(binding) > MOST:
        lines.append(f"  and {len(binding) - MOST} more; --all shows every row")
    if slack:
        lines += ["", "Limits with room to spare: one more unit changes nothing"]
        lines += _names(slack, every)
    if whole:
        lines += ["", "No local price: everything in these limits is a whole number, and fixed"]
        lines += _names(whole, every)
    return lines


def _names(groups: list[Group], every: bool) -> list[str]:
    if every:
        return [f"  {g.name}" for g in groups]
    counts: dict[str, int] = {}
    for group in groups:
        counts[group.rows[0].limit] = counts.get(group.rows[0].limit, 0) + len(group.rows)
    return [f"  {name}  ({count} row{'s'[: count > 1]})" for name, count in counts.items()]


def _spread(group: Group) -> str:
    from allocc.questions.prices.prices import amount

    most = max(group.rows, key=lambda r: abs(r.price))
    return (
        f"{group.binding} of {len(group.rows)} bind; the most: {amount(most.price)} at {most.name}"
    )


def _object(result: Result, found: Prices | None) -> dict[str, Any]:
    """What --json prints."""
    data: dict[str, Any] = {
        "model": result.model,
        "title": result.title,
        "status": result.status,
        "stopped": result.stopped,
        "sense": result.sense,
        "value": result.value,
        "bound": result.bound,
        "gap": result.gap,
        "prices": None if found is None else found.status,
        "local": True,
        "exact": None if found is None else found.exact,
        "integers": None if found is None else found.integers,
        "fixed_value": None if found is None else found.value,
        "notes": list(dict.fromkeys((*result.notes, *(() if found is None else found.notes)))),
        "limits": [],
    }
    for group in [] if found is None else found.single():
        (row,) = group.rows
        data["limits"].append(
            {
                "name": row.name,
                "limit": row.limit,
                "labels": list(row.labels),
                "side": row.side,
                "price": None if row.whole else row.price,
                "binding": row.binding,
                "unit": row.unit,
                "description": row.description,
            }
        )
    return data
