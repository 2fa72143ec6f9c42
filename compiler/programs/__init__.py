"""A mixed-integer program as arrays, and what follows from the program alone.

In: arrays. Out: ranges by propagation, directions, duality, scaling, magnitudes. It may import the arrays
and the diagnostics: nothing here knows of models.
"""
