"""What is known after a solve: values under their labels, reports, comparisons, and the run's folder.

In: outcomes of the engine. Out: results that can be written and read back.
"""
