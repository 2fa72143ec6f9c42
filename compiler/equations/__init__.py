"""A bound model as equations in continuous time: what each flow is, in compartments and parameters.

In: `BoundModel`. Out: `Equations`, and their rates of change and derivatives at a state. It may import all that
stands before it; no intervention acts here.
"""
