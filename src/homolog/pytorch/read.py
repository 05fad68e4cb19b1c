"""A live PyTorch module → Graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from homolog.errors import Unsupported
from homolog.graph import Graph
from homolog.modules import Module
from homolog.pytorch.tree import is_chain, read_tree
from homolog.tensors import Array, TensorRef, dtype_of

if TYPE_CHECKING:
    import torch


def read(module: torch.nn.Module, inputs: Sequence[Array] | None = None) -> Graph:
    """The graph of a module.

    A chain of known layers is read from the tree of modules; anything else is traced by ``torch.export``, for
    which it needs inputs.

    Args:
        module: in eval mode, or it is read as if it were.
        inputs: one array for each argument of ``forward``, batch axis first.

    Raises:
        Unsupported: the module needs inputs and there are none, or it cannot be exported.
    """
    tree = tree_of(module)
    if is_chain(tree):
        return read_tree(tree, None if inputs is None else inputs[0].shape)
    if inputs is None:
        raise Unsupported(
            f"a {type(module).__name__} says nothing of its inputs, and has to be run once to be read",
            help="give the shapes of its inputs, batch first: --input 1,3,224,224",
        )
    from homolog.pytorch.export import read_exported

    return read_exported(module, tree, fitting(module, inputs))


def fitting(module: torch.nn.Module, inputs: Sequence[Array]) -> list[torch.Tensor]:
    """Inputs as tensors of the module's own element type; ids stay ids. Keras does so by itself."""
    import torch

    own = next((parameter.dtype for parameter in module.parameters() if parameter.is_floating_point()), torch.float32)
    tensors = [torch.tensor(array) for array in inputs]
    return [tensor.to(own) if tensor.is_floating_point() else tensor for tensor in tensors]


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
