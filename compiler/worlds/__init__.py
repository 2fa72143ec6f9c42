"""One problem for many possible worlds: what differs between them gets an axis of worlds.

In: a `Problem` for each world. Out: one `Problem` whose decisions are shared, and whose objective weighs the
worlds. It may import unrolling.
"""
