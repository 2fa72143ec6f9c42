"""Tables and settings: text files to labels and numbers, and what is wrong with them.

In: files and the words of `--set`. Out: columns, keys and numbers with their places. It may import the
algebra's index sets.
"""
