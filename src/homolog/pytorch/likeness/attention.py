"""Attention in which whole rows are hidden, as Keras computes it on its other backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

HIDDEN = -0.7 * 3.38953e38
"""What Keras puts in the place of a hidden score (``_get_large_negative`` of its backends)."""


def attended(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Keras's ``dot_product_attention``; written out where the mask says the same of all keys.

    A row of which all keys are hidden looks at all of them alike, and its scores play no part. PyTorch's attention is
    given a number to add to these, through which gradients go on into what played no part; and in float32, on a CPU, it
    takes them wrongly too. A mask with one key for all hides rows whole or not at all: then the number is put where the
    scores are.
    """
    import torch

    def dot_product_attention(
        query: Any,
        key: Any,
        value: Any,
        bias: Any = None,
        mask: Any = None,
        scale: Any = None,
        is_causal: bool = False,
        **more: Any,
    ) -> Any:
        if not _hides_whole_rows(mask, key) or bias is not None or is_causal:
            return plain(query, key, value, bias=bias, mask=mask, scale=scale, is_causal=is_causal, **more)
        query, key, value = (torch.transpose(item, 1, 2) for item in (query, key, value))
        groups = query.shape[1] // key.shape[1]
        if groups > 1:
            key, value = (torch.repeat_interleave(item, groups, dim=1) for item in (key, value))
        scores = torch.matmul(query, torch.transpose(key, 2, 3)) * (query.shape[-1] ** -0.5 if scale is None else scale)
        scores = torch.where(mask, scores, HIDDEN)
        return torch.transpose(torch.matmul(torch.softmax(scores, dim=-1), value), 1, 2)

    return dot_product_attention


def _hides_whole_rows(mask: Any, key: Any) -> bool:
    import torch

    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.bool:
        return False
    keys, all_keys = mask.shape[-1], key.shape[1]
    return isinstance(keys, int) and keys == 1 and not (isinstance(all_keys, int) and all_keys == 1)
