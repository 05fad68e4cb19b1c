"""What is read can be written: every node of every case, as a layer of either framework."""

from __future__ import annotations

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
from homolog.network import open_network
from homolog.passes import shapes, synonyms, units
from homolog.rules.writing import Written, keras_layer, torch_module

from .laws import DOUBLE, SINGLE, Case, Laws, Shape, Twins, _precision, run

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


@pytest.mark.parametrize("way", WRITERS)
def test_what_is_written_is_read_as_the_same_node(twins: Twins, way: str) -> None:
    graph = _read(*((twins.torch, twins.inputs()) if way == "tree" else (twins.keras, twins.keras_inputs())))
    for node in _layers(graph):
        try:
            written = WRITERS[way](node)
        except Unsupported as error:
            print("REFUSED", way, node.kind, error.found, "|", error.what)
            continue
        entries = _entries(graph, node)
        again = _read(BUILDERS[way](written, entries), _inputs(node, entries))
        (other,) = _layers(again)
        assert _describe(other) == _describe(node), written
        print("HELD", way, node.kind, written)


@pytest.mark.parametrize("source", ["tree", "keras"])
def test_what_is_written_across_computes_the_same(twins: Twins, source: str) -> None:
    target = "keras" if source == "tree" else "tree"
    dtype = SINGLE if twins.case.double is None else DOUBLE
    torch, keras = (twins.torch, twins.keras) if dtype == SINGLE else (twins.double_torch, twins.double_keras)
    model, inputs = (torch, twins.inputs(dtype)) if source == "tree" else (keras, twins.keras_inputs(dtype))
    graph = _read(model, inputs)
    if len(_layers(graph)) != 1:
        pytest.skip("not a single layer")
    (node,) = _layers(graph)
    try:
        written = WRITERS[target](_turned(node, twins.case, last=target == "keras"))
    except Unsupported as error:
        print("REFUSED across", target, node.kind, error.found, "|", error.what)
        return
    shown = twins.inputs(dtype) if target == "tree" else twins.keras_inputs(dtype)
    copied = BUILDERS[target](written, [array.shape for array in shown], dtype)
    if source == "keras" and model.weights:
        random = np.random.default_rng(7)
        model.set_weights([random.uniform(0.5, 2, weight.shape) for weight in model.weights])
    if node.weights:
        homolog.copy(model, into=copied, inputs=inputs, run=False)
    (want,), (have,) = run(model, inputs), run(copied, shown)
    if twins.case.moved:
        want, have = (
            np.moveaxis(array, -1, 1) if way == "keras" and array.ndim > 2 else array
            for array, way in ((want, source), (have, target))
        )
    assert want.shape == have.shape
    tolerance = 1e-5 if dtype == SINGLE else max(twins.case.double or 0, SINGLE_CONSTANTS.get(node.kind, 0))
    assert np.abs(want - have).max() <= tolerance * np.abs(want).max(), written
    print("HELD across", target, node.kind, written)


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
