"""The formatter: a tree and its comments to a text in the one layout.

In: `File`. Out: text. It may import the tree and the scanner.
"""
