"""What is read can be written: every node of every case, as a layer of either framework."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import homolog
from homolog import rules
from homolog.errors import Unsupported
from homolog.graph import Graph, Node
from homolog.opening import open_network
from homolog.passes import shapes, synonyms, units
from homolog.rules.writing import Written, keras_layer, torch_module

from .laws import DOUBLE, SINGLE, Case, Laws, Shape, Twins, _precision, of, run
from .unwritten import REFUSED, UNWRITTEN

FAMILIES = ("activation", "arithmetic", "attention", "conv", "dense", "norm", "pooling", "recurrent", "shape")
WRITERS: dict[str, Callable[[Node], Written]] = {"keras": keras_layer, "tree": torch_module}
SINGLE_CONSTANTS = {"gelu": 1e-8, "leaky_relu": 1e-7, "upsample": 1e-6}
"""How far apart float64 may lie, by kind, where TensorFlow has constants in single precision."""
pytestmark = [
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning"),
    pytest.mark.filterwarnings("ignore:Implicit dimension choice for softmax:UserWarning"),
    pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`:UserWarning"),
]


def _cases() -> Iterator[Case]:
    """Every case of every family, once."""
    found: dict[str, Case] = {}
    for family in FAMILIES:
        for item in vars(import_module(f"{__package__}.test_{family}")).values():
            if isinstance(item, type) and issubclass(item, Laws):
                found |= {f"{case} {case.shapes} {case.differs}": case for case in item.CASES}
    return iter(found.values())


@pytest.fixture(scope="module", params=list(_cases()), ids=str)
def twins(request: pytest.FixtureRequest) -> Twins:
    return Twins(request.param)


def _read(model: Any, inputs: list[np.ndarray]) -> Graph:
    """As far as a node is a layer yet: composite layers in their parts, with shapes and settled fields."""
    return shapes(synonyms(shapes(units(open_network(model).live.graph(inputs)))))


def _layers(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes.values() if node.kind != "input"]


def _entries(graph: Graph, node: Node) -> list[Shape]:
    """The shapes of what a node reads, with two samples where the batch is open."""
    known = (graph.nodes[value.node].shapes[value.index] for value in node.inputs)
    return [tuple(2 if length is None else length for length in shape) for shape in known]


def _inputs(node: Node, entries: list[Shape]) -> list[np.ndarray]:
    kind = np.int64 if node.kind.startswith("embedding") else np.float32
    return [np.ones(shape, kind) for shape in entries]


def _keras(written: Written, entries: list[Shape], dtype: str = SINGLE) -> Any:
    import keras

    kind = "int64" if written.name == "Embedding" else dtype
    given = [keras.Input(shape[1:], dtype=kind) for shape in entries]
    with _precision(dtype) if dtype != SINGLE else nullcontext():
        layer = getattr(keras.layers, written.name)(**written.arguments)
        return keras.Model(given, layer(given[0] if len(given) == 1 else given))


def _torch(written: Written, entries: list[Shape], dtype: str = SINGLE) -> Any:
    from torch import nn

    module = getattr(nn, written.name)(**written.arguments).eval()
    return module.double() if dtype == DOUBLE else module


BUILDERS = {"keras": _keras, "tree": _torch}


def _describe(node: Node) -> tuple[str, dict[str, object], dict[str, Shape]]:
    return node.kind, dict(node.fields), {slot: weight.shape for slot, weight in node.weights.items()}


def _own(twins: Twins, way: str) -> Iterator[tuple[Graph, Node, Node]]:
    """What is written in the framework that it is read from: the graph, and each node twice."""
    graph = _read(*((twins.torch, twins.inputs()) if way == "tree" else (twins.keras, twins.keras_inputs())))
    for node in _layers(graph):
        yield graph, node, node


def _across(twins: Twins, way: str) -> Iterator[tuple[Graph, Node, Node]]:
    """The one node that the other framework has, and the same with its axes where this one has them."""
    graph = _read(*((twins.torch, twins.inputs()) if way == "keras" else (twins.keras, twins.keras_inputs())))
    layers = _layers(graph)
    for node in layers if len(layers) == 1 else ():
        yield graph, node, _turned(node, twins.case, last=way == "keras")


def _written(node: Node, way: str) -> Written | None:
    """None where it is refused; ``test_what_cannot_be_written`` holds the list."""
    try:
        return WRITERS[way](node)
    except Unsupported:
        return None


@pytest.mark.parametrize("way", WRITERS)
def test_what_is_written_is_read_as_the_same_node(twins: Twins, way: str) -> None:
    for graph, node, same in _own(twins, way):
        written = _written(same, way)
        if written is not None:
            entries = _entries(graph, node)
            again = _read(BUILDERS[way](written, entries), _inputs(node, entries))
            (other,) = _layers(again)
            assert _describe(other) == _describe(node), written


@pytest.mark.parametrize("way", WRITERS)
def test_what_is_written_across_computes_the_same(twins: Twins, way: str) -> None:
    dtype = SINGLE if twins.case.double is None else DOUBLE
    torch, keras = (twins.torch, twins.keras) if dtype == SINGLE else (twins.double_torch, twins.double_keras)
    source, inputs, shown = torch, twins.inputs(dtype), twins.keras_inputs(dtype)
    if way == "tree":
        source, inputs, shown = keras, shown, inputs
    for _, node, turned in _across(twins, way):
        written = _written(turned, way)
        if written is None:
            continue
        target = BUILDERS[way](written, [array.shape for array in shown], dtype)
        if way == "tree" and source.weights:
            random = np.random.default_rng(7)  # statistics are positive
            source.set_weights([random.uniform(0.5, 2, weight.shape) for weight in source.weights])
        if node.weights:
            homolog.copy(source, into=target, inputs=inputs, run=False)
        (want,), (have,) = run(source, inputs), run(target, shown)
        if twins.case.moved and len(twins.case.shapes[0]) > 2:
            want, have = (_first(want), have) if way == "tree" else (want, _first(have))
        assert want.shape == have.shape
        apart = np.abs(want - have).max() / np.abs(want).max()
        allowed = 1e-5 if dtype == SINGLE else max(twins.case.double or 0, SINGLE_CONSTANTS.get(node.kind, 0))
        assert apart <= allowed, written


def _first(array: np.ndarray) -> np.ndarray:
    """The channels in front, where there is anything behind them."""
    return np.moveaxis(array, -1, 1) if array.ndim > 2 else array


def _turned(node: Node, case: Case, *, last: bool) -> Node:
    """The node with its axes where the other framework has them, as a pass of the translation will do it."""
    if not case.moved:
        return node

    def turned(shape: Any) -> Any:
        if len(shape) < 3:
            return shape
        return (shape[0], *shape[2:], shape[1]) if last else (shape[0], shape[-1], *shape[1:-1])

    fields, rule = dict(node.fields), rules.for_kind(node.kind)
    if "data_format" in fields:
        fields["data_format"] = "channels_last" if last else "channels_first"
    if rule is not None and rule.axis is not None and fields[rule.axis] is not None:
        places = turned(range(len(node.shapes[0])))
        axis = fields[rule.axis]
        moved = tuple(places.index(one) for one in (axis if isinstance(axis, tuple) else (axis,)))
        fields[rule.axis] = moved if isinstance(axis, tuple) else moved[0]
    return replace(node, fields=fields, shapes=tuple(map(turned, node.shapes)))


def test_what_cannot_be_written() -> None:
    """Which settings of which kinds are refused, over all cases and in both directions: the list can only shrink."""
    found: dict[str, set[str]] = {"keras": set(), "tree": set()}
    for case in _cases():
        twins = Twins(case)
        for way, nodes in ((way, nodes) for way in WRITERS for nodes in (_own, _across)):
            for _, _, node in nodes(twins, way):
                try:
                    WRITERS[way](node)
                except Unsupported as error:
                    assert error.where == node.name
                    setting, *_ = re.split(r"=| \(", error.found or "")
                    found[way].add(f"{node.kind} {setting}".strip())
    assert found == {way: {f"{kind} {setting}".strip() for kind, setting, _ in REFUSED[way]} for way in REFUSED}


def test_which_rules_cannot_be_written() -> None:
    """Every class that is read can be written, but for these: the list can only shrink."""
    unwritten = {
        "keras": {rule.name for rule in rules.TABLE if rule.keras.classes and rule.keras.make is None},
        "tree": {rule.name for rule in rules.TABLE if rule.torch.classes and rule.torch.make is None},
    }
    assert unwritten == {way: set(listed) for way, listed in UNWRITTEN.items()}


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Normalization()", (3, 5)),
        ("Normalization(axis=(1, 2))", (3, 5)),
        ("Normalization(axis=None, invert=True)", (3, 5)),
        ("Normalization(mean=[1.0] * 5, variance=[2.0] * 5)", (3, 5)),
        ("Rescaling(1 / 255)", (3, 5)),
        ("Rescaling([0.5, 0.25], [1.0, 2.0])", (3, 2)),
        ("UnitNormalization()", (3, 5)),
        ("UnitNormalization(axis=1)", (3, 5)),
        ("SeparableConv1D(6, 3, 2, use_bias=False)", (9, 4)),
        ("SeparableConv2D(6, 3, depth_multiplier=2, padding='same')", (9, 7, 4)),
        # lengths that are left open: 'same' can be said in one word only
        ("Conv2D(6, 3, 2, padding='same')", (None, None, 4)),
        ("Conv1D(6, 4, 2, padding='causal')", (None, 4)),
        ("DepthwiseConv2D(3, 2, padding='same', depth_multiplier=2)", (None, None, 4)),
        ("MaxPooling2D(3, 2, padding='same')", (None, None, 4)),
        ("AveragePooling2D(3, 2, padding='same')", (None, None, 4)),
        ("Conv2DTranspose(6, 3, 2, padding='same')", (None, None, 4)),
        ("BatchNormalization()", (None, None, 4)),
        ("LayerNormalization()", (None, 4)),
        ("GroupNormalization(2)", (None, None, 4)),
        ("PReLU(shared_axes=[1, 2])", (None, None, 4)),
        ("Flatten(data_format='channels_first')", (3, 5, 4)),
        ("Embedding(11, 5, mask_zero=True)", (None,)),
        ("ConvLSTM1D(4, 3, go_backwards=True)", (6, 9, 5)),
        ("ConvLSTM2D(4, (3, 2), 2, padding='same', use_bias=False, return_sequences=True)", (6, 9, 7, 5)),
    ],
)
def test_what_keras_alone_has_or_leaves_open_is_read_as_the_same_node(text: str, shape: tuple[int | None, ...]) -> None:
    import keras

    def node_of(layer: Any) -> Node:
        entry = keras.Input(shape, dtype="int64" if "Embedding" in text else None)
        (node,) = _layers(shapes(open_network(keras.Model(entry, layer(entry))).live.graph()))
        return node

    node = node_of(eval(text, dict(vars(keras.layers))))
    written = keras_layer(node)
    assert _describe(node_of(getattr(keras.layers, written.name)(**written.arguments))) == _describe(node)


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("EmbeddingBag(11, 4, mode='sum', padding_idx=1)", [np.array([[1, 5], [3, 4]])]),
        ("Bilinear(5, 3, 4, bias=False)", [np.ones((2, 5), np.float32), np.ones((2, 3), np.float32)]),
    ],
)
def test_what_pytorch_alone_has_is_read_as_the_same_node(text: str, inputs: list[np.ndarray]) -> None:
    from torch import nn

    def node_of(layer: Any) -> Node:
        return next(node for node in open_network(of()(layer, lambda x: x)).live.graph(inputs).layers)

    node = node_of(eval(text, dict(vars(nn))))
    written = torch_module(node)
    assert f"{written.name}(" == text[: len(written.name) + 1]
    assert _describe(node_of(getattr(nn, written.name)(**written.arguments))) == _describe(node)
