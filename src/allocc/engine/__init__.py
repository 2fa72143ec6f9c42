"""The certify loop: relax, solve, simulate, refine, until the gap is closed."""
