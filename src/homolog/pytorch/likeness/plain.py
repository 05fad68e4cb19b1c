"""Dense layers, embeddings, slopes and dropouts of Keras as PyTorch's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from homolog.graph import Node
from homolog.pytorch.likeness.axes import channels_second
from homolog.rules.einsum import parse

if TYPE_CHECKING:
    import torch

Weights = Mapping[str, Any]


def linear(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.linear(value, weights["weight"], weights.get("bias"))


def einsum_fits(node: Node) -> bool:
    """Whether the equation is that of a linear layer over the last axes, with a bias over all that it gives."""
    found = parse(str(node.fields["equation"]))
    axes = str(node.fields["bias_axes"] or "").lower()
    return found is not None and (not axes or set(axes) == set(found.given))


def embedded(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    import torch

    places = value.to(torch.int32) if value.is_floating_point() else value
    return torch.nn.functional.embedding(places, weights["weight"])


def sloped(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    import torch

    return channels_second(value, -1, lambda maps: torch.nn.functional.prelu(maps, weights["weight"]))


def dropped(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    """A dropout as it is at inference, which an exported program keeps."""
    import torch

    rate = cast(float, node.fields["p"])
    if node.type == "AlphaDropout":
        return torch.alpha_dropout(value, rate, False)
    if node.type.startswith("SpatialDropout"):
        return channels_second(value, -1, lambda maps: torch.feature_dropout(maps, rate, False))
    return torch.dropout(value, rate, False)


def slope_fits(node: Node) -> bool:
    """Whether there is one slope, or one for each channel."""
    return len(node.weights["weight"].shape) == 1 if "weight" in node.weights else False


def einsum(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    """A linear layer over several axes taken as one, that gives several.

    ``weights`` are those of the linear layer: (out, in), and one bias for each output.
    """
    import torch

    found = parse(str(node.fields["equation"]))
    assert found is not None  # told by einsum_fits
    taken = len(found.taken)
    rows = value.flatten(-taken) if taken > 1 else value
    made = torch.nn.functional.linear(rows, weights["weight"], weights.get("bias"))
    sizes = dict(zip(found.kernel, node.weights["weight"].tensors[0].shape, strict=True))
    given = [sizes[letter] for letter in found.given]
    return made.unflatten(-1, given) if len(given) > 1 else made
