"""From what a user has to a network."""

from __future__ import annotations

from pathlib import Path

import pytest

import homolog
from homolog.errors import Unsafe, Unsupported, Usage
from twins import PAIRS


def test_what_is_no_network() -> None:
    with pytest.raises(Unsupported):
        homolog.load(3).graph()
    with pytest.raises(Usage, match="a path inside a model"):
        homolog.load("twins.torch_nets:digits:layers[0]")


def test_code_in_a_file_is_refused_but_weights_of_it_are_not(tmp_path: Path) -> None:
    import torch

    torch.save(PAIRS["vgg"].torch(), tmp_path / "vgg.pt")

    with pytest.raises(Unsafe) as error:
        homolog.load(str(tmp_path / "vgg.pt"))
    assert "twins.torch_nets.Vgg" in str(error.value)

    given = f"{tmp_path / 'vgg.pt'}@twins.torch_nets:vgg"
    assert homolog.copy(given, into=PAIRS["vgg"].keras()).proof.passed
