"""Texts, pages, formulas and pictures of models and results.

In: plain data of results and questions. Out: what a person reads or looks at. It may import the compiler, the engine and the results; nothing
here solves anything. `rendering`, `picture` and `plots` stand before it.
"""
