"""Copies between live models: every twin both ways, what is refused, what is left untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Mismatch, Unsupported, Usage
from twins import PAIRS, scrambled_keras, scrambled_torch
from twins.live import same_state, state, twin

SHARE = 0.25
"""Correct copies stay far below their tolerance; the largest share that was measured is 0.14."""


@pytest.mark.parametrize("to", ["keras", "torch"])
@pytest.mark.parametrize("name", PAIRS)
def test_every_twin_is_copied_and_proven(name: str, to: str) -> None:
    source, target = twin(name, to)
    kept = state(source)

    copy = homolog.copy(source, into=target)

    assert copy.model is target
    assert copy.proof.passed, str(copy.proof)
    assert not copy.plan.differences
    assert copy.plan.confidence == "graph"
    assert same_state(state(source), kept)
    for part in copy.proof.parts:
        assert part.figures.get("share_of_tolerance", 0.0) < SHARE
    assert "perturbed statistics" in [part.name for part in copy.proof.parts] or not any(
        "running_var" in name or "moving_variance" in name for name in kept
    )


@pytest.mark.slow
def test_a_thousand_tensors_find_their_place() -> None:
    from twins.large import TENSORS, Towers, keras_towers

    source = scrambled_torch(Towers())
    copy = homolog.copy(source, into=scrambled_keras(keras_towers()))

    assert len(copy.plan.rows) == TENSORS == 1_000
    assert copy.plan.confidence == "graph"
    assert copy.proof.passed, str(copy.proof)


@pytest.mark.parametrize("name", ["lenet", "resnet", "norms", "decoder"])
def test_a_copy_there_and_back_gives_every_bit_again(name: str) -> None:
    pair = PAIRS[name]
    first, between, last = pair.torch(), pair.keras(), scrambled_torch(pair.torch(), seed=9)
    assert not same_state(state(first), state(last))

    homolog.copy(first, into=between)
    homolog.copy(between, into=last)

    assert same_state(
        {name: array for name, array in state(first).items() if "num_batches" not in name},
        {name: array for name, array in state(last).items() if "num_batches" not in name},
    )


def test_outputs_of_the_frameworks_themselves_agree_after_a_copy() -> None:
    import torch

    source, target = twin("resnet", "keras")
    homolog.copy(source, into=target)

    images = np.random.default_rng(0).standard_normal((2, 3, 13, 11)).astype(np.float32)
    with torch.no_grad():
        expected = source(torch.from_numpy(images)).numpy()
    found = np.asarray(target(np.moveaxis(images, 1, -1), training=False))

    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_keras_to_keras_and_torch_to_torch() -> None:
    pair = PAIRS["resnet"]
    image = np.zeros((2, 3, 13, 11), np.float32)

    assert homolog.copy(pair.keras(), into=scrambled_keras(pair.keras(), 8)).proof.passed
    assert homolog.copy(pair.torch(), into=scrambled_torch(pair.torch(), 8), inputs=[image]).proof.passed


def test_two_traced_networks_say_that_they_need_inputs() -> None:
    pair = PAIRS["resnet"]

    with pytest.raises(Unsupported, match="--input"):
        homolog.copy(pair.torch(), into=pair.torch())


class TestDifferences:
    """Networks whose weights correspond, but which are set differently."""

    def changed(self, change: str) -> tuple[Any, Any]:
        from torch import nn

        source, target = twin("resnet", "keras")
        block = source.layer1[0]
        if change == "eps":
            block.bn1.eps = 1e-5
        elif change == "padding":
            block.conv1.padding, block.conv2.padding = (2, 2), (0, 0)
        elif change == "activation":
            block.relu = nn.Identity()
        elif change == "slope":
            block.relu = nn.LeakyReLU(0.1)
        return source, target

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ("eps", ["eps: 1e-05 in layer1.0.bn1, 0.001 in batch_normalization_1"]),
            (
                "padding",
                [
                    "padding: ((2, 2), (2, 2)) in layer1.0.conv1, ((1, 1), (1, 1)) in conv2d_1",
                    "padding: ((0, 0), (0, 0)) in layer1.0.conv2, ((1, 1), (1, 1)) in conv2d_2",
                ],
            ),
            ("activation", ["activation: 'none' in layer1.0.bn1, 'relu' in re_lu"]),
            ("slope", ["activation: 'leaky_relu' in layer1.0.relu, 'relu' in re_lu"]),
        ],
    )
    def test_is_named_and_refused(self, change: str, named: list[str]) -> None:
        source, target = self.changed(change)
        before = state(target)

        with pytest.raises(Mismatch, match="not the same function") as error:
            homolog.copy(source, into=target)

        lines = [line.removeprefix("differs in ") for line in error.value.details]
        assert [line for line in named if line not in lines] == []
        assert same_state(before, state(target))

    def test_copied_all_the_same_when_asked(self) -> None:
        source, target = self.changed("eps")

        copy = homolog.copy(source, into=target, allow_differences=True)

        assert [part.name for part in copy.proof.parts] == ["weights"]
        assert copy.proof.passed
        assert len(copy.proof.differences) == 1
        assert copy.notes == ("the outputs were not compared: the networks are set differently",)
        # This eps alone moves the outputs by less than float32 allows; float64 tells it from rounding.
        proof = homolog.verify(source, target)
        assert [part.name for part in proof.parts if not part.passed] == ["settings", "float64"]
        assert [cause.kind for cause in proof.causes] == ["eps"]
        assert "every layer agrees" in proof.causes[0].tried


def test_networks_that_do_not_correspond_are_listed_and_left_alone() -> None:
    from torch import nn

    source, target = twin("vgg", "keras")
    source.classifier[3] = nn.Linear(8, 9)
    before = state(target)

    with pytest.raises(Mismatch) as error:
        homolog.copy(source, into=target)

    assert error.value.details == (
        "source only: Linear classifier.3: classifier.3.weight (9, 8), classifier.3.bias (9,)",
        "target only: Dense dense_1: dense_1/kernel (8, 7), dense_1/bias (7,)",
    )
    assert same_state(before, state(target))


def test_one_layer_more_is_listed() -> None:
    from torch import nn

    source, target = twin("vgg", "keras")
    source.features.insert(5, nn.Conv2d(5, 5, 1))

    with pytest.raises(Mismatch) as error:
        homolog.copy(source, into=target)

    assert [line for line in error.value.details if "features.5" in line]


class TestElementTypes:
    def test_a_narrower_target_is_rounded_and_says_so(self) -> None:
        source, model = PAIRS["sequence"].torch(), PAIRS["sequence"].keras()
        import keras

        target = keras.Sequential([keras.Input((11, 4))])
        for layer in model.layers:
            target.add(type(layer).from_config({**layer.get_config(), "dtype": "float16"}))

        copy = homolog.copy(source, into=target)

        assert {row.cast for row in copy.plan.rows} == {"float32 -> float16"}
        assert not any(row.lossless for row in copy.plan.rows)
        assert copy.proof.parts[0].figure == "0 of 10 tensors bit-exact, 10 rounded to the target's element type"
        assert copy.proof.passed
        assert "float16" in copy.proof.parts[1].figure

    @pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
    def test_torch_targets(self, dtype: str) -> None:
        import torch

        source, target = PAIRS["sequence"].keras(), PAIRS["sequence"].torch().to(getattr(torch, dtype))

        copy = homolog.copy(source, into=target)

        assert {row.cast for row in copy.plan.rows} == {f"float32 -> {dtype}"}
        assert all(row.lossless for row in copy.plan.rows) == (dtype == "float64")
        assert copy.proof.passed
        assert next(target.parameters()).dtype == getattr(torch, dtype)

    def test_numbers_never_change_their_kind(self) -> None:
        import torch

        source, target = PAIRS["lenet"].torch(), PAIRS["lenet"].keras()
        source[0].bias.requires_grad_(False)
        source[0].bias.data = torch.ones(6, dtype=torch.int32)

        with pytest.raises(Mismatch, match="kind of numbers"):
            homolog.match(source, target)


def test_ids_stay_within_the_vocabulary_and_images_have_other_sizes_of_batch() -> None:
    source, target = twin("text", "torch")

    assert homolog.copy(source, into=target).proof.parts[1].figures["inputs"] == 3


def test_save_writes_once_and_says_where(tmp_path: Path) -> None:
    source, target = twin("lenet", "keras")
    copy = homolog.copy(source, into=target)

    assert copy.save(tmp_path / "out.keras") == tmp_path / "out.keras"
    assert copy.to_dict()["output"] == str(tmp_path / "out.keras")
    with pytest.raises(Usage):
        copy.save(tmp_path / "out.keras")
    copy.save(tmp_path / "out.keras", force=True)
    with pytest.raises(Usage, match="does not say a format"):
        copy.save(tmp_path / "out.pt")
