"""Networks left in training mode in part: the place is named, and nothing of the network is changed."""

from __future__ import annotations

from typing import Any

import pytest

from homolog import api
from homolog.keras.framework import require
from homolog.proof.cause import Cause
from homolog.proof.causes.modes import causes
from proof.nets import keras_chain, state, subjects_of, torch_chain, traced


def dense() -> Any:
    layers = require().layers
    return keras_chain((4,), layers.Dense(6, activation="relu", name="k1"), layers.Dense(3, name="k2"))


def linears() -> dict[str, Any]:
    from torch import nn

    return {"a": nn.Linear(4, 6), "b": nn.Linear(6, 3)}


def found(one: Any, two: Any, *, back: bool = False) -> list[Cause]:
    return causes(subjects_of(*((two, one) if back else (one, two))))


@pytest.mark.parametrize("back", [False, True])
def test_dropout_that_is_always_on_is_named_at_its_place(back: bool) -> None:
    from torch.nn import functional as F  # noqa: N812

    module = traced(lambda net, x: net.b(F.dropout(net.a(x).relu(), 0.5, training=True)), **linears())

    (cause,) = found(module, dense(), back=back)

    assert cause.kind == "dropout"
    assert (cause.source, cause.target) == (("", "dropout") if back else ("dropout", ""))
    assert f"the {'second' if back else 'first'} network is not deterministic, from dropout on" in cause.words
    assert "training=self.training" in cause.help


def test_dropout_behind_the_last_layer_is_named_too() -> None:
    from torch.nn import functional as F  # noqa: N812

    module = traced(lambda net, x: F.dropout(net.b(net.a(x).relu()), 0.5, training=True), **linears())

    (cause,) = found(module, dense())

    assert (cause.kind, cause.source) == ("dropout", "dropout")


def test_a_dropout_that_follows_the_mode_is_not_blamed_for_other_noise() -> None:
    import torch
    from torch import nn

    module = traced(
        lambda net, x: net.c((y := net.b(net.drop(net.a(x).relu()))) + torch.randn_like(y)),
        a=nn.Linear(4, 6),
        drop=nn.Dropout(0.5),
        b=nn.Linear(6, 5),
        c=nn.Linear(5, 3),
    )
    layers = require().layers
    model = keras_chain((4,), layers.Dense(6, activation="relu"), layers.Dense(5), layers.Dense(3))

    (cause,) = found(module, model)

    assert (cause.kind, cause.source) == ("dropout", "c")


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("flat", [False, True])
def test_batch_statistics_are_named_and_buffers_stay(back: bool, flat: bool) -> None:
    """Also where a batch of one sample is refused, as it is for rows."""
    from torch import nn
    from torch.nn import functional as F  # noqa: N812

    def forward(net: Any, x: Any) -> Any:
        norm = net.norm
        kept = norm.running_mean, norm.running_var, norm.weight, norm.bias
        return net.b(F.batch_norm(net.a(x), *kept, training=True, momentum=0.1, eps=1e-3))

    layers = require().layers
    norm = layers.BatchNormalization(name="bn")
    if flat:
        module = traced(forward, a=nn.Linear(4, 6), norm=nn.BatchNorm1d(6, eps=1e-3), b=nn.Linear(6, 3))
        model = keras_chain((4,), layers.Dense(6), norm, layers.Dense(3))
    else:
        module = traced(forward, a=nn.Conv2d(3, 4, 2), norm=nn.BatchNorm2d(4, eps=1e-3), b=nn.Conv2d(4, 3, 1))
        model = keras_chain((7, 6, 3), layers.Conv2D(4, 2), norm, layers.Conv2D(3, 1))
    subjects = subjects_of(*((model, module) if back else (module, model)))
    before = state(module), state(model)

    (cause,) = causes(subjects)

    assert cause.kind == "training mode"
    assert (cause.source, cause.target) == (("", "batch_norm") if back else ("batch_norm", ""))
    assert "uses the statistics of the batch" in cause.words
    assert (state(module), state(model)) == before


def test_a_batch_norm_that_follows_the_mode_is_not_blamed_for_what_another_operation_does() -> None:
    from torch import nn

    module = traced(
        lambda net, x: net.c((y := net.b(net.norm(net.a(x)).relu())) - y.mean(0, keepdim=True)),
        a=nn.Linear(4, 6),
        norm=nn.BatchNorm1d(6, eps=1e-3),
        b=nn.Linear(6, 5),
        c=nn.Linear(5, 3),
    )
    layers = require().layers
    model = keras_chain(
        (4,), layers.Dense(6), layers.BatchNormalization(), layers.ReLU(), layers.Dense(5), layers.Dense(3)
    )

    (cause,) = found(module, model)

    assert (cause.kind, cause.source) == ("training mode", "c")


def block(kind: str) -> Any:
    """A layer made of layers, one of which it calls in training mode."""
    keras = require()

    class Block(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="block")
            self.wide = keras.layers.Conv2D(4, 2, name="wide")
            self.inner = (
                keras.layers.Dropout(0.5, name="inner")
                if kind == "dropout"
                else keras.layers.BatchNormalization(name="inner")
            )

        def call(self, x: Any) -> Any:
            return self.inner(self.wide(x), training=True)

    return Block()


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("kind", ["dropout", "training mode"])
def test_a_layer_of_keras_within_a_layer_that_is_called_in_training_mode(kind: str, back: bool) -> None:
    from torch import nn

    norm = [nn.BatchNorm2d(4, eps=1e-3)] if kind != "dropout" else []
    module = torch_chain(nn.Conv2d(3, 4, 2), *norm, nn.Conv2d(4, 3, 1))
    model = keras_chain((7, 6, 3), block(kind), require().layers.Conv2D(3, 1))
    subjects = subjects_of(*((model, module) if back else (module, model)))
    weights = {name: bits for name, bits in state(model).items() if "seed" not in name}

    (cause,) = causes(subjects)

    assert cause.kind == kind
    assert (cause.source if back else cause.target) == "block/inner"
    assert (cause.target if back else cause.source) == ""
    assert cause.help == "call the layer without training=True"
    assert {name: bits for name, bits in state(model).items() if "seed" not in name} == weights


def test_both_networks_can_be_wrong() -> None:
    from torch.nn import functional as F  # noqa: N812

    module = traced(lambda net, x: F.dropout(net.b(net.a(x).relu()), 0.5, training=True), **linears())
    other = traced(lambda net, x: net.b(F.dropout(net.a(x).relu(), 0.5, training=True)), **linears())
    model = dense()
    first, second = subjects_of(module, model), subjects_of(model, other)
    subjects = type(first)(first.a, second.b, first.graph_a, second.graph_b, first.plan)

    named = causes(subjects)

    assert [bool(cause.source) for cause in named] == [True, False]


def test_networks_at_inference_have_no_such_cause() -> None:
    from torch import nn

    layers = require().layers
    module = torch_chain(nn.Linear(4, 6), nn.BatchNorm1d(6, eps=1e-3), nn.Dropout(0.5), nn.Linear(6, 3)).train()
    model = keras_chain((4,), layers.Dense(6), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3))

    assert not found(module, model)
    assert module.training


def test_verify_says_it() -> None:
    from torch.nn import functional as F  # noqa: N812

    module = traced(lambda net, x: net.b(F.dropout(net.a(x).relu(), 0.5, training=True)), **linears())
    model = dense()
    api.copy(module, into=model, run=False)

    (cause,) = api.verify(module, model).causes

    assert (cause.kind, cause.source) == ("dropout", "dropout")
