"""A live PyTorch module → Graph."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from homolog.errors import Unsupported
from homolog.graph import Graph
from homolog.modules import Module
from homolog.pytorch.inference import as_used
from homolog.pytorch.tree import is_chain, read_tree
from homolog.results import Results, taken_apart
from homolog.signature import Argument, Given
from homolog.tensors import Array, TensorRef, dtype_of

if TYPE_CHECKING:
    import torch


def read(module: torch.nn.Module, inputs: Given | None = None) -> Graph:
    """The graph of a module.

    A chain of known layers is read from the tree of modules; anything else is traced by ``torch.export``, for
    which it needs inputs. A weight that is computed from others is read as it is at inference; those are ignored.

    Args:
        module: in eval mode, or it is read as if it were.
        inputs: arrays for the arguments of ``forward``, in order or by name, batch axis first.

    Raises:
        Unsupported: the module needs inputs and there are none, or it cannot be exported.
    """
    _refuse_lazy(module)
    stored = state(module)
    with as_used(module) as computed:
        graph = _read(module, inputs)
    reasons = {
        stored[origin]: f"{name} is computed from it, and is copied as it is at inference"
        for name, origins in computed.items()
        for origin in origins
        if origin in stored
    }
    first = next(iter(graph.nodes.values()))  # an input, which no pass takes away
    nodes = {**graph.nodes, first.name: replace(first, ignored={**first.ignored, **reasons})}
    return graph.with_nodes(nodes) if reasons else graph


def _read(module: torch.nn.Module, inputs: Given | None) -> Graph:
    tree = tree_of(module)
    if is_chain(tree):
        return read_tree(tree, None if inputs is None else _arrays(inputs)[0].shape)
    if inputs is None:
        raise Unsupported(
            f"a {type(module).__name__} says nothing of its inputs, and has to be run once to be read",
            help="give the shapes of its inputs, batch first: --input 1,3,224,224",
        )
    from homolog.pytorch.export import read_exported

    return read_exported(module, tree, *fitting(module, inputs))


def fitting(module: torch.nn.Module, inputs: Given) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    """What a module is called with, by place and by name: tensors of the module's own element type; ids stay ids.
    Keras does so by itself.

    Inputs are given by name where each has the name of an argument, by place else.
    """
    import torch

    own = next((parameter.dtype for parameter in module.parameters() if parameter.is_floating_point()), torch.float32)

    def fitted(array: Array) -> torch.Tensor:
        tensor = torch.tensor(array)
        return tensor.to(own) if tensor.is_floating_point() else tensor

    if isinstance(inputs, Mapping) and set(inputs) <= set(_parameters(module)):
        return [], {name: fitted(inputs[name]) for name in _parameters(module) if name in inputs}
    return [fitted(array) for array in _arrays(inputs)], {}


def arguments_of(module: torch.nn.Module) -> tuple[Argument, ...] | None:
    """What ``forward`` can be given by name and may be a tensor; None where it takes some by place alone.

    An argument whose annotation speaks of other types than tensors, or whose default is a setting, is none of them.
    """
    parameters = inspect.signature(module.forward).parameters
    if any(part.kind in (part.POSITIONAL_ONLY, part.VAR_POSITIONAL) for part in parameters.values()):
        return None
    return tuple(
        Argument(name, required=part.default is part.empty)
        for name, part in _parameters(module).items()
        if part.default in (part.empty, None) and (part.annotation in (part.empty, Any) or "Tensor" in _told(part))
    )


def _parameters(module: torch.nn.Module) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(module.forward).parameters
    return {
        name: part for name, part in parameters.items() if part.kind in (part.POSITIONAL_OR_KEYWORD, part.KEYWORD_ONLY)
    }


def _told(part: inspect.Parameter) -> str:
    """An annotation in words; what is not spelled out (``Any``) may be a tensor."""
    return "Tensor" if str(part.annotation) in ("Any", "typing.Any") else str(part.annotation)


def _arrays(inputs: Given) -> list[Array]:
    return list(inputs.values()) if isinstance(inputs, Mapping) else list(inputs)


def results_of(result: object) -> Results:
    """The tensors that a forward gives."""
    import torch

    return taken_apart(result, lambda item: isinstance(item, torch.Tensor))


def _refuse_lazy(module: torch.nn.Module) -> None:
    """A lazy layer learns the shapes of its weights when it is first run."""
    from torch.nn.modules.lazy import LazyModuleMixin

    for path, child in module.named_modules():
        if isinstance(child, LazyModuleMixin) and child.has_uninitialized_params():  # type: ignore[misc]
            raise Unsupported(
                f"a {type(child).__name__} has no weights before it has been run",
                where=path or None,
                help="run the model once on an input before it is read",
            )


def tree_of(module: torch.nn.Module, path: str = "") -> Module:
    """A live module as data, like a pickled one."""
    return Module(
        path,
        f"{type(module).__module__}.{type(module).__qualname__}",
        {name: value for name, value in vars(module).items() if not name.startswith("_")},
        {name: _ref(path, name, value) for name, value in module._parameters.items()},
        {
            name: _ref(path, name, value)
            for name, value in module._buffers.items()
            if name not in module._non_persistent_buffers_set
        },
        {
            name: tree_of(child, f"{path}.{name}" if path else name)
            for name, child in module._modules.items()
            if child is not None
        },
    )


def used_tree_of(module: torch.nn.Module) -> Module:
    """The same with every weight that is computed from others stored as it is used."""
    with as_used(module):
        return tree_of(module)


def computed(module: torch.nn.Module, *, as_trained: bool = False) -> dict[str, TensorRef]:
    """The weights that a module computes from those of its state_dict, as they are at inference.

    Args:
        module: any.
        as_trained: as for ``as_used``.
    """
    with as_used(module, as_trained=as_trained) as names:
        held = state(module) if names else {}
    return {name: held[name] for name in names}


def state(module: torch.nn.Module) -> Mapping[str, TensorRef]:
    """The tensors of a live module's state_dict."""
    return tree_of(module).tensors()


def _ref(path: str, name: str, tensor: torch.Tensor | None) -> TensorRef | None:
    if tensor is None:
        return None
    detached = tensor.detach()
    return TensorRef(
        f"{path}.{name}" if path else name,
        tuple(tensor.shape),
        str(tensor.dtype).removeprefix("torch."),
        lambda: to_numpy(detached),
        storage=(tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tuple(tensor.stride())),
        trainable=tensor.requires_grad,
    )


def to_numpy(tensor: torch.Tensor) -> Array:
    """The values, bfloat16 and float8 included, which PyTorch itself does not hand to numpy."""
    import torch

    name = str(tensor.dtype).removeprefix("torch.")
    tensor = tensor.detach().cpu()
    if name == "bfloat16" or name.startswith("float8"):
        bits: Any = torch.int16 if name == "bfloat16" else torch.int8
        array: Array = tensor.contiguous().view(bits).numpy().view(dtype_of(name))
        return array
    plain: Array = tensor.numpy()
    return plain
