"""A proof in rationals for a program with products: that nothing is better than a level, box by box."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from allocc.backends import files
from allocc.compiler.boxes.envelopes import Envelopes
from allocc.compiler.boxes.images import Images
from allocc.compiler.programs.bounds import Propagator
from allocc.compiler.programs.program import Program
from allocc.engine.certifying.boxes.facts import Box, Writer, every
from allocc.engine.certifying.boxes.frame import Frame
from allocc.engine.certifying.boxes.ranges import Empty, Ranges
from allocc.engine.certifying.boxes.subject import Subject
from allocc.engine.certifying.boxes.tree import BoxTree
from allocc.engine.certifying.clock import Clock
from allocc.engine.certifying.exact import ExactProgram, fraction, rounded
from allocc.engine.certifying.vipr import ProofFile, Sense
from allocc.engine.certifying.written import NoProof, Written
from allocc.engine.divide import completion
from allocc.engine.judging.outcome import PROVING
from allocc.engine.loop import Loop
from allocc.engine.proving.box_look import Ground

#: Boxes fill the memory: a tree ends after so many.
MOST_BOXES = 50_000
#: The part of the time that is left which the tree may take; then it is written and checked.
GROWING = 0.7
#: The level is this part of the asked gap, or a little more than the gap that was reached, from the value.
ASKED, MORE = 0.99, 0.01
#: It is at least this part of what gaps are measured by away from the value.
LEAST = 1e-9
#: Boxes end where their bound is beyond the level by this part of its distance, which rationals may lose.
BEYOND = 0.005
HEAD = (
    "Two things here are beyond VIPR 1.0; the checker of allocc reads them:",
    "{ mul i j r }: constraints i and j bound a column each, and row r of the program is the product of the two",
    "  columns. What the columns are away from these bounds is not below zero, and neither is its product.",
    "{ uns i l j k }: l and k may be x <= b and x >= c, c not above b, for any column x or for OBJ: each point",
    "  is in one of the two.",
)


def prove_boxes(loop: Loop, infeasible: bool) -> Written:
    """Prove a level that is within the asked gap, or that there is no point; raises `NoProof`."""
    assert loop.stated is not None
    subject = Subject.of(loop.problem, loop.places, loop.stated, loop.options.method)
    root = Box()
    program, proof, wide = _begun(loop, subject, root)
    writer, sign = Writer(proof), wide.frame.exact.sign
    if root.absurd is not None:
        writer.write(root)
        return Written(program, proof, None, 1)
    if infeasible:
        _grow(loop, subject, wide, root, sign * np.inf)
        writer.write(root)
        return Written(program, proof, None, _leaves(root))
    level, aim = _level(loop, program)
    better: tuple[Sense, Sense] = ("L", "G") if sign > 0 else ("G", "L")
    inside = root.within(better[0], level, None)
    _grow(loop, subject, wide, inside, aim - program.offset)
    # The other side of the split is what is to be shown.
    beside = root.within(better[1], level, None)
    beside.absurd = beside.assumed
    writer.write(root, (better[1], level))
    return Written(program, proof, level, _leaves(inside))


def _begun(loop: Loop, subject: Subject, root: Box) -> tuple[Program, ProofFile, Ranges]:
    """The program that the proof is about, the file, and the ranges of its columns; or `root` is absurd."""
    for program in subject.programs():
        exact = ExactProgram.of(program)
        if not exact.short:
            raise NoProof("a number of the program has too many decimals")
        proof = ProofFile(exact, *files.names(program))
        proof.head += [f"model {loop.problem.model.name}: the program is program.mps", *HEAD]
        wide = Ranges.of(Frame(exact, proof, lambda: loop.stopped))
        try:
            wide.propagate()
        except Empty as empty:
            root.absurd = empty.fact
            break
        if wide.bounded(program.products):
            break
    return program, proof, wide


def _grow(loop: Loop, subject: Subject, wide: Ranges, root: Box, level: float) -> None:
    """Divide a box until nothing is left in it; raises `NoProof`."""
    made, single = subject.made, subject.single
    # What is known in rationals is where the boxes begin.
    lower, upper = (np.array(side) for side in wide.near)
    start = replace(made, lower=lower, upper=upper)
    ground = Ground(start, Images(start, made.stated), Propagator(start), Envelopes(start))
    clock = Clock(loop, GROWING)
    tree = BoxTree(
        ground,
        wide,
        root,
        completion(loop, subject.stated, single),
        lambda point: loop.offer(single.outward(point)),
        level * ground.envelopes.scaling.objective,
        clock.stop,
        clock.remaining,
    )
    grown = tree.grow(MOST_BOXES, told=lambda _: loop.report_progress(PROVING, always=False))
    if not tree.nodes and not grown.closed:
        raise NoProof("a range that a product needs has no end")
    if not grown.closed or any(box.unfinished for box in every(root)):
        raise NoProof(f"the tree of boxes was not grown to its end, after {tree.nodes} boxes")


def _leaves(root: Box) -> int:
    return sum(not box.children for box in every(root))


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
    away = max(reached + MORE * max(reached, asked), ASKED * asked, LEAST * loop.measure)
    aim = value - sign * (away - BEYOND * away)
    level = fraction(float(value - sign * away)) - fraction(program.offset)
    return Fraction(int(sign)) * rounded(int(sign) * level, up=False), aim
