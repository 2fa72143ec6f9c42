"""The certify loop: relax, solve, simulate, refine, until the gap is closed.

In: a problem and `Options`. Out: `Outcome`: a proven bound, an allocation, its simulated value. `loop` holds what a
solve has and has proven, and the strategies (`once`, `refine`) carry it on. It may import the compiler and the
backends; `judging`, `proving` and `heuristics` stand before it.
"""
