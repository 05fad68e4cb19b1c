"""Which part of a file of ``torch.save`` is the model, whatever it is wrapped in; beside what torch itself holds."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from homolog.errors import Unreadable, Unsupported
from homolog.files import Checkpoint, open_checkpoint

MODEL = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3))
STATE = {name: tensor.clone() + 0.5 for name, tensor in MODEL.state_dict().items()}
OTHER = {name: tensor.clone() - 0.5 for name, tensor in MODEL.state_dict().items()}


def under(path: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{path}.{name}": tensor for name, tensor in state.items()}


@functools.cache
def optimizer() -> Any:
    """One that has been used."""
    made = torch.optim.Adam(MODEL.parameters())
    MODEL(torch.ones(1, 2, 4, 4)).square().sum().backward()
    made.step()
    return made


def saved(path: Path, held: Any) -> Checkpoint:
    torch.save(held, path / "x.pt")
    return open_checkpoint(path / "x.pt")


def check(found: Checkpoint, expected: dict[str, Tensor]) -> None:
    assert list(found.tensors) == list(expected)
    for name, ref in found.tensors.items():
        assert np.array_equal(ref.read(), expected[name].detach().numpy()), name


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "net", "network", "params", "my_own"])
def test_a_state_dict_is_found_beside_what_training_needs(key: str, tmp_path: Path) -> None:
    rest = {"epoch": 3, "optimizer": optimizer().state_dict(), "scheduler": {"last_epoch": 3}}
    check(saved(tmp_path, {key: STATE, **rest}), STATE)


@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_a_metric_that_is_a_tensor_is_not_taken_for_the_model(key: str, tmp_path: Path) -> None:
    found = saved(tmp_path, {"best_loss": torch.tensor(0.25), key: STATE, "rng": torch.get_rng_state()})
    check(found, STATE)
    assert found.extras == ("best_loss (1 tensor)", "rng (1 tensor)")


@pytest.mark.parametrize("copy", ["ema", "state_dict_ema", "params_ema"])
def test_an_average_beside_the_model_is_something_else_that_the_file_holds(copy: str, tmp_path: Path) -> None:
    found = saved(tmp_path, {"model": STATE, copy: OTHER})
    check(found, STATE)
    assert found.extras == (f"{copy} (7 tensors)",)


def test_of_two_models_each_is_shown_under_its_name(tmp_path: Path) -> None:
    both = {**under("generator", STATE), **under("discriminator", OTHER)}
    check(saved(tmp_path, {"generator": STATE, "discriminator": OTHER, "epoch": 1}), both)


def test_one_model_twice_is_shown_twice_and_tied(tmp_path: Path) -> None:
    found = saved(tmp_path, {"a": STATE, "b": STATE})
    check(found, {**under("a", STATE), **under("b", STATE)})
    assert found.tensors["a.0.weight"].storage == found.tensors["b.0.weight"].storage is not None


def test_two_pickled_modules_are_both_shown(tmp_path: Path) -> None:
    found = saved(tmp_path, {"g": MODEL, "d": nn.Linear(2, 3)})
    assert list(found.tensors) == [*under("g", STATE), "d.weight", "d.bias"]


def test_a_tensor_alone_has_a_name(tmp_path: Path) -> None:
    check(saved(tmp_path, torch.arange(6.0).reshape(2, 3)), {"tensor": torch.arange(6.0).reshape(2, 3)})
    check(saved(tmp_path, nn.Parameter(torch.ones(3))), {"tensor": torch.ones(3)})


def test_places_in_lists_and_whole_numbers_are_names(tmp_path: Path) -> None:
    check(saved(tmp_path, [torch.ones(2), torch.zeros(3)]), {"0": torch.ones(2), "1": torch.zeros(3)})
    check(saved(tmp_path, {7: torch.ones(2), 8: torch.zeros(3)}), {"7": torch.ones(2), "8": torch.zeros(3)})
    check(saved(tmp_path, {"m": [STATE, OTHER]}), {**under("m.0", STATE), **under("m.1", OTHER)})


def test_the_state_of_an_optimizer_is_never_the_model(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="no weights that can be told"):
        saved(tmp_path, {"optimizer": optimizer().state_dict()})


def test_a_whole_optimizer_whose_keys_are_tensors_is_passed_by(tmp_path: Path) -> None:
    found = saved(tmp_path, {"state_dict": STATE, "optimizer": optimizer()})
    check(found, STATE)
    assert "torch.optim.adam.Adam" in found.unsafe


def test_two_tensors_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="one name"):
        saved(tmp_path, {7: torch.ones(2), "7": torch.zeros(3)})
    with pytest.raises(Unreadable, match="one name"):
        saved(tmp_path, {"a": {"b.c": torch.ones(1)}, "a.b": {"c": torch.ones(1)}})


def test_a_mapping_within_itself_is_walked_once(tmp_path: Path) -> None:
    held: dict[str, Any] = {"a": {"x": torch.ones(2)}, "b": {"x": torch.zeros(2)}}
    held["a"]["itself"] = held
    check(saved(tmp_path, held), {"a.x": torch.ones(2), "b.x": torch.zeros(2)})


def test_lists_of_one_list_twice_come_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homolog.files.torch_weights.MAX_VALUES", 10_000)
    laughs: list[Any] = [torch.ones(1)]
    for _ in range(18):
        laughs = [laughs, laughs]
    with pytest.raises(Unreadable, match="without end"):
        saved(tmp_path, {"a": laughs})


@pytest.mark.parametrize(
    "tensor",
    [
        torch.eye(3).to_sparse(),
        torch.ones(2, dtype=torch.complex64).conj(),
        torch._neg_view(torch.ones(3)),
        torch.ones(2, device="meta"),
    ],
)
def test_a_tensor_of_another_kind_is_named(tensor: Tensor, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="of a kind") as refused:
        saved(tmp_path, {"state_dict": {"odd": tensor}})
    assert str(refused.value.where).endswith("odd")


class Marked(Tensor):
    """A tensor of a class of the user's own."""


def test_a_tensor_of_a_class_of_the_users_own_is_read_and_the_class_named(tmp_path: Path) -> None:
    found = saved(tmp_path, {"w": torch.arange(4.0).as_subclass(Marked)})
    check(found, {"w": torch.arange(4.0)})
    assert len(found.unsafe) == 1


def test_keys_that_are_tuples_of_tuples_are_keys(tmp_path: Path) -> None:
    found = saved(tmp_path, {"state_dict": STATE, "seen": {((1, 2), 3): 1, frozenset([1, 2]): 2, torch.float32: 3}})
    check(found, STATE)


def test_data_of_numpy_and_of_the_standard_library_is_no_code(tmp_path: Path) -> None:
    import argparse
    from datetime import UTC, datetime

    rest = {"args": argparse.Namespace(lr=0.1), "out": Path("/tmp"), "at": datetime.now(UTC), "blob": b"x"}
    numbers = {"best": np.float64(0.5), "f": np.float32(1), "mean": np.arange(3.0), "rng": np.random.get_state()}
    found = saved(tmp_path, {"state_dict": STATE, **rest, **numbers})
    check(found, STATE)
    assert found.unsafe == ()
