"""What each operator of ATen is in Keras: one function for each, or for each few that are alike."""

from homolog.keras.emitting.operators import elementwise, layers, pooling, reduction, resize, shape

__all__ = ["elementwise", "layers", "pooling", "reduction", "resize", "shape"]
