"""A Keras model as a module: its layers as PyTorch's own operators where PyTorch has them, and the rest as Keras itself
computes it with PyTorch's tensors."""

from homolog.pytorch.likeness.module import trace

__all__ = ["trace"]
