"""Traced modules: what torch.export says of them, as a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.errors import Unsupported
from homolog.graph import Graph, Value
from homolog.passes import normalise
from homolog.pytorch.read import read


def graph_of(model: Any, *shapes: tuple[int, ...]) -> Graph:
    return read(model.eval(), [np.zeros(shape, np.float32) for shape in shapes])


def kinds(graph: Graph) -> list[tuple[str, str]]:
    return [(node.name, node.kind) for node in graph.nodes.values()]


def block() -> Any:
    """A residual block as torchvision writes it: one ReLU, in place, called twice."""
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(4, 6, 3, 2, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(6)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(6, 6, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(6)
            self.downsample = nn.Sequential(nn.Conv2d(4, 6, 1, 2, bias=False), nn.BatchNorm2d(6))

        def forward(self, x: Any) -> Any:
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += self.downsample(x)
            return self.relu(out)

    return Block()


def test_a_residual_block() -> None:
    graph = graph_of(block(), (2, 4, 9, 7))
    assert kinds(graph) == [
        ("x", "input"),
        ("conv1", "conv2d"),
        ("bn1", "batch_norm"),
        ("relu", "relu"),
        ("conv2", "conv2d"),
        ("bn2", "batch_norm"),
        ("downsample.0", "conv2d"),
        ("downsample.1", "batch_norm"),
        ("add_", "add"),
        ("relu.relu__1", "relu"),
    ]
    assert graph.nodes["add_"].inputs == (Value("bn2"), Value("downsample.1"))
    assert graph.outputs == (Value("relu.relu__1"),)
    assert graph.nodes["downsample.0"].scope == ("downsample",)
    assert graph.nodes["conv1"].layer == "conv1"
    assert graph.nodes["relu.relu__1"].layer is None  # the live module is heard at its first call
    assert graph.nodes["conv1"].fields["padding"] == ((1, 1), (1, 1))
    assert graph.nodes["conv1"].shapes == ((2, 6, 5, 4),)
    assert {ref.name for node in graph.nodes.values() for ref in node.ignored} == {
        f"{name}.num_batches_tracked" for name in ("bn1", "bn2", "downsample.1")
    }
    assert graph.loose == ()


def test_a_convnet_that_flattens_by_view_has_the_nodes_of_its_sequential() -> None:
    from torch import nn

    class Vgg(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU(True), nn.MaxPool2d(2, 2))
            self.avgpool = nn.AdaptiveAvgPool2d((2, 3))
            self.classifier = nn.Sequential(nn.Linear(36, 5), nn.Dropout(), nn.Linear(5, 3))

        def forward(self, x: Any) -> Any:
            x = self.avgpool(self.features(x))
            return self.classifier(x.view(x.size(0), -1))

    model = Vgg()
    chain = nn.Sequential(model.features, model.avgpool, nn.Flatten(), model.classifier)
    traced = normalise(graph_of(model, (2, 4, 12, 16)))
    told = normalise(graph_of(chain, (2, 4, 12, 16)))
    assert [node.kind for node in traced.nodes.values()] == [node.kind for node in told.nodes.values()]
    assert [node.shapes[0][1:] for node in traced.nodes.values()] == [n.shapes[0][1:] for n in told.nodes.values()]
    assert traced.nodes["view"].kind == "flatten"


def test_an_input_named_like_a_module_does_not_take_its_place() -> None:
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x = nn.Linear(3, 2)
            self.relu = nn.Linear(2, 5)

        def forward(self, x: Any) -> Any:
            return self.relu(nn.functional.relu(self.x(x)))

    graph = graph_of(Net(), (2, 3))
    assert [node.kind for node in graph.nodes.values()] == ["input", "linear", "relu", "linear"]
    assert [len(node.inputs) for node in graph.nodes.values()] == [0, 1, 1, 1]
    assert graph.loose == ()


def test_parameters_and_buffers_that_are_used_by_themselves() -> None:
    import torch
    from torch import nn

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 1, 3))
            self.register_buffer("mean", torch.zeros(3))
            self.register_buffer("scratch", torch.ones(3), persistent=False)
            self.norm = nn.LayerNorm(3)
            self.unused = nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x - self.mean], 1)
            return self.norm(x * self.scratch)

    graph = graph_of(Tokens(), (2, 4, 3))
    assert [node.kind for node in graph.nodes.values() if node.kind in ("parameter", "constant")] == [
        "parameter",
        "parameter",
        "constant",
    ]
    (multiplied,) = (node for node in graph.nodes.values() if node.kind == "multiply")
    assert len(multiplied.inputs) == 2  # a buffer that is not saved is an input still
    (subtracted,) = (node for node in graph.nodes.values() if node.kind == "subtract")
    assert graph.nodes[subtracted.inputs[1].node].weights["value"].tensors[0].name == "mean"
    assert {ref.name for ref in graph.loose} == {"unused.weight", "unused.bias"}
    assert set(graph.tensors()) == {"token", "mean", "norm.weight", "norm.bias", "unused.weight", "unused.bias"}


def test_operations_with_several_outputs() -> None:
    from torch import nn

    class Split(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(3, 2)

        def forward(self, x: Any) -> Any:
            first, second = x.chunk(2, 1)
            return self.dense(second), first

    graph = graph_of(Split(), (2, 6))
    assert graph.nodes["dense"].inputs == (Value("chunk", 1),)
    assert graph.outputs == (Value("dense"), Value("chunk", 0))
    assert graph.nodes["chunk"].shapes == ((2, 3), (2, 3))
    assert normalise(graph).nodes["dense"].shapes == ((2, 2),)


def test_several_inputs_keep_their_order() -> None:
    from torch import nn

    class Two(nn.Module):
        def forward(self, left: Any, right: Any) -> Any:
            return right - left

    graph = graph_of(Two(), (2, 3), (2, 3))
    assert [node.name for node in graph.inputs] == ["left", "right"]
    assert graph.nodes["sub"].inputs == (Value("right"), Value("left"))


def test_a_layer_of_several_operations_is_named_after_the_last() -> None:
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect")

        def forward(self, x: Any) -> Any:
            return self.conv(x)

    graph = graph_of(Net(), (2, 4, 9, 7))
    assert kinds(graph) == [("x", "input"), ("conv.pad", "pad"), ("conv", "conv2d")]
    assert graph.nodes["conv.pad"].fields["mode"] == "reflect"


def test_a_weight_that_is_computed_leaves_a_layer_without_its_slot() -> None:
    import torch
    from torch import nn

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.direction = nn.Parameter(torch.ones(2, 3))
            self.scale = nn.Parameter(torch.ones(2, 1))
            self.bias = nn.Parameter(torch.ones(2))

        def forward(self, x: Any) -> Any:
            return nn.functional.linear(x, self.direction * self.scale, self.bias)

    graph = graph_of(Scaled(), (2, 3))
    (dense,) = (node for node in graph.nodes.values() if node.kind == "linear")
    assert set(dense.weights) == {"bias"}
    assert set(graph.tensors()) == {"direction", "scale", "bias"}


def test_a_module_that_cannot_be_traced_says_why_and_stays_as_it_was() -> None:
    from torch import nn

    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(3, 2)

        def forward(self, x: Any) -> Any:
            return self.dense(x) if x.sum() > 0 else x

    model = Branches().train()
    with pytest.raises(Unsupported, match=r"torch\.export cannot trace Branches") as caught:
        read(model, [np.zeros((2, 3), np.float32)])
    assert caught.value.expected == "a forward that accepts shapes (2, 3)"
    assert caught.value.help is not None
    assert model.training
    assert model.dense.training


def test_inputs_have_the_names_that_forward_gives_them() -> None:
    from torch import nn

    class Net(nn.Module):
        def forward(self, input: Any, *, mask: Any = None, other: Any = None) -> Any:
            return input * mask

    arrays = {"mask": np.ones((2, 3), np.float32), "input": np.zeros((2, 3), np.float32)}
    assert [node.name for node in read(Net(), arrays).inputs] == ["input", "mask"]


def test_what_is_done_under_a_mode_is_read_in_line() -> None:
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(3, 3)
            self.two = nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            with torch.no_grad():
                x = self.one(x)
                with torch.autocast("cpu", enabled=False):
                    x, y = self.two(x).chunk(2, 0)
            return x + y

    graph = graph_of(Net(), (2, 3))

    assert [(node.name, node.kind) for node in graph.nodes.values() if node.weights] == [
        ("one", "linear"),
        ("two", "linear"),
    ]
    assert graph.loose == ()
    assert not [node.kind for node in graph.nodes.values() if "wrap" in node.kind]
    assert graph.nodes[graph.outputs[0].node].kind == "add"


def test_casts_that_keep_values_and_assertions_are_nothing() -> None:
    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x: Any) -> Any:
            whole = x.to(torch.int64)
            return x.detach().to("cpu").double().to(torch.float32) * whole.to(torch.float32)

    graph = graph_of(Net(), (2, 3))
    assert set(graph.kinds()) == {"identity", "multiply", "pytorch:to.dtype"}
    assert graph.kinds()["pytorch:to.dtype"] == 2  # whole numbers are other values


def test_operators_that_work_in_place_are_those_that_do_not() -> None:
    from torch import nn

    class Net(nn.Module):
        def forward(self, x: Any) -> Any:
            return (x * 1).mul_(2).cos_()

    kinds = [node.kind for node in graph_of(Net(), (2, 3)).nodes.values()]
    assert kinds[-1] == "pytorch:cos"
    assert kinds[1] == kinds[2]


def test_outputs_are_those_of_a_run_whatever_holds_them() -> None:
    from dataclasses import dataclass

    from torch import nn

    @dataclass
    class Output:
        state: Any
        past_key_values: Any
        pooled: Any

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(3, 2)
            self.two = nn.Linear(2, 3)

        def forward(self, x: Any) -> Any:
            state = self.one(x)
            return Output(state, object(), self.two(state))

    model = Net()
    assert graph_of(model, (2, 3)).outputs == (Value("one"), Value("two"))
    assert "forward" not in vars(model)
