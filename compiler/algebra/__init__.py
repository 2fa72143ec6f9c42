"""Expressions over index sets as arrays, and what is computed with them.

In: index sets and nodes. Out: values, slopes, polynomials. It may import the functions of one variable and the tree: nothing here
knows of models or time.
"""
