"""Which allocations are best for two aims at once."""
