"""What PyTorch is spared while a program is exported.

It finds out the shape of what a batch norm or an activation gives by taking it apart in Python, which for a deep
network takes longer than all the rest; it is that of what goes in. And it notes the lines of the source for every
operator, how every value would lie in memory, and makes Python of every graph on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

SCHEMA = (
    "batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, "
    "float momentum, float eps, bool cudnn_enabled) -> Tensor"
)
"""ATen's own."""
TRAINING = 5
"""Place of the argument that says whether it takes the statistics of the batch."""
_LIBRARIES: list[Any] = []
"""A library's operators go with it."""


@contextmanager
def quick_norms() -> Iterator[None]:
    """While the body runs, ``torch.batch_norm`` at inference is an operator of the same name and arguments."""
    import torch

    plain, quick = torch.batch_norm, _operator()

    @wraps(plain)
    def norm(*args: Any, **kwargs: Any) -> Any:
        return plain(*args, **kwargs) if kwargs or args[TRAINING] else quick(*args)

    torch.batch_norm = norm  # which torch.nn.functional.batch_norm calls too
    try:
        yield
    finally:
        torch.batch_norm = plain


ACTIVATIONS = (
    *("celu", "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish"),
    *("relu", "relu6", "selu", "sigmoid", "silu", "softplus", "tanh"),
)
"""Operators of one tensor that give its shape, strides and, of a float, element type."""


@contextmanager
def quick_shapes() -> Iterator[None]:
    """While the body runs, no activation, permutation, mean or sampling of a grid is taken apart to find out an open
    shape."""
    import torch
    from torch._decomp import decomposition_table as apart

    aten = torch.ops.aten
    packets = [getattr(aten, name) for kind in ACTIVATIONS for name in (kind, f"{kind}_") if hasattr(aten, name)]
    known = [packet.default for packet in packets if packet.default in apart]
    quicker = {operator: _as_input(operator, apart[operator]) for operator in known}
    others = {aten.grid_sampler_2d.default: _as_grid, aten.permute.default: _as_permuted, aten.mean.dim: _as_mean}
    quicker.update({operator: quick(apart[operator]) for operator, quick in others.items()})
    before = {operator: apart[operator] for operator in quicker}
    apart.update(quicker)
    try:
        yield
    finally:
        apart.update(before)


def _as_input(operator: Any, whole: Any) -> Any:
    """What finds out the shape for an activation that ``whole`` would take apart."""

    @wraps(whole)  # PyTorch remembers for good by whose name it takes an operator apart
    def shape(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if not tensor.is_floating_point():
            return whole(tensor, *args, **kwargs)
        return tensor if operator._schema.is_mutable else _lying_as(tensor)

    return shape


def _as_grid(whole: Any) -> Any:
    """What finds out the shape for the sampling of a grid that ``whole`` would take apart."""

    @wraps(whole)
    def shape(maps: torch.Tensor, grid: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        return maps.new_empty((*maps.shape[:2], *grid.shape[1:3]))

    return shape


def _as_permuted(whole: Any) -> Any:
    """What finds out the shape for a permutation that ``whole`` would take apart."""

    @wraps(whole)
    def shape(tensor: torch.Tensor, dims: list[int]) -> Any:
        order = _places(tensor, dims)
        if len(order) != tensor.ndim:
            return whole(tensor, dims)  # which says what is wrong with it
        lengths, strides = tensor.shape, tensor.stride()
        return tensor.as_strided([lengths[axis] for axis in order], [strides[axis] for axis in order])

    return shape


def _as_mean(whole: Any) -> Any:
    """What finds out the shape for a mean over axes that ``whole`` would take apart."""

    @wraps(whole)
    def shape(
        tensor: torch.Tensor, dim: list[int] | None, keepdim: bool = False, *, dtype: torch.dtype | None = None
    ) -> Any:
        gone = _places(tensor, dim or ())
        if not gone or dtype is not None or not tensor.is_floating_point():
            return whole(tensor, dim, keepdim, dtype=dtype)
        lengths = enumerate(tensor.shape)
        return tensor.new_empty([1 if axis in gone else n for axis, n in lengths if keepdim or axis not in gone])

    return shape


def _places(tensor: torch.Tensor, axes: Sequence[int]) -> list[int]:
    """The axes counted from the front; none at all where one is named twice or does not exist."""
    places = [axis + tensor.ndim if axis < 0 else axis for axis in axes]
    return places if len(set(places).intersection(range(tensor.ndim))) == len(axes) else []


@contextmanager
def without_lines() -> Iterator[None]:
    """While the body runs, PyTorch does not note where in the source an operator comes from."""
    import torch

    config: Any = getattr(torch.fx, "config", None)
    if not hasattr(config, "do_not_emit_stack_traces"):  # PyTorch 2.9 notes it always
        yield
        return
    before, config.do_not_emit_stack_traces = config.do_not_emit_stack_traces, True
    try:
        yield
    finally:
        config.do_not_emit_stack_traces = before


@contextmanager
def without_leavings() -> Iterator[None]:
    """While the body runs, PyTorch does not note how each value would lie in memory, and makes Python of no graph that
    is not called."""
    import torch
    from torch.fx.experimental import proxy_tensor

    shapes: Any = proxy_tensor
    noted, compile_now = shapes._extract_tensor_metadata, torch.fx.GraphModule.recompile

    def compile_when_called(graph: Any) -> None:
        def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
            compile_now(self)
            return self.forward(*args, **kwargs)

        type(graph).forward = forward  # every graph has a class of its own

    shapes._extract_tensor_metadata = lambda *args, **kwargs: None
    torch.fx.GraphModule.recompile = compile_when_called  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        shapes._extract_tensor_metadata = noted
        torch.fx.GraphModule.recompile = compile_now  # type: ignore[method-assign]


@cache
def _operator() -> Any:
    import torch

    library = torch.library.Library("homolog", "FRAGMENT")
    library.define(SCHEMA)
    library.impl("batch_norm", torch.batch_norm, "CPU")
    library.impl("batch_norm", _shape_of_input, "Meta")
    _LIBRARIES.append(library)
    return torch.ops.homolog.batch_norm.default


def _shape_of_input(input: torch.Tensor, *others: Any) -> torch.Tensor:
    return _lying_as(input)


def _lying_as(tensor: torch.Tensor) -> torch.Tensor:
    """``torch.empty_like``, in a third of its time where it is plain that the numbers lie without gaps: where strides
    are known, and the one open length, if any, is that of the outermost axis."""
    import torch

    strides = tensor.stride()
    if not all(isinstance(stride, int) for stride in strides):
        return torch.empty_like(tensor)
    lengths = [length if isinstance(length, int) else None for length in tensor.shape]
    expected: int | None = 1
    for stride, length in sorted(zip(strides, lengths, strict=True), key=lambda axis: (axis[0], axis[1] != 1)):
        if expected is None or stride != expected:
            return torch.empty_like(tensor)
        expected = None if length is None else stride * length
    return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype, device=tensor.device)
