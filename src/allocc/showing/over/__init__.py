"""One allocation in many draws, as a person reads it.

In: `OverDraws`. Out: text. It may import the results and the tables.
"""
