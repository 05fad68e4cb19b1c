"""What the written test compares: in float32 where that tells, in float64 where rounding is all that float32 shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import homolog
import keras
from homolog.proof.subjects import distance
from homolog.translating.parity import ROUNDING, comparison
from homolog.translating.translation import Translation
from keras import layers

STEPS = 24


def chaos(values: Any, steps: int = STEPS) -> Any:
    """The logistic map: each step magnifies what is left of a sum's order by 1.6."""
    for _ in range(steps):
        values = 3.9 * values * (1.0 - values)
    return values


class Chaotic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(70, 9)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = chaos(torch.sigmoid(self.dense(x)))
        return found


def of_pytorch() -> Translation:
    torch.manual_seed(1)
    return homolog.translate(Chaotic(), to="keras", inputs=[(2, 70)])


def of_keras(steps: int = STEPS) -> Translation:
    keras.utils.set_random_seed(1)
    entry = keras.Input((70,))
    return homolog.translate(keras.Model(entry, chaos(layers.Dense(9, "sigmoid")(entry), steps)), to="torch")


def run(folder: Path, backend: str = "tensorflow") -> subprocess.CompletedProcess[str]:
    """The written test by itself."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:homolog", "test_parity.py"]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_where_float32_tells_it_is_compared() -> None:
    found = comparison(of_keras(steps=2))
    assert not found.wide
    assert [found.atol, found.rtol] == pytest.approx([ROUNDING * 1e-6, ROUNDING * 1e-5])
    assert {array.dtype.name for array in found.arrays.values()} == {"float32"}


@pytest.mark.parametrize("make", [of_pytorch, of_keras])
def test_where_float32_falls_apart_float64_is_compared_as_closely_as_the_proof_does(make: Any) -> None:
    translation = make()
    assert translation.proof.passed, str(translation.proof)
    found = comparison(translation)
    assert found.wide
    assert (found.atol <= 1e-8, found.rtol) == (True, 0.0)
    assert {array.dtype.name for array in found.arrays.values()} == {"float64"}


@pytest.mark.slow
@pytest.mark.parametrize("make", [of_pytorch, of_keras])
def test_the_written_test_in_float64_passes_and_leaves_the_default_type(make: Any, tmp_path: Path) -> None:
    folder = make().save(tmp_path / "chaotic")
    with (folder / "test_parity.py").open("a") as file:
        file.write("\n\ndef test_the_type():\n    import keras, torch\n")
        file.write('    assert (keras.config.floatx(), torch.get_default_dtype()) == ("float32", torch.float32)\n')
    done = run(folder)
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("make", [of_pytorch, of_keras])
def test_the_written_test_in_float64_fails_for_a_number_that_float32_would_not_tell(make: Any, tmp_path: Path) -> None:
    folder = make().save(tmp_path / "chaotic")
    text = (folder / "model.py").read_text(encoding="utf-8")
    assert "3.9" in text
    (folder / "model.py").write_text(text.replace("3.9", "3.9000000001"), encoding="utf-8")
    done = run(folder)
    assert (done.returncode, "1 failed" in done.stdout) == (1, True), done.stdout


@pytest.mark.slow
def test_on_a_backend_without_float64_it_says_that_it_proves_nothing(tmp_path: Path) -> None:
    done = run(of_pytorch().save(tmp_path / "chaotic"), backend="torch")
    assert (done.returncode, "1 skipped" in done.stdout) == (0, True), done.stdout


def test_without_float64_the_bound_is_what_the_source_strays(monkeypatch: pytest.MonkeyPatch) -> None:
    translation = of_keras()
    monkeypatch.setattr("homolog.pytorch.written.in_float64", lambda text, model, inputs: None)
    found = comparison(translation)
    assert not found.wide
    exact = translation.origin.live.exact([found.inputs["input_00"]])
    assert exact is not None
    strays = distance(exact.outputs[0], found.outputs["output_00"])
    assert found.atol == pytest.approx(8 * strays)
