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


def different_units(
    what: str, first: Side, second: Side, mend: Mend, compared: bool = False
) -> Diagnostic:
    """Two values that are added, or compared, and have different units."""
    return Diagnostic(
        _code("E4102" if compared else "E4101", mend),
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


@dataclass(frozen=True, slots=True)
class Rule:
    """Why a flow has its unit: a compartment, its unit in words, and the unit of time."""

    compartment: str
    unit: str
    span: Span
    time: str
    wanted: str

    @property
    def note(self) -> Note:
        """The rule as a note."""
        return Note(
            f"'{self.compartment}' is {self.unit} and time is {self.time}, "
            f"so the flow is {self.wanted}",
            self.span,
        )

    def amount(self, value: Side) -> str:
        """A word where an amount stands for an amount per time."""
        same = value.unit == self.unit
        return f"; a flow is an amount per {self.time.removeprefix('in ')}" if same else ""


def flow_unit(name: str, rule: Rule, value: Side, mend: Mend) -> Diagnostic:
    """A flow that is not in the unit of its compartment per unit of time."""
    return Diagnostic(
        _code("E4104", mend),
        f"flow '{name}' must be {rule.wanted}, but this is {value.unit}"
        f"{_scale(mend)}{rule.amount(value)}",
        value.span,
        mend.hint,
        notes=(rule.note, *mend.notes),
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


def effect_unit(name: str, rule: Rule, value: Side, mend: Mend) -> Diagnostic:
    """An effect that adds something in another unit to a flow."""
    return Diagnostic(
        _code("E4105", mend),
        f"flow '{name}' is {rule.wanted}, but what this effect adds is {value.unit}"
        f"{_scale(mend)}{rule.amount(value)}",
        value.span,
        mend.hint,
        notes=(rule.note, *mend.notes),
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


def term_units(name: str, other: str, value: Side, first: Side, fits: str) -> Diagnostic:
    """Terms of an objective that are added, but have different units and no weight.

    `fits` is the parameter that would make them agree: `a parameter in USD/person`.
    """
    return Diagnostic(
        "E4108",
        f"the terms of the objective are added, but '{name}' is {value.unit} "
        f"and '{other}' is {first.unit}",
        value.span,
        "say what one is worth in the other: weigh it with a number, as in `0.5 * ...`, "
        f"or with {fits}",
        notes=(Note(f"'{other}' is {first.unit}", first.span),),
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
    """A unit declared as zero of another."""
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


def total_of_no_rate(value: Side, time: str) -> Diagnostic:
    """A total over time of something that is no amount per unit of the model's time."""
    return Diagnostic(
        "E2042",
        f"'total' needs a rate, an amount per {time}, but `{value.text}` is {value.unit}",
        value.span,
        f"add up amounts with `sum`; if it is a rate, give it a unit in .../{time}, or convert it",
    )
