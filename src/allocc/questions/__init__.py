"""Questions about a model besides its optimum: conflicts, prices, frontiers.

In: `Stages` and options. Out: plain data. One function a question; it may import the engine and the results, and
knows no painters.
"""
