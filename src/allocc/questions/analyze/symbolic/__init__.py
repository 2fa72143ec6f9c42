"""Equations, states of rest and R0 as expressions of SymPy.

In: the compiler's equations, and what was found of them in numbers. Out: expressions, and formulas as results keep
them. It may import the compiler's equations, the results and what the analysis finds in numbers.
"""
