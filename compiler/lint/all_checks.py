"""All checks of `allocc check --pedantic`, one after another."""

from __future__ import annotations

from allocc.compiler.evaluating.values import deep_recursion
from allocc.compiler.lint.course import check_compartments, check_course, check_effects, check_flows
from allocc.compiler.lint.equity import check_targets
from allocc.compiler.lint.influence import check_influence
from allocc.compiler.lint.limits import check_limits, check_preferences
from allocc.compiler.lint.numbers import check_coefficients, check_penalties, check_switches
from allocc.compiler.lint.subject import Subject
from allocc.compiler.lint.what_is_declared import (
    check_arguments,
    check_indices,
    check_shares,
    check_units,
)
from allocc.compiler.lowering.lowered import Lowered
from allocc.compiler.programs.bounds import MOST_PROPAGATED
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.diagnostics import Diagnostic, in_order

CHECKS = (
    check_indices,
    check_arguments,
    check_units,
    check_shares,
    check_compartments,
    check_flows,
    check_effects,
    check_course,
    check_influence,
    check_coefficients,
    check_switches,
    check_penalties,
)
#: Checks that propagate bounds, some of them once for each limit; left out of large programs.
PROVING = (check_limits, check_preferences, check_targets)


def lint(problem: Problem, lowered: Lowered) -> list[Diagnostic]:
    """Warnings about what the language allows and a modeller hardly means, in the file's order.

    `lowered` is the problem as `lower` writes it. Nothing is claimed that is not proven by bounds,
    or seen in a simulation that the message tells of.
    """
    subject = Subject(problem, lowered)
    checks = [*CHECKS, *(PROVING if lowered.program.matrix.nnz <= MOST_PROPAGATED else ())]
    with deep_recursion():
        found = [d for check in checks for d in check(subject)]
    return in_order(found)
