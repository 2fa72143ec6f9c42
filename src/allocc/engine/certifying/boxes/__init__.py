"""Proofs in rationals for programs with products of continuous columns, box by box.

In: a loop that has ended. Out: a proof to be checked, about the program that `subject` makes.
"""
