"""An analysis as text and as formulas.

In: `Analysis`. Out: what a person reads. It may import the results and `rendering`.
"""
