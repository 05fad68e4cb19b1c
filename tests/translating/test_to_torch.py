"""A Keras model, translated: what is in the folder, what it needs, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

import homolog
import keras
from homolog.errors import HomologError, Unsupported, Usage
from homolog.translating import Translation
from keras import layers

FRESH = """
import sys
sys.modules["keras"] = sys.modules["homolog"] = sys.modules["tensorflow"] = None
sys.path.insert(0, {folder!r})
import numpy as np, torch
from model import load_model
images = torch.from_numpy(np.load({images!r}))
with torch.no_grad():
    np.save({out!r}, load_model()(images).numpy())
"""


def network() -> keras.Model:
    """Blocks that repeat, a branch, statistics of their own."""
    keras.utils.set_random_seed(4)
    entry = value = keras.Input((12, 10, 3), name="image")
    for place in range(3):
        before = value = layers.Conv2D(6, 3, strides=2 if place == 1 else 1, padding="same", name=f"b{place}_conv")(
            value
        )
        value = layers.BatchNormalization(name=f"b{place}_norm")(value)
        value = layers.Activation("relu", name=f"b{place}_relu")(value)
        value = layers.Dropout(0.2, name=f"b{place}_drop")(value)
        value = layers.Add(name=f"b{place}_add")([before, value])
    value = layers.Flatten(name="flat")(value)
    model = keras.Model(entry, layers.Dense(4, activation="softmax", name="head")(value), name="branches")
    random = np.random.default_rng(2)
    for variable in model.variables:
        if "moving" in variable.name:
            variable.assign(random.uniform(0.4, 1.6, variable.shape).astype(np.float32))
    model.compile(keras.optimizers.Adam(3e-4), "sparse_categorical_crossentropy")
    return model


@pytest.fixture(scope="module")
def source() -> keras.Model:
    return network()


@pytest.fixture(scope="module")
def translation(source: keras.Model) -> Translation:
    return homolog.translate(source, to="torch", gradients=True)


@pytest.fixture
def folder(translation: Translation, tmp_path: Path) -> Path:
    return translation.save(tmp_path / "branches")


def test_every_part_of_the_proof_passes(translation: Translation) -> None:
    assert translation.proof.passed, str(translation.proof)
    parts = {part.name for part in translation.proof.parts}
    assert parts >= {"weights", "outputs", "float64", "float32", "perturbed statistics", "gradients"}


def test_every_variable_of_the_source_is_accounted_for(translation: Translation, source: keras.Model) -> None:
    named = {name for row in translation.plan.rows for name in row.sources}
    named |= {ignored.name for ignored in translation.plan.ignored if ignored.side == "source"}
    assert len(named) == len(source.variables)


def test_as_many_numbers_are_trained_as_before(translation: Translation, source: keras.Model) -> None:
    module = cast(torch.nn.Module, translation.model)
    ours = sum(item.numel() for item in module.parameters() if item.requires_grad)
    assert ours == sum(int(np.prod(item.shape)) for item in source.trainable_variables)


def test_nothing_is_permuted_and_repeated_blocks_are_one_class(translation: Translation) -> None:
    assert "permute" not in translation.source
    assert "transpose" not in translation.source
    assert translation.source.count("nn.BatchNorm2d(") <= 2
    assert "import keras" not in translation.source


def test_dropout_and_batch_norm_train_again(translation: Translation) -> None:
    module = cast(torch.nn.Module, translation.model)
    kinds = [type(item).__name__ for item in module.modules()]
    assert kinds.count("Dropout") == 3
    norms = [item for item in module.modules() if isinstance(item, torch.nn.BatchNorm2d)]
    assert [(item.eps, round(item.momentum or 0, 6)) for item in norms] == [(1e-3, 0.01)] * 3


def test_what_it_was_compiled_with_is_there(translation: Translation) -> None:
    assert "torch.optim.Adam(model.parameters(), lr=0.0003" in translation.source
    assert any(note.startswith("training: eps") for note in translation.notes)


def test_the_folder_is_whole(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        *("model.py", "model.safetensors", "model.pt", "plan.toml", "README.md", "test_parity.py", "parity.npz")
    }
    state = torch.load(folder / "model.pt", weights_only=True)
    assert "head.weight" in state


def test_it_runs_in_a_process_that_has_neither_keras_nor_homolog(
    folder: Path, source: keras.Model, tmp_path: Path
) -> None:
    images = np.random.default_rng(7).standard_normal((5, 12, 10, 3)).astype(np.float32)
    np.save(tmp_path / "images.npy", np.moveaxis(images, -1, 1))
    code = FRESH.format(folder=str(folder), images=str(tmp_path / "images.npy"), out=str(tmp_path / "out.npy"))
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": ""})
    expected = np.asarray(source(images, training=False))
    assert np.abs(np.load(tmp_path / "out.npy") - expected).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("spoiled", [False, True])
def test_the_written_test_passes_and_fails_when_a_number_is_changed(folder: Path, spoiled: bool) -> None:
    from safetensors.torch import load_file, save_file

    if spoiled:
        state = load_file(folder / "model.safetensors")
        state[next(name for name in state if "conv" in name and name.endswith("weight"))][0, 0] += 1
        save_file(state, folder / "model.safetensors")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_parity.py"]
    done = subprocess.run(command, cwd=folder, check=False)
    assert done.returncode == (1 if spoiled else 0)


def test_torch_export_and_torchscript_take_it(translation: Translation) -> None:
    module = cast(torch.nn.Module, translation.model).eval()
    images = torch.randn(2, 3, 12, 10)
    expected = module(images)
    with pytest.warns(DeprecationWarning):  # PyTorch's own, of TorchScript
        scripted = torch.jit.script(module)
    assert torch.allclose(scripted(images), expected, atol=1e-6)
    program = torch.export.export(module, (images,))
    assert torch.allclose(program.module()(images), expected, atol=1e-6)


def test_an_existing_folder_is_kept(translation: Translation, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "thesis.txt").write_text("precious")
    with pytest.raises(Usage):
        translation.save(tmp_path / "kept")
    assert (tmp_path / "kept" / "thesis.txt").read_text() == "precious"


def test_the_layout_is_kept_on_request(source: keras.Model) -> None:
    kept = homolog.translate(source, to="torch", keep_layout=True, training=False)
    assert kept.proof.passed
    images = torch.randn(2, 12, 10, 3)
    assert cast(Any, kept.model)(images).shape == (2, 4)
    assert "make_training" not in kept.source


def test_open_lengths_stay_open_and_outputs_keep_their_names() -> None:
    entry = keras.Input((None,), dtype="int32", name="ids")
    value = layers.Embedding(19, 6)(entry)
    value = layers.MultiHeadAttention(2, 3)(value, value)
    model = keras.Model(entry, {"tokens": value, "whole": layers.GlobalAveragePooling1D()(value)})
    translation = homolog.translate(model, to="torch")
    assert translation.proof.passed
    assert "other sizes" in {part.name for part in translation.proof.parts}
    for length in (4, 11):
        found = cast(Any, translation.model)(torch.zeros((3, length), dtype=torch.int32))
        assert {name: tuple(item.shape) for name, item in found.items()} == {"tokens": (3, length, 6), "whole": (3, 6)}


@pytest.mark.parametrize("mode", ["multi_hot", "count", "one_hot"])
def test_categories_that_are_the_only_input_are_told_apart(mode: str) -> None:
    entry = keras.Input((1 if mode == "one_hot" else 5,), dtype="int32")
    model = keras.Model(entry, layers.Dense(3)(layers.CategoryEncoding(7, output_mode=mode)(entry)))
    translation = homolog.translate(model, to="torch")
    assert translation.proof.passed, str(translation.proof)


def test_pixels_of_bytes_that_are_the_only_input_are_told_apart() -> None:
    entry = keras.Input((6, 5, 3), dtype="uint8")
    model = keras.Model(entry, layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(entry)))
    translation = homolog.translate(model, to="torch")
    assert translation.proof.passed, str(translation.proof)


def test_ids_that_are_taken_from_a_table_by_an_operation_are_ids() -> None:
    class Looked(layers.Layer):
        def build(self, shape: Any) -> None:
            self.table = self.add_weight(shape=(13, 6), name="table")

        def call(self, ids: Any) -> Any:
            places = keras.ops.where(ids < 0, ids + 13, ids)
            return keras.ops.tanh(keras.ops.take(self.table, places, axis=0))

    entry = keras.Input((5,), dtype="int32")
    translation = homolog.translate(keras.Model(entry, Looked()(entry)), to="torch")
    assert translation.proof.passed, str(translation.proof)


def test_a_subclassed_model_is_read_from_its_shapes() -> None:
    class Scored(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer = layers.Dense(7, activation="tanh"), layers.Dense(2)
            self.gain = self.add_weight(shape=(7,), initializer="ones", name="gain")

        def call(self, value: Any) -> Any:
            return self.outer(keras.ops.logsumexp(self.inner(value) * self.gain, axis=1))

    model = Scored()
    model(np.zeros((1, 4, 5), np.float32))
    with pytest.raises(HomologError, match="inputs"):
        homolog.translate(model, to="torch")
    translation = homolog.translate(model, to="torch", inputs=(2, 4, 5))
    assert translation.proof.passed, str(translation.proof)


def test_it_shares_no_memory_with_its_source() -> None:
    entry = keras.Input((5,))
    source = keras.Model(entry, layers.BatchNormalization()(layers.Dense(3)(entry)))
    made = homolog.translate(source, to="torch")
    before = {name: tensor.clone() for name, tensor in made.model.state_dict().items()}  # type: ignore[attr-defined]
    for variable in source.variables:
        variable.assign_add(np.ones(variable.shape, variable.dtype))
    for name, tensor in made.model.state_dict().items():  # type: ignore[attr-defined]
        assert torch.equal(tensor, before[name])

    ours = [np.array(variable) for variable in source.variables]
    for tensor in made.model.state_dict().values():  # type: ignore[attr-defined]
        tensor.add_(1)
    for variable, kept in zip(source.variables, ours, strict=True):
        np.testing.assert_array_equal(variable, kept)


def test_text_is_refused_by_the_name_of_the_input() -> None:
    entry = keras.Input((), dtype="string", name="words")
    model = keras.Model(entry, layers.StringLookup(vocabulary=["a", "b"])(entry))
    with pytest.raises(Unsupported) as refused:
        homolog.translate(model, to="torch")
    assert refused.value.where == "words"


def test_a_class_that_is_not_to_be_imported_is_named(tmp_path: Path) -> None:
    class Unknown(keras.Layer):
        def call(self, value: Any) -> Any:
            return value * 2

    entry = keras.Input((3,))
    keras.Model(entry, Unknown()(entry)).save(tmp_path / "model.keras")
    keras.saving.get_custom_objects().clear()
    with pytest.raises(HomologError) as refused:
        homolog.translate(str(tmp_path / "model.keras"), to="torch")
    assert "Unknown" in str(refused.value.found)


def test_a_pytorch_module_is_no_source() -> None:
    with pytest.raises(Unsupported, match="already"):
        homolog.translate(torch.nn.Linear(2, 3), to="torch", inputs=(1, 2))


def test_what_augments_is_nothing_at_inference_and_is_named() -> None:
    entry = keras.Input((9, 8, 3))
    value = layers.RandomHue(0.5, name="hue")(layers.RandomFlip(name="flip")(entry))
    found = homolog.translate(keras.Model(entry, layers.Conv2D(2, 3, name="conv")(value)), to="torch")
    assert found.proof.passed
    named = [note for note in found.notes if "does nothing at inference" in note]
    assert sorted(note.partition(" ")[0] for note in named) == ["RandomFlip", "RandomHue"]


def test_what_depends_on_numbers_that_are_drawn_is_refused() -> None:
    class Noise(keras.Layer):
        def call(self, value: Any) -> Any:
            return value + keras.random.normal(keras.ops.shape(value), seed=3)

    entry = keras.Input((5,))
    with pytest.raises(Unsupported) as refused:
        homolog.translate(keras.Model(entry, Noise()(entry)), to="torch")
    assert "normal" in str(refused.value)


class ByName(keras.Model):
    """Takes its inputs by name, and gives a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = layers.Dense(4, activation="relu"), layers.Dense(4)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return {"sum": self.one(inputs["z"]) + self.two(inputs["a"])}


