"""Bags of ids that are all as long, said plainly while they are traced.

``embedding_bag`` of a matrix of ids looks them up and joins the rows of each bag; PyTorch has one operator for it,
which takes the bags end to end. Here it is a lookup and a sum, a mean or a maximum. It is the same function.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@contextmanager
def plain_bags() -> Iterator[None]:
    """While the body runs, bags of one length are joined so; others by PyTorch's operator, as before."""
    import torch

    original = torch.nn.functional.embedding_bag

    def joined(input: torch.Tensor, weight: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        names = ("offsets", "max_norm", "norm_type", "scale_grad_by_freq", "mode", "sparse", "per_sample_weights")
        given = {**dict(zip((*names, "include_last_offset", "padding_idx"), args, strict=False)), **kwargs}
        if input.dim() != 2 or given.get("max_norm") is not None:
            return original(input, weight, *args, **kwargs)
        rows = torch.nn.functional.embedding(input, weight, scale_grad_by_freq=bool(given.get("scale_grad_by_freq")))
        if given.get("per_sample_weights") is not None:
            rows = rows * given["per_sample_weights"].unsqueeze(-1)
        return _joined(rows, input, given.get("mode", "mean"), given.get("padding_idx"), len(weight))

    torch.nn.functional.embedding_bag = joined
    try:
        yield
    finally:
        torch.nn.functional.embedding_bag = original


def _joined(rows: torch.Tensor, ids: torch.Tensor, mode: str, padding: int | None, count: int) -> torch.Tensor:
    """The rows (bags, length, width) of each bag as one, without those of the padding; nothing is zero."""
    if padding is None:
        return rows.amax(dim=1) if mode == "max" else rows.mean(dim=1) if mode == "mean" else rows.sum(dim=1)
    counted = (ids != padding % count).unsqueeze(-1)
    if mode == "max":
        largest = rows.masked_fill(~counted, float("-inf")).amax(dim=1)
        return largest.masked_fill(~counted.any(dim=1), 0)
    total = (rows * counted).sum(dim=1)
    return total if mode == "sum" else total / counted.sum(dim=1).clamp(min=1)
