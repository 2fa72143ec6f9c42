"""Proofs in rationals that a stranger can check: the program that is proven, its tree, the file.

In: a loop that has ended. Out: its outcome with a proof, or with why there is none; and, of a proof and the model
that it is about, whether the one's program says what the other does. It may import the engine and the checker.
"""
