"""A whole translation: source, weights, proof, folder; and what comes of it without homolog."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Unsupported, Usage
from homolog.translating import Translation

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


def test_logits_of_every_row_with_every_other_are_not_turned() -> None:
    from twins.translatable import Towers

    torch, module = pytest.importorskip("torch"), Towers().eval()
    made = homolog.translate(module, to="keras", inputs=[(2, 6), (2, 4)])
    made.proof.raise_if_failed()
    one, two = (np.random.default_rng(seed).standard_normal((3, n)).astype(np.float32) for seed, n in ((1, 6), (2, 4)))
    with torch.no_grad():
        expected = module(torch.from_numpy(one), torch.from_numpy(two))
    found = made.model([one, two])
    assert not np.allclose(expected["per_text"], expected["per_image"], atol=0.01)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5)


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


# -- open lengths ---------------------------------------------------------------------------------------------------


def convolutional(**settings: bool) -> Any:
    from twins.translatable import Convolutional

    return Convolutional(**settings).eval()


def test_a_length_that_is_left_open_takes_others() -> None:
    import torch

    module = convolutional()
    found = homolog.translate(module, inputs=[(1, 3, None, None)])
    assert found.proof.passed, str(found.proof)
    assert "other sizes" in {part.name for part in found.proof.parts}
    assert found.model.inputs[0].shape == (None, None, None, 3)  # type: ignore[attr-defined]
    for rows, height, width in [(1, 10, 22), (2, 64, 64), (3, 7, 130)]:
        x = np.random.default_rng(height).standard_normal((rows, 3, height, width)).astype(np.float32)
        with torch.no_grad():
            theirs = module(torch.from_numpy(x)).numpy()
        ours = np.asarray(found.model(x.transpose(0, 2, 3, 1))).transpose(0, 3, 1, 2)  # type: ignore[operator]
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_one_length_may_stay_open_and_the_other_not() -> None:
    found = homolog.translate(convolutional(), inputs={"x": (1, 3, None, 10)})
    assert found.proof.passed, str(found.proof)
    assert found.model.inputs[0].shape == (None, None, 10, 3)  # type: ignore[attr-defined]


def test_a_network_that_fixes_a_length_is_refused_by_the_input_and_the_axis() -> None:
    with pytest.raises(Unsupported, match="fixes a length that is to stay open") as caught:
        homolog.translate(convolutional(places=True), inputs=[(1, 3, None, None)])
    assert caught.value.where == "x"
    assert caught.value.expected == "an open length along axis 2, 3"
    with pytest.raises(Unsupported, match="fixes a length") as caught:
        homolog.translate(convolutional(places=True), inputs={"x": (1, 3, 64, None)})
    assert caught.value.expected == "an open length along axis 3"


def test_so_is_one_that_does_so_behind_a_stride() -> None:
    """Two lengths lead to the table's: the trace shows none of them."""
    with pytest.raises(Unsupported, match="takes one length alone") as caught:
        homolog.translate(convolutional(behind=True), inputs=[(1, 3, None, None)])
    assert caught.value.where == "x"
    assert caught.value.expected == "open lengths along axis 2, 3"
    assert homolog.translate(convolutional(behind=True), inputs=[(1, 3, 64, 63)]).proof.passed


# -- notes ----------------------------------------------------------------------------------------------------------


def test_a_network_that_trains_as_before_has_no_notes(translation: Translation) -> None:
    assert translation.notes == ()


def notes_of(module: Any, shape: tuple[int, ...]) -> str:
    return "\n".join(homolog.translate(module, inputs=[shape]).notes)


