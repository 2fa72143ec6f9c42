"""Why a model has no allocation, or no best one: conflicts, loosenings and escapes."""
