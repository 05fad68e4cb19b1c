"""What passes through the layers of a module while it runs, kept, and replaced where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from homolog.live import INPUT
from homolog.pytorch.framework import require
from homolog.pytorch.read import results_of, to_numpy
from homolog.tensors import Array

if TYPE_CHECKING:
    import torch


@contextmanager
def recording(
    model: torch.nn.Module, layers: Iterable[str], instead: Mapping[str, Array], seen: dict[str, Array]
) -> Iterator[None]:
    """Keep what layers give, or take, at their first call, by hooks that are removed again.

    Args:
        model: whose layers.
        layers: paths, or paths with ``INPUT`` behind them.
        instead: by path, what a layer shall give at its first call, after its own was kept.
        seen: what is kept, by path.
    """
    with ExitStack() as stack:
        for path in dict.fromkeys(layers):
            module = model.get_submodule(path.removesuffix(INPUT))
            if path.endswith(INPUT):
                hook = module.register_forward_pre_hook(_taking(path, seen), with_kwargs=True)
            else:
                hook = module.register_forward_hook(_giving(path, instead.get(path), seen))
            stack.callback(hook.remove)
        yield


def _taking(path: str, seen: dict[str, Array]) -> Any:
    def record(module: object, arguments: tuple[object, ...], named: dict[str, object]) -> None:
        tensors = list(results_of((*arguments, *named.values())).tensors.values())
        if tensors and path not in seen:
            seen[path] = to_numpy(tensors[0]).copy()  # an in-place layer would change it

    return record


def _giving(path: str, given: Array | None, seen: dict[str, Array]) -> Any:
    torch = require()

    def record(module: object, inputs: object, output: Any) -> Any:
        tensors = list(results_of(output).tensors.values())
        if not tensors or path in seen:
            return None
        seen[path] = to_numpy(tensors[0]).copy()  # an in-place layer behind would change it
        if given is None or not isinstance(output, torch.Tensor) or tuple(output.shape) != given.shape:
            return None
        wide = given.astype(np.float64 if given.dtype.kind in "fV" else given.dtype, order="C")  # bfloat16 is "V"
        return torch.from_numpy(wide).to(output)

    return record
