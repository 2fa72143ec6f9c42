"""What is uncertain, as a person reads it. In: results. Out: text. It may import results and tables of text."""
