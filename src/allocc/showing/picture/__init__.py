"""The picture of a model: boxes for compartments, arrows for flows, placed and drawn as SVG.

In: a tree. Out: text of a picture. It may import the compiler and
`allocc.showing.rendering`.
"""
