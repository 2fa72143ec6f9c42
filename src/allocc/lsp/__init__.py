"""`allocc lsp`: what editors ask about a model, answered while it is written.

In: a text that is being written, and a position in it. Out: diagnostics, hovers, completions, places. It may
import everything but the command line; all but `server` and `convert` knows nothing of the protocol.
"""
