"""A module as it is at inference: in eval mode, and with the weights that it computes from others (weight norm,
spectral norm, any parametrization) stored like all the rest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from homolog.errors import Unsupported

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class _Computed:
    """A weight that a module computes from others whenever it is used.

    Attributes:
        path: of the module.
        name: of the weight in its module.
        by: what computes it, for people.
        origins: names of the tensors that it is computed from, in its module.
        trained: whether one of them is a parameter.
        value: computes it.
        hook: what computes it before each forward (the older norms); None for a parametrization.
        normed: whether it is weight norm alone that computes it.
    """

    path: str
    name: str
    by: str
    origins: tuple[str, ...]
    trained: bool
    value: Callable[[], torch.Tensor]
    hook: object = None
    normed: bool = False


@contextmanager
def at_inference(module: torch.nn.Module) -> Iterator[None]:
    """While the body runs, the module is in eval mode; each part is put back into its own, and so is what a forward
    that ignores its mode writes into its buffers (running statistics).

    Attention takes no fast path: that of ``nn.TransformerEncoder`` gives zeros for the places that its mask leaves out,
    where its own layers give numbers.
    """
    import torch

    fast = torch.backends.mha.get_fastpath_enabled()
    training = {child: child.training for child in module.modules()}
    buffers = [(child, dict(child._buffers)) for child in module.modules() if child._buffers]
    copies = {id(held): held.detach().clone() for _, own in buffers for held in own.values() if held is not None}
    module.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for child, mode in training.items():
            child.training = mode
        for child, own in buffers:
            child._buffers.update(own)
            for held in own.values():
                if held is not None and not held.equal(copies[id(held)]):  # batch norm counts no version
                    held.detach().copy_(copies[id(held)])


@contextmanager
def as_used(module: torch.nn.Module, *, as_trained: bool = False) -> Iterator[Mapping[str, tuple[str, ...]]]:
    """While the body runs, the module stores each weight that it computes from others as a tensor of its own, which
    holds what the weight is at inference, and stores none of the others.

    Args:
        module: is put back as it was.
        as_trained: leave out what a translation computes as well, so that it trains as before: weight norm, of dense
            layers and convolutions, transposed ones excepted.

    Yields:
        For the name of each such weight the names of the tensors that it is computed from.

    Raises:
        Unsupported: one cannot be computed.
    """
    found = list(_computed(module))
    holders: dict[torch.nn.Module, list[_Computed]] = {}
    for child, item in found:
        if all(item.name != other.name for other in holders.setdefault(child, [])):  # it may stand in several places
            holders[child].append(item)
    kept = {child: items for child, items in holders.items() if as_trained and _stays(child, items)}
    holders = {child: items for child, items in holders.items() if child not in kept}
    with ExitStack() as stack:
        for child, items in kept.items():
            stack.enter_context(_computing(child, items))
        # all values before the first change: two modules may compute theirs from one tensor
        with at_inference(module):
            values = {child: {item.name: _value(item) for item in items} for child, items in holders.items()}
        for child, items in holders.items():
            stack.enter_context(_storing(child, items, values[child]))
        yield {
            _joined(item.path, item.name): tuple(_joined(item.path, name) for name in item.origins)
            for child, item in found
            if child in holders
        }


def _stays(module: torch.nn.Module, items: Sequence[_Computed]) -> bool:
    """Whether a translation computes all of a module's weights as it does."""
    from torch import nn

    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    return isinstance(module, kinds) and all(item.normed and item.name == "weight" for item in items)


def _computed(module: torch.nn.Module, path: str = "") -> Iterator[tuple[torch.nn.Module, _Computed]]:
    """Every weight that is computed, with its module; those that only serve to compute others left out."""
    from torch.nn.utils.parametrizations import _WeightNorm
    from torch.nn.utils.parametrize import is_parametrized
    from torch.nn.utils.spectral_norm import SpectralNorm
    from torch.nn.utils.weight_norm import WeightNorm

    parametrized = is_parametrized(module)
    if parametrized:
        for name, steps in module.parametrizations.items():  # type: ignore[operator, union-attr]
            origins = tuple(f"parametrizations.{name}.{key}" for key in steps.state_dict())
            by = " and ".join(type(step).__name__.lstrip("_") for step in steps)
            normed = all(isinstance(step, _WeightNorm) for step in steps) and len(steps) == 1
            yield module, _Computed(path, name, by, origins, bool(steps._parameters), steps, normed=normed)
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm):
            origins = (f"{hook.name}_g", f"{hook.name}_v")
            value = partial(hook.compute_weight, module)
            yield module, _Computed(path, hook.name, "WeightNorm", origins, True, value, hook, normed=True)
        elif isinstance(hook, SpectralNorm):
            origins = (f"{hook.name}_orig", f"{hook.name}_u", f"{hook.name}_v")
            value = partial(hook.compute_weight, module, do_power_iteration=False)
            yield module, _Computed(path, hook.name, "SpectralNorm", origins, True, value, hook)
    for name, child in module._modules.items():
        if child is not None and not (parametrized and name == "parametrizations"):
            yield from _computed(child, _joined(path, name))


def _value(item: _Computed) -> torch.Tensor:
    import torch

    try:
        with torch.no_grad():
            value = item.value()
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:  # from code that may be the user's own
        raise Unsupported(
            "a layer computes its weight from others, and that failed",
            where=item.path or None,
            expected=f"a value for {item.name}",
            found=f"{item.by}: {type(error).__name__}: {error}",
            help="run the model once by itself: it cannot be read before it runs",
        ) from error
    # a copy, for some give the very tensor that they are given
    return torch.nn.Parameter(value.detach().clone(), requires_grad=True) if item.trained else value.detach().clone()


@contextmanager
def _storing(module: torch.nn.Module, items: Sequence[_Computed], values: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """While the body runs, a module stores these weights and computes none.

    ``remove_parametrizations`` would not do, on a copy either: it changes the class, which copies share.
    """
    from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

    kind, before = type(module), dict(vars(module))
    unused = {name for item in items for name in item.origins}
    hooks = [item.hook for item in items]
    parametrized = is_parametrized(module)
    plain = {key: value for key, value in before.items() if key not in values}  # the older norms leave theirs there
    for table, trained in (("_parameters", True), ("_buffers", False)):
        own = {item.name: values[item.name] for item in items if item.trained is trained}
        plain[table] = own | {name: value for name, value in before[table].items() if name not in unused}
    plain["_modules"] = {
        name: child for name, child in module._modules.items() if not (parametrized and name == "parametrizations")
    }
    plain["_forward_pre_hooks"] = OrderedDict(
        (key, hook) for key, hook in module._forward_pre_hooks.items() if hook not in hooks
    )
    if parametrized:
        module.__class__ = type_before_parametrizations(module)
    vars(module).clear()
    vars(module).update(plain)
    try:
        yield
    finally:
        module.__class__ = kind
        vars(module).clear()
        vars(module).update(before)


@contextmanager
def _computing(module: torch.nn.Module, items: Sequence[_Computed]) -> Iterator[None]:
    """While the body runs, a module goes on computing these weights, and can be copied: what the older norms computed
    last, and left in it, is kept without the way to what it was computed from."""
    before = dict(vars(module))
    vars(module).update({item.name: vars(module)[item.name].detach() for item in items if item.name in vars(module)})
    try:
        yield
    finally:
        vars(module).clear()
        vars(module).update(before)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
