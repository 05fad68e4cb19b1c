"""Weights that a PyTorch module computes from others: read and copied as they are at inference, never set."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homolog.api import copy, match, verify
from homolog.errors import Unsupported
from homolog.opening import open_network
from homolog.planning import read_plan
from homolog.pytorch.inference import as_used, at_inference
from homolog.pytorch.run import LiveTorch

IMAGES = (2, 3, 9, 8)


def newer(name: str) -> Any:
    from torch.nn.utils import parametrizations

    return getattr(parametrizations, name)


def older(name: str) -> Any:
    from torch.nn import utils

    def norm(module: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # that there is a newer one
            return getattr(utils, name)(module)

    return norm


def shuffled(module: Any) -> Any:
    """Every stored number another one than the layer's own initialisation gives."""
    import torch

    torch.manual_seed(3)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                noise = torch.rand_like(tensor)
                tensor.mul_(0.5 + noise) if name.endswith("running_var") else tensor.add_(0.3 * noise)
    return module


def chain(maker: Any) -> Any:
    """Weight norm on a convolution, on a strided one with spectral norm before it, and on a dense layer."""
    from torch import nn

    weight, spectral = maker("weight_norm"), maker("spectral_norm")
    return shuffled(
        nn.Sequential(
            weight(nn.Conv2d(3, 5, (3, 2))),
            nn.BatchNorm2d(5),
            nn.ReLU(),
            spectral(nn.Conv2d(5, 4, 2, stride=2)),
            nn.Flatten(),
            weight(nn.Linear(4 * 3 * 3, 6)),
        )
    )


