"""Diagnostics of the front door, E7xxx: command line values, run folders, decisions from outside.

What each code means is told in `cli/codes.md`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from allocc.dsl.diagnostics import DataPlace, Diagnostic, nearest, nearest_file
from allocc.dsl.tree import Span


def no_model(path: str, others: Sequence[str]) -> Diagnostic:
    """A model file that does not exist."""
    close = nearest_file(path, others)
    hint = f"did you mean '{close}'?" if close else "start a model with `allocc new`"
    return Diagnostic("E7001", f"there is no model file '{path}'", hint=hint)


def model_is_folder(path: str, inside: Sequence[str]) -> Diagnostic:
    """A folder where a model file is wanted."""
    hint = f"it holds {_listed(inside)}" if inside else "it holds no .alloc file"
    return Diagnostic("E7002", f"'{path}' is a folder, not a model file", hint=hint)


def no_data_folder(path: str, is_file: bool) -> Diagnostic:
    """`--data` names something that is not a folder."""
    what = "is a file, not a folder" if is_file else "does not exist"
    hint = "name the folder that the file is in" if is_file else "name the folder of the CSV files"
    return Diagnostic("E7003", f"the data folder '{path}' {what}", hint=hint)


def bad_set(text: str) -> Diagnostic:
    """A `--set` that is not NAME=VALUE."""
    return Diagnostic(
        "E7004",
        f"--set {text}: a name, an equals sign and a value are needed",
        hint="write --set cap=12, or --set 'cap[44001]=12' for one member",
    )


def bad_option(option: str, value: object, wanted: str) -> Diagnostic:
    """An option whose value is out of its range."""
    return Diagnostic("E7005", f"{option} is {value}, but must be {wanted}")


def bad_gap(gap: object) -> Diagnostic:
    """A gap that is no part of the value: 1, which is 100 %, would take nearly any allocation."""
    shown, hint = str(gap), None
    if isinstance(gap, int | float) and not isinstance(gap, bool):
        shown = f"{gap:g}" + (f", which is {gap:.0%}" if 1 <= gap < math.inf else "")
        if 1 <= gap < 100:
            hint = f"for {gap:g} % write --gap {gap:g}%, in Python gap={gap / 100:g}"
    wanted = "0 or more and below 1, as 1% or 0.01"
    return Diagnostic("E7005", f"--gap is {shown}, but must be {wanted}", hint=hint)


def unknown_choice(option: str, value: object, choices: Sequence[str]) -> Diagnostic:
    """A solver, method, template or stage that does not exist."""
    close = nearest(str(value), choices)
    hint = f"did you mean '{close}'? " if close else ""
    return Diagnostic(
        "E7006", f"{option}: there is no '{value}'", hint=f"{hint}choose from {_listed(choices)}"
    )


def folder_taken(path: str) -> Diagnostic:
    """A run folder that holds something already."""
    return Diagnostic(
        "E7007",
        f"the folder '{path}' exists already and is not overwritten",
        hint="choose another folder, or remove this one",
    )


def cannot_write(what: str, path: str, reason: str) -> Diagnostic:
    """A file or folder that the system does not let us write."""
    return Diagnostic(
        "E7008",
        f"{what} cannot be written to '{path}': {reason[:1].lower()}{reason[1:]}",
        hint="choose another place with --run DIR" if what == "the run folder" else None,
    )


def no_decisions(path: str, reason: str) -> Diagnostic:
    """Decisions that cannot be read."""
    return Diagnostic(
        "E7009",
        f"no decisions can be read from '{path}': {reason}",
        hint="name a run folder, or a CSV file with the columns name, one for each index, value",
    )


def bad_decision(
    message: str, hint: str | None = None, file: str | None = None, row: int | None = None
) -> Diagnostic:
    """Decisions that do not fit the model."""
    place = DataPlace(file, row) if file is not None else None
    return Diagnostic("E7010", message, hint=hint, data=place)


def unknown_decision(
    name: str, candidates: Iterable[str], file: str | None = None, row: int | None = None
) -> Diagnostic:
    """A value for a decision that the model does not have."""
    pool = list(candidates)
    close = nearest(name, pool)
    hint = f"did you mean '{close}'?" if close else f"it has {_listed(pool)}"
    return bad_decision(f"the model has no decision '{name}'", hint, file, row)


def no_form_of_decisions(given: str) -> Diagnostic:
    """An object that is no decisions."""
    return Diagnostic(
        "E7050",
        f"{given} cannot be read as decisions",
        hint="give the path of a run folder or CSV file, a Result, a dict of decisions by name, "
        "or a DataFrame with the columns name, one for each index, value",
    )


def given_twice(shown: str, rows: Sequence[int | None], file: str | None, more: int) -> Diagnostic:
    """A decision that stands twice among those given; `more` others do so, too."""
    where = f", in rows {rows[0]} and {rows[1]}" if None not in rows else ""
    others = f" ({more} more {'is' if more == 1 else 'are'})" if more else ""
    place = DataPlace(file, rows[1]) if file is not None else None
    hint = "keep one of them"
    return Diagnostic("E7051", f"{shown} is given twice{where}{others}", hint=hint, data=place)


def not_whole(
    shown: str, value: float, where: str, file: str | None, row: int | None
) -> Diagnostic:
    """A value between two whole numbers for a decision that is one."""
    low, high = math.floor(value), math.ceil(value)
    place = DataPlace(file, row) if file is not None else None
    return Diagnostic(
        "E7052",
        f"{shown} = {value:.12g}{where}, but it is a whole number in the model",
        hint=f"write {low} or {high}",
        data=place,
    )


def no_index_column(
    decision: str, missing: Sequence[str], header: Sequence[str], what: str, file: str | None
) -> Diagnostic:
    """A table of decisions without a column for each index."""
    place = DataPlace(file, 1) if file is not None else None
    columns = "column" if len(missing) == 1 else "columns"
    return Diagnostic(
        "E7053",
        f"{what} lacks the {columns} {_listed(missing)} for the index of '{decision}'",
        hint=f"it has {_listed(header)}" if header else None,
        data=place,
    )


def no_path(what: str, reason: str) -> Diagnostic:
    """Something from Python that names no file or folder."""
    return Diagnostic(
        "E7054", f"the path of {what} cannot be {reason}", hint="give a str or a Path"
    )


def too_few_to_compare(count: int) -> Diagnostic:
    """A comparison of fewer than two."""
    return Diagnostic(
        "E7240",
        f"a comparison needs two allocations or more, and {count or 'none'} is named",
        hint="name run folders, `baseline`, or `policy:NAME` for a policy of the model",
    )


def nothing_to_compare(what: str) -> Diagnostic:
    """Something that is no allocation that can be compared."""
    return Diagnostic(
        "E7241",
        f"{what} cannot be compared",
        hint="give the path of a run folder, a Result, 'baseline', or 'policy:NAME'",
    )


def no_model_to_compare(name: str, file: str | None) -> Diagnostic:
    """A side that only a model gives a meaning, where there is no model."""
    return Diagnostic(
        "E7242",
        f"'{name}' needs the model, and no run that is named holds a copy of it",
        hint=f"name the model: --model {file or 'MODEL.alloc'}, and --data DIR if its tables are elsewhere",
    )


def unknown_policy(name: str, policies: Sequence[str]) -> Diagnostic:
    """A policy that the model does not have."""
    close = nearest(name, policies)
    hint = f"did you mean '{close}'? " if close else ""
    has = f"it has {_listed(policies)}" if policies else "write one: `policy NAME { ... }`"
    return Diagnostic("E7243", f"the model has no policy '{name}'", hint=hint + has)


def two_sources(option: str, other: str) -> Diagnostic:
    """Two options that each say what the decisions are."""
    return Diagnostic(
        "E7244",
        f"{option} and {other} both say what the decisions are",
        hint="leave one of them out",
    )


def bad_values(name: str, text: str, reason: str, hint: str) -> Diagnostic:
    """A list of values of a sweep that cannot be read."""
    return Diagnostic("E7250", f"--set {name}={text}: {reason}", hint=hint)


def no_folders(pattern: str, files: bool) -> Diagnostic:
    """Data folders of a sweep that are not there."""
    what = "files, but no folder" if files else "nothing"
    return Diagnostic(
        "E7251",
        f"--data {pattern} matches {what}",
        hint="name the folders of CSV files, with * for any name, in quotes: --data 'states/*'",
    )


def bad_shard(text: object) -> Diagnostic:
    """A part of a sweep that is none."""
    return Diagnostic(
        "E7252",
        f"--shard is {text}, but must be K/N, the K-th of N parts, as 1/8 to 8/8",
        hint="in a Slurm array: --shard $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT",
    )


def bad_cluster(address: str, reason: str) -> Diagnostic:
    """A cluster that cannot be used."""
    return Diagnostic(
        "E7253",
        f"the cluster '{address}' cannot be used: {reason}",
        hint="name a scheduler of Dask that runs: --cluster dask://HOST:8786",
    )


def no_workers(reason: str) -> Diagnostic:
    """Processes that do not start."""
    return Diagnostic(
        "E7254",
        f"no process to solve in can be started: {reason}",
        hint="take fewer with --workers, or set ALLOCC_IN_PROCESS=1 to solve one after the other",
    )


def not_a_sweep(path: str) -> Diagnostic:
    """A folder for a sweep that something else is in."""
    return Diagnostic(
        "E7255",
        f"the folder '{path}' holds something, but no sweep",
        hint="choose another folder: one that is new, or that of a sweep, which is gone on with",
    )


def nothing_to_sweep(what: str) -> Diagnostic:
    """A sweep without a point."""
    return Diagnostic("E7256", f"there is no point to solve: {what}", hint="give it a value")


def no_model_in_run(folder: str, name: str | None) -> Diagnostic:
    """A run folder that is to be checked and has no copy of its model."""
    named = f"--model {name}" if name else "--model MODEL.alloc"
    return Diagnostic(
        "E7055",
        f"the run folder '{folder}' holds no copy of its model",
        hint=f"name the model that it was made from: {named}, and --data DIR if its tables are "
        "elsewhere",
    )


def cannot_express(path: str, reason: str) -> Diagnostic:
    """A program that the chosen file format cannot hold."""
    return Diagnostic("E7011", f"'{path}' is not written: {reason}")


def nothing_to_explain(text: str, known: Sequence[str]) -> Diagnostic:
    """Neither a model file nor a code."""
    close = nearest(text.upper(), known)
    hint = f"did you mean {close}?" if close else "name a .alloc file, or a code such as E1001"
    return Diagnostic("E7012", f"'{text}' is neither a model file nor a known code", hint=hint)


def bad_name(name: str) -> Diagnostic:
    """A name for a new model that the language does not allow."""
    return Diagnostic(
        "E7013",
        f"'{name}' cannot be the name of a model",
        hint="begin with a letter and go on with letters, digits and _",
    )


def not_a_run(path: str, reason: str) -> Diagnostic:
    """A folder that holds no readable run; another kind of answer may be in it."""
    hint = None
    for file, what, use in OTHER_FOLDERS:
        if (Path(path) / file).is_file():
            hint = f"it is {what}: {use.format(path)}"
    return Diagnostic("E7014", f"'{path}' is not a run folder of allocc: {reason}", hint=hint)


#: Folders of other answers, by a file in them, and what to do with them.
OTHER_FOLDERS = (
    (
        "over.json",
        "an answer over draws, with its pictures in it",
        "`allocc evaluate {0} --over DRAWS` goes on with it, and"
        + " `allocc simulate MODEL --decisions {0}/decisions.csv --run DIR` makes a run of its decisions",
    ),
    ("sweep.json", "a sweep, with its table and picture in it", "its decisions are in {0}/points"),
)


def cannot_serve(reason: str, hint: str) -> Diagnostic:
    """A method that does not fit the model or the solver."""
    return Diagnostic("E7015", reason, hint=hint)


def nothing_to_decide(model: str) -> Diagnostic:
    """A model without a decision and a limit, which there is nothing to prove in."""
    return Diagnostic(
        "E7016",
        f"there is nothing to decide in '{model}': it has no `decide`",
        hint="`allocc simulate` shows what happens without any decision",
    )


def unknown_term(name: str, terms: Sequence[str]) -> Diagnostic:
    """`--between` names a term that the objective does not have."""
    close = nearest(str(name), terms)
    hint = f"did you mean '{close}'? " if close else ""
    return Diagnostic(
        "E7020", f"the objective has no term '{name}'", hint=f"{hint}it has {_listed(terms)}"
    )


def no_trade(reason: str, hint: str) -> Diagnostic:
    """Two terms between which there is no frontier."""
    return Diagnostic("E7021", f"there is no frontier: {reason}", hint=hint)


def nothing_to_draw(what: str, reason: str) -> Diagnostic:
    """A plot for which a run has nothing."""
    return Diagnostic("E7031", f"there is nothing to draw for '{what}': {reason}")


def no_answer(reason: str) -> Diagnostic:
    """Standard output takes nothing."""
    return Diagnostic(
        "E7040",
        f"the answer cannot be written to standard output: {reason[:1].lower()}{reason[1:]}",
        hint="send it where there is room, with > FILE; a run folder that was written stays",
    )


def refused(path: str, reason: str) -> Diagnostic:
    """A file or folder that the system does not let us use, whatever for."""
    return Diagnostic("E7041", f"'{path}' cannot be used: {reason[:1].lower()}{reason[1:]}")


def missing(reason: str, install: str) -> Diagnostic:
    """A solver or a library that is not installed, or whose licence does not reach."""
    return Diagnostic("E7060", reason, hint=f"install it: {install}" if install else None)


def nothing_to_analyze(reason: str) -> Diagnostic:
    """A model that does not move by itself."""
    return Diagnostic(
        "E7230",
        f"there is nothing to analyze in this model: {reason}",
        hint="`allocc analyze` is about compartments and the flows between them",
    )


def looks_back(flow: str, span: Span) -> Diagnostic:
    """A flow that depends on what a compartment was, or at a fixed time."""
    return Diagnostic(
        "E7231",
        f"flow '{flow}' reads '{span.text}', which is not the compartment as it is now",
        span,
        "the analysis is of equations in which all depends on the current state: put what is remembered"
        " into a compartment of its own, as E between S and I",
    )


def too_large_to_analyze(points: int, most: int) -> Diagnostic:
    """A model with more points of compartments than matrices are made of."""
    return Diagnostic(
        "E7232",
        f"the compartments of this model have {points:,} points together, and at most {most:,} are analyzed",
        hint="take fewer groups: a smaller table in the data folder, or a set with fewer members",
    )


def not_a_compartment(name: str, known: Sequence[str]) -> Diagnostic:
    """A name of `--infected` that no compartment has."""
    close = nearest(name, known)
    hint = f"did you mean '{close}'? " if close else ""
    return Diagnostic(
        "E7233",
        f"there is no compartment '{name}' that could be infected",
        hint=f"{hint}the model has {_listed(known)}",
    )


def no_rate_at_start(flow: str) -> Diagnostic:
    """A flow that has no finite value where the model begins."""
    return Diagnostic(
        "E7234",
        f"flow '{flow}' has no finite value at the start, so that nothing can be said of it",
        hint="`allocc simulate` says which formula and which numbers; often a group is empty, and divides",
    )


def out_of_memory() -> Diagnostic:
    """A model that does not fit into memory."""
    return Diagnostic(
        "E7030",
        "there is not enough memory for this model",
        hint="use the pairs that are meant as an index set, a longer step, or fewer members",
    )


def bounds_infeasible() -> Diagnostic:
    """Propagation alone shows that no allocation meets every limit."""
    return Diagnostic(
        "W7001",
        "no allocation can meet every limit: the ranges of the decisions already exclude it",
        hint="`allocc solve` reports it as infeasible; loosen a limit or a range",
    )


def no_course(name: str, span: Span) -> Diagnostic:
    """A fit whose model goes nowhere finite from any start."""
    return Diagnostic(
        "E7210",
        f"fit '{name}' cannot begin: from no start does the model have finite values that could be "
        "observed",
        span,
        "give a first guess near what is likely, as `estimate beta in 0 .. from 0.3`",
    )


def no_draws(reason: str) -> Diagnostic:
    """Draws that are asked for where estimates have no error."""
    return Diagnostic(
        "E7211",
        f"there is nothing to draw from: {reason}",
        hint="observe more, or keep some of the estimates at what they are known to be",
    )


def nothing_to_fit(model: str) -> Diagnostic:
    """`allocc fit` of a model that has no fit."""
    return Diagnostic(
        "E7212",
        f"there is nothing to fit in '{model}': it has no `fit`",
        hint="say what is unknown and what was observed: "
        "`fit history { estimate beta in 0 .. observe I = cases.ill }`",
    )


def several_fits(names: Sequence[str]) -> Diagnostic:
    """More than one fit, and none is named."""
    return Diagnostic(
        "E7213", f"the model has {len(names)} fits", hint=f"name one with --fit: {_listed(names)}"
    )


def not_fitted(path: str, reason: str) -> Diagnostic:
    """A file that holds no estimates."""
    return Diagnostic(
        "E7214",
        f"'{path}' holds no estimates of a fit: {reason}",
        hint="`allocc fit MODEL -o DIR` writes DIR/fitted.json",
    )


def fitted_elsewhere(path: str, names: Sequence[str], model: str) -> Diagnostic:
    """Estimates of parameters that the model does not have."""
    return Diagnostic(
        "E7215",
        f"'{path}' has estimates of {_listed(names)}, which are no parameters of '{model}'",
        hint="name the file of a fit of this model",
    )


def no_events(model: str, missing: str) -> Diagnostic:
    """A stochastic simulation of a model in which nothing happens over time."""
    return Diagnostic(
        "E7260",
        f"no events happen in '{model}': {missing}",
        hint="events are the flows between compartments; without them `allocc simulate` says all there is",
    )


def no_counts(compartment: str, reason: str, scale: float) -> Diagnostic:
    """Compartments that cannot be counted in whole persons."""
    what = "" if scale == 1 else f", with --scale {scale:g}"
    return Diagnostic(
        "E7261",
        f"compartment '{compartment}' cannot be counted in whole persons: {reason}{what}",
        hint="say how many persons one unit of a compartment is, as --scale 10000 for shares of ten thousand",
    )


def too_many_courses(courses: int, points: int, most: int) -> Diagnostic:
    """More numbers than are kept."""
    kept = (
        f"at most {most:,} are kept" if most >= 2 else "that is too large for any number of courses"
    )
    return Diagnostic(
        "E7262",
        f"{courses:,} courses are too many: each has {points:,} numbers, and {kept}",
        hint=f"ask for {most:,} or fewer" if most >= 2 else "take fewer groups, or fewer steps",
    )


def no_rate_in_course(flow: str, when: str, course: int, finite: bool) -> Diagnostic:
    """A flow that has no rate that events could happen at."""
    what = f"flow '{flow}' has" if flow else "a compartment has"
    lost = "more persons than can be counted one by one" if finite else "no finite rate"
    hint = "take another unit, or a smaller --scale"
    if not finite:
        hint = "often a group is empty in this course, and divides; write I / max(1, N) for I / N"
    return Diagnostic("E7263", f"{what} {lost} at {when} in course {course:,}", hint=hint)


def bad_range(text: str) -> Diagnostic:
    """A `--vary` that says no range."""
    return Diagnostic(
        "E7265",
        f"--vary {text}: no range of a parameter can be read from it",
        hint="write zeta=0.4..0.6, or zeta=+-20% around what it is",
    )


def nothing_varied() -> Diagnostic:
    """A sensitivity analysis of nothing."""
    return Diagnostic(
        "E7265",
        "no parameter is named whose range is to be looked at",
        hint="write --vary zeta=0.4..0.6, or --vary zeta=+-20%",
    )


def no_parameter_to_vary(name: str, known: Sequence[str]) -> Diagnostic:
    """A `--vary` of what is no parameter."""
    close = nearest(name, known)
    hint = f"did you mean '{close}'? " if close else ""
    return Diagnostic(
        "E7266",
        f"the model has no parameter '{name}' to vary",
        hint=f"{hint}it has {_listed(known)}",
    )


def cannot_vary(name: str, reason: str, hint: str | None) -> Diagnostic:
    """A parameter that cannot be moved as asked."""
    return Diagnostic("E7266", f"'{name}' cannot be varied so: {reason}", hint=hint)


def no_power_of_two(given: object) -> Diagnostic:
    """A number of samples that Sobol points do not come in."""
    return Diagnostic(
        "E7267",
        f"--together is {given}, but must be a power of 2",
        hint="write 64, 128 or 256: Sobol points are even only in such numbers",
    )


def bad_point(where: str, reason: str) -> Diagnostic:
    """Values within ranges that make no model."""
    return Diagnostic(
        "E7268",
        f"with {where} there is no model: {reason}",
        hint="take a narrower range",
    )


def no_value_together(lost: int, of: int, first: str, status: str) -> Diagnostic:
    """Points of all parameters together that have no value."""
    return Diagnostic(
        "E7269",
        f"{lost:,} of {of:,} points have no value, the first ({status}) at {first}",
        hint="take narrower ranges, or turn the limits in question into `prefer`: indices need every value",
    )


def only_stochastic(option: str) -> Diagnostic:
    """An option of a stochastic simulation without one."""
    return Diagnostic(
        "E7264",
        f"{option} is for a stochastic simulation, and none is asked for",
        hint=f"add --stochastic 500, or leave {option} out",
    )


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = [f"'{n}'" for n in names[:most]] + (["..."] if len(names) > most else [])
    return ", ".join(shown)


def no_rate(name: str, unit: str, time: str) -> Diagnostic:
    """A total over time of what is not known to be a rate."""
    said = f"it is in {unit}" if unit else "it has no unit"
    return Diagnostic(
        "E7070",
        f"'{name}' has no total over time: {said}, which is no rate in the model's unit of time",
        hint=f"add it up as it is with `result['{name}'].sum()`, or declare it over `period` with a "
        f"unit as USD/{time or 'year'}",
    )
