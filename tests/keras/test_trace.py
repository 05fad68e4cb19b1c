"""Live Keras models that no configuration describes: subclassed ones, and layers of the user's own, entered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Unsupported
from homolog.graph import Graph
from homolog.keras.model import read_model


def scaled_dense(units: int, name: str) -> Any:
    """A layer of the user's own: a product with its kernel, a bias, and a scale for each output."""
    import keras

    class ScaledDense(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(shape[-1], units), name="kernel")
            self.bias = self.add_weight(shape=(units,), name="bias", initializer="normal")
            self.scale = self.add_weight(shape=(units,), name="scale", initializer="normal")
            self.inner = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")
            self.inner.build((*shape[:-1], units))

        def call(self, x: Any) -> Any:
            return self.inner(keras.ops.matmul(x, self.kernel) + self.bias) * self.scale

    return ScaledDense(name=name)


def torch_twin() -> Any:
    import torch

    class Block(torch.nn.Module):
        def __init__(self, inputs: int, units: int) -> None:
            super().__init__()
            self.gain = torch.nn.Parameter(torch.randn(units))
            self.norm = torch.nn.LayerNorm(units)
            self.project = torch.nn.Linear(inputs, units)
            torch.nn.init.normal_(self.norm.weight)

        def forward(self, x: Any) -> Any:
            return self.norm(self.project(x)) * self.gain

    torch.manual_seed(5)
    return torch.nn.Sequential(Block(5, 7), torch.nn.Tanh(), Block(7, 3)).eval()


def functional() -> Any:
    import keras

    entry = keras.Input((5,))
    return keras.Model(entry, scaled_dense(3, "second")(keras.ops.tanh(scaled_dense(7, "first")(entry))))


def subclassed() -> Any:
    import keras

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = scaled_dense(7, "first"), scaled_dense(3, "second")

        def call(self, x: Any) -> Any:
            return self.second(keras.ops.tanh(self.first(x)))

    model = Net()
    model(np.zeros((2, 5), np.float32))
    return model


def test_a_layer_of_the_user_s_own_is_entered_and_matched_with_its_twin() -> None:
    source, target = torch_twin(), functional()
    copied = homolog.copy(source, into=target)
    copied.proof.raise_if_failed()
    assert {row.sources[0]: row.target for row in copied.plan.rows} == {
        "0.gain": "first/scale",
        "0.norm.weight": "first/norm/gamma",
        "0.norm.bias": "first/norm/beta",
        "0.project.weight": "first/kernel",
        "0.project.bias": "first/bias",
        "2.gain": "second/scale",
        "2.norm.weight": "second/norm/gamma",
        "2.norm.bias": "second/norm/beta",
        "2.project.weight": "second/kernel",
        "2.project.bias": "second/bias",
    }


def test_a_subclassed_model_goes_both_ways() -> None:
    source, target = torch_twin(), subclassed()
    homolog.copy(source, into=target).proof.raise_if_failed()
    back = torch_twin()
    for parameter in back.parameters():
        parameter.data.mul_(0.5)
    homolog.copy(target, into=back).proof.raise_if_failed()
    for one, two in zip(back.parameters(), source.parameters(), strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), two.detach().numpy())


def test_the_model_is_left_as_it_was() -> None:
    model = functional()
    layer = model.get_layer("first")
    before = (len(layer._inbound_nodes), len(layer._outbound_nodes), layer.output.shape)
    read_model(model)
    assert (len(layer._inbound_nodes), len(layer._outbound_nodes), layer.output.shape) == before


