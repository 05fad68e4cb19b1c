"""Two files beside each other: what they share, what differs and by how much, what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import homolog
from homolog.comparing import DIFFERENT, ONLY_A, ONLY_B, SAME, Comparison, compare
from homolog.errors import Usage
from homolog.files import Format, write_new

BASE: dict[str, Any] = {
    "a.weight": np.array([[1.0, 2, 3], [4, 5, 6]], "f4"),
    "a.bias": np.array([1, -2, 0], "f4"),
    "b.weight": np.array([3, 4], "i4"),
}


def saved(folder: Path, name: str, arrays: dict[str, Any]) -> str:
    write_new(Format.SAFETENSORS, folder / name, list(arrays.items()))
    return str(folder / name)


def against(folder: Path, other: dict[str, Any], word: str | None = None) -> Comparison:
    return compare(saved(folder, "a.safetensors", BASE), saved(folder, "b.safetensors", other), word)


def test_equal_bits_are_the_same(tmp_path: Path) -> None:
    found = against(tmp_path, BASE)
    assert found.same
    assert found.counts() == {SAME: 3}
    assert str(found) == "3 tensors: 3 same"


def test_it_is_said_by_how_much_tensors_differ(tmp_path: Path) -> None:
    changed = BASE["a.weight"].copy()
    changed[0, 1], changed[1, 2] = 2.5, 10
    found = against(tmp_path, {**BASE, "a.weight": changed})
    row = next(row for row in found.rows if row.b == "a.weight")
    assert not found.same
    assert (row.verdict, row.differing, row.largest, row.relative) == (DIFFERENT, 2, 4.0, 0.4)
    assert found.counts() == {SAME: 2, DIFFERENT: 1}


def test_what_is_missing_is_named_on_its_side(tmp_path: Path) -> None:
    other = {"a.weight": BASE["a.weight"], "c": np.zeros(2, "f4"), "a.bias": BASE["a.bias"]}
    found = against(tmp_path, other)
    assert {(row.name, row.verdict) for row in found.rows if row.verdict != SAME} == {
        ("c", ONLY_B),
        ("b.weight", ONLY_A),
    }
    assert found.notes


@pytest.mark.parametrize(
    "values, differing, note",
    [
        (np.array([1, -2, -0.0], "f4"), 0, "other bits"),
        (np.array([1, -2, 0], "f8"), 0, "another element type, the same values"),
        (np.array([1, -2.01, 0]).astype(ml_dtypes.bfloat16), 1, "another element type"),
        (np.array([1, np.nan, np.inf], "f4"), 2, ""),
    ],
)
def test_bits_count_and_values_are_told(values: Any, differing: int, note: str, tmp_path: Path) -> None:
    row = next(row for row in against(tmp_path, {**BASE, "a.bias": values}).rows if row.b == "a.bias")
    assert (row.verdict, row.differing) == (DIFFERENT, differing)
    assert note in row.note
    assert row.largest is not None and np.isfinite(row.largest)


def test_another_shape_is_a_difference_without_a_size(tmp_path: Path) -> None:
    row = next(row for row in against(tmp_path, {**BASE, "a.bias": np.ones(4, "f4")}).rows if row.b == "a.bias")
    assert (row.verdict, row.differing, row.note) == (DIFFERENT, None, "another shape")


def test_the_prefixes_of_wrappers_make_no_difference(tmp_path: Path) -> None:
    found = against(tmp_path, {f"module._orig_mod.{name}": value for name, value in BASE.items()})
    assert found.same
    assert found.rows[0].a == ("a.bias",) or found.rows[0].a == ("a.weight",)


def test_a_word_chooses_what_is_compared(tmp_path: Path) -> None:
    changed = {**BASE, "a.bias": BASE["a.bias"] + 1}
    assert against(tmp_path, changed, "weight").same
    with pytest.raises(Usage):
        against(tmp_path, changed, "(")


def test_large_tensors_are_compared_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homolog.comparing._PIECE", 2)
    changed = BASE["a.weight"].copy()
    changed[1, 2] = np.nan
    changed[0, 0] = 0
    row = next(row for row in against(tmp_path, {**BASE, "a.weight": changed}).rows if row.b == "a.weight")
    assert (row.differing, row.largest, row.relative) == (2, 1.0, 0.2)


def test_formats_and_layouts_do_not_matter(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    nn = torch.nn
    first = nn.Sequential(nn.Conv2d(3, 5, (3, 2)), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 6 * 7, 4))
    layers = [keras.layers.Conv2D(5, (3, 2), activation="relu"), keras.layers.Flatten(), keras.layers.Dense(4)]
    second = keras.Sequential([keras.layers.Input((8, 8, 3)), *layers])
    homolog.copy(first, into=second)
    torch.save(first, tmp_path / "a.pt")
    second.save(tmp_path / "b.keras")

    found = homolog.compare(tmp_path / "a.pt", tmp_path / "b.keras")
    assert found.same
    assert len(found.rows) == 4

    second.layers[-1].bias.assign([0, 0, 0, 9])
    second.save(tmp_path / "c.keras")
    apart = [row for row in homolog.compare(tmp_path / "a.pt", tmp_path / "c.keras").rows if row.verdict != SAME]
    assert [(row.a, row.verdict, row.differing) for row in apart] == [(("3.bias",), DIFFERENT, 4)]


def test_a_comparison_is_words_json_and_html(tmp_path: Path) -> None:
    found = against(tmp_path, {**BASE, "<b>": np.zeros(2)})
    assert json.loads(json.dumps(found.to_dict()))["tensors"]
    assert "&lt;b&gt;" in found._repr_html_()
