"""Two live networks → Plan: hard cases that need real graphs."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Mismatch
from homolog.matching.order import pair as pair_in_order
from homolog.opening import open_network
from homolog.reading import read_both
from twins import PAIRS, scrambled_torch


def scrambled_names(module: Any) -> Any:
    """The same network with every submodule registered under a meaningless name, in another order."""
    import torch
    from torch import nn

    class Scrambled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole = [module]  # hidden from nn.Module
            leaves = [child for child in module.modules() if not list(child.children())]
            random.Random(4).shuffle(leaves)
            for index, child in enumerate(leaves):
                self.add_module(f"thing{(index * 7) % 101}", child)

        def forward(self, *inputs: torch.Tensor) -> Any:
            return self.whole[0](*inputs)

    return Scrambled().eval()


@pytest.mark.parametrize("name", ["resnet", "norms", "mixer", "two_in_two_out"])
def test_scrambled_names_and_orders_do_not_matter(name: str) -> None:
    source = PAIRS[name].torch()

    copy = homolog.copy(scrambled_names(source), into=PAIRS[name].keras())

    assert copy.proof.passed, str(copy.proof)
    assert {row.evidence for row in copy.plan.rows} == {"graph"}


def _branches(order: tuple[str, str], joined: str) -> Any:
    import torch
    from torch import nn

    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name in order:
                setattr(self, name, nn.Linear(6, 6))
            self.head = nn.Linear(12 if joined == "concat" else 6, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            ends = [torch.tanh(getattr(self, name)(x)) for name in order]
            a, b = ends if order == ("a", "b") else reversed(ends)
            return self.head(torch.cat([a, b], 1) if joined == "concat" else a + b)

    return scrambled_torch(Branches())


def _keras_branches(joined: str) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((6,))
    ends = [layers.Dense(6, activation="tanh")(inputs) for _ in range(2)]
    x = layers.Concatenate()(ends) if joined == "concat" else layers.Add()(ends)
    return keras.Model(inputs, layers.Dense(3)(x))


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_equal_branches_run_in_another_order_are_told_apart_by_their_place(order: tuple[str, str]) -> None:
    copy = homolog.copy(_branches(order, "concat"), into=_keras_branches("concat"))

    assert copy.proof.passed
    assert {row.evidence for row in copy.plan.rows} == {"graph"}


def test_symmetric_branches_go_by_order_and_either_way_is_right() -> None:
    copy = homolog.copy(_branches(("b", "a"), "sum"), into=_keras_branches("sum"))

    assert copy.proof.passed
    assert {row.evidence for row in copy.plan.rows if "dense_2" not in row.target} >= {"graph, order"}


def test_a_flattened_map_is_permuted_and_the_plan_says_so() -> None:
    plan = homolog.match(PAIRS["vgg"].torch(), PAIRS["vgg"].keras())

    (noted,) = [row for row in plan.rows if row.note]
    assert noted.sources == ("classifier.0.weight",)
    assert [str(transform) for transform in noted.transform] == ["out (c h w) -> (h w c) out, c=5, h=3, w=2"]
    assert noted.note == "the features of a flattened 5x3x2 map are permuted from (c h w) to (h w c)"


def test_counters_are_ignored_with_a_reason() -> None:
    plan = homolog.match(PAIRS["resnet"].torch(), PAIRS["resnet"].keras())

    names = [item.name for item in plan.ignored if item.side == "source"]
    assert "bn1.num_batches_tracked" in names
    assert len(names) == 10
    assert all(item.reason for item in plan.ignored)


def test_a_shared_layer_is_written_once() -> None:
    plan = homolog.match(PAIRS["shared"].torch(), PAIRS["shared"].keras())

    assert len(plan.rows) == len({row.target for row in plan.rows}) == 6


def test_a_shared_layer_cannot_hold_two_different_ones() -> None:
    import torch
    from torch import nn

    class Unshared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.entry, self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 6)
            self.out = nn.Linear(6, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(torch.tanh(self.second(torch.tanh(self.first(torch.tanh(self.entry(x)))))))

    with pytest.raises(Mismatch, match="two different ones") as error:
        homolog.copy(Unshared(), into=PAIRS["shared"].keras())
    assert "first.weight" in str(error.value) and "second.weight" in str(error.value)

    assert homolog.copy(PAIRS["shared"].keras(), into=Unshared()).proof.passed


class TestOrder:
    """One side is a bare state_dict: order and shapes are all there is."""

    @pytest.fixture
    def graphs(self, tmp_path: Any) -> Any:
        import torch

        torch.save(PAIRS["digits"].torch().state_dict(), tmp_path / "state.pt")
        return read_both(open_network(str(tmp_path / "state.pt")), open_network(PAIRS["digits"].keras()))

    def test_bare_layers_take_the_kind_of_those_across(self, graphs: Any) -> None:
        left, _, pairing = pair_in_order(*graphs)

        assert [left.nodes[one].kind for one, _, _ in pairing.pairs] == ["conv2d", "conv2d", "linear"]
        assert {why for _, _, why in pairing.pairs} == {"order, shapes"}

    def test_another_number_of_layers_pairs_nothing(self, graphs: Any) -> None:
        left, right = graphs
        fewer = left.with_nodes(dict(list(left.nodes.items())[:-1]))

        _, _, pairing = pair_in_order(fewer, right)

        assert not pairing.pairs
        assert len(pairing.left) == 2 and len(pairing.right) == 3


def test_weights_that_only_look_alike_are_listed_on_both_sides(tmp_path: Any) -> None:
    import torch

    torch.save(PAIRS["lenet"].torch().state_dict(), tmp_path / "state.pt")

    with pytest.raises(Mismatch) as error:
        homolog.match(str(tmp_path / "state.pt"), PAIRS["digits"].keras())

    sides = [line.partition(":")[0] for line in error.value.details]
    assert sides.count("source only") == 5 and sides.count("target only") == 3


def test_square_kernels_are_transposed_too() -> None:
    """Shapes cannot tell a missed transpose here; the proof must."""
    import torch
    from torch import nn

    import keras
    from keras import layers

    torch.manual_seed(0)
    source = scrambled_torch(nn.Sequential(nn.Conv2d(3, 3, 3), nn.Flatten(), nn.Linear(48, 48), nn.Linear(48, 48)))
    target = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(3, 3), layers.Flatten()])
    target.add(layers.Dense(48))
    target.add(layers.Dense(48))

    copy = homolog.copy(source, into=target)

    assert copy.proof.passed
    kernel = np.asarray(target.layers[-1].kernel)
    np.testing.assert_array_equal(kernel, source[3].weight.detach().numpy().T)


def test_whole_numbers_that_one_side_keeps_to_choose_by_stay_as_they_are() -> None:
    import torch

    import keras

    class Positions(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.ids = self.add_weight(shape=(1, 5), dtype="int32", trainable=False, name="ids")
            self.ids.assign(np.arange(5)[None])
            self.table = keras.layers.Embedding(5, 4, name="table")
            self.table.build((1, 5))

        def call(self, x: Any) -> Any:
            return x + self.table(self.ids)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(5, 4)
            self.head = torch.nn.Linear(4, 3)
            self.register_buffer("ids", torch.arange(5)[None], persistent=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x + self.table(self.ids))

    entry = keras.Input((5, 4))
    model = keras.Model(entry, keras.layers.Dense(3, name="head")(Positions(name="positions")(entry)))
    module = Net().eval()
    for source, target in ((module, model), (model, module)):
        copied = homolog.copy(source, into=target)
        copied.proof.raise_if_failed()
        assert [item.name for item in copied.plan.ignored] == ["positions/ids"]
        assert "only choose" in copied.plan.ignored[0].reason


def test_tied_tensors_go_by_all_their_names() -> None:
    import torch

    import keras

    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared = torch.nn.Embedding(11, 4)
            self.words = torch.nn.Embedding(11, 4)
            self.words.weight = self.shared.weight
            self.head = torch.nn.Linear(4, 3)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.head(self.words(ids))

    entry = keras.Input((5,), dtype="int32")
    model = keras.Model(entry, keras.layers.Dense(3)(keras.layers.Embedding(11, 4)(entry)))
    module, ids = Tied().eval(), np.arange(10).reshape(2, 5)
    copied = homolog.copy(module, into=model, inputs=[ids])
    copied.proof.raise_if_failed()
    assert copied.plan.ignored[0].reason.startswith("the same tensor as ")
    before = module.shared.weight.detach().numpy().copy()
    module.shared.weight.data.mul_(2)
    back = homolog.copy(model, into=module, inputs=[ids])
    back.proof.raise_if_failed()
    assert {"shared.weight", "words.weight"} <= {row.target for row in back.plan.rows}
    np.testing.assert_array_equal(module.shared.weight.detach().numpy(), before)
