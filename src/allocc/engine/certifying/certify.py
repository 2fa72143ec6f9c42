"""A proof in rationals of what a solve has found: its tree grown, written down, and checked."""

from __future__ import annotations

import io
import tempfile
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from allocc.backends import files
from allocc.compiler.arrays import FloatArray
from allocc.compiler.pipeline import written as relaxed
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.relaxing.refinement import add_tangents, split_active
from allocc.compiler.relaxing.relaxation import Built, Relaxation
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.certifying.boxes.prove import prove_boxes
from allocc.engine.certifying.clock import Clock
from allocc.engine.certifying.closing import Closer, Multiplied, write_tree
from allocc.engine.certifying.ends import Ends
from allocc.engine.certifying.exact import ExactProgram, rounded
from allocc.engine.certifying.recipe import Recipe
from allocc.engine.certifying.tree import Branch, RememberedTree, leaves
from allocc.engine.certifying.vipr import ProofFile
from allocc.engine.certifying.written import NoProof, Written
from allocc.engine.judging.outcome import PROVING
from allocc.engine.judging.proof import Proof
from allocc.engine.loop import Loop
from allocc.proof.checker import Refused, check

#: The tree aims at this part of the asked gap, and rounding may lose this part of it.
AIM, LOST = 0.95, 0.02
#: The part of the time that is left which a tree may take; what it says is multiplied out and checked then.
GROWING = 0.4
#: Branches fill the memory: a tree ends after so many.
MOST_BRANCHES = 100_000
#: Pieces are cut again where the program says too little, so often.
MOST_ROUNDS = 30


def certify(loop: Loop, recipe: Recipe, infeasible: bool) -> Proof:
    """Prove what a loop has found of its program; raises `NoProof` where that cannot be had.

    Allocations that the tree finds are offered to the loop, and aimed at.
    """
    started = time.perf_counter()
    if recipe.form == "boxes":
        written = prove_boxes(loop, infeasible)
    else:
        written, recipe = _linear(loop, recipe, infeasible)
    return _checked(written, recipe, started)


def _linear(loop: Loop, recipe: Recipe, infeasible: bool) -> tuple[Written, Recipe]:
    """A tree over whole columns."""
    try:
        attempt, recipe = _attempted(loop, recipe)
    except Infeasible:
        raise NoProof("the ranges of the program contradict each other") from None
    if loop.cancelled:
        raise NoProof(f"it was stopped after {attempt.tree.nodes:,} boxes")
    root = attempt.tree.root
    if root is None:
        raise NoProof("a whole number has no last value, so that a tree has no end")
    attempt.proof.head.append(f"model {loop.problem.model.name}: the program is program.mps")
    bound = _write(loop, root, attempt, infeasible)
    return Written(attempt.built.program, attempt.proof, bound, len(leaves(root))), recipe


def _attempted(loop: Loop, recipe: Recipe) -> tuple[_Attempt, Recipe]:
    """The tree over the program of a recipe, with pieces cut again where it says too little."""
    assert loop.stated is not None
    if recipe.form == "stated":
        try:
            built = recipe.built(loop.stated)
        except DiagnosticError:
            built = None
        if built is None or not built.program.polyhedral:
            # The linear rows alone may say it.
            recipe = replace(recipe, form="rows")
            built = recipe.built(loop.stated)
        return _Attempt.of(loop, built), recipe
    relaxation = recipe.relaxation(loop.stated)
    for _ in range(MOST_ROUNDS):
        recipe = Recipe.of(relaxation, recipe.method, recipe.form)
        attempt = _Attempt.of(loop, relaxed(relaxation, recipe.form))
        if not attempt.refined(loop, relaxation):
            break
    return attempt, recipe


@dataclass(frozen=True)
class _Attempt:
    """A tree over a program, and what it is written with."""

    built: Built
    proof: ProofFile
    tree: RememberedTree
    closer: Closer

    @classmethod
    def of(cls, loop: Loop, built: Built) -> _Attempt:
        """The tree grown; raises `NoProof` where not only rows are in the program."""
        if not built.program.polyhedral:
            raise NoProof("the program has products or functions that no rows replace")
        exact = ExactProgram.of(built.program)
        proof = ProofFile(exact, *files.names(built.program))
        ends = Ends(exact, proof)
        tree = _grown(loop, built, ends)
        return cls(built, proof, tree, Closer(exact, built.scaled[1], ends, proof))

    def refined(self, loop: Loop, relaxation: Relaxation) -> bool:
        """Cut pieces where the tree has ended because the program says too little; False where it has not."""
        if self.tree.stop() or not self.tree.short:
            return False
        scaling, changed = self.built.scaled[1], 0
        for scaled in self.tree.short:
            point = scaling.point_out(scaled)
            changed += add_tangents(relaxation, point, 1e-3 * loop.options.gap)
            changed += split_active(relaxation, self.built, point, 1e-3 * loop.options.gap)
        return changed > 0


