"""A sweep as a person reads it.

In: a `SweepResult`. Out: text. It may import the results and the tables.
"""
