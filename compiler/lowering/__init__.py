"""A problem to a program: columns, rows and atoms laid out, and read back.

In: `Problem`. Out: `Program` and where its columns come from. It may import all that stands before it.
"""
