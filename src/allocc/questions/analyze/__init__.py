"""What a model does by itself: equations, R0, states of rest, mean times.

In: `Stages`. Out: `Analysis`, and the equations as SymPy expressions. It may import the compiler's equations and
the results. SymPy is the extra `analyze`; nothing here is imported before it is asked for.
"""