def test_modules_that_do_nothing_at_inference_are_noted() -> None:
    from torch import nn

    class DropPath(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * 0.5 if self.training else x

    def chain(*more: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Linear(5, 7), *more, nn.Linear(7, 3))

    noted = notes_of(chain(DropPath(), nn.Tanh(), DropPath()), (2, 5))
    assert noted == "DropPath (1 and 1 more) does nothing at inference, and is not in the model"
    assert notes_of(chain(DropPath()), (2, 5)).startswith("DropPath (1) does nothing")
    assert notes_of(chain(nn.Identity(), nn.Tanh()), (2, 5)) == ""


def test_weights_that_are_computed_are_noted() -> None:
    from torch import nn
    from torch.nn.utils import parametrizations

    noted = notes_of(nn.Sequential(parametrizations.spectral_norm(nn.Linear(5, 7))), (2, 5))
    assert noted == "0.weight, and whatever else the source computes from others, is trained as it is used"
    assert notes_of(nn.Sequential(parametrizations.weight_norm(nn.Linear(5, 7))), (2, 5)) == ""


def test_dropout_inside_of_an_attention_is_noted() -> None:
    from torch import nn

    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key = nn.Linear(6, 6), nn.Linear(6, 6)

        def forward(self, x: Any) -> Any:
            heads = [part(x).unflatten(-1, (2, 3)).transpose(1, 2) for part in (self.query, self.key)]
            dropped = 0.1 if self.training else 0.0
            found = nn.functional.scaled_dot_product_attention(*heads, heads[1], dropout_p=dropped)
            return found.transpose(1, 2).flatten(2)

    noted = notes_of(Attending(), (2, 5, 6))
    assert noted == "dropout inside of 1 attentions does not show at inference, and is not carried"
    assert notes_of(nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.1)), (2, 5, 6)) == ""


@pytest.mark.parametrize("axes", [2, 3])
def test_equal_largest_numbers_of_a_window_are_noted_where_they_train_otherwise(axes: int) -> None:
    import torch
    from torch import nn

    conv, pool = {2: (nn.Conv2d, nn.MaxPool2d), 3: (nn.Conv3d, nn.MaxPool3d)}[axes]
    torch.manual_seed(0)
    net = nn.Sequential(conv(3, 5, 1), pool(3, 1, 1), pool(3, 1, 1))  # the second sees each largest number often
    found = homolog.translate(net, inputs=[(2, 3, *[4] * axes)], gradients=True)
    failed = [part.name for part in found.proof.parts if not part.passed]
    assert (failed, any("MaxPooling3D on TensorFlow" in note for note in found.notes)) == (
        (["gradients"], True) if axes == 3 else ([], False)
    )


def test_settings_that_keras_has_not_are_noted() -> None:
    from torch import nn

    ids = {"input": np.array([[1, 4, 3], [2, 0, 3]])}
    table = homolog.translate(nn.Sequential(nn.Embedding(5, 4, padding_idx=3), nn.Linear(4, 2)), inputs=ids)
    assert table.notes == ("not carried, for Keras has no such setting: 0: padding_idx=3",)
    assert homolog.translate(nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 2)), inputs=ids).notes == ()


# -- the test that is written along -----------------------------------------------------------------------------------


