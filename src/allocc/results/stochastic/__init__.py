"""Many courses of a model with chance in its flows, as frozen data and on disk.

In: what was drawn. Out: `StochasticResult`, and the files of `allocc simulate --stochastic --run DIR`. It may import
what `allocc.results` may.
"""
