"""Reformulations: one file each, from a nonlinear atom to linear rows."""
