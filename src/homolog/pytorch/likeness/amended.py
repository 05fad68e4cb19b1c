"""What Keras's torch backend is made to do otherwise while a model is traced, by the names of modules and functions.

Each gives what Keras's own function should, in a way that ``torch.export`` can follow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from homolog.pytorch.likeness.attention import attended
from homolog.pytorch.likeness.segments import reduced

if TYPE_CHECKING:
    import torch


def _device() -> torch.device:
    """As an object: Keras compares a tensor's device with it, and would write down a move of every tensor."""
    import torch

    return torch.device("cpu")


def _convert_to_tensor(plain: Callable[..., Any], numbers: set[float]) -> Callable[..., Any]:
    """A tensor of the type that is asked for is what is asked for; and numbers are noted as they were, for what is left
    of them in a tensor is rounded."""
    import torch

    def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Any:
        if isinstance(x, float):
            numbers.add(x)
        if isinstance(x, torch.Tensor) and dtype is not None and str(x.dtype) == f"torch.{dtype}":
            return x
        return plain(x, dtype=dtype, sparse=sparse, ragged=ragged)

    return convert_to_tensor


def _arange(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Up to an open length, which Keras has no element type for."""
    import torch

    def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
        if not any(isinstance(item, torch.SymInt) for item in (start, stop, step)):
            return plain(start, stop, step, dtype)
        first, last = (0, start) if stop is None else (start, stop)
        return torch.arange(first, last, step=1 if step is None else step, dtype=getattr(torch, str(dtype or "int32")))

    return arange


def _repeat(plain: Callable[..., Any]) -> Callable[..., Any]:
    """A number of repeats stays a number, for it may be that of the rows; what is repeated, tensor or variable, PyTorch
    knows how to take."""
    import torch

    def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
        if hasattr(x, "__torch_function__") and isinstance(repeats, int | torch.SymInt) and axis is not None:
            return torch.repeat_interleave(x, repeats, dim=axis)
        return plain(x, repeats, axis=axis)

    return repeat


def _average(plain: Callable[..., Any]) -> Callable[..., Any]:
    """With weights: Keras's own adds up those of the last axis, whichever axis the average is over."""
    import torch

    def average(x: Any, axis: int | None = None, weights: Any = None) -> Any:
        if weights is None or not isinstance(x, torch.Tensor):
            return plain(x, axis=axis, weights=weights)
        weights = torch.as_tensor(weights)
        if axis is None:
            return (x * weights).sum() / weights.sum()
        if weights.dim() < x.dim():
            weights = weights.reshape([-1 if place == axis % x.dim() else 1 for place in range(x.dim())])
        return (x * weights).sum(axis) / weights.sum(axis)

    return average


def _count_nonzero(plain: Callable[..., Any]) -> Callable[..., Any]:
    """With the axes that are left in their order: Keras's own turns them round."""
    import torch

    def count_nonzero(x: Any, axis: Any = None) -> Any:
        return plain(x, axis=axis) if axis in (None, (), []) else torch.sum(x != 0, dim=axis).to(torch.int32)

    return count_nonzero


def _take(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Rows of a table, as an embedding takes them. Places from the end (below zero) are not looked for: TensorFlow has
    none, and PyTorch refuses them."""
    import torch

    def take(x: Any, indices: Any, axis: int | None = None) -> Any:
        tensors = isinstance(x, torch.Tensor) and isinstance(indices, torch.Tensor)
        if axis == 0 and tensors and x.dim() == 2 and indices.dim() and not indices.is_floating_point():
            return torch.nn.functional.embedding(indices, x)
        return plain(x, indices, axis=axis)

    return take


def _take_along_axis(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Repeated along the other axes first: PyTorch compares the lengths of both, the number of rows among them."""
    import torch

    def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
        tensors = isinstance(x, torch.Tensor) and isinstance(indices, torch.Tensor)
        if axis is None or not tensors or x.dim() != indices.dim():
            return plain(x, indices, axis=axis)
        axis %= x.dim()
        shapes = [[length if place != axis else 1 for place, length in enumerate(item.shape)] for item in (x, indices)]
        both = [two if isinstance(one, int) and one == 1 else one for one, two in zip(*shapes, strict=True)]
        rows = x.expand([x.shape[axis] if place == axis else length for place, length in enumerate(both)])
        places = indices.expand([indices.shape[axis] if place == axis else n for place, n in enumerate(both)])
        places = places.to(torch.int64)
        return torch.gather(rows, axis, torch.where(places < 0, places + x.shape[axis], places))

    return take_along_axis


def _bounded(bound: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A number that bounds a tensor stays a number, and does not become a tensor that has to be kept."""
    import torch

    def amend(plain: Callable[..., Any]) -> Callable[..., Any]:
        def bounded(x1: Any, x2: Any) -> Any:
            if isinstance(x1, torch.Tensor) and x1.is_floating_point() and isinstance(x2, float):
                return torch.clamp(x1, min=x2) if bound == "min" else torch.clamp(x1, max=x2)
            return plain(x1, x2)

        return bounded

    return amend


def _rnn(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Backwards with a mask: Keras's own turns round a list as if it were a tensor."""

    def rnn(step_function: Any, inputs: Any, initial_states: Any, **kwargs: Any) -> Any:
        if kwargs.get("mask") is None or not kwargs.get("go_backwards"):
            return plain(step_function, inputs, initial_states, **kwargs)
        from torch.utils import _pytree

        axis = 0 if kwargs.get("time_major") else 1
        inputs = _pytree.tree_map(lambda item: item.flip(axis), inputs)
        kwargs |= {"mask": kwargs["mask"].flip(axis), "go_backwards": False}
        return plain(step_function, inputs, initial_states, **kwargs)

    return rnn


def _undrawn(seed: Any) -> None:
    """No generator: layers that draw numbers at inference too, and then leave them, draw from PyTorch's own. What does
    depend on what is drawn has no writer."""


def _uniform(plain: Callable[..., Any]) -> Callable[..., Any]:
    """For every row, of which a generator wants to know how many there are."""
    import torch

    def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        return (maxval - minval) * torch.rand(tuple(shape), dtype=getattr(torch, str(dtype or "float32"))) + minval

    return uniform


def _randint(plain: Callable[..., Any]) -> Callable[..., Any]:
    """The same of whole numbers."""
    import torch

    def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Any:
        return torch.randint(minval, maxval, tuple(shape), dtype=getattr(torch, str(dtype)))

    return randint


def amended(numbers: set[float]) -> dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]]:
    """By module and function of ``keras.src.backend.torch``: from Keras's own function the one in its place.

    Args:
        numbers: is given every real number that becomes a tensor.
    """
    return {
        "core.get_device": lambda plain: _device,
        "core.convert_to_tensor": lambda plain: _convert_to_tensor(plain, numbers),
        "math._segment_reduction_fn": reduced,
        "nn.dot_product_attention": attended,
        "numpy.arange": _arange,
        "numpy.average": _average,
        "numpy.count_nonzero": _count_nonzero,
        "numpy.maximum": _bounded("min"),
        "numpy.minimum": _bounded("max"),
        "numpy.repeat": _repeat,
        "numpy.take": _take,
        "numpy.take_along_axis": _take_along_axis,
        "random.randint": _randint,
        "random.torch_seed_generator": lambda plain: _undrawn,
        "random.uniform": _uniform,
        "rnn.rnn": _rnn,
    }
