"""What is known after a solve: values under their labels, reports, comparisons, and the run's folder.

In: outcomes of the engine. Out: `Run` and other frozen data that can be written and read back. It may import the
compiler and the engine, and knows no questions and no painters.
"""
