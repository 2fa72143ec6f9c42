"""Allocations found without a proof: integers fixed, local search, successive linear programs,
searches with gradients.

In: a relaxation and a point. Out: points whose allocations are simulated by whoever asked. It may import
`allocc.engine.proving`.
"""
