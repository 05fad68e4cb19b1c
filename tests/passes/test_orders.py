"""The cheapest order of axes for a whole network."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from homolog.graph import Node, Value
from homolog.passes.orders import orders
from homolog.passes.ways import channels_last, natural, way_of
from homolog.trace import BATCH, CONSTANT, INPUT, PARAMETER, Step, Trace
from passes.maps_last import Net, traced

LAST = (0, 2, 3, 1)
IMAGE = (None, 8, 4, 4)


def chain(
    *steps: tuple[str, tuple[int | None, ...], dict[str, object]], shape: tuple[int | None, ...] = IMAGE
) -> Trace:
    """Steps one behind the other."""
    found = {"x": Step("x", INPUT, shapes=(shape,), dtypes=("float32",), open=(told(shape),))}
    before = "x"
    for place, (operator, out, arguments) in enumerate(steps):
        name = f"{operator}_{place}"
        read = {"self": Value(before), **arguments}
        found[name] = Step(name, operator, "", read, (out,), ("float32",), open=(told(out),))
        before = name
    return Trace("pytorch", found, {"output": Value(before)})


def told(shape: tuple[int | None, ...]) -> tuple[str, ...]:
    """What the open lengths are: the number of rows."""
    return tuple(BATCH if length is None else "" for length in shape)


def moved(trace: Trace, found: dict[str, tuple[int, ...]]) -> int:
    """How many inputs of steps have to be transposed."""
    return sum(
        way_of(step)(step, trace.shape(value), found[value.node], place) != found[step.name]
        for step in trace.steps.values()
        for place, value in enumerate(step.values())
        if trace.steps[value.node].operator not in (PARAMETER, CONSTANT)
    )


def test_a_chain_of_convolutions_lies_channels_last_from_end_to_end() -> None:
    trace = chain(("conv2d", IMAGE, {}), ("relu", IMAGE, {}), ("conv2d", IMAGE, {}))
    found = orders(trace)
    assert set(found.values()) == {LAST}
    assert moved(trace, found) == 0


def test_the_ends_stay_as_they_were_where_that_is_asked_for() -> None:
    trace = chain(("conv2d", IMAGE, {}), ("relu", IMAGE, {}))
    found = orders(trace, keep=True)
    assert (found["x"], found["conv2d_0"], found["relu_1"]) == (natural(4), LAST, natural(4))


def test_a_block_of_convnext_moves_nothing() -> None:
    nhwc = (None, 4, 4, 8)
    trace = chain(
        ("conv2d", IMAGE, {}),
        ("permute", nhwc, {"dims": [0, 2, 3, 1]}),
        ("layer_norm", nhwc, {}),
        ("permute", IMAGE, {"dims": [0, 3, 1, 2]}),
        ("conv2d", IMAGE, {}),
    )
    found = orders(trace)
    assert moved(trace, found) == 0
    assert found["layer_norm_2"] == natural(4)


def test_a_flattened_map_is_given_in_the_source_s_order() -> None:
    trace = chain(("conv2d", IMAGE, {}), ("flatten", (None, 128), {}), ("relu", (None, 128), {}))
    found = orders(trace)
    assert found["flatten_1"] == found["relu_2"] == natural(2)
    assert moved(trace, found) == 1


def test_a_flatten_in_front_of_a_dense_layer_moves_nothing() -> None:
    trace = chain(
        ("conv2d", IMAGE, {}), ("flatten", (None, 128), {}), ("relu", (None, 128), {}), ("linear", (None, 9), {})
    )
    trace.steps["linear_3"] = replace(trace.steps["linear_3"], layer=Node("fc", "linear"))
    found = orders(trace)
    assert found["flatten_1"] == found["relu_2"] == (0, (8, 4, 4))
    assert moved(trace, found) == 0


def test_what_no_convolution_touches_stays_as_it_was() -> None:
    trace = chain(("matmul", (None, 3, 5), {}), ("transpose", (None, 5, 3), {"dim0": 0, "dim1": 1}), shape=(None, 3, 5))
    assert orders(trace)["matmul_0"] == natural(3)


OPERATORS = ("conv2d", "relu", "layer_norm", "matmul", "softmax")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(OPERATORS), min_size=1, max_size=7), st.booleans())
def test_no_other_choice_of_orders_moves_less(names: list[str], keep: bool) -> None:
    """Square maps, so that every operator fits behind every other; all choices are tried."""
    trace = chain(*((name, (None, 4, 4, 4), {"dim": 1}) for name in names), shape=(None, 4, 4, 4))
    found = orders(trace, keep=keep)
    choices = []
    for picked in itertools.product((natural(4), channels_last(4)), repeat=len(trace.steps)):
        tried = dict(zip(trace.steps, picked, strict=True))
        right = all(tried[name] == channels_last(4) for name, step in trace.steps.items() if step.operator == "conv2d")
        right &= all(
            tried[name] == natural(4) for name, step in trace.steps.items() if step.operator in ("layer_norm", "matmul")
        )
        ends = {"x", list(trace.steps)[-1]}
        right &= all(tried[name] == found[name] for name in ends)
        if right:
            choices.append(moved(trace, tried))
    assert moved(trace, found) == min(choices)


def test_an_input_that_no_operator_on_maps_reads_lies_as_it_moves_least() -> None:
    """Distances between words, say, which are added to their own transposition."""
    found = traced(Net(lambda self, x: torch.softmax(x + x.mean(2, keepdim=True).transpose(1, 2), -1) @ x), 5, 5)
    chosen = orders(found)
    assert [chosen[step.name] for step in found.inputs] == [natural(3)]


def every_row_with_every_other(net: Net, x: torch.Tensor) -> dict[str, torch.Tensor]:
    alike = net.one(x) @ net.two(x).t()
    return {"alike": alike, "turned": alike.t()}


def test_rows_that_stand_on_both_axes_of_an_output_stay_where_they_are() -> None:
    net = Net(every_row_with_every_other, one=torch.nn.Linear(6, 5), two=torch.nn.Linear(6, 5))
    trace = traced(net, 6)
    found = orders(trace)
    assert {found[value.node] for value in trace.outputs.values()} == {(0, 1)}


def test_rows_that_an_output_has_second_come_first() -> None:
    trace = traced(Net(lambda net, x: net.one(x).transpose(0, 1), one=torch.nn.Linear(6, 5)), 3, 6)
    (value,) = trace.outputs.values()
    assert trace.shape(value) == (3, None, 5)
    assert orders(trace)[value.node] == (1, 0, 2)


def steps_beside_a_convolution(net: Net, x: torch.Tensor) -> dict[str, torch.Tensor]:
    y = net.conv(x.transpose(1, 2)).transpose(1, 2)
    alike = net.one(y) @ y.transpose(1, 2)
    return {"alike": alike, "turned": alike.transpose(1, 2), "features": y.transpose(1, 2) * 2, "map": net.conv(y)}


def test_a_sequence_that_is_given_is_turned_where_it_is_a_map_and_not_where_the_source_turned_it() -> None:
    net = Net(steps_beside_a_convolution, one=torch.nn.Linear(6, 6), conv=torch.nn.Conv1d(6, 6, 3, padding=1))
    trace = traced(net, 6, 6)
    found = orders(trace)
    given = {name: found[value.node] for name, value in trace.outputs.items()}
    assert given == {"alike": (0, 1, 2), "turned": (0, 1, 2), "features": (0, 1, 2), "map": (0, 2, 1)}


ON_A_MAP = {
    "joined": lambda net, x: torch.cat([net.conv(x), x * 2], 1),
    "cut": lambda net, x: net.conv(x)[:, 1:4, 1:-1],
    "parted": lambda net, x: net.conv(x).chunk(2, 1)[1],
    "padded": lambda net, x: torch.nn.functional.pad(net.conv(x), (1, 2)),
    "centred": lambda net, x: net.conv(x) - net.conv(x).mean(2, keepdim=True),
    "chosen": lambda net, x: torch.where(net.conv(x) > 0, net.conv(x), x),
    "gated": lambda net, x: torch.nn.functional.glu(net.conv(x), 1),
    "shares": lambda net, x: net.conv(x).softmax(1),
    "larger": lambda net, x: torch.nn.functional.interpolate(net.conv(x), scale_factor=2),
    "backwards": lambda net, x: net.conv(x).flip(2),
    "summed": lambda net, x: net.conv(x).cumsum(2),
    "repeated": lambda net, x: net.conv(x).repeat(1, 1, 2),
    "spread": lambda net, x: net.conv(x).mean(2, keepdim=True).expand(-1, -1, 4),
}


@pytest.mark.parametrize("forward", ON_A_MAP.values(), ids=ON_A_MAP)
def test_an_output_that_has_the_axes_of_a_map_lies_channels_last(forward: Callable[[Any, torch.Tensor], Any]) -> None:
    trace = traced(Net(forward, conv=torch.nn.Conv1d(6, 6, 3, padding=1)), 6, 8)
    (value,) = trace.outputs.values()
    assert orders(trace)[value.node] == channels_last(3)


def test_an_output_that_a_map_was_flattened_to_is_given_as_in_the_source() -> None:
    trace = traced(Net(lambda net, x: net.conv(x).flatten(2), conv=torch.nn.Conv2d(3, 6, 3)), 3, 7, 8)
    (value,) = trace.outputs.values()
    assert orders(trace)[value.node] == natural(3)
