"""Networks from files: every format as source and as target, with and without the model they belong to.

A copy is loaded again by the framework's own loader, and must give what the source gives.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Mismatch, Unreadable, Unsupported
from homolog.opening import open_network
from twins import PAIRS, scrambled_keras, scrambled_torch

Array = np.ndarray[Any, Any]
DIGITS = np.random.default_rng(1).standard_normal((3, 1, 18, 14)).astype(np.float32)  # as PyTorch takes them
VECTORS = np.random.default_rng(2).standard_normal((4, 5)).astype(np.float32)
TORCH_DIGITS, KERAS_DIGITS = "twins.torch_nets:digits", "twins.keras_nets:digits"

_KERAS2 = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tf_keras
sys.modules["keras"] = tf_keras
sys.path.insert(0, sys.argv[1])
from twins import keras_nets, scrambled_keras
folder, job = sys.argv[2:4]
given = np.load(f"{folder}/inputs.npz")
if job == "make":
    for name in ("digits", "nested"):
        tf_keras.utils.set_random_seed(5)
        model = getattr(keras_nets, name)()
        for variable in model.variables:
            low = -0.5 if "bias" in variable.name or "beta" in variable.name or "mean" in variable.name else 0.5
            if len(variable.shape) == 1:
                variable.assign(np.random.default_rng(6).random(tuple(variable.shape)) + low)
        model.compile("adam", "mse")
        model.fit(given[name], model.predict(given[name], verbose=0), verbose=0)
        model.save(f"{folder}/{name}.h5")
        model.save_weights(f"{folder}/{name}-weights.h5")
        np.savez(f"{folder}/{name}.npz", model.predict(given[name], verbose=0))
else:
    name, file = sys.argv[4:6]
    if file.endswith("-weights.h5"):
        model = getattr(keras_nets, name)()
        model.load_weights(file)
    else:
        model = tf_keras.models.load_model(file)
        assert model.optimizer is not None
    np.savez(f"{folder}/out.npz", model.predict(given[name], verbose=0))
"""


