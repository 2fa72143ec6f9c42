"""Units of a whole model, checked without data: as written, their algebra, the inference, the mends.

In: a tree and its names. Out: the unit of each declaration, and what does not fit together. It may import
the language, the functions of one variable and the names.
"""
