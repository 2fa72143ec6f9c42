"""A mixed-integer program as arrays, and what follows from the program alone.

In: arrays. Out: ranges by propagation, directions, duality, scaling, magnitudes. It may import the arrays,
the functions of one variable and the diagnostics: nothing here knows of models.
"""