def keras2(folder: Path, *arguments: str) -> None:
    np.savez(folder / "inputs.npz", digits=np.moveaxis(DIGITS, 1, -1), nested=VECTORS)
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _KERAS2, str(Path(__file__).parent), str(folder), *arguments],
        check=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``digits`` and ``nested`` by Keras 2: ``NAME.h5``, ``NAME-weights.h5`` and their outputs in ``NAME.npz``."""
    folder = tmp_path_factory.mktemp("keras2")
    keras2(folder, "make")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits of both frameworks in every format of theirs."""
    import torch
    from safetensors.torch import save_file

    from homolog.keras.framework import require

    keras = require()
    folder = tmp_path_factory.mktemp("made")
    module = PAIRS["digits"].torch()
    torch.save(module, folder / "module.pt")
    torch.save(module.state_dict(), folder / "state.pt")
    save_file(module.state_dict(), folder / "state.safetensors", metadata={"format": "pt", "author": "me"})
    model = PAIRS["digits"].keras()
    model.compile("adam", keras.losses.MeanSquaredError())  # "mse" is written in a way that Keras cannot read
    images = np.moveaxis(DIGITS, 1, -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(images, np.zeros((3, 10), np.float32), verbose=0)
        model.save(folder / "model.keras")
        model.save(folder / "model.h5")
        model.save_weights(folder / "model.weights.h5")
    return folder


def outputs(model: Any) -> Array:
    """What a live network of digits gives."""
    if hasattr(model, "state_dict"):
        import torch

        with torch.no_grad():
            found: Array = model.eval()(torch.from_numpy(DIGITS)).numpy()
            return found
    return np.asarray(model(np.moveaxis(DIGITS, 1, -1), training=False))


def loaded(path: Path, source: str) -> Any:
    """A written file, by its framework's own loader."""
    if path.suffix in (".pt", ".safetensors"):
        import torch
        from safetensors.torch import load_file

        if source == "module.pt":
            return torch.load(path, weights_only=False)
        model = PAIRS["digits"].torch()
        model.load_state_dict(load_file(path) if path.suffix == ".safetensors" else torch.load(path))
        return model
    import keras

    if path.name.endswith(".weights.h5"):
        model = PAIRS["digits"].keras()
        model.load_weights(path)
        return model
    return keras.saving.load_model(path)


TORCH = ["module.pt", "state.pt", "state.safetensors", f"state.pt@{TORCH_DIGITS}", f"state.safetensors@{TORCH_DIGITS}"]
KERAS = ["model.keras", "model.h5", f"model.weights.h5@{KERAS_DIGITS}", f"model.keras@{KERAS_DIGITS}"]
WAYS = [(a, b) for a in TORCH[:1] + TORCH[3:] for b in KERAS] + [(b, a) for b in KERAS for a in TORCH]


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_files_are_copied_both_ways(made: Path, tmp_path: Path, source: str, target: str) -> None:
    file = target.partition("@")[0]
    before = (made / file).read_bytes()
    bare = file == target and "state" in target

    copy = homolog.copy(str(made / source), into=str(made / target), run=not bare)
    out = copy.save(tmp_path / file)

    assert copy.proof.passed, str(copy.proof)
    assert (made / file).read_bytes() == before
    expected = outputs(open_network(str(made / source)).live.model)
    np.testing.assert_allclose(outputs(loaded(out, target)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("target", KERAS)
@pytest.mark.parametrize("source", ["state.pt", "state.safetensors"])
def test_bare_state_is_matched_by_order_and_shapes_and_that_is_said(
    made: Path, tmp_path: Path, source: str, target: str
) -> None:
    copy = homolog.copy(str(made / source), into=str(made / target), run=False)
    out = copy.save(tmp_path / target.partition("@")[0])

    assert copy.plan.confidence == "order and shapes"
    assert copy.proof.passed
    np.testing.assert_allclose(outputs(loaded(out, target)), outputs(PAIRS["digits"].torch()), rtol=1e-5, atol=1e-6)


def test_weights_without_a_model_cannot_be_proven_by_running(made: Path) -> None:
    proof = homolog.copy(str(made / "state.pt"), into=str(made / "model.keras")).proof

    assert not proof.passed
    assert "holds weights and no model" in proof.parts[1].figure


def test_bare_weights_of_both_frameworks_say_nothing_of_their_layout(made: Path) -> None:
    with pytest.raises(Mismatch, match="layouts cannot be told"):
        homolog.match(str(made / "state.pt"), str(made / "model.weights.h5"))


def test_bare_keras_weights_find_their_place(made: Path, tmp_path: Path) -> None:
    given, target = str(made / "module.pt"), str(made / "model.weights.h5")
    with pytest.raises(Unsupported, match="--input"):  # what lies behind the flatten depends on it
        homolog.match(given, target)

    copy = homolog.copy(given, into=target, inputs=[DIGITS], run=False)
    out = copy.save(tmp_path / "out.weights.h5")

    assert copy.plan.confidence == "order and shapes"
    np.testing.assert_allclose(outputs(loaded(out, "")), outputs(PAIRS["digits"].torch()), rtol=1e-5, atol=1e-6)


class TestWhatTheTargetHeld:
    def test_architecture_compile_configuration_and_optimizer_stay(self, made: Path, tmp_path: Path) -> None:
        for name in ("model.keras", "model.h5"):
            copy = homolog.copy(str(made / "module.pt"), into=str(made / name))
            out = copy.save(tmp_path / name)
            model, before = loaded(out, name), loaded(made / name, name)
            assert model.optimizer.name == before.optimizer.name
            assert model.get_config() == before.get_config()
            assert int(model.optimizer.iterations.numpy()) == int(before.optimizer.iterations.numpy()) > 0
            assert any("compile" in note for note in copy.notes)

    def test_safetensors_metadata_stays(self, made: Path, tmp_path: Path) -> None:
        from safetensors import safe_open

        target = f"{made / 'state.safetensors'}@{TORCH_DIGITS}"
        out = homolog.copy(str(made / "model.h5"), into=target).save(tmp_path / "out.safetensors")

        with safe_open(out, "np") as file:
            assert file.metadata() == {"format": "pt", "author": "me"}


class TestKeras2:
    @pytest.mark.parametrize("name", ["digits.h5", f"digits-weights.h5@{KERAS_DIGITS}"])
    def test_a_file_is_a_source(self, legacy: Path, made: Path, name: str) -> None:
        copy = homolog.copy(str(legacy / name), into=str(made / "module.pt"))

        assert copy.proof.passed, str(copy.proof)
        expected = np.load(legacy / "digits.npz")["arr_0"]
        np.testing.assert_allclose(outputs(copy.model), expected, rtol=1e-4, atol=1e-5)

    def test_keras_3_refuses_a_nested_batch_norm_of_keras_2_and_the_way_out_is_named(self, legacy: Path) -> None:
        """Its own loader stumbles over ``axis: [1]`` in there; what can be read without building is not affected."""
        network = open_network(str(legacy / "nested.h5"))

        assert len(network.graph().layers) == 6
        with pytest.raises(Unreadable, match="FILE@package"):
            _ = network.live

    @pytest.mark.parametrize("name", ["nested.h5@twins.keras_nets:nested", "nested-weights.h5@twins.keras_nets:nested"])
    def test_so_is_one_of_nested_models(self, legacy: Path, name: str) -> None:
        import torch

        target = PAIRS["nested"].torch()

        copy = homolog.copy(str(legacy / name), into=target)

        assert copy.proof.passed, str(copy.proof)
        assert "perturbed statistics" in [part.name for part in copy.proof.parts]
        with torch.no_grad():
            found = target(torch.from_numpy(VECTORS)).numpy()
        np.testing.assert_allclose(found, np.load(legacy / "nested.npz")["arr_0"], rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize(
        ("name", "target"),
        [
            ("digits", "digits.h5"),
            pytest.param("digits", f"digits-weights.h5@{KERAS_DIGITS}", marks=pytest.mark.slow),
            pytest.param("nested", "nested.h5@twins.keras_nets:nested", marks=pytest.mark.slow),
            ("nested", "nested-weights.h5@twins.keras_nets:nested"),
        ],
    )
    def test_a_file_is_a_target_that_keras_2_loads(self, legacy: Path, tmp_path: Path, name: str, target: str) -> None:
        import torch

        source = PAIRS[name].torch()
        copy = homolog.copy(source, into=str(legacy / target))
        out = copy.save(tmp_path / target.partition("@")[0])

        keras2(tmp_path, "run", name, str(out))

        assert copy.proof.passed, str(copy.proof)
        with torch.no_grad():
            expected = source(torch.from_numpy(DIGITS if name == "digits" else VECTORS)).numpy()
        np.testing.assert_allclose(np.load(tmp_path / "out.npz")["arr_0"], expected, rtol=1e-4, atol=1e-5)


class TestLiveNames:
    """Nested models, and layers made of layers: files name their tensors otherwise than the live model does."""

    @pytest.mark.parametrize("ending", [".keras", ".h5"])
    def test_nested_models_both_ways(self, tmp_path: Path, ending: str) -> None:
        import torch

        model, module = PAIRS["nested"].keras(), PAIRS["nested"].torch()
        model.save(tmp_path / f"nested{ending}")

        there = homolog.copy(module, into=str(tmp_path / f"nested{ending}"))
        there.save(tmp_path / f"out{ending}")
        back = homolog.copy(str(tmp_path / f"out{ending}"), into=scrambled_torch(PAIRS["nested"].torch(), 11))

        assert there.proof.passed and back.proof.passed
        assert [part.name for part in back.proof.parts] == [
            "weights",
            "outputs",
            "float64",
            "float32",
            "perturbed statistics",
        ]
        assert all(torch.equal(a, b) for a, b in zip(module.parameters(), back.model.parameters(), strict=True))

    @pytest.mark.parametrize("ending", [pytest.param(".keras", marks=pytest.mark.slow), ".h5", ".weights.h5"])
    def test_layers_made_of_layers(self, tmp_path: Path, ending: str) -> None:
        source, target = _stack(), _stack()
        scrambled_keras(source, 1)
        file = tmp_path / f"stack{ending}"
        if ending == ".weights.h5":
            target.save_weights(file)
            made: object = f"{file}@twins.keras_nets:stack"
        else:
            target.save(file)
            made = file

        copy = homolog.copy(source, into=made)
        out = copy.save(tmp_path / f"out{ending}")

        assert copy.proof.passed, str(copy.proof)
        again = _stack()
        again.load_weights(out)
        steps = np.random.default_rng(0).standard_normal((2, 7, 5)).astype(np.float32)
        np.testing.assert_array_equal(again(steps), source(steps))


def _stack() -> Any:
    import keras
    from twins import keras_nets

    keras.utils.clear_session(free_memory=False)
    return keras_nets.stack()


@pytest.mark.parametrize("name", ["out.pt", "out.safetensors"])
def test_a_live_module_is_saved(made: Path, tmp_path: Path, name: str) -> None:
    copy = homolog.copy(str(made / "model.h5"), into=PAIRS["digits"].torch())

    out = copy.save(tmp_path / name)

    np.testing.assert_array_equal(outputs(loaded(out, "")), outputs(copy.model))


@pytest.mark.parametrize("name", ["out.keras", "out.h5", "out.weights.h5"])
def test_a_live_keras_model_is_saved(made: Path, tmp_path: Path, name: str) -> None:
    copy = homolog.copy(str(made / "module.pt"), into=PAIRS["digits"].keras())

    out = copy.save(tmp_path / name)

    np.testing.assert_array_equal(outputs(loaded(out, "")), outputs(copy.model))


def test_half_a_file_and_a_full_model(tmp_path: Path) -> None:
    """A float16 file in a float32 model: the model holds each of its values."""
    import torch

    module = PAIRS["digits"].torch().half()
    torch.save(module.state_dict(), tmp_path / "half.pt")

    network = open_network(f"{tmp_path / 'half.pt'}@{TORCH_DIGITS}")

    assert {ref.dtype for ref in network.tensors().values()} == {"float32"}
    for name, ref in network.tensors().items():
        np.testing.assert_array_equal(ref.read(), module.state_dict()[name].float().numpy())


def test_weights_of_another_model_are_refused(made: Path) -> None:
    for source in (f"state.pt@{KERAS_DIGITS}", "state.pt@twins.torch_nets:lenet", f"model.weights.h5@{TORCH_DIGITS}"):
        with pytest.raises(Mismatch) as error:
            open_network(str(made / source)).tensors()
        assert error.value.details
    with pytest.raises(Mismatch):
        open_network(f"{made / 'model.weights.h5'}@twins.keras_nets:lenet").tensors()
