"""Names where an expression stands: scopes, index spaces, and the symbols of a bound model.

In: index sets, data and units. Out: `Scope`, `Space`, `BoundModel` and what the evaluator asks of a model. It
may import names, units, algebra and data.
"""
