"""A tree and its data to a bound model: sets resolved, parameters filled, the horizon laid out.

In: a tree, tables, settings. Out: `allocc.compiler.scoping.model.BoundModel`, or diagnostics. It may import
all that stands before it.
"""
