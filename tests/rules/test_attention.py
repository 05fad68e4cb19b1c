"""Attention: packed and unpacked projections, einsum kernels, grouped queries; the two functions agree after a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Unsupported
from homolog.graph import Graph
from homolog.opening import open_network
from homolog.passes import normalise
from homolog.pytorch.read import tree_of
from homolog.pytorch.tree import read_tree
from homolog.tensors import same_bits

QUERY, KEY, VALUE = (2, 3, 8), (2, 7, 6), (2, 7, 5)


def attention(self_attention: bool = False, **settings: Any) -> Any:
    """PyTorch's, called by a module of its own, with weights and biases that are trivial nowhere."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **settings)

        def forward(self, query: Any, key: Any = None, value: Any = None) -> Any:
            given = (query, query, query) if self_attention else (query, key, value)
            return self.attention(*given, need_weights=False)[0]

    torch.manual_seed(3)
    net = Net()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0.1, 0.6)
    return net.eval()


def keras_attention(self_attention: bool = False, **settings: Any) -> Any:
    import keras

    layer = keras.layers.MultiHeadAttention(2, 4, name="attention", **settings)
    query = keras.Input(QUERY[1:])
    if self_attention:
        return keras.Model(query, layer(query, query))
    key, value = keras.Input(KEY[1:]), keras.Input(VALUE[1:])
    return keras.Model([query, key, value], layer(query, value, key))


def inputs(self_attention: bool) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    shapes = (QUERY,) if self_attention else (QUERY, KEY, VALUE)
    return [random.standard_normal(shape).astype("float32") for shape in shapes]


