"""What one allocation leads to in many possible worlds, as data and on disk.

In: draws, and what was found in each. Out: `found.OverDraws`, and folders with it. It may import
what `allocc.results` may.
"""
