"""A batch norm at inference is exported as one operator, and computes what it did; activations are not taken apart."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch._decomp import decomposition_table
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.fx.experimental import proxy_tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv, StatelessSymbolicContext

from homolog.pytorch.program import trace
from homolog.pytorch.quick import ACTIVATIONS, quick_norms, quick_shapes, without_leavings

OPEN = StatelessSymbolicContext([DimDynamic.DYNAMIC, *[DimDynamic.STATIC] * 3])


def unvalued() -> FakeTensorMode:
    """Tensors without values. What a shape was found out to be is not remembered, for it would be found no second
    time in another way."""
    mode = FakeTensorMode(shape_env=ShapeEnv())
    mode.cache_enabled = False  # as it is while a program is exported
    return mode


def opened(
    mode: FakeTensorMode, *shape: int, dtype: torch.dtype = torch.float32, axes: StatelessSymbolicContext = OPEN
) -> torch.Tensor:
    """A tensor without values, with open lengths."""
    with unset_fake_temporarily():  # inside the mode it would be one without open lengths already
        real = torch.empty(shape, dtype=dtype)
    value = mode.from_tensor(real, symbolic_context=axes)
    assert not isinstance(value.shape[0], int)
    return value


def normed(affine: bool = True) -> torch.nn.BatchNorm2d:
    norm = torch.nn.BatchNorm2d(5, eps=0.03, momentum=0.2, affine=affine).eval()
    with torch.no_grad():
        norm.running_mean.copy_(torch.linspace(-1, 2, 5))  # type: ignore[union-attr]
        norm.running_var.copy_(torch.linspace(0.3, 4, 5))  # type: ignore[union-attr]
        if affine:
            norm.weight.copy_(torch.linspace(0.5, -1.5, 5))
            norm.bias.copy_(torch.linspace(3, -1, 5))
    return norm


@pytest.mark.parametrize("affine", [True, False])
def test_it_gives_the_same(affine: bool) -> None:
    norm, image = normed(affine), torch.linspace(-3, 3, 2 * 5 * 3 * 4).reshape(2, 5, 3, 4)
    expected = norm(image)
    with quick_norms(), torch.no_grad():
        assert torch.equal(norm(image), expected)


def test_in_training_it_is_left_alone() -> None:
    one, two, image = normed().train(), normed().train(), torch.randn(4, 5, 3, 3)
    expected = one(image)
    with quick_norms():
        assert torch.equal(two(image), expected)
    assert torch.equal(one.running_mean, two.running_mean)  # type: ignore[arg-type]


def test_the_trace_has_it_with_its_settings() -> None:
    (step,) = (s for s in trace(normed(), [np.zeros((2, 5, 4, 3), np.float32)]).steps.values() if s.layer is not None)
    assert step.operator == "batch_norm"
    assert step.layer is not None
    assert step.layer.fields["eps"] == 0.03
    assert step.layer.fields["momentum"] == 0.2
    assert step.shape == (None, 5, 4, 3)


OPERATORS = [
    packet.default
    for kind in ACTIVATIONS
    for name in (kind, f"{kind}_")
    if (packet := getattr(torch.ops.aten, name, None)) is not None and packet.default in decomposition_table
]
LAYOUTS = {
    "as it is": lambda value: value,
    "channels last": lambda value: value.to(memory_format=torch.channels_last),
    "turned": lambda value: value.transpose(1, 3),
    "spread": lambda value: value[:, :1].expand(value.shape),
    "cut": lambda value: value[:, ::2],
    "float16": lambda value: value.half(),
}


CASES = [
    pytest.param(operator, layout, id=f"{operator}-{layout}")
    for operator in OPERATORS
    for layout in LAYOUTS
    if not (operator._schema.is_mutable and layout == "spread")  # which PyTorch itself refuses
]


@pytest.mark.parametrize(("operator", "layout"), CASES)
def test_an_activation_that_is_not_taken_apart_gives_the_same_shape_strides_and_type(
    operator: Any, layout: str
) -> None:
    with unvalued() as mode:
        value = LAYOUTS[layout](opened(mode, 2, 6, 5, 4))
        expected = operator(value)
        with quick_shapes():
            found = operator(value)

    assert (found.shape, found.stride(), found.dtype) == (expected.shape, expected.stride(), expected.dtype)
    assert (found is value) == (expected is value)


@pytest.mark.parametrize("kind", ["relu", "sigmoid", "tanh"])
def test_an_activation_of_whole_numbers_gives_the_type_that_it_gave(kind: str) -> None:
    operator = getattr(torch.ops.aten, kind).default
    with unvalued() as mode, quick_shapes():
        value = opened(mode, 2, 6, 5, 4, dtype=torch.int32)
        assert operator(value).dtype == (torch.int32 if kind == "relu" else torch.float32)


@pytest.mark.parametrize("mode", range(3), ids=["bilinear", "nearest", "bicubic"])
def test_a_grid_that_is_not_taken_apart_gives_the_same_shape_strides_and_type(mode: int) -> None:
    sample = torch.ops.aten.grid_sampler_2d.default
    with unvalued() as fake:
        maps = opened(fake, 2, 6, 5, 4)
        grid = torch.empty(maps.shape[0], 3, 7, 2)
        expected = sample(maps, grid, mode, 1, True)
        with quick_shapes():
            found = sample(maps, grid, mode, 1, True)

    assert (found.shape, found.stride(), found.dtype) == (expected.shape, expected.stride(), expected.dtype)
    assert tuple(found.shape[1:]) == (6, 3, 7)


PERMUTED = [[0, 2, 3, 1], [-1, 0, -3, 2], [3, 2, 1, 0], [0, 1, 2, 3]]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("order", PERMUTED, ids=str)
def test_a_permutation_that_is_not_taken_apart_gives_the_same_view(order: list[int], layout: str) -> None:
    with unvalued() as mode:
        whole = opened(mode, 2, 7, 5, 4)
        value = LAYOUTS[layout](whole[:, 1:])
        expected = value.permute(order)
        with quick_shapes():
            found = value.permute(order)

    assert (found.shape, found.stride(), found.dtype) == (expected.shape, expected.stride(), expected.dtype)
    assert found.storage_offset() == expected.storage_offset()
    assert found.untyped_storage()._cdata == value.untyped_storage()._cdata


@pytest.mark.parametrize("order", [[0, 1, 1, 2], [0, 2, 3, 5], [0, 1, -5, 2], [0, 1, 2]], ids=str)
def test_a_permutation_of_axes_that_are_not_there_is_refused_as_it_was(order: list[int]) -> None:
    with unvalued() as mode:
        value = opened(mode, 2, 6, 5, 4)
        with pytest.raises((ValueError, RuntimeError, IndexError)) as before:
            value.permute(order)
        with quick_shapes(), pytest.raises(before.type) as found:
            value.permute(order)
    assert str(found.value) == str(before.value)


@pytest.mark.parametrize("layout", [*LAYOUTS, "float32 asked for"])
@pytest.mark.parametrize("kept", [False, True], ids=["dropped", "kept"])
@pytest.mark.parametrize("axes", [(2, 3), (-1,), (1,), (0, 2), (0, 1, 2, 3), ()], ids=str)
def test_a_mean_that_is_not_taken_apart_gives_the_same_shape_strides_and_type(
    axes: tuple[int, ...], kept: bool, layout: str
) -> None:
    dtype = torch.float32 if layout == "float32 asked for" else None
    with unvalued() as mode:
        value = opened(mode, 2, 6, 5, 4)
        value = LAYOUTS[layout](value) if dtype is None else value.half()
        expected = torch.mean(value, axes, kept, dtype=dtype)
        with quick_shapes():
            found = torch.mean(value, axes, kept, dtype=dtype)

    assert (found.shape, found.stride(), found.dtype) == (expected.shape, expected.stride(), expected.dtype)


def test_a_mean_of_whole_numbers_is_refused_as_it_was() -> None:
    with unvalued() as mode, quick_shapes():
        value = opened(mode, 2, 6, 5, 4, dtype=torch.int32)
        with pytest.raises(RuntimeError, match="floating point"):
            value.mean((2, 3))


def test_a_length_that_is_open_inside_stays_open() -> None:
    inside = StatelessSymbolicContext([DimDynamic.DYNAMIC, DimDynamic.STATIC, DimDynamic.DYNAMIC, DimDynamic.STATIC])
    with unvalued() as mode:
        value = opened(mode, 2, 6, 5, 4, axes=inside)
        for layout in ("as it is", "turned", "cut"):
            given = LAYOUTS[layout](value)
            expected = torch.relu(given)
            before = len(mode.shape_env.guards)
            with quick_shapes():
                found = torch.relu(given)
            assert (found.shape, found.stride()) == (expected.shape, expected.stride())
            assert len(mode.shape_env.guards) == before
    assert not isinstance(value.shape[2], int)


def test_a_mean_over_an_axis_that_is_not_there_is_refused() -> None:
    with unvalued() as mode, quick_shapes():
        value = opened(mode, 2, 6, 5, 4)
        for axes in ((2, 4), (1, -3), (-5,)):
            with pytest.raises((RuntimeError, IndexError)):
                value.mean(axes)


def test_every_activation_is_taken_apart_again_behind_it() -> None:
    before = dict(decomposition_table)
    with quick_shapes():
        assert decomposition_table != before
    assert decomposition_table == before


def test_every_function_of_pytorch_is_as_it_was_behind_it() -> None:
    def held() -> list[object]:
        return [torch.batch_norm, proxy_tensor._extract_tensor_metadata, torch.fx.GraphModule.recompile]

    before = held()
    with quick_norms(), without_leavings():
        assert not any(one is two for one, two in zip(before, held(), strict=True))
    assert all(one is two for one, two in zip(before, held(), strict=True))


def test_a_graph_is_made_python_when_it_is_called() -> None:
    def halved(x: torch.Tensor) -> torch.Tensor:
        return x / 2

    with without_leavings():
        made = make_fx(halved)(torch.ones(3))
        assert not hasattr(made, "_code")
        again = copy.deepcopy(made)
    assert torch.equal(made(torch.tensor([3.0, 8, -1])), torch.tensor([1.5, 4, -0.5]))
    assert torch.equal(again(torch.tensor([5.0, 2, 4])), torch.tensor([2.5, 1, 2]))
    assert "div" in made.code


class Chosen(torch.nn.Module):
    """PyTorch calls the graphs of both ways while it traces them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (x,))


def test_a_graph_inside_the_graph_is_called_and_loses_its_metadata_alone() -> None:
    given = (torch.linspace(-1, 3, 4),)
    plain = torch.export.export(Chosen(), given)
    with without_leavings():
        quick = torch.export.export(Chosen(), given)
    assert {entry.meta.get("tensor_meta") for entry in quick.graph.nodes} == {None}
    assert [(e.op, str(e.target), _shape(e)) for e in quick.graph.nodes] == [
        (e.op, str(e.target), _shape(e)) for e in plain.graph.nodes
    ]
    assert torch.equal(quick.module()(*given), plain.module()(*given))


def _shape(entry: torch.fx.Node) -> list[tuple[int, ...]]:
    given = entry.meta.get("val")
    return [tuple(item.shape) for item in (given if isinstance(given, list | tuple) else [given]) if item is not None]
