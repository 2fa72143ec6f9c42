"""What a `fit` asks of a model and its data: a `FitProblem`, with exact derivatives.

In: a `BoundModel` and one of its fits. Out: the flows in which estimates are unknowns, the observations with
their numbers, and how the compartments move with the unknowns. It may import the compiler's rooms up to
unrolling.
"""
