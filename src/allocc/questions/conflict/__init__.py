"""Why a model has no allocation, or no best one: conflicts, loosenings and escapes.

In: `Stages` and options. Out: `Conflict`, `Loosening`, `Escape`. `switches` says what can be left out, `oracle` whether
the rest can hold. It may import what `allocc.questions` may.
"""
