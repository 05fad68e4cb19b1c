"""A trace → the source of a PyTorch module, what holds its weights, and what goes into them."""
