"""Expressions of the tree to nodes over axes: calls, subscripts, sums, filters.

In: a tree's expression and a scope. Out: a node of the algebra, or numbers. It may import all that stands
before it in `allocc.compiler`.
"""
