"""The other order that a value may lie in, for PyTorch."""

from __future__ import annotations

import pytest
from torch import nn

from homolog.graph import Value
from homolog.passes.others import others
from homolog.trace import INPUT, Step, Trace
from passes.maps_last import Last, Recurrent, conv, conv1d, traced

FIRST = (0, 3, 1, 2)
MAP, TEXT = (None, 4, 5, 6), (None, 7, 3)


def chain(shape: tuple[int | None, ...], *steps: tuple[str, tuple[int | None, ...], dict[str, object]]) -> Trace:
    """Steps one behind the other, of a Keras model."""
    found = {"x": Step("x", INPUT, shapes=(shape,), dtypes=("float32",))}
    before = "x"
    for place, (operator, out, arguments) in enumerate(steps):
        name = f"{operator}_{place}"
        found[name] = Step(name, operator, "", {"self": Value(before), **arguments}, (out,), ("float32",))
        before = name
    return Trace("keras", found, {"output": Value(before)})


def turned(shape: tuple[int | None, ...], *dims: int) -> tuple[str, tuple[int | None, ...], dict[str, object]]:
    return "permute", tuple(shape[dim] for dim in dims), {"dims": list(dims)}


def test_what_stands_between_two_permutations_has_none() -> None:
    inside = (None, 6, 4, 5)
    trace = chain(MAP, turned(MAP, *FIRST), ("relu", inside, {}), ("conv2d", inside, {}), turned(inside, 0, 2, 3, 1))
    assert others(trace, "pytorch") == {"x": FIRST, "permute_3": FIRST}


def test_a_permutation_of_a_sequence_is_told_by_which_side_the_convolution_is_on() -> None:
    inside = (None, 3, 7)
    front = chain(TEXT, ("exp", TEXT, {}), turned(TEXT, 0, 2, 1), ("conv1d", inside, {}))
    behind = chain(inside, ("conv1d", inside, {}), turned(inside, 0, 2, 1), ("exp", TEXT, {}))
    assert others(front, "pytorch") == dict.fromkeys(("x", "exp_0"), (0, 2, 1))
    assert others(behind, "pytorch") == dict.fromkeys(("permute_1", "exp_2"), (0, 2, 1))


def test_a_permutation_that_no_map_touches_starts_nothing() -> None:
    trace = chain(MAP, ("exp", MAP, {}), turned(MAP, *FIRST), ("matmul", (None, 6, 4, 4), {}))
    assert others(trace, "pytorch") == {}


def test_what_cannot_be_given_so_has_none() -> None:
    trace = traced(nn.Sequential(nn.Linear(3, 5), conv(5, 4), nn.ReLU(), nn.Linear(4, 2)), 11, 13, 3)
    found = others(trace, "pytorch")
    assert {trace.steps[name].operator for name in found} == {"permute", "relu"}


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (Last(nn.BatchNorm2d(3)), (11, 13, 3)),
        (Last(nn.ReflectionPad2d(2)), (11, 13, 3)),
        (Last(nn.Upsample(scale_factor=2)), (11, 13, 3)),
        (Last(nn.MaxPool3d(2)), (8, 11, 13, 3)),
        (Last(nn.PReLU(3)), (11, 13, 3)),
        (conv1d(3, 5), (11, 3)),
    ],
)
def test_it_starts_at_every_operator_on_maps(module: nn.Module, shape: tuple[int, ...]) -> None:
    found = others(traced(module, *shape), "pytorch")
    rank = len(shape) + 1
    assert list(found.values()) == [(0, rank - 1, *range(1, rank - 1))] * 2


def test_a_sequence_between_recurrent_layers_has_none() -> None:
    trace = traced(nn.Sequential(conv1d(3, 5), nn.Tanh(), Recurrent(5, 4), Recurrent(4, 2)), 11, 3)
    assert [trace.steps[name].operator for name in others(trace, "pytorch")] == ["input", "permute", "tanh"]
