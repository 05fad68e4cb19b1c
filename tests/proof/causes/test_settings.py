"""Settings in which layers differ: what kind of cause each is, tried on the networks, which stay as they are."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from homolog.graph import Graph, Node, Value
from homolog.keras.framework import require
from homolog.matching.carrying import training
from homolog.plan import Difference, Plan
from homolog.proof.cause import Cause, Mend
from homolog.proof.causes import of_runs, of_training, settings
from homolog.proof.subjects import Subjects
from proof.nets import Function, keras_chain, state, subjects_of, torch_chain

MEND = Mend("copy a b", "copy a b --carry")


def torch_net(eps: float = 1e-3, later: float = 1e-3, slope: float = 0.3) -> Any:
    from torch import nn

    return torch_chain(
        nn.Linear(4, 6),
        nn.BatchNorm1d(6, eps=eps, momentum=0.01),
        nn.LeakyReLU(slope),
        nn.Linear(6, 5),
        nn.BatchNorm1d(5, eps=later, momentum=0.01),
        nn.Linear(5, 3),
    )


def keras_net(eps: float = 1e-3, later: float = 1e-3, slope: float = 0.3) -> Any:
    layers = require().layers
    return keras_chain(
        (4,),
        layers.Dense(6, name="d0"),
        layers.BatchNormalization(epsilon=eps, name="bn1"),
        layers.LeakyReLU(slope, name="leaky"),
        layers.Dense(5, name="d3"),
        layers.BatchNormalization(epsilon=later, name="bn4"),
        layers.Dense(3, name="d5"),
    )


def both(back: bool, **other: float) -> tuple[Any, Any]:
    """The first is set otherwise."""
    return (keras_net(**other), torch_net()) if back else (torch_net(**other), keras_net())


def causes(subjects: Subjects) -> list[Cause]:
    return settings.causes(subjects, subjects.plan.differences, MEND)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize(
    ("other", "kind", "names", "called"),
    [
        ({"eps": 1e-5}, "eps", ("1", "bn1"), ("eps", "epsilon")),
        ({"later": 1e-4}, "eps", ("4", "bn4"), ("eps", "epsilon")),
        ({"slope": 0.1}, "activation", ("2", "leaky"), ("negative_slope", "negative_slope")),
    ],
)
def test_one_setting_that_is_tried_is_enough(
    back: bool, other: dict[str, float], kind: str, names: tuple[str, str], called: tuple[str, str]
) -> None:
    (cause,) = causes(subjects_of(*both(back, **other)))

    setting, value = called[not back], next(iter(other.values()))
    assert (cause.kind, cause.source, cause.target) == (kind, *(names[::-1] if back else names))
    assert cause.tried == f"tried: with {setting}={value!r} in the second every layer agrees"
    assert cause.help == f"set {setting}={value!r} in {cause.target}: copy a b --carry"


@pytest.mark.parametrize("other", [{"eps": 1e-5, "later": 1e-4}, {"eps": 1e-5, "slope": 0.1}])
@pytest.mark.parametrize("back", [False, True])
def test_two_settings_are_tried_at_once(back: bool, other: dict[str, float]) -> None:
    found = causes(subjects_of(*both(back, **other)))

    assert len(found) == 2
    for cause, value in zip(found, other.values(), strict=True):
        assert cause.tried.startswith("tried: with ")
        assert cause.tried.endswith(f"={value!r} in the second, and so for all 2 settings, every layer agrees")


@pytest.mark.parametrize("back", [False, True])
def test_a_layer_with_other_weights_still_differs(back: bool) -> None:
    one, two = both(back, eps=1e-5)
    subjects = subjects_of(one, two)
    name = next(name for name in subjects.b.tensors() if name.endswith(("bn1/gamma", "1.weight")))
    subjects.b.fill([(name, subjects.b.tensors()[name].read() * 2)])

    (cause,) = causes(subjects)

    assert cause.tried.endswith("they still differ: it is not the only cause")


def test_where_no_layer_can_be_observed_nothing_is_claimed() -> None:
    subjects = subjects_of(*both(back=False, eps=1e-5))
    blind = replace(subjects, plan=replace(subjects.plan, pairs=()))

    (cause,) = causes(blind)

    assert (cause.kind, cause.tried) == ("eps", "")


@pytest.mark.parametrize("back", [False, True])
def test_both_networks_are_as_before(back: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = both(back, eps=1e-5, slope=0.1)
    subjects = subjects_of(one, two)
    module, model = (two, one) if back else (one, two)

    def kept() -> list[Any]:
        shown = [{k: v for k, v in vars(layer).items() if not k.startswith("_")} for layer in module]
        return [
            state(module),
            state(model),
            shown,
            json.dumps(model.get_config()),
            [vars(x).keys() for x in model.layers],
        ]

    before = kept()

    assert len(causes(subjects)) == 2
    assert kept() == before

    def broken(*_: object) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(settings, "compare_layers", broken)
    with pytest.raises(RuntimeError, match="broken"):
        causes(subjects)
    assert kept() == before


def functional(slope: float) -> Any:
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 6), nn.Linear(6, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.b(nn.functional.leaky_relu(self.a(x), slope))

    return Net()


def test_what_is_no_layer_in_the_second_is_tried_in_the_first() -> None:
    layers = require().layers
    model = keras_chain((4,), layers.Dense(6), layers.LeakyReLU(0.3, name="leaky"), layers.Dense(3))

    (cause,) = causes(subjects_of(model, functional(0.1)))

    assert cause.tried == "tried: with negative_slope=0.1 in the first every layer agrees"
    assert cause.help == "set negative_slope=0.1 in leaky"
    assert model.get_layer("leaky").negative_slope == pytest.approx(0.3)


def test_what_is_a_layer_in_neither_is_named_and_not_tried() -> None:
    keras = require()
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(6)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.ops.leaky_relu(hidden, 0.3)))

    (cause,) = causes(subjects_of(functional(0.1), model))

    assert cause.kind == "activation"
    assert "0.1" in cause.words
    assert "0.3" in cause.words
    assert not cause.tried


def test_a_stride_cannot_be_carried() -> None:
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 2, 2))
    two = keras_chain((9, 8, 3), layers.Conv2D(4, 3, activation="relu", name="wide"), layers.Conv2D(2, 2))

    (cause,) = causes(subjects_of(one, two))

    assert (cause.kind, cause.source, cause.target, cause.tried) == ("stride", "0", "wide", "")
    assert cause.help == "make wide with stride as 0 has it: (2, 2)"


def test_another_setting_of_the_same_layer_is_not_tried_in_its_place() -> None:
    """The momentum of both differs too, and could be carried; it does nothing at inference."""
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4, eps=1e-3, momentum=0.1), nn.Conv2d(4, 3, 1))
    two = keras_chain((5, 5, 3), layers.Conv2D(4, 2), layers.BatchNormalization(axis=1, name="bn"), layers.Conv2D(3, 1))

    (cause,) = causes(subjects_of(one, two))

    assert "momentum" not in cause.tried + cause.help
    assert not cause.tried
    assert (cause.source, cause.target) == ("1", "bn")


def test_settings_that_matter_in_training_alone_are_listed_and_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Linear(4, 6), nn.BatchNorm1d(6, eps=1e-3, momentum=0.1), nn.Dropout(0.2), nn.Linear(6, 3))
    two = keras_chain(
        (4,), layers.Dense(6), layers.BatchNormalization(name="bn"), layers.Dropout(0.5, name="drop"), layers.Dense(3)
    )
    subjects = subjects_of(one, two)
    monkeypatch.setattr(settings, "_tried", None)

    found = of_training(subjects)

    assert [(cause.kind, cause.target, cause.tried) for cause in found] == [
        ("momentum", "bn", ""),
        ("dropout", "drop", ""),
    ]
    assert found[1].words.startswith("dropout: p: 0.2 in 2, 0.5 in drop")
    assert list(training(subjects.graph_a, subjects.graph_b, subjects.plan.pairs))
    assert not causes(subjects)


def test_only_some_of_many_are_named() -> None:
    from torch import nn

    layers = require().layers
    count = settings.MOST + 1
    one = torch_chain(*(nn.LeakyReLU(0.1 + place / 100) for place in range(count)), nn.Linear(4, 3))
    two = keras_chain((4,), *(layers.LeakyReLU(0.3 + place / 100) for place in range(count)), layers.Dense(3))
    subjects = subjects_of(one, two)

    assert len(subjects.plan.differences) == count
    assert len(of_runs(subjects, subjects.plan.differences, MEND, explained=True)) == settings.MOST


@pytest.mark.parametrize(
    ("kind", "setting", "values", "named"),
    [
        ("batch_norm", "eps", (1e-3, 1e-5), "eps"),
        ("conv2d", "padding", ((0, 0), (1, 1)), "padding"),
        ("conv2d", "padding_mode", ("zeros", "reflect"), "padding"),
        ("conv2d", "stride", (1, 2), "stride"),
        ("conv2d", "dilation", (1, 2), "setting"),
        ("max_pool2d", "padding", (0, 1), "padding"),
        ("avg_pool2d", "stride", (1, 2), "stride"),
        ("avg_pool2d", "count_include_pad", (True, False), "pooling"),
        ("max_pool2d", "ceil_mode", (True, False), "pooling"),
        ("zero_pad2d", "pads", (0, 1), "padding"),
        ("upsample2d", "mode", ("nearest", "bilinear"), "interpolation"),
        ("upsample2d", "align_corners", (True, False), "interpolation"),
        ("leaky_relu", "negative_slope", (0.1, 0.3), "activation"),
        ("gelu", "approximate", ("none", "tanh"), "activation"),
        ("linear", "activation", ("relu", "none"), "activation"),
        ("linear", "activation", ("softmax", "none"), "softmax"),
        ("lstm", "recurrent_activation", ("sigmoid", "hard_sigmoid"), "activation"),
        ("gru", "reset_after", (True, False), "setting"),
        ("rescaling", "scale", (1.0, 2.0), "preprocessing"),
        ("input", "preprocessing", ("none", "rescaling"), "preprocessing"),
        ("batch_norm", "momentum", (0.1, 0.01), "momentum"),
        ("dropout", "p", (0.1, 0.2), "dropout"),
    ],
)
def test_the_kind_of_cause_that_a_setting_is(
    kind: str, setting: str, values: tuple[object, object], named: str
) -> None:
    sides = [
        Graph("pytorch", {"in": Node("in", "input"), name: Node(name, kind, inputs=(Value("in"),))}) for name in "ab"
    ]
    live: Any = Function(lambda x: [x])
    subjects = Subjects(live, live, sides[0], sides[1], Plan((), (("a", "b"),)))
    item = Difference("a", "b", setting, *values)

    assert settings.kind_of(subjects, item) == named
    assert settings.kind_of(subjects, replace(item, source_value=values[1], target_value=values[0])) == named