@pytest.mark.parametrize("self_attention", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_attention_is_copied_both_ways(self_attention: bool, bias: bool) -> None:
    import torch

    given = {} if self_attention else {"kdim": KEY[-1], "vdim": VALUE[-1]}
    ours, theirs = attention(self_attention, bias=bias, **given), keras_attention(self_attention, use_bias=bias)
    arrays = inputs(self_attention)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    homolog.copy(ours, into=theirs, inputs=arrays, run=False)
    with torch.no_grad():
        wanted = ours(*map(torch.from_numpy, arrays)).numpy()
    np.testing.assert_allclose(np.asarray(theirs(arrays[0] if self_attention else arrays)), wanted, atol=1e-5)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.zero_()
    homolog.copy(theirs, into=ours, inputs=arrays, run=False)
    for name, tensor in ours.state_dict().items():
        assert same_bits(tensor.numpy(), before[name].numpy()), name


def test_projections_that_are_not_packed_are_linear_layers_with_parts_of_the_packed_bias() -> None:
    from torch import nn

    graph = normalise(read_tree(tree_of(nn.ModuleList([nn.MultiheadAttention(8, 2, kdim=6, vdim=5)]))))
    found = {node.name: {slot: weight.shape for slot, weight in node.weights.items()} for node in graph.layers}
    assert found == {
        "0.query": {"weight": (8, 8), "bias": (8,)},
        "0.key": {"weight": (8, 6), "bias": (8,)},
        "0.value": {"weight": (8, 5), "bias": (8,)},
        "0.out_proj": {"weight": (8, 8), "bias": (8,)},
    }
    assert {node.kind for node in graph.layers} == {"linear"}


def linears(graph: Graph) -> list[tuple[str, dict[str, tuple[int, ...]]]]:
    return [
        (node.name, {slot: weight.shape for slot, weight in node.weights.items()})
        for node in graph.layers
        if node.kind == "linear"
    ]


def test_grouped_queries_have_narrower_keys_and_values() -> None:
    import keras

    query, value = keras.Input((3, 8)), keras.Input((7, 8))
    layer = keras.layers.GroupQueryAttention(5, 4, 2, name="a", use_bias=False)
    graph = open_network(keras.Model([query, value], layer(query, value))).graph()
    assert linears(graph) == [
        ("a/query", {"weight": (20, 8)}),
        ("a/key", {"weight": (10, 8)}),
        ("a/value", {"weight": (10, 8)}),
        ("a/attention_output", {"weight": (8, 20)}),
    ]
    assert graph.nodes["a/heads"].fields["num_kv_heads"] == 2
    assert [value.node for value in graph.nodes["a/key"].inputs] == [
        value.node for value in graph.nodes["a/value"].inputs
    ]


def test_an_attention_with_a_key_of_its_own_is_refused() -> None:
    from torch import nn

    tree = tree_of(nn.ModuleList([nn.MultiheadAttention(8, 2, add_bias_kv=True)]))
    with pytest.raises(Unsupported, match="a key and a value of its own") as caught:
        normalise(read_tree(tree))
    assert caught.value.found == "0.bias_k, 0.bias_v"


def test_a_gated_attention_is_refused_by_its_setting() -> None:
    import keras

    query = keras.Input((3, 8))
    model = keras.Model(query, keras.layers.MultiHeadAttention(2, 4, use_gate=True)(query, query))
    with pytest.raises(Unsupported) as caught:
        open_network(model).graph()
    assert caught.value.found == "use_gate=True"


def test_the_weights_of_an_attention_in_a_file_are_those_of_the_live_model(tmp_path: Any) -> None:
    model = keras_attention()
    model.save(tmp_path / "a.keras")
    live, stored = (open_network(source).graph() for source in (model, tmp_path / "a.keras"))
    assert linears(live) == linears(stored)
    for node, slot, weight in live.weights():
        other = stored.nodes[node.name].weights[slot]
        assert all(same_bits(a.read(), b.read()) for a, b in zip(weight.tensors, other.tensors, strict=True))


@pytest.mark.parametrize(("layer", "shapes"), [("Attention(use_scale=True)", [()]), ("AdditiveAttention()", [(8,)])])
def test_a_scale_is_copied_between_two_keras_models(layer: str, shapes: list[tuple[int, ...]]) -> None:
    import keras

    def build() -> Any:
        entries = [keras.Input((3, 8)), keras.Input((7, 8))]
        return keras.Model(entries, eval(layer, dict(vars(keras.layers)))(entries))

    source, target = build(), build()
    source.weights[0].assign(np.full(source.weights[0].shape, 0.7))
    homolog.copy(source, into=target, run=False)
    assert [weight.shape for node in open_network(target).graph().layers for weight in node.weights.values()] == shapes
    np.testing.assert_array_equal(source.weights[0], target.weights[0])


def test_an_encoder_layer_is_traced_into_its_projections() -> None:
    """In eval mode PyTorch has a fused operator for it; a trace does not take it."""
    from torch import nn

    net = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    graph = open_network(net).graph([np.zeros((2, 3, 8), np.float32)])
    assert not graph.loose
    kinds = [node.kind for node in graph.layers]
    assert kinds.count("layer_norm") == 2
    assert kinds.count("linear") == len(kinds) - 2


@pytest.mark.parametrize("named", [True, False])
def test_what_is_given_by_name_is_told_apart_and_a_mask_is_no_value(named: bool, tmp_path: Any) -> None:
    import keras

    query, key, value, mask = (keras.Input(shape, name=name) for shape, name in MASKED)
    layer = keras.layers.MultiHeadAttention(2, 4, name="a")
    given = {"key": key, "value": value} if named else {"value": value}
    model = keras.Model(
        [query, mask, *given.values()],
        layer(query, attention_mask=mask, **given) if named else layer(query, value, attention_mask=mask),
    )
    model.save(tmp_path / "a.keras")
    for source in (model, tmp_path / "a.keras"):
        graph = open_network(source).graph()
        found = [graph.nodes[f"a/{name}"].inputs[0].node for name in ("query", "key", "value")]
        assert found == ["q", "k" if named else "v", "v"]


MASKED = (((3, 8), "q"), ((7, 6), "k"), ((7, 5), "v"), ((3, 7), "m"))
