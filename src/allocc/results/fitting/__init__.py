"""What data say about a model's parameters, as frozen data and on disk.

In: the numbers that a fit has found. Out: `FitResult`, and the files of `allocc fit -o DIR`. It may import
what `allocc.results` may.
"""
