"""Diagnostics of units: E41xx, W41xx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from allocc.dsl.diagnostics import Diagnostic, Note
from allocc.dsl.tree import Span


@dataclass(frozen=True, slots=True)
class Side:
    """One of two things whose units disagree: its words, and its unit in words (`in USD`)."""

    text: str
    unit: str
    span: Span


@dataclass(frozen=True, slots=True)
class Mend:
    """What to do about a mismatch. `scale` is the relation of two scales of one dimension."""

    hint: str
    scale: str | None = None
    notes: tuple[Note, ...] = ()


def _code(code: str, mend: Mend) -> str:
    """A scale has a code of its own, because its mend is another one."""
    return "E4107" if mend.scale else code


def _scale(mend: Mend) -> str:
    return f" ({mend.scale})" if mend.scale else ""


def different_units(code: str, what: str, first: Side, second: Side, mend: Mend) -> Diagnostic:
    """Two values that are added (E4101) or compared (E4102), and have different units."""
    return Diagnostic(
        _code(code, mend),
        f"{what} needs one unit, but `{first.text}` is {first.unit} and "
        f"`{second.text}` is {second.unit}{_scale(mend)}",
        second.span,
        mend.hint,
        notes=(Note(f"`{first.text}` is {first.unit}", first.span), *mend.notes),
    )


def other_unit_declared(
    what: str, name: str, wanted: str, value: Side, declared: Span, mend: Mend
) -> Diagnostic:
    """A value, or an end of a range, that has another unit than the name was declared with."""
    return Diagnostic(
        _code("E4103", mend),
        f"the {what} of '{name}' is {value.unit}, but '{name}' is declared {wanted}{_scale(mend)}",
        value.span,
        mend.hint,
        notes=(Note("declared here", declared), *mend.notes),
    )


def flow_unit(
    name: str, wanted: str, value: Side, compartment: tuple[str, str, Span], time: str, mend: Mend
) -> Diagnostic:
    """A flow that is not in the unit of its compartment per unit of time."""
    place, unit, span = compartment
    return Diagnostic(
        _code("E4104", mend),
        f"flow '{name}' must be {wanted}, but this is {value.unit}{_scale(mend)}",
        value.span,
        mend.hint,
        notes=(
            Note(f"'{place}' is {unit} and time is {time}, so the flow is {wanted}", span),
            *mend.notes,
        ),
    )


def flow_between_units(name: str, first: Side, second: Side) -> Diagnostic:
    """A flow from a compartment in one unit to one in another."""
    return Diagnostic(
        "E4104",
        f"flow '{name}' leaves '{first.text}', which is {first.unit}, "
        f"and enters '{second.text}', which is {second.unit}",
        second.span,
        "what leaves one compartment enters the other: give both one unit, "
        "or write two flows, one that leaves and one that enters",
    )


def effect_unit(
    name: str, wanted: str, value: Side, compartment: tuple[str, str, Span], time: str, mend: Mend
) -> Diagnostic:
    """An effect that adds something in another unit to a flow."""
    place, unit, span = compartment
    return Diagnostic(
        _code("E4105", mend),
        f"this effect is {value.unit}, but it is added to flow '{name}', "
        f"which is {wanted}{_scale(mend)}",
        value.span,
        mend.hint,
        notes=(
            Note(f"'{place}' is {unit} and time is {time}, so the flow is {wanted}", span),
            *mend.notes,
        ),
    )


def factor_unit(name: str, value: Side, mend: Mend) -> Diagnostic:
    """An effect that multiplies a parameter by something that has a unit."""
    return Diagnostic(
        _code("E4105", mend),
        f"this effect multiplies '{name}', so it must be a pure number, "
        f"but it is {value.unit}{_scale(mend)}",
        value.span,
        mend.hint,
        notes=mend.notes,
    )


def not_pure(what: str, value: Side, mend: Mend) -> Diagnostic:
    """A value with a unit where only a pure number has a meaning."""
    return Diagnostic(
        _code("E4106", mend),
        f"{what} must be a pure number, but `{value.text}` is {value.unit}{_scale(mend)}",
        value.span,
        mend.hint,
        notes=mend.notes,
    )


def term_units(name: str, other: str, value: Side, first: Side, mend: Mend) -> Diagnostic:
    """Terms of an objective that are added, but have different units and no weight."""
    return Diagnostic(
        _code("E4108", mend),
        f"the terms of the objective are added, but '{name}' is {value.unit} "
        f"and '{other}' is {first.unit}{_scale(mend)}",
        value.span,
        "say what one is worth in the other: multiply by a weight, which is a number "
        f"(`0.5 * ...`) or a parameter ({mend.hint})",
        notes=(Note(f"'{other}' is {first.unit}", first.span), *mend.notes),
    )


def in_call(
    name: str, arguments: Sequence[str], inner: Diagnostic, call: Span, mend: str | None
) -> Diagnostic:
    """A mismatch that the arguments of a call bring into a function's body."""
    if inner.code == "E4109":
        return replace(
            inner, span=call, notes=(Note("which is called here", inner.span), *inner.notes)
        )
    given = f" with {', '.join(arguments)}" if arguments else ""
    return Diagnostic(
        "E4109",
        f"'{name}' cannot be called{given}: {inner.message}",
        call,
        mend,
        notes=(Note(f"this is in '{name}'", inner.span),),
    )


def unit_of_nothing(word: str, span: Span) -> Diagnostic:
    """A unit declared as nought of another."""
    return Diagnostic(
        "E4110",
        f"unit '{word}' cannot be 0 of another unit",
        span,
        f"write how many there are in one, as in `unit {word} = 10 dose`",
    )


def lag_unit(lag: Side, time: str, step: str) -> Diagnostic:
    """A lag in time whose unit is not that of the steps."""
    return Diagnostic(
        "E4111",
        f"a lag counts steps, but `{lag.text}` is {lag.unit}",
        lag.span,
        f"time is {time}, in steps of {step}: divide by the length of a step in the same unit",
    )


def unit_near_miss(word: str, known: str, span: Span) -> Diagnostic:
    """A word that is taken for a unit of its own, but looks like a known one."""
    return Diagnostic(
        "W4101",
        f"unit '{word}' is not known, and is taken for a unit of its own",
        span,
        f"did you mean '{known}'? If not, declare it: `unit {word}`",
    )
