"""Flattened maps: whatever holds a number for each flattened feature comes out in the other framework's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Unsupported
from homolog.keras.read import read_config
from homolog.opening import open_network
from homolog.passes import normalise
from homolog.passes.labels import regrouped, spatial_labels, word
from homolog.tensors import array_ref

Shape = tuple[int, ...]


def torch_module(build: Callable[[Any], Any], forward: Callable[[Any, Any], Any] | None = None) -> Any:
    """A Sequential of the layers, or with ``forward`` a class of its own that holds them as ``inner``."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    layers = build(nn)
    model = nn.Sequential(*layers)
    if forward is not None:

        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = model

            def forward(self, x: Any) -> Any:
                return forward(self.inner, x)

        model = Net()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5) if name.endswith("running_var") else tensor.normal_(0, 0.5)
    return model.eval()


def keras_model(shape: Shape, build: Callable[[Any], Any]) -> Any:
    import keras

    return keras.Sequential([keras.Input(shape), *build(keras.layers)])


def convnet(nn: Any) -> list[Any]:
    """VGG's end, with everything that can hold a number for each flattened feature: 3 x 2 x 3 of them."""
    return [
        nn.Conv2d(4, 3, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d((2, 3)),
        nn.Flatten(),
        nn.Dropout(),
        nn.BatchNorm1d(18, 1e-3),
        nn.PReLU(18),
        nn.Linear(18, 5),
        nn.BatchNorm1d(5, 1e-3),
        nn.PReLU(5),
        nn.Linear(5, 7),
    ]


def keras_convnet(layers: Any) -> list[Any]:
    return [
        layers.Conv2D(3, 3, padding="same", activation="relu"),
        layers.AdaptiveAveragePooling2D((2, 3)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.BatchNormalization(),
        layers.PReLU(),
        layers.Dense(5),
        layers.BatchNormalization(),
        layers.PReLU(),
        layers.Dense(7),
    ]


def mnist(nn: Any) -> list[Any]:
    return [
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(1600, 10),
        nn.Softmax(-1),
    ]


def keras_mnist(layers: Any) -> list[Any]:
    """https://keras.io/examples/vision/mnist_convnet/"""
    return [
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]


def dense_after(*between: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Conv, then these layers of Keras, then dense; in PyTorch conv, flatten, dense."""
    return (
        lambda nn: [nn.Conv2d(4, 3, 2), nn.Flatten(), nn.Linear(72, 5)],
        lambda layers: [layers.Conv2D(3, 2), *(eval(item, vars(layers)) for item in between), layers.Dense(5)],
    )


def to_last(inner: Any, x: Any) -> Any:
    """A PyTorch network that flattens as Keras does."""
    conv, dense = inner
    return dense(conv(x).permute(0, 2, 3, 1).flatten(1))


def viewed(inner: Any, x: Any) -> Any:
    conv, dense = inner
    x = conv(x)
    return dense(x.view(x.size(0), -1))


def grouped(inner: Any, x: Any) -> Any:
    """Height and width become one axis, tokens of channels, and all of it is flattened afterwards."""
    conv, norm, dense = inner
    return dense(norm(conv(x).flatten(2).transpose(1, 2)).flatten(1))


TWO = (lambda nn: [nn.Conv2d(4, 3, 2), nn.Linear(72, 5)], dense_after("Flatten()")[1])
PERMUTED = "the features of a flattened"
NETS: dict[str, tuple[Any, Any, Any, Shape, str]] = {
    "vgg": (convnet, None, keras_convnet, (4, 7, 8), PERMUTED),
    "mnist": (mnist, None, keras_mnist, (1, 28, 28), f"{PERMUTED} 64x5x5 map are permuted from (c h w) to (h w c)"),
    "reshape": (dense_after()[0], None, dense_after("Reshape((-1,))")[1], (4, 7, 5), f"{PERMUTED} 3x6x4 map"),
    "reshape twice": (dense_after()[0], None, dense_after("Reshape((24, 3))", "Flatten()")[1], (4, 7, 5), PERMUTED),
    "view": (TWO[0], viewed, TWO[1], (4, 7, 5), PERMUTED),
    "torch permutes": (TWO[0], to_last, TWO[1], (4, 7, 5), ""),
    "keras permutes": (dense_after()[0], None, dense_after("Permute((3, 1, 2))", "Flatten()")[1], (4, 7, 5), ""),
    "tokens": (
        lambda nn: [nn.Conv2d(4, 3, 2), nn.LayerNorm(3, 1e-3), nn.Linear(72, 5)],
        grouped,
        dense_after("Reshape((24, 3))", "LayerNormalization()", "Flatten()")[1],
        (4, 7, 5),
        "",
    ),
    "one by one": (
        lambda nn: [nn.Conv2d(4, 3, (7, 5)), nn.Flatten(), nn.Linear(3, 5)],
        None,
        lambda layers: [layers.Conv2D(3, (7, 5)), layers.Flatten(), layers.Dense(5)],
        (4, 7, 5),
        "",
    ),
    "conv1d": (
        lambda nn: [nn.Conv1d(4, 3, 2), nn.Flatten(), nn.Linear(18, 5)],
        None,
        lambda layers: [layers.Conv1D(3, 2), layers.Flatten(), layers.Dense(5)],
        (4, 7),
        "the features of a flattened 3x6 map are permuted from (c w) to (w c)",
    ),
    "conv3d": (
        lambda nn: [nn.Conv3d(2, 3, 2), nn.Flatten(), nn.Linear(360, 5)],
        None,
        lambda layers: [layers.Conv3D(3, 2), layers.Flatten(), layers.Dense(5)],
        (2, 7, 5, 6),
        "the features of a flattened 3x6x4x5 map are permuted from (c d h w) to (d h w c)",
    ),
    "norm of a map": (
        lambda nn: [nn.Conv2d(4, 3, 2), nn.LayerNorm((3, 6, 4), 1e-3), nn.Flatten(), nn.Linear(72, 5)],
        None,
        dense_after("LayerNormalization(axis=(1, 2, 3))", "Flatten()")[1],
        (4, 7, 5),
        PERMUTED,
    ),
    "generator": (
        lambda nn: [
            nn.Linear(9, 60),
            nn.BatchNorm1d(60, 1e-3),
            nn.Unflatten(1, (3, 4, 5)),
            nn.ConvTranspose2d(3, 2, 2),
        ],
        None,
        lambda layers: [
            layers.Dense(60),
            layers.BatchNormalization(),
            layers.Reshape((4, 5, 3)),
            layers.Conv2DTranspose(2, 2),
        ],
        (9,),
        "the features of a flattened 3x4x5 map are permuted from (c h w) to (h w c)",
    ),
}


@pytest.mark.parametrize("direction", ["to keras", "to pytorch"])
@pytest.mark.parametrize("name", NETS)
def test_a_flattened_map_comes_out_right(name: str, direction: str) -> None:
    build, forward, build_keras, shape, note = NETS[name]
    torch = torch_module(build, forward)
    keras = keras_model((*shape[1:], shape[0]), build_keras)
    random = np.random.default_rng(0)
    x = random.standard_normal((2, *shape)).astype(np.float32)
    if direction == "to keras":
        done = homolog.copy(torch, into=keras, inputs=[x])
    else:
        live = open_network(keras).live
        for key, ref in live.tensors().items():
            if ref.dtype == "float32":
                least = 0.5 if "variance" in key else -0.5
                live.fill([(key, random.uniform(least, least + 1, ref.shape).astype(np.float32))])
        done = homolog.copy(keras, into=torch, inputs=[np.moveaxis(x, 1, -1)] if len(shape) > 1 else [x])
    done.proof.raise_if_failed()
    said = " ".join(done.plan.notes)
    if direction == "to keras":
        assert (note in said) if note else not said
    else:
        assert (PERMUTED in said) == bool(note)


def test_the_note_names_every_tensor_that_runs_along_the_features() -> None:
    torch, keras = torch_module(convnet), keras_model((7, 8, 4), keras_convnet)
    plan = homolog.match(torch, keras, inputs=[(1, 4, 7, 8)])
    noted = {row.sources[0] for row in plan.rows if row.note}
    assert noted == {"5.weight", "5.bias", "5.running_mean", "5.running_var", "6.weight", "7.weight"}
    (row,) = (row for row in plan.rows if row.sources == ("7.weight",))
    assert [str(step) for step in row.transform] == ["out (c h w) -> (h w c) out, c=3, h=2, w=3"]


def test_an_unknown_map_in_front_of_a_flatten_is_an_error() -> None:
    import keras

    model = keras.Sequential([keras.Input((7, 5, 4)), keras.layers.Conv2D(3, 2), keras.layers.Flatten()])
    model.add(keras.layers.Dense(5))
    config = model.get_config()
    config["layers"][0]["config"]["batch_shape"] = [None, None, None, 4]
    dense = model.layers[-1].name
    groups = {
        dense: [array_ref(f"{dense}/{n}", np.zeros(s, np.float32)) for n, s in (("kernel", (72, 5)), ("bias", (5,)))]
    }
    graph = read_config({"class_name": "Sequential", "config": config}, groups)
    with pytest.raises(Unsupported, match="behind a flatten cannot be put in order") as caught:
        normalise(graph)
    assert caught.value.where == dense
    assert caught.value.help == "give the shape of the input with --input"


def test_flattened_maps_that_are_joined_are_an_error() -> None:
    import keras

    layers = keras.layers
    entry = keras.Input((7, 5, 4))
    two = [layers.Flatten()(layers.Conv2D(3, 2)(entry)) for _ in range(2)]
    model = keras.Model(entry, layers.Dense(5)(layers.Concatenate()(two)))
    with pytest.raises(Unsupported, match="cannot be put in order"):
        open_network(model).graph()


LABELS = spatial_labels(2, last=False, shape=(2, 3, 4, 5))


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 60), ["n", "c h w"]),
        ((2, 3, 20), ["n", "c", "h w"]),
        ((2, 12, 5), ["n", "c h", "w"]),
        ((2, 3, 1, 4, 5), ["n", "c", "one", "h", "w"]),
        ((2, 6, 10), None),
        ((2, 3, 4), None),
        ((2, 3, None), None),
    ],
)
def test_labels_go_through_a_reshape(shape: tuple[int | None, ...], words: list[str] | None) -> None:
    found = regrouped(LABELS, shape)
    assert (None if found is None else [word(label) for label in found]) == words
