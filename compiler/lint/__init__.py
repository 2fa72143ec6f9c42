"""Mistakes of modelling that the language allows: what `allocc check --pedantic` looks for."""
