"""What decisions lead to, in intervals that surely hold what real arithmetic gives.

In: a problem, and decisions. Out: an interval for every compartment, term and limit. It may import all that
stands before it, and nothing of programs: what is enclosed is the problem, as it is simulated.
"""
