"""The model library: `.alloc` files that a model can `use`."""
