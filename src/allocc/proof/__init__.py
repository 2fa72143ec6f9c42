"""Proofs that a stranger can check: one file, readable in an hour, on the standard library alone.

In: a program (MPS) and a proof (VIPR), as files. Out: what is proven of that program, or why nothing is.
It imports nothing of allocc, so that it can be trusted, copied and run without it.
"""
