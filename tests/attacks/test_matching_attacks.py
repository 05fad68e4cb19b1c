"""Attacks on what is paired: weights that are missing or too many, and square kernels, which fit either way round."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

import homolog
from homolog.errors import Mismatch

RANDOM = np.random.default_rng(0)
KERNELS = [RANDOM.standard_normal((4, 4)).astype("f4") for _ in range(2)]
BIASES = [RANDOM.standard_normal(4).astype("f4") for _ in range(2)]
STATE = {f"{layer}.weight": KERNELS[layer] for layer in (0, 1)} | {f"{layer}.bias": BIASES[layer] for layer in (0, 1)}
MORE = {"2.weight": KERNELS[0], "2.bias": BIASES[0]}


def torch_side(folder: Path, *, without: Collection[str] = (), more: Mapping[str, np.ndarray] | None = None) -> Path:
    """Two square dense layers as PyTorch keeps them: output first."""
    held = {name: array for name, array in {**STATE, **(more or {})}.items() if name not in without}
    save_file(held, folder / "x.safetensors")
    return folder / "x.safetensors"


def keras_side(folder: Path, *, turned: Collection[int] = (0, 1)) -> Path:
    """The same as Keras keeps them, input first, where they are turned."""
    layers = [{"class_name": "Dense", "config": {"name": f"d{layer}", "units": 4}} for layer in (0, 1)]
    layers[0]["config"]["batch_input_shape"] = [None, 4]  # type: ignore[index]
    with h5py.File(folder / "x.h5", "w") as file:
        config = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
        file.attrs["model_config"] = json.dumps(config)
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = np.array(["d0", "d1"], "S")
        for layer, (kernel, bias) in enumerate(zip(KERNELS, BIASES, strict=True)):
            group = root.create_group(f"d{layer}")
            group.attrs["weight_names"] = np.array([f"d{layer}/kernel:0", f"d{layer}/bias:0"], "S")
            group[f"d{layer}/kernel:0"] = kernel.T if layer in turned else kernel
            group[f"d{layer}/bias:0"] = bias
    return folder / "x.h5"


def test_the_sound_pair_is_the_same(tmp_path: Path) -> None:
    a, b = torch_side(tmp_path), keras_side(tmp_path)
    assert homolog.compare(a, b).same
    assert homolog.verify(a, b, run=False).passed


@pytest.mark.parametrize(
    ("without", "more", "named"),
    [
        ((), MORE, "2.weight"),
        ((), {"1.other": BIASES[0]}, "1.other"),
        (("1.weight", "1.bias"), {}, "d1/kernel"),
        (("1.weight",), {}, "d1/kernel"),
        (("0.weight", "0.bias", "1.weight", "1.bias"), {"x.weight": np.ones((3, 5), "f4")}, "d0/kernel"),
    ],
)
@pytest.mark.parametrize("turned_about", [False, True])
def test_44_weights_that_are_missing_or_too_many_are_refused_by_name(
    without: tuple[str, ...], more: dict[str, np.ndarray], named: str, turned_about: bool, tmp_path: Path
) -> None:
    pair = [torch_side(tmp_path, without=without, more=more), keras_side(tmp_path)]
    if turned_about:
        pair.reverse()
    with pytest.raises(Mismatch, match=named):
        homolog.match(*pair)


@pytest.mark.parametrize("turned", [(0,), (1,), ()])
def test_45_a_square_kernel_that_was_not_turned_is_found_out(turned: tuple[int, ...], tmp_path: Path) -> None:
    a, b = torch_side(tmp_path), keras_side(tmp_path, turned=turned)
    wrong = [f"d{layer}/kernel" for layer in (0, 1) if layer not in turned]
    compared = homolog.compare(a, b)
    assert [row.b for row in compared.rows if row.verdict != "same"] == wrong
    proof = homolog.verify(a, b, run=False)
    assert not proof.passed
    assert all(name in str(proof) for name in wrong)


def test_45_a_square_kernel_is_always_turned(tmp_path: Path) -> None:
    plan = homolog.match(torch_side(tmp_path), keras_side(tmp_path))
    kernels = [row for row in plan.rows if row.target.endswith("kernel")]
    assert len(kernels) == 2
    assert all(row.transform for row in kernels), "by the rule of the layer, not by the shape"
