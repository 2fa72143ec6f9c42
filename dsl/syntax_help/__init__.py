"""What is wrong with a text that cannot be read, in words.

In: a text, and what a parser says of it. Out: diagnostics. It may import the tree, the diagnostics and
the scanner, and asks a parser only what it is handed.
"""
