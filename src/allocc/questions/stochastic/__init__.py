"""Stochastic dynamics: the flows of a model as events that happen to whole numbers of persons.

In: `Stages` and decisions. Out: `StochasticResult`. It may import what `allocc.questions` may.
"""
