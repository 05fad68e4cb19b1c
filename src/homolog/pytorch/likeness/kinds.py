"""Which kinds of layers PyTorch has as Keras has them, and how each is computed: by the kind of its rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from homolog.graph import Node
from homolog.pytorch.likeness import convolution, norms, plain, pooling, recurrent


def _always(node: Node) -> bool:
    return True


@dataclass(frozen=True)
class Kind:
    """How a kind of layer is computed.

    Attributes:
        compute: from the node, its weights in PyTorch's layouts and the layer's input, what PyTorch gives.
        fits: whether PyTorch has the layer as it is set.
    """

    compute: Callable[[Node, Mapping[str, Any], Any], Any]
    fits: Callable[[Node], bool] = _always


def _one_axis(node: Node) -> bool:
    axis = node.fields["axis"]
    return isinstance(axis, tuple) and len(axis) == 1


def _drops(node: Node) -> bool:
    return node.type in ("Dropout", "AlphaDropout") or node.type.startswith("SpatialDropout")


KINDS: dict[str, Kind] = {
    **{f"conv{rank}d": Kind(convolution.convolved) for rank in (1, 2, 3)},
    **{f"separable_conv{rank}d": Kind(convolution.separably_convolved) for rank in (1, 2)},
    **{f"conv_transpose{rank}d": Kind(convolution.transposed) for rank in (1, 2, 3)},
    **{f"max_pool{rank}d": Kind(pooling.largest) for rank in (1, 2, 3)},
    **{f"avg_pool{rank}d": Kind(pooling.averaged) for rank in (1, 2, 3)},
    "linear": Kind(plain.linear),
    "einsum_dense": Kind(plain.einsum, plain.einsum_fits),
    "embedding": Kind(plain.embedded),
    "reversible_embedding": Kind(plain.embedded),
    "prelu": Kind(plain.sloped, plain.slope_fits),
    "dropout": Kind(plain.dropped, _drops),
    "batch_norm": Kind(norms.batch_normed, _one_axis),
    "layer_norm": Kind(norms.layer_normed, lambda node: not node.fields["rms_scaling"]),
    "rms_norm": Kind(norms.rms_normed),
    "group_norm": Kind(norms.group_normed, _one_axis),
    **{kind: Kind(recurrent.unrolled, recurrent.fits) for kind in ("lstm", "gru", "simple_rnn")},
}


def known(node: Node) -> Kind | None:
    """How a node is computed, None if Keras computes it itself."""
    kind = KINDS.get(node.kind)
    return kind if kind is not None and kind.fits(node) else None
