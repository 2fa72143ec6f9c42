"""Texts, pages, formulas and pictures of models and results."""
