"""A bound model over time to a problem of variables, definitions and constraints; and its simulation.

In: `BoundModel`. Out: `Problem`, its values at given decisions, its reports. It may import all that stands
before it, and nothing of programs.
"""
