"""HDF5: what is read by position, what comes through the child, and what is written back."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest

from homolog.files.archives import Archive
from homolog.files.edge import Stamp
from homolog.files.hdf5 import Source, read_dataset, read_tree, write_datasets

VALUES = np.arange(2 * 3 * 5).reshape(2, 3, 5)


def compact(group: Any, name: str) -> None:
    """An array that stands within its own header."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple(VALUES.shape)
    made = h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, space, properties)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, VALUES.astype("f4"))


LAYOUTS: dict[str, Callable[[Any, str], Any]] = {
    "contiguous": lambda group, name: group.create_dataset(name, data=VALUES.astype("f4")),
    "big-endian": lambda group, name: group.create_dataset(name, data=VALUES.astype(">f4")),
    "chunked": lambda group, name: group.create_dataset(name, data=VALUES.astype("f4"), chunks=(1, 2, 3)),
    "gzip": lambda group, name: group.create_dataset(name, data=VALUES.astype("f4"), compression="gzip", shuffle=True),
    "compact": compact,
}
IN_ONE_PIECE = {"contiguous", "big-endian"}


@pytest.fixture(params=["file", "stored", "packed"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """The same arrays in a file by itself, and in an archive."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        for name, make in LAYOUTS.items():
            make(file, name)
    if request.param == "file":
        return Source.of(path)
    packing = zipfile.ZIP_STORED if request.param == "stored" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(tmp_path / "x.keras", "w", packing) as archive:
        archive.writestr("before", b"something else")
        archive.write(path, "model.weights.h5")
    opened = Archive.open(tmp_path / "x.keras")
    return Source(opened.path, opened.stamp, opened, "model.weights.h5")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_every_layout_are_read(source: Source, layout: str) -> None:
    dataset = read_tree(source).datasets[layout]

    assert (dataset.offset is not None) == (layout in IN_ONE_PIECE)
    found = read_dataset(source, dataset)
    assert found.dtype == np.dtype("f4")
    assert np.array_equal(found, VALUES)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_every_layout_are_replaced(layout: str, tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        LAYOUTS[layout](file, "w")
        file["other"] = VALUES
    dataset = read_tree(Source.of(path)).datasets["w"]

    write_datasets(path, [(dataset, -VALUES.astype("f4"))])

    with h5py.File(path) as file:
        assert np.array_equal(file["w"][()], -VALUES)
        assert np.array_equal(file["other"][()], VALUES)
    assert np.array_equal(read_dataset(Source.of(path), dataset), -VALUES)


@pytest.mark.parametrize(
    "values",
    [
        np.array(2.5, "f2"),
        np.zeros((0, 3), "f8"),
        np.array([True, False, True]),
        np.array([1 + 2j, 3j], "c8"),
        np.array([-1, 2**40], ">i8"),
        np.array([7, 200], "u1"),
    ],
    ids=lambda values: f"{values.dtype}{values.shape}",
)
def test_elements_of_every_kind_keep_their_values(values: Any, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["w"] = values
    source = Source.of(tmp_path / "x.h5")
    dataset = read_tree(source).datasets["w"]

    found = read_dataset(source, dataset)

    assert (found.dtype.name, found.shape) == (values.dtype.newbyteorder("=").name, values.shape)
    assert np.array_equal(found, values)
    write_datasets(source.path, [(dataset, found[::-1] if found.ndim else found)])
    assert np.array_equal(read_dataset(Source.of(source.path), dataset), values[::-1] if values.ndim else values)


def test_bfloat16_is_two_opaque_bytes_with_a_word_beside_them(tmp_path: Path) -> None:
    values = np.array([1.5, -2, 3e38], ml_dtypes.bfloat16)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("w", data=values.view("V2")).attrs["dtype"] = "bfloat16"
    source = Source.of(tmp_path / "x.h5")
    dataset = read_tree(source).datasets["w"]

    assert read_dataset(source, dataset).tolist() == values.tolist()
    write_datasets(source.path, [(dataset, values[::-1])])
    assert read_dataset(Source.of(source.path), dataset).tolist() == values[::-1].tolist()


def test_floats_that_numpy_lacks_are_read_by_the_library(tmp_path: Path) -> None:
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)  # bfloat16 as HDF5 can say it
    kind.set_size(2)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        made = h5py.h5d.create(file.id, b"w", kind, h5py.h5s.create_simple((3,)))
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1.5, -2, 3], "f4"))
    source = Source.of(tmp_path / "x.h5")
    dataset = read_tree(source).datasets["w"]

    assert dataset.offset is None
    assert read_dataset(source, dataset).tolist() == [1.5, -2, 3]


def test_the_library_is_never_loaded_here(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("layers/dense/vars")
        group["0"] = VALUES
        group.create_dataset("1", data=VALUES, compression="gzip")
    code = f"""
import sys
from pathlib import Path
from homolog.files import open_checkpoint
file = open_checkpoint(Path({str(tmp_path / "x.h5")!r}))
print([int(ref.read().sum()) for ref in file.tensors.values()], "h5py" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{[int(VALUES.sum())] * 2} False\n"
    assert done.stderr == ""


def test_a_file_that_changed_is_not_read_on(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["w"] = VALUES
    source = Source.of(tmp_path / "x.h5")
    dataset = read_tree(source).datasets["w"]
    with h5py.File(tmp_path / "x.h5", "a") as file:
        file["more"] = VALUES
    assert Stamp.of(source.path) != source.stamp
    with pytest.raises(Exception, match="changed while it was being read"):
        read_dataset(source, dataset)
