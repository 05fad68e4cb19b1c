"""Files with a few bytes changed: an error of ours, or exactly what the checksums allow; never anything else."""

from __future__ import annotations

import random
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from homolog.errors import HomologError
from homolog.files import Format, open_checkpoint, write_new

COUNT, SECONDS = 300, 5.0
INTERESTING = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\x7f",
    b"\xff" * 8,
    b"PK\x03\x04",
    b"(",
    b".",
    b"}",
    b"h",
)


def mutants(data: bytes, seed: int) -> Iterator[bytes]:
    """Copies with one to three changes each: a bit, some bytes, a cut, or a repeat."""
    chance = random.Random(seed)
    started = time.monotonic()
    for _ in range(COUNT):
        if time.monotonic() - started > SECONDS:
            return
        changed = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(changed))
            match chance.randrange(4):
                case 0:
                    changed[at] ^= 1 << chance.randrange(8)
                case 1:
                    piece = chance.choice(INTERESTING)
                    changed[at : at + len(piece)] = piece
                case 2:
                    del changed[at : at + chance.randint(1, 16)]
                case _:
                    changed[at:at] = changed[at : at + chance.randint(1, 16)]
        yield bytes(changed)


def read_all(path: Path) -> dict[str, Any]:
    return {name: ref.read() for name, ref in open_checkpoint(path).tensors.items() if ref.nbytes < 1 << 20}


@pytest.mark.parametrize("seed", range(2))
def test_mutated_torch_files(
    seed: int, torch_file: Callable[..., Path], tensor_pickle: Callable[..., bytes], tmp_path: Path
) -> None:
    values = np.arange(6, dtype="float32")
    data = torch_file(tensor_pickle(), {"0": values.tobytes()}).read_bytes()
    for mutant in mutants(data, seed):
        (tmp_path / "mutant.pt").write_bytes(mutant)
        try:
            found = read_all(tmp_path / "mutant.pt")
        except HomologError:
            continue
        # The record has a checksum; its name and shape stand in the pickle, which has one too.
        assert all(sorted(value.reshape(-1)) == sorted(values) for value in found.values())


def test_mutated_pickles_with_right_checksums(
    torch_file: Callable[..., Path], tensor_pickle: Callable[..., bytes]
) -> None:
    for mutant in mutants(tensor_pickle(), 7):
        try:
            read_all(torch_file(mutant, {"0": bytes(24)}))
        except HomologError:
            continue


def test_mutated_safetensors_files(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_new(Format.SAFETENSORS, path, [("a.weight", np.ones((2, 3), "float32")), ("b", np.ones(5, "int8"))])
    for mutant in mutants(path.read_bytes(), 3):
        (tmp_path / "mutant").write_bytes(mutant)
        try:
            read_all(tmp_path / "mutant")
        except HomologError:
            continue


@pytest.mark.parametrize("packed", [False, True])
def test_mutated_hdf5_files(packed: bool, tmp_path: Path) -> None:
    """The library itself may crash or hang: in a process of its own, so that here it is an error like any other."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("layers/dense/vars")
        group.attrs["name"] = "dense"
        group["0"] = np.ones((2, 3))
        group.create_dataset("1", data=np.ones(300), compression="gzip")
    data = (tmp_path / "x.h5").read_bytes()
    for mutant in mutants(data, 11 + packed):
        path = tmp_path / "mutant"
        if packed:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("config.json", b"{}")
                archive.writestr("model.weights.h5", mutant)
        else:
            path.write_bytes(mutant)
        try:
            read_all(path)
        except HomologError:
            continue
