"""Allocations side by side: runs, the baseline and policies, and what differs between them.

In: run folders, `Run`s and names, and what compiles a model. Out: a `Comparison`. It may import `allocc.results` and
all that stands before it, and the questions that simulate. No solver is asked.
"""
