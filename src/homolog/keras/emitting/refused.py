"""Operators that cannot be written for Keras, whatever they are given, and why."""

from __future__ import annotations

from collections.abc import Mapping

RANDOM = "it draws random numbers when the network runs; a Keras model is a function of its inputs"
VALUES = "how large its result is depends on values; a layer of Keras knows its shape before it runs"
BACKWARD = "it computes gradients, which is no part of a forward pass"
COMPLEX = "it computes with complex numbers, which layers of Keras do not"
NUMBER = "it takes a number out of a tensor for Python to decide by; say what depends on it with torch.where"
MEMORY = "it reads memory past the shape of a tensor; say it with slices and reshapes"
ROWS = "it sets the rows of a batch against each other, so that one row has no result of its own"
STATISTICS = "it normalises by the statistics of the batch; call eval(), or keep running statistics"
BAGS = "it joins bags of ids of several lengths; look the ids up with nn.Embedding and add them"
LACKING = "keras.ops has no such function"

REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("rand", "randn", "randperm", "randint", "rand_like", "randn_like", "randint_like"), RANDOM),
    **dict.fromkeys(("bernoulli", "normal", "multinomial", "uniform", "poisson", "exponential", "cauchy"), RANDOM),
    "prims::normal": RANDOM,
    **dict.fromkeys(("nonzero", "masked_select", "masked_scatter", "unique", "_unique2", "unique_consecutive"), VALUES),
    **dict.fromkeys(("unique_dim", "bincount", "nonzero_static"), VALUES),
    **dict.fromkeys(("_adaptive_avg_pool2d_backward", "avg_pool2d_backward", "convolution_backward"), BACKWARD),
    **dict.fromkeys(("embedding_dense_backward", "max_pool2d_with_indices_backward"), BACKWARD),
    **dict.fromkeys(("native_group_norm_backward", "native_layer_norm_backward"), BACKWARD),
    **dict.fromkeys(("_fft_c2r", "_fft_r2c", "_fft_c2c", "view_as_complex", "view_as_real", "complex"), COMPLEX),
    "convolution": "it is left to what PyTorch calls by itself; call F.conv1d, F.conv2d … or F.conv_transpose1d …",
    "_local_scalar_dense": NUMBER,
    "item": NUMBER,
    "as_strided": MEMORY,
    "_pdist_forward": ROWS,
    "pdist": ROWS,
    "_native_batch_norm_legit": STATISTICS,
    "_embedding_bag": BAGS,
    "embedding_bag": BAGS,
    **dict.fromkeys(("lgamma", "digamma", "polygamma", "igamma", "igammac", "nextafter", "mode"), LACKING),
}
"""By the operator's name, without overload."""
