"""What a model does by itself, as data: `allocc analyze`, `Model.analyze`.

Times are in the unit of the model's time, rates per that unit, amounts in the units of the compartments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from allocc.results.run_folder.json_values import APART


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression in the model's names: as text, and as an expression of SymPy."""

    text: str
    expression: Any = field(metadata=APART, repr=False)


@dataclass(frozen=True, slots=True)
class FlowFormula:
    """A flow: what it takes from and brings to (empty for the outside), and its amount per unit of time.

    `written` is the amount as it stands in the model; `amount` is None where the model is too large.
    """

    name: str
    origin: str
    target: str
    written: str
    amount: Formula | None
    description: str = ""


@dataclass(frozen=True, slots=True)
class RateFormula:
    """The right-hand side of dx/dt of a compartment, as `I` or `I[North]`."""

    compartment: str
    rate: Formula


@dataclass(frozen=True, slots=True)
class StateOfRest:
    """A state in which nothing changes.

    `values` has each compartment's point; None where that is not determined. `formulas` has each as an
    expression, where one was found; of the compartments in `free` any value will do. `possible` says whether
    no compartment is below zero with the data at hand; `stable` whether small changes die out, None where
    they neither die out nor grow, or nothing is known; `reached` whether the model comes to it from its start.
    """

    kind: Literal["disease-free", "endemic", "rest", "settles"]
    values: Mapping[str, float | None]
    formulas: Mapping[str, Formula] | None = None
    free: tuple[str, ...] = ()
    possible: bool = True
    stable: bool | None = None
    reached: bool = False


@dataclass(frozen=True, slots=True)
class GroupNumber:
    """A group in an epidemic of several.

    `alone` is R0 of the group without any other; `causes` the new infections, in all groups, that one case
    in it causes; `share` its part of the new infections once the epidemic grows evenly.
    """

    group: str
    alone: float | None
    causes: float
    share: float


@dataclass(frozen=True, slots=True)
class Elasticity:
    """By how many percent R0 changes if a parameter grows by one percent (all members of it alike).

    `formula` has it as an expression where R0 is one. `elasticity` is None where the state without the
    disease is none any more if the parameter changes.
    """

    parameter: str
    elasticity: float | None
    value: float | None = None
    formula: Formula | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The basic reproduction number.

    `matrix` is the next-generation matrix, over `cases`, the compartments where new infections arise:
    entry i, j is how many new infections in i a case that begins in j causes. `growth` is the rate per unit
    of time at which few cases grow, `doubling` the time in which they double (halve, where it is negative).
    """

    number: float
    formula: Formula | None
    growth: float
    cases: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]
    groups: tuple[GroupNumber, ...] = ()
    elasticities: tuple[Elasticity, ...] = ()
    #: The compartments' values that the formula is in, where there is none for them: as in the state of rest.
    at_rest: tuple[str, ...] = ()

    @property
    def doubling(self) -> float | None:
        """The time in which few cases double; negative: halve. None where they stay as many."""
        from math import log

        return log(2) / self.growth if self.growth else None


@dataclass(frozen=True, slots=True)
class ConservedTotal:
    """Compartments to which nothing comes from outside and which nothing leaves; their total at the start."""

    compartments: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class SafeStep:
    """How long a step of explicit Euler may be near a state.

    With at most `positive`, no step takes more from a compartment than it holds; `compartment` is emptied
    first, by `flows`. With less than `stable`, small errors die out as they do in continuous time. None
    where there is no such limit.
    """

    state: Literal["start", "disease-free", "rest"]
    positive: float | None
    compartment: str
    flows: tuple[str, ...]
    stable: float | None


@dataclass(frozen=True, slots=True)
class Stay:
    """The mean time that one who comes to a compartment stays there, until the next flow out of it.

    `in_all` is the mean time that one who begins in the compartment spends in each of those that are left for
    good, in all stays; None where flows are not linear.
    """

    compartment: str
    once: float | None
    in_all: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a model does by itself: no intervention acts, every decision is at its lower end."""

    model: str
    title: str
    time_unit: str
    flows: tuple[FlowFormula, ...]
    rates: tuple[RateFormula, ...]
    #: The compartments that carry an infection, and the flows by which it is passed on.
    infected: tuple[str, ...]
    transmissions: tuple[str, ...]
    #: How they were found: "structure" (from the flows) or "given".
    found_by: Literal["structure", "given"]
    disease_free: StateOfRest | None
    reproduction: Reproduction | None
    states_of_rest: tuple[StateOfRest, ...]
    totals: tuple[ConservedTotal, ...]
    steps: tuple[SafeStep, ...]
    #: The length of the model's own step, and its method.
    step: float
    method: str
    stays: tuple[Stay, ...]
    notes: tuple[str, ...]
