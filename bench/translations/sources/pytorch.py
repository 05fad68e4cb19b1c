"""A PyTorch module of the zoo as the source of a translation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench.pairs.perturb import perturb_torch
from bench.translations.model import TRACED, Array, Model
from bench.translations.outputs import flat
from bench.zoo import declare_boxes


def built(model: Model) -> Any:
    """The module with weights, statistics and scales that prove something."""
    import torch

    declare_boxes()
    torch.manual_seed(1)
    module = model.make().eval()
    if not model.refused:
        perturb_torch(module, model.arrays(TRACED, seed=3), seed=4, gain=model.gain)
    return module


def weights(module: Any) -> int:
    """Bytes of them."""
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))


def outputs(module: Any, model: Model, arrays: Sequence[Array]) -> dict[str, Array]:
    """What a call gives, as a user would make it."""
    import torch

    with torch.no_grad():
        return _arrays(_called(module, model, arrays))


def exact(module: Any, model: Model, arrays: Sequence[Array]) -> dict[str, Array]:
    """What a call gives in float64; empty where the module has none in float64."""
    import torch

    try:
        with torch.no_grad():
            wide = _arrays(_called(module.double(), model, arrays))
    except RuntimeError:  # it makes float32 tensors of its own
        wide = {}
    module.float()
    return wide


def trained(module: Any, model: Model) -> dict[str, int]:
    """Numbers that are trained: in the module, and in what of it a call at inference uses.

    A module that holds a head for training alone (inception_v3) has more than its calls use.
    """
    given = _called(module, model, model.arrays(1))
    used = sum(variable.numel() for variable in _reached(given.values()))
    return {"source": sum(item.numel() for item in module.parameters() if item.requires_grad), "used": used}


def fitting(translation: Any, model: Model) -> Model:
    """The model as it is: it was translated for the lengths of its own inputs."""
    return model


def handed(translation: Any, model: Model, arrays: Sequence[Array]) -> dict[str, Array]:
    """Inputs by name; who runs the translation lays them out as its model declares them."""
    names = [entry.name or str(place) for place, entry in enumerate(model.inputs)]
    return dict(zip(names, arrays, strict=True))


def turns(module: Any, model: Model) -> None:
    """Transposes that the module asks for itself: not counted."""


def _called(module: Any, model: Model, arrays: Sequence[Array]) -> dict[str, Any]:
    import torch

    tensors = [torch.from_numpy(array) for array in arrays]
    kind = next((item.dtype for item in module.parameters() if item.is_floating_point()), torch.float32)
    tensors = [tensor.to(kind) if tensor.is_floating_point() else tensor for tensor in tensors]
    names = [entry.name for entry in model.inputs]
    return flat(module(**dict(zip(names, tensors, strict=True))) if all(names) else module(*tensors))


def _arrays(given: Mapping[str, Any]) -> dict[str, Array]:
    return {name: tensor.numpy() for name, tensor in given.items()}


def _reached(given: Iterable[Any]) -> Iterator[Any]:
    """The parameters from which there is a way to an output, each once."""
    waiting = [tensor.grad_fn for tensor in given if tensor.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        if hasattr(node, "variable"):
            yield node.variable
        further = {item for item, _ in node.next_functions if item is not None} - seen
        seen |= further
        waiting += further