def _grown(loop: Loop, built: Built, ends: Ends) -> RememberedTree:
    """The tree, as far as the time allows."""
    scaled, scaling = built.scaled
    low, high = ends.box()
    boxed = replace(scaled, lower=low / scaling.columns, upper=high / scaling.columns)
    sign = 1.0 if loop.minimize else -1.0

    def offer(point: FloatArray) -> None:
        loop.offer(built.lower_point(scaling.point_out(point)))

    def level() -> float:
        if loop.best is None:
            return sign * np.inf
        aim = loop.best.value - sign * AIM * loop.allowed
        return float((aim - built.program.offset) * scaling.objective)

    clock = Clock(loop, GROWING)
    tree = RememberedTree(boxed, offer, level, level, clock.stop, clock.remaining)

    def told(least: float) -> None:
        bound = least / scaling.objective + built.program.offset
        shown = bound if np.isfinite(bound) else None
        loop.report_progress(f"{PROVING}: {tree.nodes} boxes", shown, always=False)

    tree.grow(MOST_BRANCHES, told=told)
    return tree


def _write(loop: Loop, root: Branch, attempt: _Attempt, infeasible: bool) -> Fraction | None:
    """Write the tree, and return the bound of the program's objective without its constant.

    None where all of it is empty.
    """
    closer, found = attempt.closer, leaves(root)
    exact, scaling = closer.exact, closer.scaling
    if all(leaf.empty for leaf in found):
        closed = {leaf: _or_refuse(closer.closed(leaf, Fraction(0))) for leaf in found}
        write_tree(root, closer, closed, None)
        return None
    if infeasible:
        raise NoProof("the tree was not grown to its end")
    # Everything in here is minimized.
    least = min(leaf.bound for leaf in found if not leaf.empty)
    if not np.isfinite(least):
        over = "the time was over" if loop.stopped or attempt.tree.stop() else "the tree ended"
        raise NoProof(f"{over} before anything was proven of all of its parts")
    lost = LOST * loop.allowed
    goal = Fraction(least / scaling.objective) - Fraction(lost)
    closed = {}
    for leaf in found:
        one = closer.closed(leaf, goal)
        if one is None:
            best = closer.best(leaf)
            if best is None:
                raise NoProof("a part of the program has no end that dual values can use")
            goal = min(goal, best)
            one = _or_refuse(closer.closed(leaf, goal))
        closed[leaf] = one
    bounds = [one.bound for leaf, one in closed.items() if not leaf.empty]
    level = min(b for b in bounds if b is not None)
    said = exact.sign * rounded(level, up=False)
    write_tree(root, closer, closed, ("G" if exact.sign > 0 else "L", said))
    return said


def _or_refuse(found: Multiplied | None) -> Multiplied:
    if found is None:
        raise NoProof("dual values of a part of the program prove nothing in rationals")
    return found


def _checked(written: Written, recipe: Recipe, started: float) -> Proof:
    """The proof as files, read and checked as a stranger would."""
    packed = io.BytesIO()
    written.proof.write(packed, written.bound)
    with tempfile.TemporaryDirectory(prefix="allocc-proof-") as name:
        folder = Path(name)
        program, text = folder / "program.mps", folder / "proof.vipr.gz"
        files.write(written.program, program, quadratic=True)
        text.write_bytes(packed.getvalue())
        grown = time.perf_counter()
        try:
            verdict = check(program, text)
        except Refused as refused:
            raise NoProof(f"the checker refuses the proof: {refused}") from None
        checked = time.perf_counter()
        return Proof(
            verdict.bound,
            written.leaves,
            len(written.proof),
            program.read_bytes(),
            program.with_suffix(".mps.map.json").read_bytes(),
            packed.getvalue(),
            recipe.as_data(),
            grown - started,
            checked - grown,
        )