def test_a_layer_that_computes_with_values_is_one_node_and_keeps_its_weights() -> None:
    import keras

    class Positions(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.table = self.add_weight(shape=(shape[1], shape[2]), name="table")

        def call(self, x: Any) -> Any:
            rows = keras.ops.convert_to_numpy(self.table).tolist()  # needs values
            return x + keras.ops.convert_to_tensor(rows) + float(keras.ops.convert_to_numpy(x).sum() * 0)

        def compute_output_spec(self, x: Any) -> Any:
            return keras.KerasTensor(x.shape, x.dtype)

    entry = keras.Input((6, 4))
    graph = read_model(keras.Model(entry, Positions(name="positions")(entry)))
    assert graph.nodes["positions"].kind == "keras:Positions"
    assert graph.nodes["positions/table"].kind == "parameter"
    assert "positions/table" in [value.node for value in graph.nodes["positions"].inputs]
    assert graph.loose == ()


def entered(call: Any, shape: tuple[int | None, ...] = (6, 4), **weights: tuple[int, ...]) -> Graph:
    """The graph of a model of one layer of the user's own, with these weights."""
    import keras

    class Own(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            for name, lengths in weights.items():
                setattr(self, name, self.add_weight(shape=lengths, name=name))

        def call(self, x: Any) -> Any:
            return call(self, x)

    entry = keras.Input(shape)
    return read_model(keras.Model(entry, keras.tree.flatten(Own(name="own")(entry))[0]))


def test_a_variable_may_stand_in_front_of_an_operator() -> None:
    import keras

    graph = entered(lambda layer, x: layer.scale * x, scale=(4,))
    assert {node.kind for node in graph.nodes.values()} == {"input", "identity", "parameter", "multiply"}
    assert "sparse" not in vars(keras.Variable)
    assert "__mul__" not in vars(keras.Variable)


def test_what_is_done_to_variables_alone_leaves_nodes_too() -> None:
    import keras

    def call(layer: Any, x: Any) -> Any:
        table = keras.ops.expand_dims(keras.ops.convert_to_tensor(layer.table), 0)
        return x + keras.ops.repeat(table, keras.ops.shape(x)[0], axis=0)

    graph = entered(call, table=(6, 4))
    (added,) = (node for node in graph.nodes.values() if node.kind == "add")
    assert [value.node for value in added.inputs] != ["input_layer", "own/table"]
    assert not [node for node in graph.nodes.values() if node.kind in ("keras:", "keras:Own")]
    assert graph.loose == ()


def test_a_scalar_among_the_weights_is_a_parameter_and_no_number() -> None:
    import keras

    graph = entered(lambda layer, x: x * keras.ops.exp(layer.heat), heat=())
    (exp,) = (node for node in graph.nodes.values() if node.kind == "exp")
    assert [value.node for value in exp.inputs] == ["own/heat"]


@pytest.mark.parametrize("constant", [False, True])
def test_a_layer_may_give_nothing_or_a_constant_beside_its_result(constant: bool) -> None:
    import keras

    beside = keras.ops.zeros((0, 3)) if constant else None

    class Inner(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(4,), name="scale")

        def call(self, x: Any) -> Any:
            return x * self.scale, beside

    class Outer(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.inner = Inner(name="inner")
            self.inner.build(shape)

        def call(self, x: Any) -> Any:
            return self.inner(x)[0]

    entry = keras.Input((6, 4))
    graph = read_model(keras.Model(entry, Outer(name="outer")(entry)))
    assert {node.kind for node in graph.nodes.values()} == {"input", "identity", "parameter", "multiply"}


def test_a_layer_that_was_told_an_open_shape_gives_the_lengths_it_was_called_with() -> None:
    import keras

    dense = keras.layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), name="dense")
    graph = entered(lambda layer, x: keras.ops.reshape(dense(x), (-1, keras.ops.shape(x)[1], 6)), (None, 4))
    assert {length for node in graph.nodes.values() for shape in node.shapes for length in shape} >= {11}
    assert not [node.name for node in graph.nodes.values() if any(None in shape for shape in node.shapes)]


def test_an_activation_of_the_user_s_own_is_told_by_what_it_gives() -> None:
    import keras

    def smooth(x: Any) -> Any:
        return keras.ops.gelu(x, approximate=True)

    entry = keras.Input((5,))
    model = keras.Model(entry, scaled_dense(3, "own")(keras.layers.Dense(4, activation=smooth, name="dense")(entry)))
    node = read_model(model).nodes["dense/activation"]
    assert (node.kind, node.fields["approximate"]) == ("gelu", "tanh")


def test_a_model_that_says_nothing_of_its_inputs_asks_for_them() -> None:
    import keras

    class Net(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(Unsupported, match="says nothing of its inputs") as caught:
        read_model(Net())
    assert "--input" in str(caught.value)
