"""A proof in rationals for a program with products: that nothing is better than a level, box by box."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from allocc.backends import files
from allocc.compiler.boxes.once import Once
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.engine.certifying.box_tree import BoxTree, Undecided
from allocc.engine.certifying.exact import ExactProgram, fraction, rounded
from allocc.engine.certifying.facts import Box, Writer, every
from allocc.engine.certifying.frame import Frame
from allocc.engine.certifying.written import NoProof, Written
from allocc.engine.certifying.ranges import Empty, Ranges
from allocc.engine.certifying.vipr import ProofFile, Sense
from allocc.engine.divide import completion, to_divide
from allocc.engine.loop import Loop
from allocc.engine.proving.box_look import Ground

#: Boxes fill the memory: a tree ends after so many.
MOST_BOXES = 50_000
#: The level is this part of the asked gap, or a little more than the gap that was reached, from the value.
ASKED, MORE = 0.99, 0.01
#: Boxes end where their bound is this part of the gap beyond the level, which rationals may lose.
BEYOND = 0.005
CROSSED = "the ranges of the program contradict each other in floating point"
HEAD = (
    "Two things here are beyond VIPR 1.0; the checker of allocc reads them:",
    "{ mul i j r }: constraints i and j bound a column each, and row r of the program holds the product of",
    "  the two columns. What they leave is not below zero, and neither is the product of that.",
    "{ uns i k j l }: k and l may be x <= v and x >= v for any column x or for OBJ, as everything is in one.",
)


def prove_boxes(loop: Loop, infeasible: bool) -> Written:
    """Prove a level that is within the asked gap, or that there is no point; raises `NoProof`."""
    assert loop.stated is not None
    try:
        single, made, known = to_divide(loop, Relaxation(loop.stated))
    except Infeasible:
        raise NoProof(CROSSED) from None
    if known.functions:
        kinds = ", ".join(sorted({f.kind for f in known.functions}))
        raise NoProof(f"the program has functions that no rows replace: {kinds}")
    root = Box()
    program, proof, wide = _begun(loop, single, made, known, root)
    writer, exact = Writer(proof), wide.frame.exact
    if root.absurd is not None:
        writer.write(root)
        return Written(program, proof, None, 1)
    try:
        ground = Ground.of(made, made.stated, known, lambda: loop.stopped)
    except Infeasible:
        raise NoProof(CROSSED) from None
    if infeasible:
        _grow(loop, ground, single, wide, root, np.inf if loop.minimize else -np.inf)
        writer.write(root)
        return Written(program, proof, None, _leaves(root))
    level, aim = _level(loop, program)
    better: tuple[Sense, Sense] = ("L", "G") if exact.sign > 0 else ("G", "L")
    inside = root.within(better[0], level, None)
    scaled = (aim - program.offset) * ground.envelopes.scaling.objective
    _grow(loop, ground, single, wide, inside, scaled)
    # What is not as good as the level is not as good as the level.
    beside = root.within(better[1], level, None)
    beside.absurd = beside.assumed
    writer.write(root, (better[1], level))
    return Written(program, proof, level, _leaves(inside))


def _begun(
    loop: Loop, single: Once, made: Program, known: Program, root: Box
) -> tuple[Program, ProofFile, Ranges]:
    """The program that the proof is about, the file, and the ranges of its columns; or `root` is absurd.

    Ranges and closed masses that only floating point numbers have said are no part of it, unless a factor of a
    product has no other end.
    """
    for program in (_as_stated(loop, single, made), known):
        program = replace(program, defined=_padded(program))
        exact = ExactProgram.of(program)
        proof = ProofFile(exact, *files.names(program))
        proof.head += [f"model {loop.problem.model.name}: the program is program.mps", *HEAD]
        wide = Ranges.of(Frame(exact, proof))
        try:
            wide.propagate()
        except Empty as empty:
            root.absurd = empty.fact
            break
        if wide.bounded(program.products):
            break
    return program, proof, wide


def _as_stated(loop: Loop, single: Once, made: Program) -> Program:
    """The program with the bounds of columns that the model states; those of auxiliary columns stay."""
    assert loop.stated is not None
    lower, upper = made.lower.copy(), made.upper.copy()
    own = single.place[: loop.stated.columns]
    lower[own], upper[own] = -np.inf, np.inf
    np.maximum.at(lower, own, loop.stated.lower)
    np.minimum.at(upper, own, loop.stated.upper)
    return replace(made, lower=lower, upper=upper)


def _grow(
    loop: Loop, ground: Ground, single: Once, wide: Ranges, root: Box, level: float
) -> None:
    """Divide a box until nothing is left in it; raises `NoProof`."""
    assert loop.stated is not None
    tree = BoxTree(
        ground,
        wide,
        root,
        completion(loop, loop.stated, single),
        lambda point: loop.offer(single.outward(point)),
        level,
        lambda: loop.stopped,
        loop.remaining,
    )
    try:
        grown = tree.grow(MOST_BOXES, told=lambda _: loop.report_progress("proof in rationals"))
    except Undecided:
        raise NoProof(f"one of {tree.nodes} boxes could not be shown to hold nothing") from None
    if not tree.nodes:
        raise NoProof("a range that a product needs has no end")
    if not grown.closed:
        raise NoProof(f"the tree of boxes was not grown to its end, after {tree.nodes} boxes")


def _leaves(root: Box) -> int:
    return sum(not box.children for box in every(root))


def _padded(program: Program) -> np.ndarray:
    """Which column each row defines, rows that were added behind among them."""
    found = np.full(program.rows, -1, dtype=np.int64)
    if program.defined is not None:
        found[: len(program.defined)] = program.defined
    return found


def _level(loop: Loop, program: Program) -> tuple[Fraction, float]:
    """What is to be proven of the objective without its constant, and where boxes end, with it.

    The weaker one of a little less than the bound and of the asked gap.
    """
    bound = loop.bound
    if bound is None or loop.best is None:
        raise NoProof("no bound is known that could be proven")
    sign = 1.0 if loop.minimize else -1.0
    value = loop.best.value
    reached, asked = sign * (value - bound), loop.allowed
    away = max(reached + MORE * max(reached, asked), ASKED * asked)
    aim = value - sign * (away - BEYOND * max(reached, asked))
    level = fraction(value - sign * away) - fraction(program.offset)
    return Fraction(int(sign)) * rounded(int(sign) * level, up=False), aim

