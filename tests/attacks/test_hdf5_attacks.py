"""Attacks on HDF5 files; the numbers are those of BAD_INPUTS."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from homolog.errors import HomologError, Unreadable, Unsafe
from homolog.files import open_checkpoint


def weights_file(path: Path, fill: Callable[[Any], None]) -> Path:
    """A file of weights of one layer whose kernel is made by ``fill``."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array(["dense"], "S")
        group = file.create_group("dense")
        group.attrs["weight_names"] = np.array(["dense/kernel:0"], "S")
        fill(group.create_group("dense"))
    return path


def secret(tmp_path: Path) -> str:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["kernel:0"] = np.ones(3)
    return str(tmp_path / "secret.h5")


def test_the_file_is_read_when_it_is_harmless(tmp_path: Path) -> None:
    path = weights_file(tmp_path / "x.h5", lambda group: group.create_dataset("kernel:0", data=np.arange(3.0)))
    assert open_checkpoint(path).tensors["dense/kernel"].read().tolist() == [0, 1, 2]


def test_33_links_that_lead_elsewhere(tmp_path: Path) -> None:
    links = [h5py.ExternalLink(secret(tmp_path), "/kernel:0"), h5py.SoftLink("/dense"), h5py.SoftLink("/nowhere")]
    for index, link in enumerate(links):
        path = weights_file(tmp_path / f"{index}.h5", lambda group, link=link: group.__setitem__("kernel:0", link))  # type: ignore[misc]
        with pytest.raises(Unsafe, match="elsewhere"):
            open_checkpoint(path)


def test_33_values_in_other_files(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(24))
    outside = [(str(tmp_path / "raw"), 0, 24)]
    path = weights_file(tmp_path / "a.h5", lambda group: group.create_dataset("kernel:0", (3,), "f8", external=outside))
    with pytest.raises(Unsafe, match="another file"):
        open_checkpoint(path)
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource(secret(tmp_path), "kernel:0", (3,))
    path = weights_file(tmp_path / "b.h5", lambda group: group.create_virtual_dataset("kernel:0", layout))
    with pytest.raises(Unsafe, match="another file"):
        open_checkpoint(path)


def test_34_a_group_within_itself(tmp_path: Path) -> None:
    path = weights_file(tmp_path / "x.h5", lambda group: group.__setitem__("loop", group.parent))
    with pytest.raises(Unreadable, match="contains itself"):
        open_checkpoint(path)


@pytest.mark.parametrize("options", [{}, {"chunks": (1024, 1024)}, {"chunks": (1024, 1024), "compression": "gzip"}])
def test_35_shapes_far_beyond_what_is_stored(options: dict[str, Any], tmp_path: Path) -> None:
    path = weights_file(
        tmp_path / "x.h5", lambda group: group.create_dataset("kernel:0", (10**6, 10**6), "f4", **options)
    )
    with pytest.raises(Unreadable, match="more than the file stores"):
        open_checkpoint(path)


def test_36_gzip_bombs(tmp_path: Path) -> None:
    zeros = np.zeros(20 << 20, "f4")
    path = weights_file(
        tmp_path / "x.h5",
        lambda group: group.create_dataset("kernel:0", data=zeros, compression="gzip", chunks=(1 << 18,)),
    )
    with pytest.raises(Unreadable, match="more than the file stores"):
        open_checkpoint(path)


@pytest.mark.parametrize(
    "value", [np.array([b"text"]), np.array(["ü"], h5py.string_dtype()), np.zeros(2, [("a", "f4")]), np.zeros(2, "V3")]
)
def test_37_elements_that_are_no_numbers(value: Any, tmp_path: Path) -> None:
    path = weights_file(tmp_path / "x.h5", lambda group: group.create_dataset("kernel:0", data=value))
    with pytest.raises(Unreadable, match="not numbers"):
        open_checkpoint(path)


def test_37_references(tmp_path: Path) -> None:
    path = weights_file(tmp_path / "x.h5", lambda group: group.create_dataset("kernel:0", (2,), h5py.ref_dtype))
    with pytest.raises(Unreadable, match="not numbers"):
        open_checkpoint(path)


def keras_file(path: Path, config: bytes, packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("config.json", config)
        archive.writestr("metadata.json", b"{}")
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
    return path


@pytest.mark.parametrize(
    "config",
    [b"[" * 200_000, b'{"a":' * 200_000, b'{"a": ' * 300 + b"1" + b"}" * 300, b"", b"[]", b"\xff", b'{"x":NaN'],
)
def test_43_configs_that_are_too_deep_or_broken(config: bytes, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="config"):
        open_checkpoint(keras_file(tmp_path / "x.keras", config))


def test_41_a_config_that_unpacks_to_far_more(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "x.keras", b" " * (100 << 20), zipfile.ZIP_DEFLATED)
    with pytest.raises(Unreadable, match="far more"):
        open_checkpoint(path)


def test_41_a_config_of_a_giant_model_costs_nothing(tmp_path: Path, keras_weights: bytes) -> None:
    dense = b'{"class_name": "Dense", "config": {"name": "d", "units": 200000000}}'
    giant = b'{"class_name": "Sequential", "config": {"name": "s", "layers": [' + dense + b"]}}"
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
        archive.writestr("config.json", giant)
        archive.writestr("model.weights.h5", keras_weights)
    found = open_checkpoint(tmp_path / "x.keras")
    assert {name: ref.shape for name, ref in found.tensors.items()} == {"d/kernel": (2, 3), "d/bias": (3,)}


def test_40_a_module_named_os_is_data(tmp_path: Path, keras_weights: bytes) -> None:
    config = b'{"module": "os", "class_name": "system", "registered_name": null, "config": {"command": "touch canary"}}'
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", keras_weights)
    assert open_checkpoint(tmp_path / "x.keras").config["module"] == "os"  # type: ignore[index]


@pytest.fixture
def keras_weights(tmp_path: Path) -> bytes:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        group = file.create_group("layers/dense/vars")
        group["0"], group["1"] = np.ones((2, 3)), np.ones(3)
    return (tmp_path / "w.h5").read_bytes()


def test_15_every_truncation(tmp_path: Path) -> None:
    path = weights_file(tmp_path / "x.h5", lambda group: group.create_dataset("kernel:0", data=np.arange(3.0)))
    data = path.read_bytes()
    for length in range(0, len(data), 101):
        (tmp_path / "short.h5").write_bytes(data[:length])
        with pytest.raises(HomologError):
            open_checkpoint(tmp_path / "short.h5")
