"""An allocation by a rule, made feasible with the smallest change, and simulated.

In: `Stages` and the name of a policy. Out: a `Run` that says what was changed. It may import the engine, the results
and what stands before them.
"""
