"""Questions about a model besides its optimum: conflicts, prices, frontiers."""
