"""A model as mathematics and as a picture, from its tree: nothing is solved for it.

In: a tree. Out: formulas in LaTeX and Markdown, and rows as text. It may import the compiler.
"""
