"""A module's first call without the work: to see whether it keeps anything of it.

Modules keep tables that their first call makes, of positions say, and are run once before they are traced so that these
are no part of the trace. Most keep nothing, and of such a run nothing is wanted but to know that; so products and
convolutions of what comes from the inputs are zeros of their shape. Where anything of the module is another afterwards,
or its code looked at such zeros, all is put back and it is called in earnest.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from homolog.errors import Unsupported

if TYPE_CHECKING:
    import torch

Held = dict[str, object] | list[object] | set[object]


def first_call(module: torch.nn.Module, by_place: Sequence[torch.Tensor], by_name: Mapping[str, torch.Tensor]) -> None:
    """Call the module once, and leave what that leaves; no work is done where it leaves nothing.

    Args:
        module: at inference.
        by_place, by_name: what ``forward`` is called with.

    Raises:
        Unsupported: zeros that stand for a product are kept outside of the module, where they cannot be taken back.
    """
    import torch

    with torch.no_grad():
        if any(_hooks(module)):  # which may hand on what they see
            module(*by_place, **by_name)
            return
        before = [(held, _copied(held)) for held in _held(module)]
        with idling([*by_place, *by_name.values()]) as made:
            try:
                module(*by_place, **by_name)
            except Exception:  # noqa: BLE001 - of whatever kind a user's forward raises on zeros: it is called in earnest
                made.seen = True
        if not made.seen and not made.kept() and all(_same(held, copy) for held, copy in before):
            return
        for held, copy in before:
            if not _same(held, copy):
                _put_back(held, copy)
        module(*by_place, **by_name)
        if made.kept():
            raise Unsupported(
                "the module keeps what it computes outside of itself",
                where=type(module).__name__,
                expected="a forward that leaves nothing behind but in the module's own attributes",
                help="take out what stores its values elsewhere: a list of activations, a cache",
            )


class Idled:
    """What became of the work that was not done.

    Attributes:
        seen: whether code asked for the numbers of such a result, or wrote one into a tensor that was there before.
    """

    def __init__(self) -> None:
        from torch.utils.weak import WeakTensorKeyDictionary

        self.seen = False
        self._results = WeakTensorKeyDictionary()

    def add(self, tensor: torch.Tensor) -> None:
        self._results[tensor] = True

    def __contains__(self, tensor: torch.Tensor) -> bool:
        return tensor in self._results

    def kept(self) -> bool:
        """Whether something holds such a result, or what was made of one."""
        if not self._results:
            return False
        gc.collect()  # of what holds itself alone
        return len(self._results) > 0


class _InEarnest(Exception):
    """A result that was not computed is needed."""


@contextmanager
def idling(inputs: Iterable[torch.Tensor]) -> Iterator[Idled]:
    """While the body runs, what is multiplied or convolved is zeros, wherever it comes from one of these tensors."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_map_only
    from torch.utils.weak import WeakTensorKeyDictionary

    aten = torch.ops.aten
    work = {aten.convolution, aten.mm, aten.addmm, aten.bmm, aten.baddbmm, aten.mv, aten.addmv}
    work |= {aten._scaled_dot_product_flash_attention_for_cpu}
    come = WeakTensorKeyDictionary()
    come.update(dict.fromkeys(inputs, True))
    idled = Idled()

    class Idle(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            given = kwargs or {}
            taken = list(_tensors((*args, *given.values())))
            from_inputs = any(tensor in come for tensor in taken)
            unreal = any(tensor in idled for tensor in taken)
            if unreal and (_asks(func) or any(tensor not in idled for tensor in _written(func, args, given))):
                idled.seen = True
                raise _InEarnest
            if from_inputs and func.overloadpacket in work:
                places, names = tree_map_only(torch.Tensor, _shape_of, (args, given))
                made, unreal = tree_map_only(torch.Tensor, _zeros, func(*places, **names)), True
            else:
                made = func(*args, **given)
            for tensor in _tensors((made,)) if from_inputs else ():
                come[tensor] = True
                if unreal:
                    idled.add(tensor)
            return made

    with Idle():  # type: ignore[no-untyped-call]  # of PyTorch's, which has no types
        yield idled


def _hooks(module: torch.nn.Module) -> Iterator[object]:
    """What is called beside the module's own code."""
    from torch.nn.modules import module as everywhere

    yield from (*everywhere._global_forward_hooks.values(), *everywhere._global_forward_pre_hooks.values())
    for layer in module.modules():
        yield from (*layer._forward_hooks.values(), *layer._forward_pre_hooks.values())


def _held(module: torch.nn.Module) -> Iterator[Held]:
    """What the module holds things by, at whatever depth: attributes of its own, of its layers and of other objects,
    and containers."""
    import torch

    seen: dict[int, object] = {}
    left: list[object] = [module]
    while left:
        item = left.pop()
        if id(item) in seen or isinstance(item, torch.Tensor | type | ModuleType):
            continue
        seen[id(item)] = item
        for held in (item, _attributes(item)):
            if isinstance(held, dict | list | set):
                yield held
            if isinstance(held, dict | list | set | tuple):
                left += _items(held)


def _attributes(item: object) -> object:
    """An object's own attributes, past whatever its class makes of the question; None if it has none."""
    try:
        return object.__getattribute__(item, "__dict__")
    except AttributeError:
        return None


def _items(held: Held | tuple[object, ...]) -> Iterator[object]:
    """What a container holds, past whatever a subclass makes of being asked."""
    if isinstance(held, dict):
        return iter(dict.values(held))
    if isinstance(held, list):
        return list.__iter__(held)
    return set.__iter__(held) if isinstance(held, set) else tuple.__iter__(held)


def _copied(held: Held) -> Held:
    """The same things in another container, of a plain type, whatever a subclass makes of a copy."""
    if isinstance(held, dict):
        return dict(dict.items(held))
    return list(_items(held)) if isinstance(held, list) else set(_items(held))


def _same(held: Held, copy: Held) -> bool:
    """Whether a container holds the very things that it held."""
    if isinstance(held, dict) and isinstance(copy, dict):
        now = dict(dict.items(held))
        return now.keys() == copy.keys() and all(now[key] is copy[key] for key in copy)
    found = list(_items(held))
    return len(found) == len(copy) and all(one is other for one, other in zip(found, _items(copy), strict=True))


def _put_back(held: Held, copy: Held) -> None:
    if isinstance(held, list):
        list.__setitem__(held, slice(None), list(_items(copy)))
    elif isinstance(held, dict) and isinstance(copy, dict):
        dict.clear(held)
        dict.update(held, copy)
    elif isinstance(held, set):
        set.clear(held)
        set.update(held, _items(copy))


def _asks(func: Any) -> bool:
    """Whether an operator gives Python the numbers of a tensor."""
    import torch

    return func.overloadpacket in {torch.ops.aten._local_scalar_dense, torch.ops.aten.equal}


def _written(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[torch.Tensor]:
    """The tensors that an operator writes into."""
    for place, argument in enumerate(func._schema.arguments):
        if argument.is_write:
            yield from _tensors([args[place] if place < len(args) else kwargs.get(argument.name)])


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
