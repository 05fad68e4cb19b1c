"""Numbers added up by the segments that they belong to, as ``torch.export`` can follow it: Keras's torch backend
repeats the segments by a number that it computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def reduced(plain: Callable[..., Any]) -> Callable[..., Any]:
    """What belongs to no segment (below zero) goes to one behind the last, which is left out. A segment that nothing
    belongs to holds the lowest number as a largest one, the highest as a smallest, as TensorFlow has it."""
    import torch

    def reduce(data: Any, segment_ids: Any, reduction_method: str, num_segments: int | None) -> Any:
        if num_segments is None or not isinstance(data, torch.Tensor):
            return plain(data, segment_ids, reduction_method, num_segments)
        kind = torch.finfo(data.dtype) if data.is_floating_point() else torch.iinfo(data.dtype)
        beginnings = {"sum": 0, "prod": 1, "amax": kind.min, "amin": kind.max}
        places = torch.as_tensor(segment_ids).to(torch.int64)
        places = torch.where(places < 0, num_segments, places)
        places = places.reshape(-1, *(1 for _ in data.shape[1:])).expand(data.shape)
        shape = (num_segments + 1, *data.shape[1:])
        made = torch.full(shape, beginnings[reduction_method], dtype=data.dtype)
        return made.scatter_reduce(0, places, data, reduction_method)[:-1]

    return reduce
