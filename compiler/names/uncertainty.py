"""What is uncertain, and what may come of it: what `uncertain`, `scenario` and `after` may say, from the text alone."""

from __future__ import annotations

from collections.abc import Iterator

from allocc.compiler.names import errors
from allocc.compiler.names.structure import Declarations, describe
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic

#: The distributions, and the numbers that each is told.
DISTRIBUTIONS = {
    "normal": ("MEAN", "SD"),
    "lognormal": ("MEDIAN", "SD_OF_LOG"),
    "uniform": ("LOW", "HIGH"),
    "triangular": ("LOW", "MODE", "HIGH"),
    "beta": ("A", "B"),
}
#: Of those, what has no unit, whatever the parameter's is.
PURE = frozenset(["SD_OF_LOG", "A", "B"])
#: What worlds are weighed by, beside `cvar` with a share.
MEASURES = ("mean", "worst", "regret")


def distribution_of(statement: tree.Uncertain) -> tree.Call | None:
    """The distribution, where it is one and has the numbers that it needs."""
    e = statement.distribution
    if isinstance(e, tree.Call) and e.index is None:
        wanted = DISTRIBUTIONS.get(e.function.name)
        if wanted is not None and len(e.arguments) == len(wanted):
            return e
    return None


def measure_text(measure: tree.Measure) -> str:
    """A measure as it is asked for elsewhere, as `cvar 90%`."""
    level = "" if measure.level is None else f" {measure.level.written}"
    return measure.name.name + level


def check_uncertainty(declared: Declarations) -> Iterator[Diagnostic]:
    """Every mistake about what is uncertain that can be seen without data."""
    first: dict[str, tree.Uncertain] = {}
    for statement in declared.uncertain:
        name = statement.name.name
        known = first.setdefault(name, statement)
        if known is not statement:
            what = f"`uncertain` of '{name}'"
            yield errors.repeated_statement(what, statement.span, known.span)
        yield from _parameter(statement, declared)
        yield from _distribution(statement)
    scenario = declared.scenario
    if scenario is not None:
        if scenario.draws is not None and not declared.uncertain:
            yield errors.nothing_uncertain(scenario.name.name, scenario.draws.span)
        yield from _measure(scenario.measure)
    for decide in declared.every(tree.Decide).values():
        if decide.after is not None:
            yield from _after(decide.after, declared)


def _parameter(statement: tree.Uncertain, declared: Declarations) -> Iterator[Diagnostic]:
    name, span = statement.name.name, statement.name.span
    if name in declared.broken:
        return
    found = declared.names.get(name)
    if found is None:
        pool = declared.every(tree.Parameter)
        yield errors.unknown_name(name, span, pool, "parameter")
    elif not isinstance(found, tree.Parameter):
        yield errors.wrong_kind(name, describe(found), "a parameter", span)
    elif found.kind != "continuous":
        wanted = "a parameter that may be any number"
        yield errors.wrong_kind(name, f"{_article(found.kind)} parameter", wanted, span)


def _article(kind: str) -> str:
    return "an integer" if kind == "integer" else f"a {kind}"


def _distribution(statement: tree.Uncertain) -> Iterator[Diagnostic]:
    e = statement.distribution
    if not isinstance(e, tree.Call) or e.index is not None or e.function.name not in DISTRIBUTIONS:
        kinds = [f"{word}({', '.join(given)})" for word, given in DISTRIBUTIONS.items()]
        yield errors.unknown_distribution(" ".join(e.span.text.split()), kinds, e.span)
        return
    wanted = DISTRIBUTIONS[e.function.name]
    if len(e.arguments) != len(wanted):
        words = f"{len(wanted)} numbers ({', '.join(wanted)})"
        yield errors.wrong_argument_count(e.function.name, words, len(e.arguments), e.span)


def _measure(measure: tree.Measure | None) -> Iterator[Diagnostic]:
    if measure is None:
        return
    name, level = measure.name.name, measure.level
    good = level is None if name in MEASURES else name == "cvar" and level is not None
    if not good or (level is not None and not 0 <= level.value < 1):
        yield errors.unknown_measure(measure_text(measure), measure.span)


def _after(name: tree.Identifier, declared: Declarations) -> Iterator[Diagnostic]:
    if name.name in declared.broken:
        return
    found = declared.names.get(name.name)
    if isinstance(found, tree.Scenario):
        return
    if found is not None:
        yield errors.wrong_kind(name.name, describe(found), "a scenario", name.span)
        return
    pool = [] if declared.scenario is None else [declared.scenario.name.name]
    has = f"the model's is '{pool[0]}'" if pool else "declare it: "
    hint = has if pool else f'{has}`scenario {name.name} from "draws.csv"`'
    yield errors.unknown_name(name.name, name.span, pool, "scenario", hint)
