"""Which compartments carry an infection, found from the flows alone.

A flow *transmits* where it takes from one compartment in proportion to others: it grows with them, and is
nothing where they are empty. Those are its *drivers*. From every compartment that a flow leaves, and from
every driver, an edge leads to where the flow goes; but none from what a transmission takes from, for that are
the susceptible. The compartments that carry the infection are those on a circle (a strongly connected
component of this graph) that a transmission closes: from each of them new infections in it can come.

So R of an SIR model is none (nothing leads on from it), nor is R of an SIRS model (it leads to S, from where only
transmission leads on), but E of an SEIR model is one, and the mosquitos of a vector-borne one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.equations.rates import Rates, ends, net

#: States of this many sizes are looked at, for a flow may grow with a compartment at one and not at another.
SIZES = (1e-3, 1.0, 1e3)
#: What is scaled down by `TINY` makes a flow less than `NOTHING` of what it was, if it vanishes with it.
TINY, NOTHING = 1e-12, 1e-5
#: What comes and what goes are in balance where they differ by at most this part of both.
BALANCED = 1e-12


@dataclass(frozen=True, eq=False)
class Infection:
    """Who carries an infection: a mask over all points; and masks over the flows' points.

    `transmits` are the flows' points by which new infections arise.
    """

    infected: BoolArray
    transmits: BoolArray

    @property
    def any(self) -> bool:
        """Whether there is an infection at all."""
        return bool(self.infected.any())


@dataclass(frozen=True, eq=False)
class Structure:
    """What each flow's point depends on: `drivers` and `acts` over flows' points and all points.

    `drivers` are the points that it grows with, other than the one that it leaves; `vanishes` says whether
    it is nothing without them; `acts` whether it is ever anything. `group` has the group of each point:
    points between which there are flows. The total of a group never changes where it is `closed`: nothing
    comes to it from outside and nothing leaves it, or both in balance.
    """

    origin: IntArray
    target: IntArray
    drivers: BoolArray
    vanishes: BoolArray
    acts: BoolArray
    group: IntArray
    closed: BoolArray


def structure(rates: Rates) -> Structure:
    """What each flow's point depends on, from its derivatives at positive states."""
    origin, target = ends(rates.equations)
    grows = np.zeros((len(origin), rates.equations.size), dtype=bool)
    acts = np.zeros(len(origin), dtype=bool)
    states = list(_states(rates))
    for state in states:
        amounts = rates.amounts(state)
        acts |= np.isfinite(amounts) & (np.abs(amounts) > 0)
        grows |= rates.amounts_slope(state) > 0
    left = origin >= 0
    grows[np.nonzero(left)[0], origin[left]] = False
    group = _groups(origin, target, acts, rates.equations.size)
    vanishes = _vanishes(rates, grows, states[1])
    return Structure(origin, target, grows, vanishes, acts, group, _closed(rates, group, states))


def _states(rates: Rates) -> Any:
    """Positive states of several sizes, the same ones at every call."""
    chance = np.random.default_rng(7)
    size = max(float(np.abs(rates.initial()).max(initial=0.0)), 1.0)
    for scale in SIZES:
        yield size * scale * chance.uniform(0.5, 1.5, rates.equations.size)


def _groups(origin: IntArray, target: IntArray, acts: BoolArray, points: int) -> IntArray:
    """The weakly connected component of each point in the graph of flows."""
    between = acts & (origin >= 0) & (target >= 0)
    start, stop = origin[between], target[between]
    graph = coo_array((np.ones(len(start)), (start, stop)), shape=(points, points))
    return np.asarray(connected_components(graph, directed=False)[1])


def _closed(rates: Rates, group: IntArray, states: list[FloatArray]) -> BoolArray:
    """Whether the total of each group stays the same at all states."""
    count = int(group.max(initial=-1)) + 1
    found = np.ones(count, dtype=bool)
    for state in states:
        amounts = rates.amounts(state)
        total, size = np.zeros(count), np.zeros(count)
        np.add.at(total, group, net(rates.equations, amounts))
        np.add.at(size, group, net(rates.equations, np.abs(amounts), both=True))
        found &= np.abs(total) <= BALANCED * size
    return found


