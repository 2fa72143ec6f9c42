"""One allocation for many possible worlds: decided over draws, evaluated in each, regretted in each.

In: `Stages`, draws of its parameters, an allocation. Out: `OverDraws`. It may import what `allocc.questions` may.
"""
