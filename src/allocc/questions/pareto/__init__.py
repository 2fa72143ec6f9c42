"""Which allocations are best for two aims at once.

In: `Stages`, two terms and options. Out: `Tradeoff`. It may import what `allocc.questions` may.
"""