def test_a_subclassed_model_takes_its_inputs_by_name() -> None:
    model = ByName()
    model({"z": np.zeros((2, 6), np.float32), "a": np.zeros((2, 3), np.float32)})
    found = homolog.translate(model, to="torch", inputs={"a": (2, 3), "z": (2, 6)})
    assert found.proof.passed
    assert "def forward(self, z: torch.Tensor, a: torch.Tensor)" in found.source


def test_layers_with_names_that_modules_have_for_themselves() -> None:
    entry = keras.Input((5,), name="forward")
    value = layers.Dense(4, name="type")(layers.Dense(4, name="training")(entry))
    assert homolog.translate(keras.Model(entry, value), to="torch").proof.passed


def test_two_element_types_in_one_layer_are_refused() -> None:
    entry = keras.Input((5,))
    with pytest.raises(Unsupported) as refused:
        homolog.translate(keras.Model(entry, layers.Dense(3, dtype="mixed_bfloat16")(entry)), to="torch")
    assert "weights of float32, computed in bfloat16" in str(refused.value)


def test_what_is_padded_by_open_lengths() -> None:
    entry = keras.Input((None, None, 3))
    value = layers.Conv2D(4, 3, strides=2, padding="same")(entry)
    found = homolog.translate(keras.Model(entry, layers.GlobalMaxPooling2D()(value)), to="torch")
    assert found.proof.passed
    assert "other sizes" in [part.name for part in found.proof.parts]


