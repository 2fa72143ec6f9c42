"""What one more of each limit is worth.

In: `Stages`, decisions and options. Out: `Prices`, from the duals of a linear program at the decisions. It may
import what `allocc.questions` may.
"""
