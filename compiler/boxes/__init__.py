"""A program within a box: what its ranges become, and its linear relaxation there.

In: a program with products and functions, and ranges of its columns. Out: shorter ranges that hold the same
points, and a linear program that holds them all. It may import `allocc.compiler.programs` and
`allocc.compiler.reformulations`.
"""
