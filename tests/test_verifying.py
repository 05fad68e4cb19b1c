"""Proofs of live models: what makes one fail, what one leaves as it was."""

from __future__ import annotations

from typing import Any

import pytest

import homolog
from homolog.errors import Mismatch
from homolog.proof.subjects import Tolerance
from twins import PAIRS
from twins.live import same_state, state, twin


def test_a_proof_leaves_both_networks_as_they_were() -> None:
    source, target = twin("resnet", "keras")
    homolog.copy(source, into=target)
    source.train()
    source.layer1.eval()
    modes = [module.training for module in source.modules()]
    before = state(source), state(target)
    layers = {layer.name: dict(vars(layer)) for layer in target.layers}

    proof = homolog.verify(source, target, layers=True)

    assert proof.passed
    assert "perturbed statistics" in [part.name for part in proof.parts]
    assert [module.training for module in source.modules()] == modes
    assert not any(module._forward_hooks for module in source.modules())
    assert same_state(before[0], state(source))
    assert same_state(before[1], state(target))
    assert all(vars(layer).keys() == layers[layer.name].keys() for layer in target.layers)
    assert all(vars(layer).get("call") is layers[layer.name].get("call") for layer in target.layers)


def test_a_failed_proof_restores_statistics_too() -> None:
    source, target = twin("resnet", "keras")
    homolog.copy(source, into=target)
    source.fc.weight.data[0, 0] += 1
    before = state(source), state(target)

    assert not homolog.verify(source, target).passed
    assert same_state(before[0], state(source))
    assert same_state(before[1], state(target))


class TestWhatMakesAProofFail:
    @pytest.fixture
    def copied(self) -> tuple[Any, Any]:
        source, target = twin("resnet", "keras")
        homolog.copy(source, into=target)
        return source, target

    def test_one_changed_weight(self, copied: tuple[Any, Any]) -> None:
        source, target = copied
        source.layer2[0].conv2.weight.data[5, 4] += 0.5

        proof = homolog.verify(source, target)

        weights, _, outputs = proof.parts[:3]
        assert not weights.passed
        assert any("layer2.0.conv2.weight" in line for line in weights.details)
        assert not outputs.passed
        assert outputs.details[0].startswith("first difference: layer2.0.conv2 (Conv2d)")

    def test_mean_and_variance_swapped(self, copied: tuple[Any, Any]) -> None:
        source, target = copied
        norm = source.layer1[1].bn1
        mean, variance = norm.running_mean.clone(), norm.running_var.clone()
        norm.running_mean.copy_(variance)
        norm.running_var.copy_(mean.abs() + 0.1)

        proof = homolog.verify(source, target)

        assert not proof.passed
        assert "first difference: layer1.1.bn1" in str(proof)

    def test_another_eps(self, copied: tuple[Any, Any]) -> None:
        source, target = copied
        source.layer1[0].bn2.eps = 1e-5

        proof = homolog.verify(source, target)

        assert not proof.passed
        assert proof.parts[0].passed  # all weights are there, and yet
        assert [str(item) for item in proof.differences] == [
            "eps: 1e-05 in layer1.0.bn2, 0.001 in batch_normalization_2"
        ]
        assert "first difference: layer1.0.bn2" in str(proof)

    def test_nan_in_the_outputs(self, copied: tuple[Any, Any]) -> None:
        source, target = copied
        source.fc.bias.data[3] = float("nan")
        homolog.copy(source, into=target)

        proof = homolog.verify(source, target)

        assert proof.parts[0].passed
        assert "NaN" in str(proof.parts[0])
        assert not proof.parts[2].passed
        assert "NaN" in proof.parts[2].figure

    def test_outputs_that_do_not_depend_on_the_input(self, copied: tuple[Any, Any]) -> None:
        source, target = copied
        source.fc.weight.data.zero_()

        proof = homolog.copy(source, into=target).proof

        assert proof.parts[0].passed
        assert not proof.parts[1].passed
        assert "does not depend on the input" in proof.parts[1].figure

    def test_another_number_of_outputs(self) -> None:
        keras = PAIRS["two_in_two_out"].keras()
        source = PAIRS["two_in_two_out"].torch()
        homolog.copy(source, into=keras)
        both = source.forward
        source.forward = lambda picture, row: (*both(picture, row), both(picture, row)[0])

        with pytest.raises(Mismatch):
            homolog.verify(source, keras).raise_if_failed()

    def test_no_tolerance_at_all(self, copied: tuple[Any, Any]) -> None:
        proof = homolog.verify(*copied, tolerance=Tolerance(0.0, 0.0))

        assert not proof.passed


@pytest.mark.parametrize("exact", [True, False])
def test_tanh_gelu_is_not_gelu(exact: bool) -> None:
    from torch import nn

    source, target = twin("mixer", "keras")
    for block in source.blocks:
        block.act = nn.GELU() if exact else nn.GELU("tanh")

    if exact:
        assert homolog.copy(source, into=target).proof.passed
        return
    with pytest.raises(Mismatch, match="approximate: 'tanh'"):
        homolog.copy(source, into=target)
    homolog.copy(source, into=target, allow_differences=True)
    proof = homolog.verify(source, target)
    assert not proof.passed
    assert "first difference: blocks.0.act (GELU)" in str(proof)


def test_verify_without_running_compares_weights_alone() -> None:
    source, target = twin("lenet", "keras")
    homolog.copy(source, into=target)

    assert [part.name for part in homolog.verify(source, target, run=False).parts] == ["weights", "settings"]
