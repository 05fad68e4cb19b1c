"""A trace → the source of a Keras model, and the weights that belong into it. Imports no Keras."""
