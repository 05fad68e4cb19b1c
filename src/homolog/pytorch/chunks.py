"""Chunks of an open number of rows: PyTorch's operator compares numbers that ``torch.export`` cannot, and fixes them.

Where an open length is a multiple of the number of chunks, as of what was joined in front, it is cut by an operator
that compares nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_LIBRARIES: list[object] = []
"""What is registered is gone once its library is collected."""


@contextmanager
def open_chunks(module: torch.nn.Module) -> Iterator[None]:
    """While the body runs, ``torch.chunk`` cuts open lengths so, in a module whose inputs have as many rows each."""
    import torch
    from torch.fx.experimental.symbolic_shapes import statically_known_true
    from torch.overrides import TorchFunctionMode

    class Chunks(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func in (torch.chunk, torch.Tensor.chunk):
                tensor, chunks, dim = _arguments(*args, **(kwargs or {}))
                length = tensor.shape[dim]
                if not isinstance(length, int) and statically_known_true(length % chunks == 0):
                    return tuple(_operator()(tensor, chunks, dim))
            return func(*args, **(kwargs or {}))

    # inside the forward alone: it is told of everything that is done with tensors, and most of that comes before
    watching = ExitStack()

    def enter(*call: object) -> None:
        watching.enter_context(Chunks())

    def leave(*call: object) -> None:
        watching.close()

    hooks = (
        module.register_forward_pre_hook(_as_many_rows, with_kwargs=True),
        module.register_forward_pre_hook(enter),
        module.register_forward_hook(leave, always_call=True),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _as_many_rows(module: object, args: Sequence[object], kwargs: Mapping[str, object]) -> None:
    """``torch.export`` has a number of its own for the rows of each input, and learns too late that they are one."""
    import torch

    lengths = [item.shape[0] for item in (*args, *kwargs.values()) if isinstance(item, torch.Tensor) and item.dim()]
    for length in lengths[1:]:
        if not isinstance(length, int) and not isinstance(lengths[0], int):
            torch._check(length == lengths[0])


def _arguments(input: torch.Tensor, chunks: int, dim: int = 0) -> tuple[torch.Tensor, int, int]:
    return input, chunks, dim


@cache
def _operator() -> Any:
    import torch

    library = torch.library.Library("homolog", "FRAGMENT")
    library.define("chunk(Tensor self, int chunks, int dim) -> Tensor[]")
    library.impl("chunk", _chunk, "CompositeExplicitAutograd")
    _LIBRARIES.append(library)
    return torch.ops.homolog.chunk.default


def _chunk(tensor: torch.Tensor, chunks: int, dim: int) -> list[torch.Tensor]:
    size = tensor.shape[dim] // chunks
    return [tensor.narrow(dim, place * size, size).clone() for place in range(chunks)]
