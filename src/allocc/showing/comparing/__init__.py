"""A comparison as a person reads it.

In: a `Comparison`. Out: text. It may import the results and the tables.
"""
