"""What data say about a model's parameters.

In: `Stages` and what is asked. Out: `FitResult`. It may import what `allocc.questions` may.
"""
