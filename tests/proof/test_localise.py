"""Where two networks part: the second is fed the first's values, so that nothing propagates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from homolog import api
from homolog.keras.framework import require
from homolog.live import BEFORE_ACTIVATION, INPUT
from homolog.plan import Plan
from homolog.proof import localise
from homolog.proof.localise import EXACT, Compared, compare_layers, observe
from homolog.proof.samples import inputs_for
from homolog.proof.subjects import Subjects, Tolerance
from proof.nets import keras_chain, subjects_of, torch_chain, traced

NAMES = ["k1", "k2", "k3", "k4"]


def pair(back: bool = False) -> tuple[Any, Any]:
    from torch import nn

    layers = require().layers
    one = torch_chain(*(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 7), nn.Tanh(), nn.Linear(7, 5), nn.Linear(5, 3)))
    two = keras_chain(
        (4,),
        layers.Dense(6, activation="relu", name="k1"),
        layers.Dense(7, activation="tanh", name="k2"),
        layers.Dense(5, name="k3"),
        layers.Dense(3, name="k4"),
    )
    return (two, one) if back else (one, two)


def compared(subjects: Subjects, **how: Any) -> list[Compared]:
    return list(compare_layers(subjects, inputs_for(subjects, batch=2, seed=0), Tolerance(), **how))


def wrong(subjects: Subjects, **how: Any) -> list[tuple[str, str]]:
    return [(item.one.name, item.two.name) for item in compared(subjects, **how) if not item.agrees]


def change(subjects: Subjects, ending: str, by: float = 1.5) -> None:
    """A weight of the second network."""
    name = next(name for name in subjects.b.tensors() if name.endswith(ending))
    array = subjects.b.tensors()[name].read()
    subjects.b.fill([(name, (array * by).astype(array.dtype))])


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("back", [False, True])
def test_copies_agree_in_every_layer(back: bool, exact: bool) -> None:
    found = compared(subjects_of(*pair(back)), exact=exact)

    # the activations that PyTorch has as layers too: what a Dense gives before it is seen as well
    assert len(found) == 6
    assert all(item.agrees for item in found)
    assert [item.fed_alike for item in found] == [True, None, True, None, True, True]
    assert all(item.apart <= (1e-12 if exact else 1e-5) for item in found)


@pytest.mark.parametrize("back", [False, True])
def test_an_activation_within_a_square_layer_is_not_said_to_be_given_other_values(back: bool) -> None:
    """What goes into it is not seen; what goes into its layer is of the same shape, and something else."""
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 3))
    two = keras_chain((6,), layers.Dense(6, activation="relu"), layers.Dense(3))

    found = compared(subjects_of(*((two, one) if back else (one, two))))

    assert [item.fed_alike for item in found] == [True, None, True]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("place", range(4))
def test_only_the_layer_that_is_wrong_differs_and_none_behind_it(place: int, exact: bool) -> None:
    subjects = subjects_of(*pair())
    change(subjects, f"{NAMES[place]}/kernel")

    assert wrong(subjects, exact=exact) == [(str([0, 2, 4, 5][place]), NAMES[place])]


@pytest.mark.parametrize("place", [0, 2, 4, 5])
def test_and_so_the_other_way_round(place: int) -> None:
    subjects = subjects_of(*pair(back=True))
    change(subjects, f"{place}.weight")

    assert wrong(subjects) == [(NAMES[[0, 2, 4, 5].index(place)], str(place))]


def test_two_layers_that_are_wrong_are_both_named() -> None:
    subjects = subjects_of(*pair())
    change(subjects, "k1/kernel")
    change(subjects, "k3/bias", 2)
    subjects.b.fill([(name, np.ones(5, np.float32)) for name in subjects.b.tensors() if name.endswith("k3/bias")])

    assert wrong(subjects) == [("0", "k1"), ("4", "k3")]


def test_the_smallest_of_the_usual_mistakes_shows_in_float64() -> None:
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Linear(4, 6), nn.LayerNorm(6, eps=1e-6), nn.Linear(6, 3))
    two = keras_chain((4,), layers.Dense(6), layers.LayerNormalization(epsilon=1e-5, name="norm"), layers.Dense(3))
    subjects = subjects_of(one, two)

    assert wrong(subjects) == [("1", "norm")]
    assert {item.allowed < 1e-6 for item in compared(subjects)} == {True}


def test_without_float64_on_one_side_the_tolerance_is_that_of_float32() -> None:
    import torch
    from torch import nn

    class Narrow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 6), nn.Linear(6, 3)
            self.hidden = [torch.eye(6)]  # no buffer, so that nobody converts it

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.b(self.a(x) @ self.hidden[0])

    layers = require().layers
    model = keras_chain((4,), layers.Dense(6), layers.Dense(3))
    for back in (False, True):
        subjects = subjects_of(*((model, Narrow()) if back else (Narrow(), model)))
        inputs = inputs_for(subjects, batch=2, seed=0)
        narrow, live = (inputs.second, subjects.b) if back else (inputs.first, subjects.a)
        assert live.exact(narrow) is None

        found = list(observe(subjects, inputs, Tolerance()))

        assert {item.given.dtype.name for item in found} == {"float32"}
        assert all(item.compared.agrees for item in found)
        assert all(item.compared.allowed >= Tolerance().atol for item in found)


def test_layers_that_are_given_other_values_say_so() -> None:
    module = traced(lambda net, x: net.b(net.a(x).sin()), **linears())
    layers = require().layers
    subjects = subjects_of(module, keras_chain((4,), layers.Dense(6, name="k1"), layers.Dense(3, name="k2")))

    first, second = compared(subjects)

    assert first.agrees
    assert not second.agrees
    assert second.fed_alike is False
    assert str(second).endswith("; they are given different values")
    assert not str(first).endswith("values")
    (_, seen) = observe(subjects, inputs_for(subjects, batch=2, seed=0), Tolerance())
    assert seen.fed is not None
    np.testing.assert_allclose(seen.fed[0], np.sin(seen.fed[1]), atol=1e-12)


def linears() -> dict[str, Any]:
    from torch import nn

    return {"a": nn.Linear(4, 6), "b": nn.Linear(6, 3)}


def images(padding: str = "valid") -> tuple[Any, Any]:
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 3 * 2, 5))
    two = keras_chain(
        (8, 7, 3),
        layers.Conv2D(4, 3, activation="relu", name="conv", padding=padding),
        layers.MaxPooling2D(2, name="pool"),
        layers.Flatten(name="flat"),
        layers.Dense(5, name="dense"),
    )
    return one, two


@pytest.mark.parametrize("back", [False, True])
def test_channels_last_and_a_flatten_in_another_order_are_no_difference(back: bool) -> None:
    one, two = images()
    subjects = subjects_of(*((two, one) if back else (one, two)))

    found = list(observe(subjects, inputs_for(subjects, batch=2, seed=0), Tolerance()))

    names = {item.compared.two.name if not back else item.compared.one.name for item in found}
    assert {"conv/activation", "pool", "flat", "dense"} <= names
    assert all(item.compared.agrees for item in found)
    assert [item.compared.fed_alike for item in found] == [True, None, True, True, True]
    for item in found:
        assert item.compared.shapes[0] == item.compared.shapes[1] == item.given.shape


def test_a_kernel_in_the_order_of_the_other_flatten_is_one() -> None:
    subjects = subjects_of(*images())
    name = next(name for name in subjects.b.tensors() if name.endswith("dense/kernel"))
    kernel = subjects.a.tensors()["4.weight"].read()
    subjects.b.fill([(name, np.ascontiguousarray(kernel.T))])

    assert wrong(subjects) == [("4", "dense")]


def test_other_shapes_are_a_difference() -> None:
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 2))
    two = keras_chain((8, 7, 3), layers.Conv2D(4, 3, padding="same", name="wide"), layers.Conv2D(2, 2))

    first, *_ = compared(subjects_of(one, two))

    assert not first.agrees
    assert first.apart == np.inf
    assert str(first) == "0 (Conv2d) and wide (Conv2D) give (2, 4, 6, 5) and (2, 4, 8, 7)"


def test_nan_is_no_agreement() -> None:
    subjects = subjects_of(*pair())
    change(subjects, "k2/kernel", np.nan)

    assert ("2", "k2") in wrong(subjects)


def test_both_networks_are_left_as_they_were() -> None:
    module, model = pair()
    subjects = subjects_of(module, model)
    lives = (subjects.a, subjects.b)
    before = [{name: ref.read().tobytes() for name, ref in live.tensors().items()} for live in lives]
    kept = [vars(layer).keys() for layer in model.layers]

    compared(subjects)

    assert [{name: ref.read().tobytes() for name, ref in live.tensors().items()} for live in lives] == before
    assert [vars(layer).keys() for layer in model.layers] == kept
    assert not any(child._forward_hooks or child._forward_pre_hooks for child in module.modules())


def test_the_first_difference_in_words() -> None:
    subjects = subjects_of(*pair())
    inputs = inputs_for(subjects, batch=2, seed=0)

    assert localise.first_difference(subjects, inputs, Tolerance()).startswith("no difference in any pair of layers")
    change(subjects, "k2/kernel")
    change(subjects, "k4/kernel")
    words = localise.first_difference(subjects, inputs, Tolerance())

    assert words.startswith("first difference: 2 (Linear) and k2 (Dense) differ by ")
    assert "different values" not in words


def test_the_part_lists_every_pair_and_counts() -> None:
    subjects = subjects_of(*pair())
    good = localise.check_layers(subjects, Tolerance())
    change(subjects, "k3/kernel")
    bad = localise.check_layers(subjects, Tolerance())

    assert (good.passed, good.figures) == (True, {"pairs": 6, "differ": 0})
    assert (bad.passed, bad.figures, bad.figure) == (False, {"pairs": 6, "differ": 1}, "5 of 6 pairs of layers agree")
    assert [line[:6] for line in bad.details].count("DIFFER") == 1
    assert "DIFFER 4 (Linear) and k3 (Dense)" in "\n".join(bad.details)


def test_no_pairs_prove_nothing() -> None:
    subjects = replace(subjects_of(*pair()), plan=Plan(()))

    part = localise.check_layers(subjects, Tolerance())

    assert not part.passed
    assert part.figure == "0 of 0 pairs of layers agree"


@pytest.mark.parametrize(("place", "reached"), [(0, 0), (2, 2), (3, 3)])
def test_agreement_counts_the_layers_before_the_first_that_differs(place: int, reached: int) -> None:
    subjects = subjects_of(*pair())
    names = [item.two.name for item in compared(subjects, exact=False)]
    assert localise.agreement(subjects, Tolerance()) == (True, len(names))
    change(subjects, f"{NAMES[place]}/kernel")

    assert localise.agreement(subjects, Tolerance()) == (False, names.index(NAMES[place]))


def test_agreement_looks_at_the_outputs_too() -> None:
    module = traced(lambda net, x: net.b(net.a(x)).exp(), **linears())
    layers = require().layers
    subjects = subjects_of(module, keras_chain((4,), layers.Dense(6), layers.Dense(3)))

    assert localise.agreement(subjects, Tolerance()) == (False, 2.0)


def test_a_dense_with_an_activation_is_seen_before_it() -> None:
    subjects = subjects_of(*pair())
    graph = subjects.graph_b

    assert localise._watched(graph.nodes["k1"], graph) == f"k1{BEFORE_ACTIVATION}"
    assert localise._watched(graph.nodes["k3"], graph) == "k3"
    assert localise._input(f"k1{BEFORE_ACTIVATION}") == localise._input("k1") == f"k1{INPUT}"


def test_half_precision_networks_can_be_compared() -> None:
    """Also where they cannot be run in float64, as for a tie that probing settles."""
    from torch import nn

    layers = require().layers
    module = torch_chain(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).bfloat16()
    other = torch_chain(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).bfloat16()
    shapes = keras_chain((4,), layers.Dense(6, activation="relu"), layers.Dense(3))
    one, two = subjects_of(module, shapes), subjects_of(shapes, other, copy=False)
    api.copy(module, into=other, run=False)
    pairs = tuple((name, name) for name in ("0", "1", "2"))
    subjects = Subjects(one.a, two.b, one.graph_a, two.graph_b, Plan((), pairs))

    assert wrong(subjects, exact=False) == []
    change(subjects, "0.bias", 4)
    assert wrong(subjects, exact=False) == [("0", "0")]


def test_float64_allows_less() -> None:
    assert EXACT.atol < Tolerance().atol
    assert EXACT.rtol < Tolerance().rtol
