"""Mistakes of modelling that the language allows: what `allocc check --pedantic` looks for.

In: a problem and its program. Out: warnings W60xx, one file a family of checks; nothing is claimed that is not
proven or simulated. It may import the whole compiler.
"""
