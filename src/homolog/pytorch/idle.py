"""A module's first call without the work: what it makes then and keeps is made, what it computes of its inputs is not.

Modules keep tables that their first call makes, of positions say, and are run once before they are traced so that these
are no part of the trace. Of such a run nothing is wanted but that, so products and convolutions of what comes from the
inputs are zeros of their shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def first_call(module: torch.nn.Module, by_place: Sequence[torch.Tensor], by_name: Mapping[str, torch.Tensor]) -> None:
    """Call the module once; for its work too where it does not run on zeros.

    Args:
        module: at inference.
        by_place, by_name: what ``forward`` is called with.
    """
    import torch

    with torch.no_grad():
        try:
            with idling([*by_place, *by_name.values()]):
                module(*by_place, **by_name)
        except Exception:  # noqa: BLE001 - whatever the user's forward raises on zeros; it shows again if it is its own
            module(*by_place, **by_name)


def idling(inputs: Iterable[torch.Tensor]) -> Any:
    """A scope in which what is multiplied or convolved is zeros, wherever it comes from one of these tensors."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_map_only
    from torch.utils.weak import WeakTensorKeyDictionary

    aten = torch.ops.aten
    work = {aten.convolution, aten.mm, aten.addmm, aten.bmm, aten.baddbmm, aten.mv, aten.addmv}
    work |= {aten._scaled_dot_product_flash_attention_for_cpu}
    come = WeakTensorKeyDictionary()
    come.update(dict.fromkeys(inputs, True))

    class Idle(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            given = kwargs or {}
            from_inputs = any(tensor in come for tensor in _tensors((*args, *given.values())))
            if from_inputs and func.overloadpacket in work:
                places, names = tree_map_only(torch.Tensor, _shape_of, (args, given))
                made = tree_map_only(torch.Tensor, _zeros, func(*places, **names))
            else:
                made = func(*args, **given)
            for tensor in _tensors((made,)) if from_inputs else ():
                come[tensor] = True
            return made

    return Idle()  # type: ignore[no-untyped-call]


def _tensors(items: Iterable[Any]) -> Iterator[torch.Tensor]:
    import torch

    for item in items:
        if isinstance(item, torch.Tensor):
            yield item
        elif isinstance(item, list | tuple):
            yield from _tensors(item)


def _shape_of(tensor: torch.Tensor) -> torch.Tensor:
    import torch

    made: torch.Tensor = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    return made


def _zeros(shape: torch.Tensor) -> torch.Tensor:
    import torch

    made: torch.Tensor = torch.empty_strided(shape.shape, shape.stride(), dtype=shape.dtype).zero_()
    return made
