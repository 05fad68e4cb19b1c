"""What each operator of ATen is in PyTorch's own words: one function for each, or for each few that are alike."""

from homolog.pytorch.emitting.operators import (
    activation,
    arithmetic,
    attention,
    convolution,
    creation,
    functions,
    indexing,
    layers,
    normalisation,
    pooling,
    recurrent,
    reduction,
    resize,
    selection,
    shape,
    spatial,
    spectral,
)
from homolog.pytorch.emitting.registry import WRITERS

__all__ = [
    "WRITERS",
    "activation",
    "arithmetic",
    "attention",
    "convolution",
    "creation",
    "functions",
    "indexing",
    "layers",
    "normalisation",
    "pooling",
    "recurrent",
    "reduction",
    "resize",
    "selection",
    "shape",
    "spatial",
    "spectral",
]
