"""A forward in float64 throughout: also where its code asks for another float by name, as norms and rotary positions
do for float32, and whoever saves memory for half precision.

Such a part would round what a float64 pass is there to tell without rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from homolog import roomy
from homolog.pytorch.framework import require
from homolog.tensors import HALVES

if TYPE_CHECKING:
    import torch


def widened_copy(module: torch.nn.Module) -> torch.nn.Module:
    """The module in float64, made without a copy in its own element type in between."""
    torch = require()
    memo: dict[int, object] = {}
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point() and tensor.dtype != torch.float64:
            wide = _wide(tensor.detach())
            trained = isinstance(tensor, torch.nn.Parameter)
            memo[id(tensor)] = torch.nn.Parameter(wide, tensor.requires_grad) if trained else wide
    return copy.deepcopy(module, memo).double()


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor in float64, in memory of numpy's, which is had sooner."""
    import torch

    if tensor.device.type != "cpu" or tensor.layout is not torch.strided:
        return tensor.double()
    made: torch.Tensor = torch.from_numpy(roomy.empty(tensor.shape, np.dtype(np.float64)))
    made.copy_(tensor)
    return made


def jittered(module: torch.nn.Module, share: float) -> torch.nn.Module:
    """The module, with every float of its tensors larger or smaller by that share of itself, by chance."""
    torch = require()
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()) if share else ():
            if tensor.is_floating_point():
                up = torch.randint(0, 2, tensor.shape, generator=random, dtype=torch.int8)
                tensor.mul_(1 + share * (2 * up - 1))
    return module


def _hardsigmoid_backward(gradient: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """A sixth between -3 and 3. PyTorch's own takes a sixth that is rounded to float32, in float64 too
    (``aten/src/ATen/native/cpu/Activation.cpp``)."""
    return gradient * (tensor.abs() < 3) / 6


def has_halves(module: torch.nn.Module) -> bool:
    """Whether a tensor of the module is of half precision, in which it then computes."""
    torch = require()
    halves = {getattr(torch, word) for word in HALVES}
    return any(tensor.dtype in halves for tensor in (*module.parameters(), *module.buffers()))


@contextmanager
def in_float64() -> Iterator[set[str]]:
    """While the body runs, every float32, float16 or bfloat16 that an operator is asked for is a float64; the set holds
    the names of those that were."""
    torch = require()
    narrow = {getattr(torch, word): word for word in ("float32", *HALVES)}
    met: set[str] = set()
    from torch.utils._python_dispatch import TorchDispatchMode

    class Wide(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.ops.aten.hardsigmoid_backward.default:
                return _hardsigmoid_backward(*args)
            asked = dict(kwargs or {})
            if asked.get("dtype") in narrow:
                met.add(narrow[asked["dtype"]])
                asked["dtype"] = torch.float64
            return func(*args, **asked)

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with Wide():  # type: ignore[no-untyped-call]
            yield met
    finally:
        torch.set_default_dtype(before)