class Experts(keras.Layer):
    """Sees each row of each length by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(4, activation="tanh")

    def build(self, shape: Any) -> None:
        self.dense.build((None, shape[-1]))

    def call(self, value: Any) -> Any:
        rows, length = keras.ops.shape(value)[:2]
        flat = self.dense(keras.ops.reshape(value, (-1, 4)))
        return keras.ops.reshape(keras.ops.einsum("th,th->th", flat, flat), (rows, length, 4))


def test_rows_and_lengths_are_one_axis_for_a_while() -> None:
    entry = keras.Input((None, 4), name="tokens")
    found = homolog.translate(keras.Model(entry, layers.Dense(3)(Experts()(entry))), to="torch")
    assert found.proof.passed


def test_backwards_with_a_mask() -> None:
    entry = keras.Input((7,), dtype="int32")
    value = layers.Embedding(11, 5, mask_zero=True)(entry)
    value = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(value)
    found = homolog.translate(keras.Model(entry, layers.GRU(3, go_backwards=True)(value)), to="torch")
    assert found.proof.passed


class Placed(keras.Layer):
    """Adds a table of positions, as much of it as the sequence is long, or all of it."""

    def __init__(self, rows: int, whole: bool = False) -> None:
        super().__init__()
        self.rows, self.whole = rows, whole
        self.table = layers.Embedding(rows, 5)

    def build(self, shape: Any) -> None:
        self.table.build(())

    def call(self, value: Any) -> Any:
        length = self.rows if self.whole else keras.ops.shape(value)[1]
        return value + self.table(keras.ops.arange(length))

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


def test_the_proof_runs_on_a_length_that_the_model_takes() -> None:
    entry = keras.Input((None,), dtype="int32")
    value = Placed(9)(layers.Embedding(11, 5)(entry))
    found = homolog.translate(keras.Model(entry, layers.Dense(3)(value)), to="torch")
    assert found.proof.passed


def test_a_model_that_takes_one_length_alone_is_tried_with_that_of_its_table() -> None:
    entry = keras.Input((None,), dtype="int32")
    value = Placed(20, whole=True)(layers.Embedding(11, 5)(entry))
    found = homolog.translate(keras.Model(entry, layers.Dense(3)(value)), to="torch")
    assert found.proof.passed
    assert "int32 (batch, 20)" in found.source


@pytest.mark.parametrize("seed", range(4))
def test_a_layer_that_casts_to_float32_is_proven_in_float64_and_so_are_its_gradients(seed: int) -> None:
    class Waves(keras.layers.Layer):
        """Of the kind of keras-hub's FNet: it goes by way of float32."""

        def call(self, inputs: Any) -> Any:
            parts = keras.ops.fft2((keras.ops.cast(inputs, "float32"), keras.ops.cast(inputs * 0, "float32")))
            return keras.ops.cast(parts[0], self.compute_dtype)

    keras.utils.set_random_seed(seed)
    entry = keras.Input((6, 4))
    hidden = keras.layers.Dense(5, activation="tanh")(Waves()(keras.layers.Dense(5)(entry)))

    proof = homolog.translate(keras.Model(entry, keras.layers.Dense(3)(hidden)), to="torch", gradients=True).proof

    assert proof.passed, proof
    figures = {part.name: part.figures for part in proof.parts}
    assert figures["float64"]["relative"] < 1e-13
    assert figures["gradients"]["precision"] == "float64"
    assert figures["gradients"]["share_of_threshold"] < 1e-3


@pytest.mark.parametrize(
    ("number", "rounded"), [(48.0, True), (16.0, False)], ids=["a root that is rounded", "one that is not"]
)
def test_a_factor_that_the_model_computes_anew_is_known_to_be_rounded(number: float, rounded: bool) -> None:
    class Scaled(layers.Layer):
        """As Gemma scales its embeddings."""

        def call(self, inputs: Any) -> Any:
            return inputs * keras.ops.cast(keras.ops.sqrt(number), inputs.dtype)

    keras.utils.set_random_seed(5)
    entry = keras.Input((6,))
    value = layers.Dense(3)(Scaled()(layers.Dense(7, activation="tanh")(entry)))

    proof = homolog.translate(keras.Model(entry, value), to="torch", gradients=True).proof

    assert proof.passed, proof
    figures = {part.name: part.figures for part in proof.parts}
    assert (figures["gradients"]["precision"] == "float64") is not rounded
    assert (figures["float64"]["relative"] > 1e-12) is rounded