def _vanishes(rates: Rates, drivers: BoolArray, state: FloatArray) -> BoolArray:
    found = np.zeros(len(drivers), dtype=bool)
    whole = np.abs(rates.amounts(state))
    # Flows' points with the same drivers are looked at together: in most models all share them.
    groups, member = np.unique(drivers, axis=0, return_inverse=True)
    for k, group in enumerate(groups):
        mine = member.reshape(-1) == k
        if group.any():
            without = np.abs(rates.amounts(np.where(group, TINY * state, state)))
            found[mine] = without[mine] <= NOTHING * whole[mine]
    return found


def infection(found: Structure) -> Infection:
    """The compartments that carry an infection.

    Where no flow transmits, one may still do so beside what comes from elsewhere, as (a + b I) S does.
    """
    between = found.acts & (found.origin >= 0) & (found.target >= 0) & found.drivers.any(axis=1)
    strict = _on_circles(found, between & found.vanishes)
    return strict if strict.any else _on_circles(found, between)


def _on_circles(found: Structure, transmits: BoolArray) -> Infection:
    """What carries the infection if at most these flows' points transmit it."""
    while True:
        circle = _circles(found, transmits)
        kept = transmits & _drives_own_circle(found, circle)
        if np.array_equal(kept, transmits):
            break
        # What no circle closes is a flow like any other: an edge leads from where it leaves, too.
        transmits = kept
    return Infection(np.isin(circle, circle[found.target[transmits]]), transmits)


def given_infection(found: Structure, infected: BoolArray) -> Infection:
    """The same where it is said which points carry the infection.

    New infections then arise by the flows that bring somebody from elsewhere to one of them, and that some
    of them drive.
    """
    enters = found.acts & _at(infected, found.target) & ~_at(infected, found.origin)
    driven = enters & (found.drivers & infected).any(axis=1)
    between = driven & (found.origin >= 0)
    return Infection(infected, between if between.any() else driven)


def new_infections(found: Structure, of: Infection) -> BoolArray:
    """The flows' points that bring new infections: transmissions, and births of infected.

    What comes from outside to where transmissions lead, driven by the infected, are births; what comes
    from outside to elsewhere, as germs that the infected shed, is no new infection of somebody.
    """
    reached = np.zeros(len(of.infected), dtype=bool)
    reached[found.target[of.transmits]] = True
    driven = (found.drivers & of.infected).any(axis=1)
    born = found.acts & (found.origin < 0) & driven & _at(reached, found.target)
    return (of.transmits & ~_at(of.infected, found.origin)) | born


def imported(found: Structure, of: Infection, rates: Rates) -> BoolArray:
    """The flows' points that bring infected where nobody is infected: no state is without the disease."""
    state = next(iter(_states(rates)))
    amounts = rates.amounts(np.where(of.infected, 0.0, state))
    enters = _at(of.infected, found.target) & ~_at(of.infected, found.origin)
    return np.asarray(enters & (amounts != 0))


def _at(mask: BoolArray, points: IntArray) -> BoolArray:
    """A mask at points, of which -1 is the outside."""
    return np.where(points >= 0, mask[np.maximum(points, 0)], False)


def _circles(found: Structure, transmits: BoolArray) -> IntArray:
    """The strongly connected component of each point."""
    here = found.acts & (found.target >= 0)
    flow, driver = np.nonzero(found.drivers & here[:, None])
    plain = here & (found.origin >= 0) & ~transmits
    start = np.concatenate([driver, found.origin[plain]])
    stop = np.concatenate([found.target[flow], found.target[plain]])
    n = found.drivers.shape[1]
    graph = coo_array((np.ones(len(start)), (start, stop)), shape=(n, n))
    _, member = connected_components(graph, directed=True, connection="strong")
    return np.asarray(member)


def _drives_own_circle(found: Structure, circle: IntArray) -> BoolArray:
    """Whether a driver of a flow's point is on the circle that the flow leads to."""
    same = circle[None, :] == circle[np.maximum(found.target, 0)][:, None]
    return np.asarray((found.drivers & same).any(axis=1))
