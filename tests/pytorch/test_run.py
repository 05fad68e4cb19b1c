"""A live PyTorch module: run, watched, filled, saved, loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from homolog.errors import Mismatch, Unreadable, Unsafe, Unsupported, Usage
from homolog.pytorch.run import LiveTorch, load
from twins import PAIRS

IMAGES = np.random.default_rng(0).standard_normal((2, 3, 13, 11)).astype(np.float32)


@pytest.fixture
def live() -> LiveTorch:
    return LiveTorch(PAIRS["resnet"].torch())


def test_activations_are_seen_and_the_module_is_left_alone(live: LiveTorch) -> None:
    model = live.model
    model.train()
    model.bn1.eval()
    modes = [module.training for module in model.modules()]
    before = {name: ref.read().copy() for name, ref in live.tensors().items()}

    run = live.run([IMAGES], ["bn1", "layer1.0.conv1", "fc"])

    assert run.activations["bn1"].min() < 0  # before the in-place ReLU behind it
    np.testing.assert_array_equal(run.activations["fc"], run.outputs[0])
    assert [module.training for module in model.modules()] == modes
    assert not any(module._forward_hooks for module in model.modules())
    assert all(np.array_equal(ref.read(), before[name]) for name, ref in live.tensors().items())
    assert not run.outputs[0].flags.writeable or run.outputs[0].base is not None


def test_the_module_is_put_back_when_it_fails(live: LiveTorch) -> None:
    live.model.train()

    with pytest.raises(RuntimeError):
        live.run([IMAGES[:, :2]], ["fc"])

    assert live.model.training
    assert not live.model.fc._forward_hooks


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_inputs_take_the_module_s_element_type(dtype: str) -> None:
    import torch

    module = PAIRS["lenet"].torch().to(getattr(torch, dtype))

    (found,) = LiveTorch(module).run([np.zeros((1, 1, 28, 28), np.float32)]).outputs

    assert found.dtype == np.dtype(getattr(ml_dtypes, dtype, dtype))


def test_ids_stay_ids() -> None:
    (found,) = LiveTorch(PAIRS["text"].torch()).run([np.zeros((1, 7), np.int64)]).outputs

    assert found.shape == (1, 2)


def test_filling_keeps_the_bits_even_of_bfloat16_and_of_single_numbers() -> None:
    import torch

    module = torch.nn.BatchNorm1d(3).bfloat16()
    live = LiveTorch(module)
    values = np.array([1.5, -0.0, 3e38], ml_dtypes.bfloat16)

    live.fill([("weight", values), ("num_batches_tracked", np.array(7, np.int64))])

    assert live.tensors()["weight"].read().tobytes() == values.tobytes()
    assert module.num_batches_tracked.shape == ()
    assert int(module.num_batches_tracked) == 7


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("fc.wight", np.zeros((9, 6), np.float32)),
        ("fc.weight", np.zeros((6, 9), np.float32)),
        ("fc.weight", np.zeros((9, 6), np.float64)),
        ("fc.weight", np.zeros((9, 6), np.int32)),
    ],
)
def test_filling_takes_the_very_tensor(live: LiveTorch, name: str, array: Any) -> None:
    with pytest.raises(Mismatch, match=name):
        live.fill([(name, array)])


def test_groups_are_the_modules_that_hold_tensors(live: LiveTorch) -> None:
    assert live.groups()["fc"] == ["fc.weight", "fc.bias"]
    assert len(live.groups()["bn1"]) == 5
    with pytest.raises(Mismatch):
        live.load_weights(Path("x.pt"))


def test_saved_modules_and_states_load_again(tmp_path: Path) -> None:
    import torch

    live = LiveTorch(PAIRS["digits"].torch())
    live.save(tmp_path / "module.pt", "torch-module")
    live.save(tmp_path / "state.pt", "torch-state")
    live.save(tmp_path / "state.safetensors", "safetensors")

    assert isinstance(load(tmp_path / "module.pt").model, torch.nn.Sequential)
    with pytest.raises(Unsupported, match="weights and no model"):
        load(tmp_path / "state.pt")
    with pytest.raises(Usage):
        live.save(tmp_path / "x.h5", "keras-h5")


def test_tied_weights_are_saved_once_in_safetensors(tmp_path: Path) -> None:
    import torch
    from safetensors.numpy import load_file

    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    module[1].weight = module[0].weight

    LiveTorch(module).save(tmp_path / "x.safetensors", "safetensors")

    assert len(load_file(tmp_path / "x.safetensors")) == 3


def test_loading_runs_no_code_and_says_why_it_fails(tmp_path: Path) -> None:
    import torch

    torch.save(PAIRS["vgg"].torch(), tmp_path / "own.pt")
    (tmp_path / "junk.pt").write_bytes(b"junk" * 9)
    (tmp_path / "cut.pt").write_bytes((tmp_path / "own.pt").read_bytes()[:500])

    with pytest.raises(Unsafe):
        load(tmp_path / "own.pt")
    for name in ("junk.pt", "cut.pt", "missing.pt"):
        with pytest.raises((Unreadable, Unsafe)):
            load(tmp_path / name)


def test_inputs_by_name_go_to_the_arguments_of_that_name() -> None:
    import torch

    class Minus(torch.nn.Module):
        def forward(self, first: Any, *, second: Any = None, third: Any = None) -> Any:
            return {"difference": first - second, "nothing": third}

    live = LiveTorch(Minus())
    one, two = np.ones((2,), np.float32), np.full((2,), 3, np.float32)

    run = live.run({"second": one, "first": two})

    assert run.names == ("difference",)
    assert run.outputs[0].tolist() == [2, 2]
    assert [(item.name, item.required) for item in live.arguments() or ()] == [
        ("first", True),
        ("second", False),
        ("third", False),
    ]


def test_inputs_by_other_names_go_by_place() -> None:
    import torch

    class Minus(torch.nn.Module):
        def forward(self, *both: Any) -> Any:
            return both[0] - both[1]

    live = LiveTorch(Minus())

    assert live.arguments() is None
    assert live.run({"a": np.ones((2,)), "b": np.zeros((2,))}).outputs[0].tolist() == [1, 1]


def test_settings_and_caches_are_no_tensors_to_call_with() -> None:
    import torch

    class Net(torch.nn.Module):
        def forward(
            self,
            ids: torch.LongTensor | None = None,
            cache: dict[str, int] | None = None,
            flag: bool | None = None,
            keep: int = 0,
            mask: Any = None,
            **more: object,
        ) -> Any:
            return ids

    assert [item.name for item in LiveTorch(Net()).arguments() or ()] == ["ids", "mask"]


def test_what_holds_no_outputs_is_said() -> None:
    import torch

    class Net(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return {"x": x, "past_key_values": (x, x), "engine": object()}

    run = LiveTorch(Net()).run([np.ones((1,), np.float32)])

    assert run.names == ("x",)
    assert run.left_out == ("past_key_values (tuple)", "engine (object)")


def test_attention_takes_no_fast_path() -> None:
    """That of an encoder gives tensors of rows of several lengths, and zeros for the places that are masked."""
    import torch
    from torch import nn

    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), 2).eval()

    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.encoder(x, src_key_padding_mask=x[..., 0] > 0)
            return found

    x = np.random.default_rng(0).standard_normal((3, 5, 8)).astype(np.float32)
    x[:, 0, 0], x[:, -1, 0] = -1, 1
    run = LiveTorch(Masked()).run([x], ["encoder.layers.0.norm1"])
    assert run.activations["encoder.layers.0.norm1"].shape == (3, 5, 8)
    assert run.outputs[0].shape == (3, 5, 8) and run.outputs[0][:, -1].any()
    assert torch.backends.mha.get_fastpath_enabled()
