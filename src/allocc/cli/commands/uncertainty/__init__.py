"""Commands about what is not known for sure.

In: a command line. Out: text or JSON, and files. It may import what `allocc.cli` may.
"""
