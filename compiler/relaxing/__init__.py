"""A program to a mixed-integer linear relaxation of it, and the relaxation refined.

In: `Program`. Out: `Relaxation`, whose points contain every point of the program. It may import programs
and reformulations.
"""
