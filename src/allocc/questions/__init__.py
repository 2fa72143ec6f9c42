"""What is asked of a model: its optimum, a simulation, a check, conflicts, prices, frontiers.

In: `Stages` and options. Out: plain data. One function a question; it may import the compiler, the backends, the
engine and the results, and knows no painters.
"""
