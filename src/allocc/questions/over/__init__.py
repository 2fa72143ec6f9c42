"""One allocation for many possible worlds: decided over draws, evaluated in each, regretted in each.

In: a model, draws of its parameters, an allocation. Out: `OverDraws`.
"""
