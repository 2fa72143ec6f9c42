"""Proofs in rationals for programs with products of continuous columns, box by box.

In: a loop that has ended. Out: a proof to be checked, about the program that `subject` makes. It may import what
`allocc.engine.certifying` may, and its files, and not how trees over whole columns are written.

    prove      the level that is proven, and the file
    subject    the program that the proof is about
    frame      its rows, definitions and products in exact numbers
    ranges     the ends of all columns in a box, each with its derivation; `written_out` for steps of dynamics
    programs   the linear program of a box; `bounding` multiplies its duals out
    tree       boxes, until nothing is left in any
    facts      what was derived from what, and what of it is written
"""
