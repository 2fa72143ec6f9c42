"""Whether a run folder is what it says: its files, its decisions, its proof, each checked anew.

In: a run folder, and what compiles a model. Out: a `Verification`. It may import `allocc.results` and all that stands
before it. No solver's word is taken.
"""
