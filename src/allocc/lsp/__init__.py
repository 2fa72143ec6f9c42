"""`allocc lsp`: what editors ask about a model, answered while it is written."""
