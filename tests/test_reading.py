"""Two networks tell each other the shapes of their inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Mismatch, Unsupported
from homolog.graph import Graph, Node, Value, Weight
from homolog.keras.framework import require
from homolog.opening import open_network
from homolog.reading import examples, read_both, reordered, vocabulary
from homolog.signature import FREE_LENGTH
from homolog.tensors import TensorRef
from twins import PAIRS


def both(name: str, first: str = "torch") -> Any:
    pair = PAIRS[name]
    models = (pair.torch(), pair.keras()) if first == "torch" else (pair.keras(), pair.torch())
    return read_both(*map(open_network, models))


@pytest.mark.parametrize("first", ["torch", "keras"])
@pytest.mark.parametrize(("name", "shape"), [("digits", (1, 18, 14)), ("vgg", (3, 9, 8)), ("sequence", (4, 11))])
def test_pytorch_learns_its_shapes_from_keras(name: str, shape: tuple[int, ...], first: str) -> None:
    graphs = both(name, first)
    torch = graphs[0] if first == "torch" else graphs[1]

    assert torch.framework == "pytorch"
    assert torch.inputs[0].shapes[0][1:] == shape


def test_two_inputs_keep_their_order() -> None:
    left, right = both("two_in_two_out")

    assert [node.shapes[0][1:] for node in left.inputs] == [(3, 5, 4), (5,)]
    assert [node.shapes[0][1:] for node in right.inputs] == [(5, 4, 3), (5,)]


def test_ids_are_ids() -> None:
    left, right = both("text")

    assert left.inputs[0].fields["dtype"] == "int64"
    assert vocabulary(right, right.inputs[0]) == 50
    assert vocabulary(both("vgg")[1], both("vgg")[1].inputs[0]) is None


def test_shapes_that_are_given_are_taken() -> None:
    pair = PAIRS["digits"]
    given = [np.zeros((5, 1, 18, 14), np.float32)]

    left, _ = read_both(open_network(pair.torch()), open_network(pair.torch()), given)

    assert left.inputs[0].shapes == ((None, 1, 18, 14),)
    with pytest.raises(Mismatch, match="number of inputs"):
        read_both(open_network(pair.torch()), open_network(pair.torch()), given * 2)


def test_two_that_must_be_traced_and_say_nothing() -> None:
    pair = PAIRS["vgg"]
    models = [open_network(pair.torch()) for _ in range(2)]

    with pytest.raises(Unsupported, match="--input"):
        read_both(*models)
    assert all(graph.wired for graph in read_both(*models, [np.zeros((1, 3, 9, 8), np.float32)]))


def test_free_lengths_get_a_number_where_a_model_must_be_run() -> None:
    import keras

    inputs = keras.Input((None, None, 3))
    graph = open_network(keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))).graph()

    (example,) = examples(graph).values()

    assert example.shape == (2, 3, FREE_LENGTH[4], FREE_LENGTH[4])


def test_axes_are_reordered_by_their_labels() -> None:
    last = ((("n", None),), (("h", 5),), (("w", 4),), (("c", 3),))
    first = (last[0], last[3], last[1], last[2])

    assert reordered((None, 5, 4, 3), last, first) == (None, 3, 5, 4)
    assert reordered((None, 5, 4, 3), last, None) == (None, 5, 4, 3)
    assert reordered((None, 5), last, first) == (None, 5)


def text_in_torch() -> Any:
    """Called by name, with more arguments than any twin has; gives a dataclass with a cache in it."""
    from dataclasses import dataclass

    import torch
    from torch import nn

    @dataclass
    class Output:
        state: Any
        pooled: Any = None
        past_key_values: Any = None

    class Text(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(23, 6)
            self.kinds = nn.Embedding(2, 6)
            self.norm = nn.LayerNorm(6)
            self.pooler = nn.Linear(6, 5)

        def forward(
            self,
            input_ids: torch.Tensor | None = None,
            attention_mask: torch.Tensor | None = None,
            token_type_ids: torch.Tensor | None = None,
            labels: torch.Tensor | None = None,
            use_cache: bool | None = None,
            **more: object,
        ) -> Output:
            assert input_ids is not None
            assert attention_mask is not None
            state = self.words(input_ids) + self.kinds(token_type_ids)
            state = self.norm(state * attention_mask.to(state.dtype)[:, :, None])
            return Output(state, torch.tanh(self.pooler(state[:, 0])), object())

    return Text()


def text_in_keras() -> Any:
    """Takes a dictionary, and gives one."""
    import keras
    from keras import layers, ops

    taken = {name: keras.Input((None,), dtype="int32", name=name) for name in ("token_ids", "segment_ids", "mask")}
    state = layers.Embedding(23, 6)(taken["token_ids"])
    state = layers.Add()([state, layers.Embedding(2, 6)(taken["segment_ids"])])
    state = state * ops.expand_dims(ops.cast(taken["mask"], "float32"), -1)
    state = layers.LayerNormalization(epsilon=1e-5)(state)
    pooled = layers.Dense(5, activation="tanh")(state[:, 0])
    return keras.Model(taken, {"state": state, "pooled": pooled})


@pytest.mark.parametrize("first", ["torch", "keras"])
def test_arguments_are_chosen_by_what_their_names_say(first: str) -> None:
    models = (text_in_torch(), text_in_keras())
    left, right = read_both(*map(open_network, models if first == "torch" else models[::-1]))
    torch, keras = (left, right) if first == "torch" else (right, left)

    other = {"input_ids": "token_ids", "attention_mask": "mask", "token_type_ids": "segment_ids"}
    assert {node.name for node in torch.inputs} == set(other)
    assert [other[node.name] for node in torch.inputs] == [node.name for node in keras.inputs]
    assert vocabulary(torch, torch.nodes["input_ids"]) == vocabulary(keras, keras.nodes["token_ids"]) == 23
    assert all(node.fields["dtype"] == "int64" for node in torch.inputs)


def test_ids_that_are_counted_from_the_end_where_they_are_negative_are_ids() -> None:
    table = Weight((TensorRef("table", (13, 3), "float32", lambda: np.zeros((13, 3))),))
    nodes = [
        Node("ids", "input", {"dtype": "int32"}, shapes=((None, 5),)),
        Node("less", "keras:Less", inputs=(Value("ids"),), type="ops.Less"),
        Node("more", "keras:Add", inputs=(Value("ids"),), type="add"),
        Node("where", "keras:Where", inputs=(Value("less"), Value("more"), Value("ids"))),
        Node("table", "embedding", {}, {"weight": table}, inputs=(Value("where"),)),
    ]
    graph = Graph("keras", {node.name: node for node in nodes})
    assert vocabulary(graph, graph.nodes["ids"]) == 13
    nodes.insert(1, Node("other", "input", {"dtype": "int32"}, shapes=((None, 5),)))
    nodes[4] = replace(nodes[4], inputs=(Value("less"), Value("more"), Value("other")))
    mixed = Graph("keras", {node.name: node for node in nodes})
    assert vocabulary(mixed, mixed.nodes["ids"]) is None


@pytest.mark.parametrize("type", ["ne", "ops.NotEqual"])
def test_positions_that_are_counted_where_there_is_no_padding_are_no_ids(type: str) -> None:
    def table(rows: int) -> dict[str, Weight]:
        ref = TensorRef("table", (rows, 3), "float32", lambda: np.zeros((rows, 3)))
        return {"weight": Weight((ref,))}

    nodes = [
        Node("ids", "input", {"dtype": "int64"}, shapes=((None, 5),)),
        Node("told", f"any:{type}", inputs=(Value("ids"),), type=type),
        Node("counted", "any:cumsum", inputs=(Value("told"),), type="cumsum"),
        Node("masked", "any:mul", inputs=(Value("counted"), Value("told")), type="mul"),
        Node("moved", "any:add", inputs=(Value("masked"),), type="add"),
        Node("positions", "embedding", {}, table(7), inputs=(Value("moved"),)),
        Node("gather", "any:gather", inputs=(Value("moved"),), type="gather"),
        Node("segments", "embedding", {}, table(1), inputs=(Value("gather"),)),
    ]

    def read(*more: Node) -> int | None:
        graph = Graph("pytorch", {node.name: node for node in (*nodes, *more)})
        return vocabulary(graph, nodes[0])

    assert read() == 2  # any ids go into both
    assert read(Node("words", "embedding", {}, table(13), inputs=(Value("ids"),))) == 13
    cleared = Node("cleared", "any:mul", inputs=(Value("told"), Value("ids")), type="mul")
    assert read(cleared, Node("words", "embedding", {}, table(11), inputs=(Value("cleared"),))) == 11


def test_categories_are_counted_and_what_a_real_number_falls_into_is_none() -> None:
    def read(dtype: str) -> int | None:
        nodes = [
            Node("entry", "input", {"dtype": dtype}, shapes=((None, 5),)),
            Node("cast", "pytorch:to", inputs=(Value("entry"),)),
            Node("told apart", "pytorch:one_hot", inputs=(Value("cast"),), shapes=((None, 5, 7),), type="one_hot"),
        ]
        return vocabulary(Graph("pytorch", {node.name: node for node in nodes}), nodes[0])

    assert (read("int32"), read("float32")) == (7, None)


def test_keras_operations_that_tell_ids_apart_are_known() -> None:
    layers, ops = require().layers, require().ops
    ids = require().Input((5,), dtype="int32")
    present = ops.cast(ops.not_equal(ids, 0), "int32")
    sentence = layers.Embedding(50, 4)(ids) + layers.Embedding(7, 4)(ops.cumsum(present, axis=1))

    def read(value: Any) -> int | None:
        graph = open_network(require().Model(ids, value)).graph()
        return vocabulary(graph, graph.inputs[0])

    assert read(sentence) == 50
    assert read(layers.Dense(3)(ops.one_hot(ids, 9))) == 9


@pytest.mark.parametrize("first", ["torch", "keras"])
def test_networks_that_are_called_by_name_are_copied_and_proven(first: str) -> None:
    models = (text_in_torch(), text_in_keras())

    copied = homolog.copy(*(models if first == "torch" else models[::-1]))

    assert copied.proof.passed, copied.proof
    (outputs,) = (part for part in copied.proof.parts if part.name == "outputs")
    which = "first" if first == "torch" else "second"
    assert outputs.details == (f"not compared: past_key_values (object) of the {which}",)


def test_an_input_that_the_other_lacks_is_named() -> None:
    from torch import nn

    import keras

    class Alone(nn.Module):
        def forward(self, input_ids: Any) -> Any:
            return input_ids

    ids, mask = (keras.Input((None,), dtype="int32", name=name) for name in ("token_ids", "mask"))
    model = keras.Model({"token_ids": ids, "mask": mask}, ids * mask)

    with pytest.raises(Mismatch, match="different inputs") as caught:
        read_both(open_network(model), open_network(Alone()))
    assert (caught.value.expected, caught.value.found) == ("token_ids, mask", "input_ids")
