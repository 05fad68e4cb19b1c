"""A whole translation: source, weights, proof, folder; and what comes of it without homolog."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Unsupported, Usage
from homolog.translation import Translation

ALONE = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is not to be imported")

sys.meta_path.insert(0, Nothing())
"""
BACKENDS = ("tensorflow", "jax", "torch")


def net() -> Any:
    from twins.translatable import Net

    return Net()


def branches() -> Any:
    from twins.translatable import Branches

    return Branches()


IDS = {"ids": np.array([[1, 5, 10], [2, 2, 0]]), "features": np.zeros((2, 6), np.float32)}


@pytest.fixture(scope="module")
def translation() -> Translation:
    return homolog.translate(net(), to="keras", inputs=[(1, 3, 14, 10)], gradients=True)


@pytest.fixture(scope="module")
def folder(translation: Translation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return translation.save(tmp_path_factory.mktemp("out") / "net")


def run_alone(code: str, folder: Path, backend: str = "tensorflow", blocked: tuple[str, ...] = ("homolog",)) -> str:
    """What code prints in a fresh process in a folder, where some packages cannot be imported."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"BLOCKED = {set(blocked)!r}\n{ALONE}\n{code}"],
        cwd=folder,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_every_part_of_the_proof_passes(translation: Translation) -> None:
    parts = {part.name: part for part in translation.proof.parts}
    assert translation.proof.passed, str(translation.proof)
    assert {"weights", "outputs", "float64", "float32", "perturbed statistics", "gradients"} <= set(parts)


def test_every_tensor_of_the_source_is_accounted_for(translation: Translation) -> None:
    held = set(homolog.load(net()).tensors())
    moved = {name for row in translation.plan.rows for name in row.sources}
    ignored = {item.name for item in translation.plan.ignored if item.side == "source"}
    assert moved | ignored == held
    assert ignored == {f"blocks.{place}.norm.num_batches_tracked" for place in range(4)}


def test_as_many_numbers_are_trained_as_before(translation: Translation) -> None:
    ours = sum(parameter.numel() for parameter in net().parameters())
    assert sum(int(np.prod(v.shape)) for v in translation.model.trainable_variables) == ours  # type: ignore[attr-defined]


def test_the_source_reads_like_a_person_s(translation: Translation) -> None:
    lines = translation.source.splitlines()
    assert len(lines) < 80
    assert "def block(" in translation.source
    assert sum("Conv2D(" in line for line in lines) == 2  # the stem's, and the block's
    assert "transpose" not in translation.source
    assert "homolog" not in translation.source.split('"""', 2)[2]


def test_layers_are_named_after_the_modules(translation: Translation) -> None:
    names = {layer.name for layer in translation.model.layers}  # type: ignore[attr-defined]
    assert {"stem", "blocks_0_conv", "blocks_3_norm", "blocks_2_scale", "blocks_1_drop", "head"} <= names


def test_batch_norm_and_dropout_keep_their_settings(translation: Translation) -> None:
    layers = {layer.name: layer for layer in translation.model.layers}  # type: ignore[attr-defined]
    norm = layers["blocks_1_norm"].get_config()
    assert (norm["momentum"], norm["epsilon"]) == (pytest.approx(0.8), pytest.approx(2e-5))
    assert layers["blocks_1_drop"].get_config()["rate"] == 0.1


def test_the_folder_is_whole(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ("model.py", "model.weights.h5", "model.keras", "plan.toml", "README.md", "test_parity.py", "parity.npz")
    )
    assert "the same network" in (folder / "README.md").read_text()


@pytest.mark.parametrize("backend", [pytest.param(name, marks=pytest.mark.slow) for name in BACKENDS])
def test_the_model_stands_alone_on_every_backend(folder: Path, backend: str) -> None:
    blocked = ("homolog",) if backend == "torch" else ("homolog", "torch")
    code = "import test_parity; test_parity.test_parity(); print('same')"
    assert run_alone(code, folder, backend, blocked).endswith("same")


@pytest.mark.slow
def test_the_saved_model_loads_and_trains_by_itself(folder: Path) -> None:
    code = """
import keras, model, numpy as np
net = keras.saving.load_model("model.keras")
stored = np.load("parity.npz")
print(float(np.abs(keras.ops.convert_to_numpy(net(stored["input_00"])) - stored["output_00"]).max()) < 1e-4)
net.compile(keras.optimizers.SGD(1e-3), "mse")
x = np.random.default_rng(0).standard_normal((8, 14, 10, 3)).astype("float32")
losses = net.fit(x, np.ones((8, 4), "float32"), epochs=3, verbose=0).history["loss"]
print(losses[-1] < losses[0])
"""
    assert run_alone(code, folder, blocked=("homolog", "torch")).splitlines()[-2:] == ["True", "True"]


def test_the_source_s_order_of_axes_can_be_kept() -> None:
    kept = homolog.translate(net(), to="keras", inputs=[(1, 3, 14, 10)], keep_layout=True)
    assert kept.proof.passed, str(kept.proof)
    assert kept.model.inputs[0].shape == (None, 3, 14, 10)  # type: ignore[attr-defined]


def test_inputs_and_outputs_by_name_shared_layers_and_tokens() -> None:
    found = homolog.translate(branches(), to="keras", inputs=IDS)
    assert found.proof.passed, str(found.proof)
    given = found.model({"ids": IDS["ids"], "features": IDS["features"]})  # type: ignore[operator]
    assert {name: tuple(value.shape) for name, value in given.items()} == {"tokens": (2, 4, 6), "pooled": (2, 6)}
    assert found.source.count("layers.Dense(") == 1
    assert [name for name in (row.target for row in found.plan.rows) if name.startswith("shared")] == [
        "shared/kernel",
        "shared/bias",
    ]


def test_a_wrong_weight_fails_the_proof_and_says_where(translation: Translation) -> None:
    """The proof of a translation finds what `verify` finds."""
    layer = translation.model.get_layer("blocks_2_conv")  # type: ignore[attr-defined]
    right = layer.get_weights()
    layer.set_weights([right[0][::-1]])
    try:
        proof = homolog.verify(translation.origin, translation.model, inputs=[(1, 3, 14, 10)])
    finally:
        layer.set_weights(right)
    assert not proof.passed
    assert "blocks.2.conv" in str(proof)


# -- refused --------------------------------------------------------------------------------------------------------


def test_operators_that_nobody_writes_are_listed_with_their_places() -> None:
    from twins.translatable import Unwritten

    with pytest.raises(Unsupported, match="does not write") as caught:
        homolog.translate(Unwritten(), inputs=[(2, 3, 3)])
    assert "translatable.py" in "\n".join(caught.value.details)
    assert "2×" in "\n".join(caught.value.details)


def test_a_decision_by_values_is_refused_with_its_line() -> None:
    from twins.translatable import Decides

    with pytest.raises(Unsupported, match="cannot trace") as caught:
        homolog.translate(Decides(), inputs=[(2, 3)])
    assert "translatable.py" in str(caught.value.where)


def test_without_inputs_nothing_is_guessed() -> None:
    with pytest.raises(Usage, match="says nothing of its inputs"):
        homolog.translate(net())
    with pytest.raises(Usage, match="Keras alone"):
        homolog.translate(net(), to="onnx", inputs=[(1, 3, 14, 10)])


def test_an_existing_folder_is_kept(translation: Translation, folder: Path) -> None:
    before = (folder / "model.py").stat().st_mtime_ns
    with pytest.raises(Usage, match="the output exists"):
        translation.save(folder)
    assert (folder / "model.py").stat().st_mtime_ns == before
    translation.save(folder, force=True)


# -- the training setup ---------------------------------------------------------------------------------------------


def test_the_training_setup_comes_along_with_its_differences_named() -> None:
    from twins.translatable import learning

    found = homolog.translate(net(), inputs=[(1, 3, 14, 10)], training=learning)
    assert "def compile_model(" in found.source
    assert "AdamW(" in found.source
    assert any("eps" in note for note in found.notes if note.startswith("training: "))
    scope: dict[str, Any] = {"__name__": "written", "__file__": "model.py"}
    exec(found.source, scope)
    model = scope["build_model"]()
    fit = scope["compile_model"](model)
    assert model.optimizer.weight_decay == 0.02
    x = np.random.default_rng(0).standard_normal((8, 14, 10, 3)).astype("float32")
    model.fit(x, np.eye(4, dtype="float32")[np.arange(8) % 4], epochs=1, verbose=0, **fit)


def test_a_setup_with_words_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Usage, match="no use for"):
        homolog.translate(net(), inputs=[(1, 3, 14, 10)], training={"optimiser": None})
