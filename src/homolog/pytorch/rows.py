"""``len(x)`` of a tensor with an open number of rows: Python's own makes an ``int`` of it, which fixes that number."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@contextmanager
def open_rows(module: torch.nn.Module) -> Iterator[None]:
    """While the body runs, ``len`` in the files that the module's layers are written in gives a tensor's rows as
    ``x.shape[0]`` does."""
    files = [names for names in _files(module) if "len" not in names]
    for names in files:
        names["len"] = _len
    try:
        yield
    finally:
        for names in files:
            del names["len"]


def _len(item: Any) -> Any:
    import torch

    return item.shape[0] if isinstance(item, torch.Tensor) and item.dim() else len(item)


def _files(module: torch.nn.Module) -> Iterator[dict[str, Any]]:
    """What the code of each layer finds its global names in, PyTorch's own layers left out."""
    classes = {cls for kind in set(map(type, module.modules())) for cls in kind.__mro__}
    own = (value for cls in classes for value in vars(cls).values() if isinstance(value, FunctionType))
    plain = (item for item in map(inspect.unwrap, own) if isinstance(item, FunctionType))  # behind decorators
    found = {id(item.__globals__): item.__globals__ for item in plain}
    yield from (names for names in found.values() if not str(names.get("__name__")).startswith("torch."))