def traced(maker: Any) -> Any:
    """The same layers in a class of the user's own, with a join."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = chain(maker)

        def forward(self, x: Any) -> Any:
            first = self.layers[2](self.layers[1](self.layers[0](x)))
            flat = self.layers[4](self.layers[3](first + first * first))
            return self.layers[5](flat)

    return Net()


def twin(*, joined: bool = False) -> Any:
    import keras

    layers = keras.layers
    image = layers.Input((9, 8, 3))
    x = layers.Conv2D(5, (3, 2))(image)
    x = layers.ReLU()(layers.BatchNormalization(epsilon=1e-5)(x))
    if joined:
        x = x + x * x
    x = layers.Conv2D(4, 2, strides=2)(x)
    return keras.Model(image, layers.Dense(6)(layers.Flatten()(x)))


@contextmanager
def unchanged(module: Any) -> Iterator[None]:
    """The module is the same afterwards: every bit, class, mode, attribute and hook."""

    def facts() -> list[object]:
        return [
            (
                name,
                type(child),
                child.training,
                list(vars(child)),
                list(child._parameters),
                list(child._modules),
                list(child._forward_pre_hooks.values()),
                [id(tensor) for tensor in child._parameters.values()],
            )
            for name, child in module.named_modules()
        ]

    before = facts(), {name: tensor.clone() for name, tensor in module.state_dict().items()}
    yield
    assert facts() == before[0]
    assert list(module.state_dict()) == list(before[1])
    assert all(tensor.equal(before[1][name]) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize("maker", [newer, older])
@pytest.mark.parametrize("make", [chain, traced])
def test_a_normed_network_is_copied_as_it_is_at_inference(make: Any, maker: Any) -> None:
    source = make(maker).train()

    with unchanged(source):
        done = copy(source, twin(joined=make is traced))

    assert done.proof.passed, str(done.proof)
    assert [part.name for part in done.proof.parts] == [
        "weights",
        "outputs",
        "float64",
        "float32",
        "perturbed statistics",
    ]


def test_the_plan_says_what_each_weight_is_computed_from() -> None:
    source, target = chain(newer), twin()

    plan = match(source, target)

    assert [row.sources for row in plan.rows][:2] == [("0.weight",), ("0.bias",)]
    said = {item.name: item.reason for item in plan.ignored if item.side == "source"}
    assert {name for name in said if "num_batches" not in name} == {
        "0.parametrizations.weight.original0",
        "0.parametrizations.weight.original1",
        "3.parametrizations.weight.original",
        "3.parametrizations.weight.0._u",
        "3.parametrizations.weight.0._v",
        "5.parametrizations.weight.original0",
        "5.parametrizations.weight.original1",
    }
    assert said["3.parametrizations.weight.0._u"].startswith("3.weight is computed from it")
    read = {name for row in plan.rows for name in row.sources}
    assert set(source.state_dict()) <= said.keys() | read
    assert read_plan(plan, open_network(source), open_network(target)).rows == plan.rows


def test_the_effective_weight_is_that_of_eval_mode() -> None:
    source = chain(newer).train()
    refs = open_network(source).tensors()

    source.eval()
    for name in ("0", "3", "5"):
        np.testing.assert_array_equal(refs[f"{name}.weight"].read(), source.get_submodule(name).weight.detach())


@pytest.mark.parametrize("maker", [newer, older])
def test_the_trace_shows_layers_and_no_operations_that_compute_weights(maker: Any) -> None:
    graph = open_network(traced(maker)).graph([np.zeros(IMAGES, np.float32)])

    assert [node.kind for node in graph.nodes.values()] == [
        "input",
        "conv2d",
        "batch_norm",
        "relu",
        "multiply",
        "add",
        "conv2d",
        "flatten",
        "linear",
    ]
    assert not graph.loose
    assert graph.nodes["layers.0"].type == "Conv2d"
    (ref,) = graph.nodes["layers.0"].weights["weight"].tensors
    assert ref.name == "layers.0.weight"


def test_a_wrapped_keras_layer_takes_the_normed_kernel() -> None:
    from torch import nn

    import keras

    source = shuffled(nn.Sequential(newer("spectral_norm")(nn.Linear(5, 3)), nn.Tanh()))
    target = keras.Sequential(
        [
            keras.layers.Input((5,)),
            keras.layers.SpectralNormalization(keras.layers.Dense(3)),
            keras.layers.Activation("tanh"),
        ]
    )

    assert copy(source, target).proof.passed


def test_any_parametrization_will_do_and_so_will_several() -> None:
    import torch
    from torch import nn
    from torch.nn.utils import parametrize

    class Doubled(nn.Module):
        def forward(self, weight: Any) -> Any:
            return 2 * weight

    class Net(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Linear(5, 3), nn.Linear(3, 3), nn.LSTM(3, 4, batch_first=True))

        def forward(self, x: Any) -> Any:
            return super().forward(x)[0]

    source, plain = Net(), Net()
    parametrize.register_parametrization(source[0], "weight", Doubled())
    parametrize.register_parametrization(source[0], "weight", Doubled())
    parametrize.register_parametrization(source[0], "bias", Doubled())
    newer("orthogonal")(source[1])
    newer("weight_norm")(source[2], "weight_hh_l0")
    shuffled(source)

    with unchanged(source):
        done = copy(source, plain, inputs=[(2, 7, 5)])

    assert done.proof.passed, str(done.proof)
    assert torch.equal(plain[0].weight, 4 * source[0].parametrizations.weight.original)
    assert torch.equal(plain[1].weight, source[1].weight)
    assert {item.name for item in done.plan.ignored} >= {"2.parametrizations.weight_hh_l0.original0"}


def test_a_layer_in_two_places_is_computed_once() -> None:
    from torch import nn

    shared = newer("weight_norm")(nn.Linear(3, 3))
    source = nn.Sequential(shared, nn.Tanh(), shared)

    with unchanged(source), as_used(source) as computed:
        assert list(computed) == ["0.weight", "2.weight"]
        assert source[0].weight is source[2].weight
        assert list(source.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_everything_is_put_back_when_the_body_fails() -> None:
    source = chain(newer).train()

    with unchanged(source), pytest.raises(ZeroDivisionError), as_used(source), at_inference(source):
        assert not source.training
        raise ZeroDivisionError


@pytest.mark.parametrize("maker", [newer, older])
def test_a_normed_network_is_no_target(maker: Any) -> None:
    target = chain(maker)

    with unchanged(target), pytest.raises(Unsupported, match="the target computes weights from others") as caught:
        copy(twin(), target, carry_config=True)

    assert caught.value.found == "computed: 0.weight, 3.weight, 5.weight"
    assert "remove_parametrizations" in str(caught.value.help)


def test_it_is_verified_on_either_side() -> None:
    source = chain(newer)
    target = twin()
    copy(source, target)

    with unchanged(source):
        proof = verify(target, source)

    assert proof.passed, str(proof)
    assert proof.parts[-1].name == "perturbed statistics"


def test_another_g_is_found() -> None:
    import torch

    source, target = chain(newer), twin()
    copy(source, target)
    with torch.no_grad():
        source[5].parametrizations.weight.original0.mul_(1.01)

    assert [part.passed for part in verify(source, target).parts][:3] == [False, True, False]


def test_a_state_dict_fills_the_network_it_was_saved_of(tmp_path: Path) -> None:
    import torch

    from homolog.files import open_checkpoint
    from homolog.network import Network

    source = chain(newer)
    torch.save(source.state_dict(), tmp_path / "state.pt")
    fresh = chain(newer)
    with torch.no_grad():
        fresh[0].parametrizations.weight.original0.zero_()

    network = Network("normed", open_checkpoint(tmp_path / "state.pt"), lambda: fresh)

    assert copy(network, twin()).proof.passed
    np.testing.assert_array_equal(fresh.eval()[0].weight.detach(), source.eval()[0].weight.detach())


def test_what_cannot_be_computed_is_refused() -> None:
    import torch
    from torch import nn
    from torch.nn.utils import parametrize

    class Broken(nn.Module):
        def forward(self, weight: Any) -> Any:
            return weight @ torch.ones(7, 7)

    source = nn.Sequential(nn.Linear(5, 3))
    parametrize.register_parametrization(source[0], "weight", Broken(), unsafe=True)

    with unchanged(source), pytest.raises(Unsupported, match="and that failed") as caught:
        open_network(source).graph()
    assert caught.value.where == "0"
    assert str(caught.value.found).startswith("Broken: RuntimeError")


def test_a_plain_model_computes_nothing() -> None:
    from torch import nn

    assert LiveTorch(nn.Sequential(nn.Linear(3, 2))).computed() == {}
