"""Configurations of Keras 2 and 3, functional and sequential, as graphs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from homolog.errors import Unreadable, Unsupported
from homolog.graph import BARE, Graph, Node, Value
from homolog.keras.model import groups_of, read_model
from homolog.keras.read import read_config, read_groups
from homolog.passes import normalise
from homolog.tensors import array_ref


@pytest.fixture(params=["keras 3", "keras 2"])
def library(request: pytest.FixtureRequest) -> Any:
    """Keras, or what Keras 2 became; what both have."""
    if request.param == "keras 3":
        import keras

        return keras
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf_keras 2.21 warns of itself as it is imported
        import tf_keras

    return tf_keras


def graph_of(model: Any) -> Graph:
    """As a file of the model would be read: its configuration, and its variables layer by layer."""
    groups: dict[str, list[Any]] = {}

    def gather(inner: Any, path: str) -> None:
        for layer in inner.layers:
            name = f"{path}/{layer.name}" if path else layer.name
            if hasattr(layer, "layers"):
                gather(layer, name)
                continue
            leaves = [(w.name.rpartition("/")[2].removesuffix(":0"), w) for w in layer.weights]
            groups[name] = [array_ref(f"{name}/{leaf}", np.asarray(w)) for leaf, w in leaves]

    gather(model, "")
    return read_config({"class_name": type(model).__name__, "config": model.get_config()}, groups)


def kinds(graph: Graph) -> list[tuple[str, str]]:
    return [(node.name, node.kind) for node in graph.nodes.values()]


def by_kind(graph: Graph, kind: str) -> list[Node]:
    return [node for node in graph.nodes.values() if node.kind == kind]


def test_a_sequential(library: Any) -> None:
    layers = library.layers
    model = library.Sequential(
        [
            layers.Input((9, 7, 3), name="image"),
            layers.Conv2D(4, 3, 2, padding="same", activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dense(5, activation="softmax", name="dense"),
        ]
    )
    graph = normalise(graph_of(model))
    assert kinds(graph) == [
        ("image", "input"),
        ("conv", "conv2d"),
        ("conv/activation", "relu"),
        ("norm", "batch_norm"),
        ("flat", "flatten"),
        ("dense", "linear"),
        ("dense/activation", "softmax"),
    ]
    assert graph.nodes["conv"].fields["padding"] == ((1, 1), (1, 1))
    assert graph.nodes["conv"].weights["weight"].shape == (4, 3, 3, 3)
    assert graph.nodes["conv"].layer is None
    assert graph.nodes["conv/activation"].layer == "conv"  # it is what the layer gives
    assert graph.nodes["dense"].weights["weight"].shape == (5, 80)
    assert graph.nodes["dense"].shapes == ((None, 5),)
    assert graph.outputs == (Value("dense/activation"),)
    assert graph.loose == ()


def test_a_sequential_that_does_not_say_its_input(library: Any) -> None:
    model = library.Sequential([library.layers.Dense(5, name="dense")])
    model.build((None, 3))
    graph = normalise(graph_of(model))
    assert [node.kind for node in graph.nodes.values()] == ["input", "linear"]
    assert graph.nodes["dense"].shapes == ((None, 5),)


def test_older_words_for_the_same_setting(library: Any) -> None:
    slope = {"alpha": 0.25} if library.__name__ == "tf_keras" else {"negative_slope": 0.25}
    model = library.Sequential([library.layers.Input((3,)), library.layers.LeakyReLU(**slope, name="leaky")])
    assert graph_of(model).nodes["leaky"].fields == {"negative_slope": 0.25}


def test_every_layer_of_keras_2_has_the_fields_of_keras_3() -> None:
    import keras

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tf_keras
    made = {
        (9, 7, 4): (
            "Conv2D(6, 3)",
            "DepthwiseConv2D(3, depth_multiplier=2)",
            "Conv2DTranspose(6, 3, 2)",
            "BatchNormalization()",
            "LayerNormalization()",
            "GroupNormalization(2)",
            "PReLU(shared_axes=[1, 2])",
            "MaxPooling2D()",
            "AveragePooling2D(3, 2, 'same')",
            "GlobalAveragePooling2D()",
            "ZeroPadding2D(((0, 1), (2, 3)))",
            "Cropping2D(1)",
            "UpSampling2D()",
            "Flatten()",
            "Reshape((-1,))",
            "Permute((3, 1, 2))",
            "Softmax()",
            "ELU()",
            "ReLU(6.0)",
            "Activation('gelu')",
            "Dropout(0.5)",
            "SpatialDropout2D(0.5)",
        ),
        (9, 4): ("Conv1D(6, 3, padding='causal')", "ZeroPadding1D(2)", "Cropping1D(2)", "UpSampling1D(2)", "Dense(3)"),
    }
    for shape, layers in made.items():
        for text in layers:
            nodes = []
            for library in (keras, tf_keras):
                layer = eval(text, dict(vars(library.layers)))
                graph = normalise(graph_of(library.Sequential([library.layers.Input(shape), layer])))
                nodes.append(list(graph.nodes.values())[1])
            assert nodes[0].kind == nodes[1].kind, text
            assert nodes[0].fields == nodes[1].fields, text
            assert nodes[0].shapes == nodes[1].shapes, text
            assert {slot: w.shape for slot, w in nodes[0].weights.items()} == {
                slot: w.shape for slot, w in nodes[1].weights.items()
            }, text


def test_branches_that_join_and_several_inputs_and_outputs(library: Any) -> None:
    layers = library.layers
    left, right = layers.Input((4,), name="left"), layers.Input((3,), name="right")
    one, two = layers.Dense(5, name="one")(left), layers.Dense(5, name="two")(right)
    both = layers.Subtract(name="both")([two, one])
    wide = layers.Concatenate(name="wide")([both, right])
    model = library.Model([left, right], [layers.Dense(2, name="second")(wide), both])
    graph = normalise(graph_of(model))
    assert [node.name for node in graph.inputs] == ["left", "right"]
    assert graph.nodes["both"].inputs == (Value("two"), Value("one"))
    assert graph.nodes["wide"].shapes == ((None, 8),)
    assert graph.nodes["wide"].fields["dim"] == 1
    assert graph.outputs == (Value("second"), Value("both"))


def test_a_layer_that_is_called_twice_is_two_nodes_with_one_weight(library: Any) -> None:
    layers = library.layers
    entry = layers.Input((4,), name="entry")
    dense = layers.Dense(4, name="dense")
    model = library.Model(entry, layers.Add(name="sum")([dense(dense(entry)), entry]))
    graph = graph_of(model)
    assert kinds(graph) == [("entry", "input"), ("dense", "linear"), ("dense:1", "linear"), ("sum", "add")]
    assert graph.nodes["dense:1"].inputs == (Value("dense"),)
    assert graph.nodes["dense"].weights == graph.nodes["dense:1"].weights
    assert set(graph.tensors()) == {"dense/kernel", "dense/bias"}


def test_models_inside_models(library: Any) -> None:
    layers = library.layers
    inside = layers.Input((4,), name="inside")
    inner = library.Model(inside, layers.Dense(6, activation="tanh", name="dense")(inside), name="inner")
    deep = library.Sequential([layers.Input((6,)), layers.Dense(5, name="dense"), inner_of(library)], name="deep")
    entry = layers.Input((4,), name="entry")
    model = library.Model(entry, layers.Dense(2, name="dense")(deep(inner(entry))))
    graph = normalise(graph_of(model))
    assert kinds(graph) == [
        ("entry", "input"),
        ("inner/dense", "linear"),
        ("inner/dense/activation", "tanh"),
        ("deep/dense", "linear"),
        ("deep/deepest/dense", "linear"),
        ("dense", "linear"),
    ]
    assert graph.nodes["deep/deepest/dense"].scope == ("deep", "deepest")
    assert graph.nodes["dense"].shapes == ((None, 2),)
    assert len(graph.tensors()) == 8


def inner_of(library: Any) -> Any:
    layers = library.layers
    return library.Sequential([layers.Input((5,)), layers.Dense(3, name="dense")], name="deepest")


def test_a_model_inside_a_model_that_is_called_twice(library: Any) -> None:
    layers = library.layers
    inside = layers.Input((4,))
    inner = library.Model(inside, layers.Dense(4, name="dense")(inside), name="inner")
    one, two = layers.Input((4,), name="one"), layers.Input((4,), name="two")
    model = library.Model([one, two], layers.Subtract(name="minus")([inner(one), inner(two)]))
    graph = graph_of(model)
    assert graph.nodes["minus"].inputs == (Value("inner/dense"), Value("inner/dense:1"))
    assert graph.nodes["inner/dense:1"].inputs == (Value("two"),)


def test_operations_are_nodes_and_their_constants_are_fields() -> None:
    import keras

    entry = keras.Input((4, 3), name="entry")
    value = keras.ops.transpose(2.0 - entry * 0.5, (0, 2, 1))
    value = keras.ops.softmax(keras.ops.reshape(value, (-1, 12)) + keras.ops.reshape(entry, (-1, 12)), axis=1)
    graph = normalise(read_model(keras.Model(entry, value)))
    assert [node.kind for node in graph.nodes.values()] == [
        "input",
        "multiply",
        "subtract",
        "permute",
        "flatten",
        "flatten",
        "add",
        "softmax",
    ] or sorted(node.kind for node in graph.nodes.values()) == sorted(
        ["input", "multiply", "subtract", "permute", "flatten", "flatten", "add", "softmax"]
    )
    (multiply,) = by_kind(graph, "multiply")
    (subtract,) = by_kind(graph, "subtract")
    (permute,) = by_kind(graph, "permute")
    (softmax,) = by_kind(graph, "softmax")
    assert (multiply.fields["left"], multiply.fields["right"]) == (None, 0.5)
    assert (subtract.fields["left"], subtract.fields["right"]) == (2.0, None)
    assert permute.fields["dims"] == (0, 2, 1)
    assert permute.shapes == ((None, 3, 4),)
    assert softmax.fields["over"] == (1,)
    assert softmax.type == "ops.Softmax"


def test_activations_as_layers_names_and_objects() -> None:
    import keras

    layers = keras.layers
    entry = keras.Input((4,))
    value = layers.Dense(4, activation=layers.LeakyReLU(0.1), name="one")(entry)
    value = layers.Dense(4, activation=keras.activations.gelu, name="two")(value)
    value = layers.Activation("leaky_relu", name="three")(value)
    graph = normalise(read_model(keras.Model(entry, value)))
    assert [(node.name, node.kind) for node in graph.nodes.values()][2::2] == [
        ("one/activation", "leaky_relu"),
        ("two/activation", "gelu"),
    ]
    assert graph.nodes["one/activation"].fields["negative_slope"] == 0.1
    assert graph.nodes["two/activation"].fields["approximate"] == "none"
    assert graph.nodes["three"].fields["negative_slope"] == 0.2
    assert graph.nodes["three"].layer == "three"


def test_the_state_of_a_random_generator_is_ignored_with_a_reason() -> None:
    import keras

    entry = keras.Input((4,))
    graph = read_model(keras.Model(entry, keras.layers.Dropout(0.5, name="drop")(entry)))
    assert list(graph.nodes["drop"].ignored.values()) == ["state of a random generator; nothing of the function"]
    assert graph.loose == ()


def test_a_layer_that_no_rule_knows_is_a_node_with_its_weights_and_shape() -> None:
    import keras

    @keras.saving.register_keras_serializable(package="mine")
    class Odd(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(shape[-1],), name="scale")
            self.shift = self.add_weight(shape=(shape[-1], 2), name="shift")

        def call(self, x: Any) -> Any:
            return x * self.scale

    entry = keras.Input((7, 5, 4))
    model = keras.Model(entry, keras.layers.Flatten(name="flat")(Odd(name="odd")(entry)))
    groups = {path: [ref for ref, _ in refs] for path, refs in groups_of(model).items()}
    graph = normalise(read_config({"class_name": "Functional", "config": model.get_config()}, groups))
    node = graph.nodes["odd"]
    assert node.kind == "keras:Odd"
    assert not node.known
    assert [weight.shape for weight in node.weights.values()] == [(4,), (4, 2)]
    assert graph.nodes["flat"].shapes == ((None, 140),)  # Keras writes the shapes of what layers read


def test_a_layer_of_the_users_own_is_no_kind_of_ours() -> None:
    import keras

    @keras.saving.register_keras_serializable(package="mine")
    class Dense(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    entry = keras.Input((4,))
    model = keras.Model(entry, Dense(name="mine")(entry))
    assert (
        read_config({"class_name": "Functional", "config": model.get_config()}, {}).nodes["mine"].kind == "keras:Dense"
    )
    inside = [node.kind for node in read_model(model).nodes.values()]
    assert "multiply" in inside  # a live model is entered
    assert "linear" not in inside


def test_shapes_given_anew_take_the_place_of_what_was_built() -> None:
    import keras

    entry = keras.Input((None, None, 3), name="image")
    value = keras.layers.Conv2D(4, 3, 2, padding="same", name="conv")(entry)
    graph = read_model(keras.Model(entry, value))
    assert normalise(graph).nodes["conv"].fields["padding"] == "same"
    assert normalise(graph).nodes["conv"].shapes == ((None, None, None, 4),)
    known = normalise(graph, {"image": (2, 8, 9, 3)})
    assert known.nodes["conv"].fields["padding"] == ((0, 1), (1, 1))
    assert known.nodes["conv"].shapes == ((2, 4, 5, 4),)


def test_a_subclassed_model_has_no_graph() -> None:
    with pytest.raises(Unsupported, match="does not say how its layers are connected") as caught:
        read_config({"class_name": "Net", "config": {"units": 3}}, {})
    assert caught.value.help == "give the model itself instead: FILE@package.module:factory"


def test_a_circle_is_an_error() -> None:
    def add(name: str, *read: str) -> dict[str, Any]:
        inbound = [[[other, 0, 0, {}] for other in read]]
        return {"name": name, "class_name": "Add", "config": {"name": name}, "inbound_nodes": inbound}

    entry = {"name": "x", "class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 3]}}
    layers = [{**entry, "inbound_nodes": []}, add("a", "x", "b"), add("b", "a", "x")]
    config = {"layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["b", 0, 0]]}
    with pytest.raises(Unreadable, match="connected in a circle"):
        read_config({"class_name": "Functional", "config": config}, {})


@pytest.mark.parametrize("broken", ["input", "output", "layer"])
def test_a_reference_to_nothing_is_an_error(broken: str) -> None:
    entry = {"name": "x", "class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 3]}}
    inbound = [[["y" if broken == "layer" else "x", 0, 0, {}]]]
    relu = {"name": "r", "class_name": "ReLU", "config": {"name": "r"}, "inbound_nodes": inbound}
    config = {
        "layers": [{**entry, "inbound_nodes": []}, relu],
        "input_layers": [["y" if broken == "input" else "x", 0, 0]],
        "output_layers": [["y" if broken == "output" else "r", 0, 0]],
    }
    with pytest.raises(Unreadable, match="refers to a layer that it does not have"):
        read_config({"class_name": "Functional", "config": config}, {})


def test_a_weights_file_alone_has_bare_layers() -> None:
    refs = {name: array_ref(name, np.zeros(2, np.float32)) for name in ("a/kernel", "a/bias", "b/seed_generator_state")}
    graph = read_groups({"a": [refs["a/kernel"], refs["a/bias"]], "b": [refs["b/seed_generator_state"]], "c": []})
    assert not graph.wired
    assert [(node.name, node.kind, list(node.weights)) for node in graph.nodes.values()] == [
        ("a", BARE, ["kernel", "bias"]),
        ("b", BARE, []),
    ]
    assert len(graph.nodes["b"].ignored) == 1


def test_inputs_that_a_nested_model_takes_by_key_go_to_their_keys() -> None:
    import keras

    entries = {"b": keras.Input((3,), name="b"), "a": keras.Input((4,), name="a")}
    ends = [keras.layers.Dense(2, name=f"dense_{key}")(entry) for key, entry in entries.items()]
    inner = keras.Model(entries, keras.layers.Add()(ends), name="inner")
    x, y = keras.Input((3,), name="x"), keras.Input((4,), name="y")
    graph = read_model(keras.Model([x, y], inner({"a": y, "b": x})))
    assert graph.nodes["inner/dense_b"].inputs[0].node == "x"
    assert graph.nodes["inner/dense_a"].inputs[0].node == "y"
