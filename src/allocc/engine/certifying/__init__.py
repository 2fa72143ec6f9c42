"""Proofs in rationals that a stranger can check: the program that is proven, the tree, the file."""
