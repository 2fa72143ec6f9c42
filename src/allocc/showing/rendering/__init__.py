"""A model as mathematics and as a picture, from its tree: nothing is solved for it."""
