"""Expressions over index sets as arrays, and what is computed with them.

In: index sets and nodes. Out: values, slopes, polynomials. It may import the arrays alone: nothing here
knows of models or time.
"""
