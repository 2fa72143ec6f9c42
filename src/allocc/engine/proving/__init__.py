"""What is proven with a solver's help: safe bounds, ranges by optimization, a tree with safe leaves.

In: a program or relaxation and a solver. Out: bounds from dual values that hold in exact arithmetic, up to
directed rounding. It may import the backends and the programs of the compiler.
"""
