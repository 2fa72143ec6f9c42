"""A model and its data in, what a `fit` asks of them out: a `FitProblem`, with derivatives.

In: a `BoundModel` and the name of a `fit`. Out: the flows in which estimates are unknowns, the initial
values, the observations with their numbers, and how the compartments move with the unknowns.
"""
