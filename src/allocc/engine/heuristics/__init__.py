"""Allocations found without a proof: integers fixed, local search, successive linear programs."""
