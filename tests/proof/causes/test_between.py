"""What no setting tells: operations between two layers, and layers that compute something else."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np
import pytest

from homolog import api
from homolog.graph import Graph, Node, Value
from homolog.keras.framework import require
from homolog.proof.cause import KINDS, Cause
from homolog.proof.causes import between
from homolog.proof.causes.between import ACTIVATIONS, causes
from proof.nets import keras_chain, subjects_of, traced

Tensor = Any


def found(one: Any, two: Any, *, back: bool = False) -> Cause:
    """The one cause, and the same the other way round."""
    (cause,) = causes(subjects_of(*((two, one) if back else (one, two))))
    assert cause.kind in KINDS
    assert cause.words.startswith(f"{cause.kind}: ")
    assert cause.tried
    return cause


def places(cause: Cause, back: bool) -> tuple[str, str]:
    """In PyTorch and in Keras."""
    return (cause.target, cause.source) if back else (cause.source, cause.target)


def torch_residual(skip: bool) -> Any:
    from torch import nn

    def forward(net: Any, x: Tensor) -> Tensor:
        x = net.a(x).relu()
        y = net.b(x).relu()
        return net.c(x + y if skip else y)

    return traced(forward, a=nn.Linear(4, 6), b=nn.Linear(6, 6), c=nn.Linear(6, 3))


def keras_residual(skip: bool) -> Any:
    keras = require()
    inputs = keras.Input((4,))
    x = keras.layers.Dense(6, activation="relu", name="k1")(inputs)
    y = keras.layers.Dense(6, activation="relu", name="k2")(x)
    joined = keras.layers.Add(name="join")([x, y]) if skip else y
    return keras.Model(inputs, keras.layers.Dense(3, name="k3")(joined))


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("skip", [False, True])
def test_a_residual_that_one_network_lacks(skip: bool, back: bool) -> None:
    cause = found(torch_residual(skip), keras_residual(not skip), back=back)

    assert cause.kind == "wiring"
    assert places(cause, back) == (("add", "k2") if skip else ("b", "join"))
    assert f"add in the {'first' if skip != back else 'second'}" in cause.words
    assert f"nothing in the {'second' if skip != back else 'first'}" in cause.words


def torch_pool(pool: Callable[[Tensor], Tensor]) -> Any:
    from torch import nn

    def forward(net: Any, x: Tensor) -> Tensor:
        return net.b(pool(net.a(x).relu()).flatten(1))

    return traced(forward, a=nn.Conv2d(3, 4, 3), b=nn.Linear(24, 3))


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_average_for_max_pooling(kind: str, back: bool) -> None:
    from torch.nn import functional

    layers = require().layers
    other = layers.AveragePooling2D(2, name="pool") if kind == "max" else layers.MaxPooling2D(2, name="pool")
    model = keras_chain((7, 8, 3), layers.Conv2D(4, 3, activation="relu"), other, layers.Flatten(), layers.Dense(3))

    cause = found(torch_pool(lambda x: getattr(functional, f"{kind}_pool2d")(x, 2)), model, back=back)

    assert cause.kind == "pooling"
    assert places(cause, back) == (f"{kind}_pool2d", "pool")


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize(("ours", "theirs"), [("amax", "mean"), ("mean", "max")])
def test_a_reduction_for_another(ours: str, theirs: str, back: bool) -> None:
    from torch import nn

    keras = require()
    module = traced(lambda net, x: net.b(getattr(net.a(x), ours)((2, 3))), a=nn.Conv2d(3, 4, 3), b=nn.Linear(4, 3))
    inputs = keras.Input((7, 8, 3))
    reduced = getattr(keras.ops, theirs)(keras.layers.Conv2D(4, 3)(inputs), axis=(1, 2))

    cause = found(module, keras.Model(inputs, keras.layers.Dense(3)(reduced)), back=back)

    assert cause.kind == "pooling"
    assert places(cause, back)[0] == ours
    assert f"{theirs} in the {'first' if back else 'second'}" in cause.words


def torch_hidden(function: Callable[[Tensor], Tensor]) -> Any:
    from torch import nn

    return traced(lambda net, x: net.b(function(net.a(x))), a=nn.Linear(4, 6), b=nn.Linear(6, 3))


def keras_hidden(activation: Any) -> Any:
    layers = require().layers
    return keras_chain((4,), layers.Dense(6, activation=activation, name="k1"), layers.Dense(3, name="k2"))


def gelu_tanh(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + (sqrt(2 / pi) * (x + 0.044715 * x**3)).tanh())


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize(
    ("function", "activation", "names"),
    [
        (gelu_tanh, "gelu", ("gelu by tanh", "gelu")),
        (lambda x: x * (1.702 * x).sigmoid(), "gelu", ("gelu by sigmoid", "gelu")),
        (lambda x: x * x.sigmoid(), "gelu", ("silu", "gelu")),
        (lambda x: x * x.exp().add(1).log().tanh(), "silu", ("mish", "silu")),
        (lambda x: x * (x > 0) + 0.2 * x * (x <= 0), "relu", ("leaky relu with slope 0.2", "relu")),
        (lambda x: x * 1.0 + 0.0, "relu", ("no activation", "relu")),
    ],
)
def test_an_activation_written_by_hand(
    function: Callable[[Tensor], Tensor], activation: str, names: tuple[str, str], back: bool
) -> None:
    cause = found(torch_hidden(function), keras_hidden(activation), back=back)

    one, two = names[::-1] if back else names
    first, second = ("k1", "a") if back else ("a", "k1")
    assert (cause.kind, cause.source, cause.target) == ("activation", first, second)
    assert cause.words == f"activation: {one} behind {first}, {two} behind {second}"
    assert cause.help == f"put {one} behind {second}"


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_every_activation_is_what_keras_and_pytorch_have_of_that_name(name: str) -> None:
    import torch
    from torch.nn import functional as F  # noqa: N812

    x = torch.linspace(-8, 8, 161, dtype=torch.float64)
    own: dict[str, Callable[[Tensor], Tensor]] = {
        "no activation": lambda x: x,
        "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
        "gelu by sigmoid": lambda x: x * torch.sigmoid(1.702 * x),
        "hard sigmoid": F.hardsigmoid,
        "hard swish": F.hardswish,
        **{
            f"leaky relu with slope {slope}": lambda x, slope=slope: F.leaky_relu(x, slope)
            for slope in (0.01, 0.1, 0.2, 0.3)
        },
    }
    function = own.get(name) or getattr(F, name)

    np.testing.assert_allclose(ACTIVATIONS[name](x.numpy()), function(x).numpy(), rtol=1e-6, atol=1e-9)


def test_two_activations_are_never_taken_for_each_other() -> None:
    given = np.random.default_rng(0).standard_normal((2, 30)) * 5

    named = {name: between._named(given, function(given)) for name, function in ACTIVATIONS.items()}

    assert named == {name: name for name in ACTIVATIONS}
    assert between._named(given, np.sin(given)) is None


def test_an_operation_that_is_no_activation_is_named() -> None:
    import torch

    cause = found(torch_hidden(torch.sin), keras_hidden("tanh"))

    assert (cause.kind, cause.source) == ("wiring", "sin")
    assert "sin in the first (sin), tanh in the second" in cause.words


def test_what_is_done_to_the_input_is_preprocessing() -> None:
    from torch import nn

    module = traced(lambda net, x: net.b(net.a(x * x - 0.3).relu()), a=nn.Linear(4, 6), b=nn.Linear(6, 3))

    cause = found(module, keras_hidden("relu"))

    assert (cause.kind, cause.target) == ("preprocessing", "")


def test_what_is_done_behind_the_last_layer_is_told() -> None:
    from torch import nn

    module = traced(lambda net, x: net.b(net.a(x).relu()).exp(), a=nn.Linear(4, 6), b=nn.Linear(6, 3))

    cause = found(module, keras_hidden("relu"))

    assert (cause.kind, cause.source, cause.target) == ("activation", "exp", "k2")


def test_a_layer_that_computes_something_else_from_the_same_is_a_setting() -> None:
    """A layer norm with its own eps in the forward, which no configuration tells: as where it rounds within."""
    module, model = torch_hidden(lambda x: x.relu()), keras_hidden("relu")
    subjects = subjects_of(module, model)
    own = model.get_layer("k2").call
    model.get_layer("k2").__dict__["call"] = lambda *args, **kwargs: own(*args, **kwargs) * 1.01

    (cause,) = causes(subjects)

    assert (cause.kind, cause.source, cause.target) == ("setting", "b", "k2")
    assert "compute something else from the same input" in cause.words
    assert cause.tried.startswith("tried: given the same, with the same weights, they differ by")


def test_verify_names_the_first_of_two_places() -> None:
    from torch import nn

    def forward(net: Any, x: Tensor) -> Tensor:
        return net.c(net.b(gelu_tanh(net.a(x))).sin())

    layers = require().layers
    module = traced(forward, a=nn.Linear(4, 6), b=nn.Linear(6, 5), c=nn.Linear(5, 3))
    model = keras_chain(
        (4,), layers.Dense(6, activation="gelu", name="k1"), layers.Dense(5, activation="tanh"), layers.Dense(3)
    )
    api.copy(module, into=model, run=False)

    (cause,) = api.verify(module, model).causes

    assert (cause.kind, cause.source, cause.target) == ("activation", "a", "k1")


def op(name: str, kind: str, *inputs: str) -> Node:
    return Node(name, kind, inputs=tuple(map(Value, inputs)))


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("max_pool2d", "avg_pool2d", "pooling"),
        ("pytorch:mean.dim", "global_max_pool2d", "pooling"),
        ("pytorch:amax.default", "keras:Mean", "pooling"),
        ("max_pool2d", "relu", "wiring"),
        ("relu", None, "activation"),
        ("relu", "tanh", "activation"),
        ("softmax", None, "softmax"),
        ("zero_pad2d", None, "padding"),
        ("upsample_nearest2d", "upsample_bilinear2d", "interpolation"),
        ("rescaling", None, "preprocessing"),
        ("add", None, "wiring"),
        ("concat", "add", "wiring"),
        ("pytorch:div.Tensor", "keras:TrueDivide", "wiring"),
        ("max_pool2d", None, "wiring"),
    ],
)
def test_the_kind_of_cause_that_two_operations_are(left: str, right: str | None, kind: str) -> None:
    nodes = [None if name is None else op("x", name) for name in (left, right)]

    assert between._kind(*nodes) == between._kind(*nodes[::-1]) == kind


def chain(*kinds: str) -> Graph:
    nodes = {"in": Node("in", "input")}
    for place, kind in enumerate(kinds):
        nodes[f"{kind}{place}"] = op(f"{kind}{place}", kind, list(nodes)[-1])
    return Graph("pytorch", nodes, (Value(list(nodes)[-1]),))


@pytest.mark.parametrize(
    ("ours", "theirs", "odd"),
    [
        (("relu", "max_pool2d"), ("relu", "avg_pool2d"), ("max_pool2d1", "avg_pool2d1")),
        (("relu", "dropout", "tanh"), ("relu", "tanh"), (None, None)),
        (("relu", "flatten"), ("tanh",), ("relu0", "tanh0")),
        (("relu",), (), ("relu0", None)),
        ((), ("sin",), (None, "sin0")),
        (("relu", "tanh"), ("tanh",), ("relu0", None)),
    ],
)
def test_the_operation_that_only_one_has(
    ours: tuple[str, ...], theirs: tuple[str, ...], odd: tuple[str | None, str | None]
) -> None:
    left, right = between._odd_one(between._in_front(chain(*ours), None), between._in_front(chain(*theirs), None))

    assert (left and left.name, right and right.name) == odd
