"""Units of a whole model, checked without data: the algebra, the words, and the inference."""
