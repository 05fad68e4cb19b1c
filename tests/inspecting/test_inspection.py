"""Inspecting files and live models of both frameworks: files without building them, unsafe ones included."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Mismatch, Usage
from homolog.inspecting.inspection import Inspection, inspect_network, inspect_object, tensor_table
from homolog.opening import open_network

LENET = {"parameters": 61_706, "buffers": 0}


def look(src: object, word: str | None = None, *shapes: tuple[int, ...]) -> Inspection:
    return inspect_network(open_network(src), word, [np.zeros(shape, np.float32) for shape in shapes] or None)


def counts(found: Inspection) -> dict[str, int]:
    assert found.summary is not None
    return {"parameters": found.summary.parameters, "buffers": found.summary.buffers}


def table(found: Inspection) -> dict[str, Any]:
    assert found.tensors is not None
    return {row.name: row for row in found.tensors}


@pytest.fixture(scope="module")
def torch_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from safetensors.torch import save_file

    from homolog.pytorch import demo

    folder = tmp_path_factory.mktemp("torch")
    network = demo.lenet5()
    demo.save(network, folder / "lenet5.pt")
    torch.save(network.state_dict(), folder / "state.pt")
    save_file(network.state_dict(), folder / "lenet5.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def keras_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from homolog.keras import demo
    from homolog.keras.framework import require

    folder = tmp_path_factory.mktemp("keras")
    require().utils.clear_session(free_memory=False)  # layers are numbered through the whole process
    network = demo.lenet5()
    demo.save(network, folder / "lenet5.h5")
    demo.save(network, folder / "lenet5.keras")
    network.save_weights(folder / "lenet5.weights.h5")
    return folder


def test_a_pickled_module(torch_files: Path) -> None:
    found = look(torch_files / "lenet5.pt")
    assert found.what == "PyTorch module (Sequential), pickled whole"
    assert (found.framework, found.format, found.safe) == ("pytorch", "torch-module", True)
    assert found.size == (torch_files / "lenet5.pt").stat().st_size
    assert counts(found) == LENET
    assert found.summary is not None and found.summary.wired
    assert found.summary.kinds["conv2d"] == 3
    assert any("--input" in note for note in found.notes)


def test_a_chain_gets_shapes_from_the_shape_of_its_input(torch_files: Path) -> None:
    found = look(torch_files / "lenet5.pt", None, (1, 1, 28, 28))
    assert found.inputs[0].shape == (None, 1, 28, 28)
    assert found.outputs[0].shape == (None, 10)
    assert found.summary is not None
    assert found.summary.rows[0].outputs == ((None, 6, 28, 28),)
    assert found.notes == ()


def test_another_number_of_inputs_is_an_error(torch_files: Path) -> None:
    with pytest.raises(Mismatch):
        look(torch_files / "lenet5.pt", None, (1, 1, 28, 28), (1, 2))


@pytest.mark.parametrize("name", ["state.pt", "lenet5.safetensors"])
def test_weights_alone_say_that_nothing_is_connected(torch_files: Path, name: str) -> None:
    found = look(torch_files / name)
    assert "without an architecture" in found.what
    assert counts(found) == LENET
    assert found.summary is not None and not found.summary.wired
    assert any("stored" in note for note in found.notes)
    assert found.framework == (None if name.endswith("safetensors") else "pytorch")


@pytest.mark.parametrize("name", ["lenet5.h5", "lenet5.keras"])
def test_a_keras_file(keras_files: Path, name: str) -> None:
    found = look(keras_files / name)
    assert found.what.startswith("Keras model (Sequential)")
    assert counts(found) == LENET
    assert found.inputs[0].shape == (None, 28, 28, 1)
    assert found.inputs[0].dtype == "float32"
    assert found.outputs[0].shape == (None, 10)
    assert found.summary is not None
    assert found.summary.types["Conv2D"] == 3
    assert table(found)["conv2d/kernel"].trainable is True


def test_keras_weights_alone(keras_files: Path) -> None:
    found = look(keras_files / "lenet5.weights.h5")
    assert found.what == "Keras weights without an architecture (.weights.h5)"
    assert counts(found) == LENET
    assert found.summary is not None and not found.summary.wired


def test_a_word_filters_layers_and_tensors_but_not_totals(keras_files: Path) -> None:
    found = look(keras_files / "lenet5.h5", "DENSE_1")
    assert found.summary is not None
    assert [row.name for row in found.summary.rows] == ["dense_1", "dense_1/activation"]
    assert list(table(found)) == ["dense_1/kernel", "dense_1/bias"]
    assert counts(found) == LENET
    assert found.members is None
    with pytest.raises(Usage):
        look(keras_files / "lenet5.h5", "(")


def test_a_frozen_keras_layer_in_a_file(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential(
        [
            keras.layers.Input((5,)),
            keras.layers.Dense(7, name="base"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dense(3, name="top"),
        ]
    )
    model.get_layer("base").trainable = False
    model.save(tmp_path / "frozen.keras")
    for found in (look(tmp_path / "frozen.keras"), look(model)):
        assert counts(found) == {"parameters": 42 + 14 + 24, "buffers": 14}
        assert found.summary is not None and found.summary.trainable == 14 + 24
        assert table(found)["base/kernel"].trainable is False
        assert table(found)["norm/moving_mean"].trainable is False
        assert table(found)["top/kernel"].trainable is True


def test_parameters_and_buffers_are_apart_in_a_file_of_pytorch(tmp_path: Path) -> None:
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.BatchNorm1d(7))
    network[0].bias.requires_grad_(False)
    torch.save(network, tmp_path / "norm.pt")
    torch.save(network.state_dict(), tmp_path / "state.pt")
    for name in ("norm.pt", "state.pt"):
        found = look(tmp_path / name)
        assert counts(found) == {"parameters": 42 + 14, "buffers": 14}
        assert found.summary is not None
        assert list(found.summary.ignored) == ["1.num_batches_tracked"]
        assert table(found)["1.num_batches_tracked"].ignored
    assert look(tmp_path / "norm.pt").summary.trainable == 42 + 14 - 7  # type: ignore[union-attr]


def test_tied_tensors_are_named(tmp_path: Path) -> None:
    import torch

    network = torch.nn.Sequential(torch.nn.Embedding(11, 5), torch.nn.Linear(5, 11, bias=False))
    network[1].weight = network[0].weight
    torch.save(network, tmp_path / "tied.pt")
    for src in (tmp_path / "tied.pt", network):
        found = look(src)
        assert counts(found)["parameters"] == 55
        assert table(found)["1.weight"].tied == "0.weight"


class Foreign:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("executed",)


def test_an_unsafe_pickle_is_shown_and_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh())
    network.extra = Foreign()  # type: ignore[assignment]
    torch.save(network, tmp_path / "unsafe.pt")
    found = look(tmp_path / "unsafe.pt")
    assert not found.safe
    assert any("print" in name for name in found.unsafe)
    assert counts(found)["parameters"] == 42
    assert found.summary is not None
    assert [row.type for row in found.summary.rows] == ["Linear", "Tanh"]
    assert len(tensor_table(open_network(tmp_path / "unsafe.pt"), values=True)) == 2
    assert "executed" not in capsys.readouterr().out


def test_an_unsafe_keras_file_is_shown(tmp_path: Path) -> None:
    import keras

    layers = [keras.layers.Input((5,)), keras.layers.Dense(7, name="fc"), keras.layers.Lambda(lambda x: x, name="code")]
    keras.Sequential(layers).save(tmp_path / "unsafe.keras")
    found = look(tmp_path / "unsafe.keras")
    assert found.unsafe == ("Lambda in code",)
    assert counts(found)["parameters"] == 42
    assert found.summary is not None
    assert found.summary.types == {"Dense": 1, "Lambda": 1}
    assert any("no rule for Lambda" in note for note in found.notes)


def test_a_setting_that_no_rule_knows_does_not_hinder(tmp_path: Path) -> None:
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.ReLU())
    network[0].strange = "setting"
    torch.save(network, tmp_path / "strange.pt")
    found = look(tmp_path / "strange.pt")
    assert counts(found)["parameters"] == 42
    assert found.summary is not None and [row.type for row in found.summary.rows] == ["Linear", "ReLU"]
    assert any("strange" in note for note in found.notes)


def test_a_live_module_of_a_class_of_its_own() -> None:
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(5, 7)
            self.act = torch.nn.Tanh()
            self.scale = torch.nn.Parameter(torch.ones(3))
            self.register_buffer("mask", torch.ones(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.act(self.fc(x))
            return result

    found = look(Net(), "fc")
    assert found.what == "PyTorch module (Net), live"
    assert counts(found) == {"parameters": 45, "buffers": 2}
    assert any("--input" in note for note in found.notes)
    assert found.members is not None and "fc" in {row.name for row in found.members}
    traced = look(Net(), None, (2, 5))
    assert traced.summary is not None and traced.summary.wired
    assert traced.outputs[0].shape is not None and traced.outputs[0].shape[-1] == 7


def test_a_live_keras_model_of_a_class_of_its_own() -> None:
    import keras

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="net")
            self.fc = keras.layers.Dense(7, name="fc")
            self.norm = keras.layers.BatchNormalization(name="norm")

        def call(self, x: Any) -> Any:
            return self.norm(self.fc(x))

    model = Net()
    model(np.ones((2, 5), np.float32))
    found = look(model)
    assert found.what == "Keras model (Net), live"
    assert counts(found) == {"parameters": 42 + 14, "buffers": 14}
    assert found.summary is not None
    assert [(row.name, row.kind) for row in found.summary.rows] == [("fc", "linear"), ("norm", "batch_norm")]
    assert found.summary.wired  # a model that was called knows what it was called with
    values = {row.name: row.figures for row in tensor_table(open_network(model), "gamma", values=True)}
    assert values["norm/gamma"] is not None and values["norm/gamma"].mean == 1


def test_any_object() -> None:
    found = inspect_object({"a": 1}, "keys")
    assert found.members is not None and "keys" in {row.name for row in found.members}
    assert found.summary is None and found.tensors is None and found.safe
    assert homolog.inspect(3, "real").members is not None


def test_the_tensor_table(torch_files: Path) -> None:
    whole = tensor_table(open_network(torch_files / "lenet5.safetensors"))
    assert len(whole) == whole.total == 10
    some = tensor_table(open_network(torch_files / "lenet5.safetensors"), r"^0\.", values=True)
    assert {row.name for row in some} == {"0.weight", "0.bias"} and some.total == 10
    row = next(row for row in some if row.name == "0.weight")
    assert (row.shape, row.dtype, row.elements, row.nbytes) == ((6, 1, 5, 5), "float32", 150, 600)
    assert row.figures is not None and row.figures.low is not None and row.figures.not_finite == 0
    assert all("figures" not in entry for entry in whole.to_dict()["tensors"])  # type: ignore[attr-defined]


def test_everything_is_json(torch_files: Path, keras_files: Path) -> None:
    for src in (torch_files / "lenet5.pt", torch_files / "state.pt", keras_files / "lenet5.h5"):
        found = json.loads(json.dumps(look(src, "weight|kernel").to_dict()))
        assert found["safe"] is True
        assert found["summary"]["parameters"] == 61_706
        assert len(found["tensors"]) == 5
        assert json.dumps(tensor_table(open_network(src), values=True).to_dict())


def test_looking_at_a_file_imports_no_framework(torch_files: Path) -> None:
    code = (
        "import sys; from homolog.api import inspect; from homolog.reporting.text import to_text; "
        f"print(to_text(inspect({str(torch_files / 'lenet5.safetensors')!r}))); "
        "print({'torch', 'keras', 'tensorflow', 'jax', 'h5py', 'safetensors'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip().endswith("set()")


def test_a_pickled_module_shows_its_architecture_without_pytorch(torch_files: Path) -> None:
    code = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "keras", "tensorflow", "jax"):
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
from homolog.cli import main
sys.argv = ["homolog", "inspect", {str(torch_files / "lenet5.pt")!r}]
main()
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert all(word in result.stdout for word in ("Conv2d", "Linear", "61,706"))