def parity_of(folder: Path) -> subprocess.CompletedProcess[str]:
    """The written test, run by pytest in a fresh process."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:homolog", "test_parity.py"],
        cwd=folder,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


ONE_BY_ONE = """
import contextlib, os, sys, pytest
for folder in sys.argv[1:]:
    os.chdir(folder)
    with open("said.txt", "w") as file, contextlib.redirect_stdout(file):
        print(int(pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:homolog", "test_parity.py"])))
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(folder):
            del sys.modules[name]
    sys.path[:] = [path for path in sys.path if not path.startswith(folder)]
"""
"""Runs written tests as pytest does, in one process, for TensorFlow takes seconds to import."""
WRONG_NUMBERS = ("blocks_2_norm/moving_variance", "head/kernel", "blocks_1_scale/value")
WRONG_SETTINGS = (
    ("epsilon=2e-05", "epsilon=2e-03"),
    ("ops.relu(", "ops.silu("),
    ('padding="same", use_bias=False', 'padding="same", use_bias=False, activation="relu"'),
)


def datasets(file: Any) -> list[Any]:
    found: list[Any] = []
    file.visititems(lambda _, item: found.append(item) if hasattr(item, "shape") else None)
    return found


def spoil_number(folder: Path, translation: Translation, name: str) -> None:
    import h5py

    from homolog.files import open_checkpoint

    held = translation.target.held_in(open_checkpoint(folder / "model.weights.h5"))[name].read()
    with h5py.File(folder / "model.weights.h5", "r+") as file:
        stored = next(item for item in datasets(file) if np.array_equal(item, held))
        stored[(0,) * stored.ndim] += 0.01


def spoil_setting(folder: Path, right: str, wrong: str) -> None:
    text = (folder / "model.py").read_text(encoding="utf-8")
    assert right in text
    (folder / "model.py").write_text(text.replace(right, wrong), encoding="utf-8")


@pytest.mark.slow
def test_the_written_test_passes_as_it_is_and_fails_for_one_wrong_number_or_setting(
    folder: Path, translation: Translation, tmp_path: Path
) -> None:
    copies = {case: tmp_path / str(place) for place, case in enumerate(("as it is", *WRONG_NUMBERS, *WRONG_SETTINGS))}
    for case, copied in copies.items():
        shutil.copytree(folder, copied)
        if case in WRONG_NUMBERS:
            spoil_number(copied, translation, str(case))
        elif case in WRONG_SETTINGS:
            spoil_setting(copied, *case)
    subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE, *map(str, copies.values())],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        timeout=300,
        check=True,
    )
    said = {case: (copied / "said.txt").read_text(encoding="utf-8") for case, copied in copies.items()}
    right = said.pop("as it is")
    assert ("1 passed" in right, right.split()[-1]) == (True, "0"), right
    for case, words in said.items():
        assert ("1 failed" in words, "apart <=" in words, words.split()[-1]) == (True, True, "1"), (case, words)


@pytest.mark.slow
def test_the_written_test_allows_what_half_precision_loses(tmp_path: Path) -> None:
    from torch import nn

    module = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 3)).half()
    done = parity_of(homolog.translate(module, inputs=[(2, 5)]).save(tmp_path / "half"))
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_it_shares_no_memory_with_its_source() -> None:
    """Weights are handed over without a copy where that may be."""
    import torch

    source = net()
    made = homolog.translate(source, to="keras", inputs=[(1, 3, 14, 10)])
    before = [np.array(variable) for variable in made.model.variables]  # type: ignore[attr-defined]
    with torch.no_grad():
        for tensor in source.state_dict().values():
            tensor.add_(1)
    for variable, kept in zip(made.model.variables, before, strict=True):  # type: ignore[attr-defined]
        np.testing.assert_array_equal(variable, kept)

    ours = {name: tensor.clone() for name, tensor in source.state_dict().items()}
    for variable in made.model.variables:  # type: ignore[attr-defined]
        variable.assign_add(np.ones(variable.shape, variable.dtype))
    assert all(torch.equal(tensor, ours[name]) for name, tensor in source.state_dict().items())


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
    with pytest.raises(Usage, match="two frameworks"):
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


def test_ids_with_an_offset_for_each_column_stay_below_those_that_were_given() -> None:
    """One table for several columns, each with ids of its own: the last column's may not be as large as the table."""
    import torch
    from torch import nn

    class Columns(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.last = nn.Embedding(5 * 13, 6), nn.Linear(6, 3)
            self.register_buffer("offsets", 13 * torch.arange(5), persistent=False)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.last(self.table(ids + self.offsets).prod(1))
            return found

    ids = np.random.default_rng(0).integers(0, 13, (4, 5))
    found = homolog.translate(Columns(), inputs=[ids])
    assert found.proof.passed, str(found.proof)


def test_an_output_that_is_made_of_weights_alone_is_proven_beside_one_that_is_not() -> None:
    import torch
    from torch import nn

    class Queries(nn.Module):
        """As detectors give the places that they look at beside what they find there."""

        def __init__(self) -> None:
            super().__init__()
            self.queries, self.head = nn.Embedding(7, 3), nn.Linear(5, 3)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            places = self.queries.weight.sigmoid()[None].repeat(x.shape[0], 1, 1)
            return {"found": self.head(x)[:, None] * places, "places": places}

    translation = homolog.translate(Queries(), to="keras", inputs=[(2, 5)])

    assert translation.proof.passed, str(translation.proof)
    (part,) = [part for part in translation.proof.parts if part.name == "outputs"]
    assert "output 1 holds nothing of the input but its shape, as the source says" in part.details
