"""PyTorch's attention layer, said plainly while it is traced.

``torch.nn.MultiheadAttention`` computes with the sequence in front of the batch, unpacks its projections by a detour
over new axes, and has a fast path of one operator. Here the batch comes first, a projection is a linear layer, and the
heads lie behind the places of the sequence. It is the same function.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@contextmanager
def plain_attention() -> Iterator[None]:
    """While the body runs, every ``MultiheadAttention`` computes so, and no layer takes a fast path."""
    import torch
    from torch.nn.modules import transformer

    original = torch.nn.MultiheadAttention.forward
    detect = transformer._detect_is_causal_mask
    fast = torch.backends.mha.get_fastpath_enabled()

    def forward(
        self: torch.nn.MultiheadAttention,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        need_weights: bool = True,
        attn_mask: torch.Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        if self.training or query.dim() != 3 or (is_causal and attn_mask is None):
            return original(
                self, query, key, value, key_padding_mask, need_weights, attn_mask, average_attn_weights, is_causal
            )
        given = _batch_first(query, key, value, turned=not self.batch_first)
        masks = _mask(self, key_padding_mask, attn_mask, given[0].dtype)
        found, weights = _attended(self, given, masks, need_weights)
        if weights is not None and average_attn_weights:
            weights = weights.mean(dim=1)
        return (found if self.batch_first else found.transpose(0, 1)), weights

    torch.nn.MultiheadAttention.forward = forward  # type: ignore[method-assign]
    # it compares the mask's numbers, for a hint alone
    transformer._detect_is_causal_mask = lambda mask, is_causal=None, size=None: bool(is_causal)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.nn.MultiheadAttention.forward = original  # type: ignore[method-assign]
        transformer._detect_is_causal_mask = detect
        torch.backends.mha.set_fastpath_enabled(fast)


def _batch_first(*given: torch.Tensor, turned: bool) -> list[torch.Tensor]:
    """Queries, keys and values with the batch first; what is one tensor stays one."""
    if not turned:
        return list(given)
    made = {id(item): item for item in given}
    made = {name: item.transpose(0, 1) for name, item in made.items()}
    return [made[id(item)] for item in given]


def _attended(
    layer: torch.nn.MultiheadAttention, given: list[torch.Tensor], mask: torch.Tensor | None, need_weights: bool
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What the layer gives, and the weights of every head if they are asked for."""
    import torch
    from torch.nn import functional

    heads, size = layer.num_heads, layer.head_dim
    query, key, value = _projected(layer, given)
    key, value, mask = _with_more(layer, key, value, mask)
    query, key, value = (item.unflatten(-1, (heads, size)) for item in (query, key, value))
    if not need_weights and not layer.dropout:
        query, key, value = (item.transpose(1, 2) for item in (query, key, value))
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2)
        return layer.out_proj(found.flatten(2)), None
    scores = torch.einsum("bqhd,bkhd->bhqk", query * (1 / sqrt(size)), key)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores + mask
    weights = functional.dropout(torch.softmax(scores, dim=-1), layer.dropout, layer.training)
    found = torch.einsum("bhqk,bkhd->bqhd", weights, value)
    return layer.out_proj(found.flatten(2)), weights


def _projected(layer: torch.nn.MultiheadAttention, given: list[torch.Tensor]) -> list[torch.Tensor]:
    """Queries, keys and values; of one input, or of keys and values that are one, in a single product."""
    from torch.nn.functional import linear

    query, key, value = given
    width, bias = layer.embed_dim, layer.in_proj_bias
    packed: Any = layer.in_proj_weight
    if packed is None:
        parts = [None] * 3 if bias is None else [bias[:width], bias[width : 2 * width], bias[2 * width :]]
        matrices = (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)
        return [linear(item, matrix, part) for item, matrix, part in zip(given, matrices, parts, strict=True)]
    if query is key and key is value:
        return list(linear(query, packed, bias).chunk(3, dim=-1))
    places = [(0, 1), (1, 3)] if key is value else [(0, 1), (1, 2), (2, 3)]
    found: list[torch.Tensor] = []
    for item, (start, end) in zip(given, places, strict=False):
        rows = slice(start * width, end * width)
        product = linear(item, packed[rows], None if bias is None else bias[rows])
        found += product.chunk(end - start, dim=-1) if end - start > 1 else [product]
    return found


def _with_more(
    layer: torch.nn.MultiheadAttention, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Keys and values with those that the layer adds of its own, which every query sees."""
    import torch
    from torch.nn import functional

    def more(item: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        return torch.cat([item, own.expand(item.shape[0], 1, item.shape[2])], dim=1)

    count = 0
    if layer.bias_k is not None and layer.bias_v is not None:
        key, value, count = more(key, layer.bias_k), more(value, layer.bias_v), 1
    if layer.add_zero_attn:
        zero = key.new_zeros(1, 1, 1)
        key, value, count = more(key, zero), more(value, zero), count + 1
    if mask is not None and count:
        mask = functional.pad(mask, (0, count), value=mask.dtype == torch.bool)
    return key, value, mask


def _mask(
    layer: torch.nn.MultiheadAttention,
    padding: torch.Tensor | None,
    mask: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor | None:
    """Both masks in one: true where a query may look, or a number that is added to the score."""
    import torch

    if padding is not None:
        padding = padding[:, None, None, :]
    if mask is not None and mask.dim() == 3:
        mask = mask.unflatten(0, (-1, layer.num_heads))
    given = [item for item in (padding, mask) if item is not None]
    if not given:
        return None
    if all(item.dtype == torch.bool for item in given):
        kept = [~item for item in given]
        return kept[0] if len(kept) == 1 else kept[0] & kept[1]
    added = [
        torch.zeros_like(item, dtype=dtype).masked_fill(item, float("-inf")) if item.dtype == torch.bool else item
        for item in given
    ]
    return added[0] if len(added) == 1 else added[0] + added[1]
