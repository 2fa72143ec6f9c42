"""A text to a tree: the grammar, the parser and what builds the tree.

In: `Source`. Out: `File`, or every independent mistake. It may import the tree, the diagnostics and
`allocc.dsl.syntax_help`.
"""
