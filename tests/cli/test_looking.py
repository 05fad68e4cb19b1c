"""weights and compare on the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bench.fuzz_seeds import SEEDS

from homolog.files import Format, write_new
from shell import Run


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    """Three layers alike and one that is not, one of them with values that are no numbers."""
    arrays = [(f"layers.{index}.weight", np.full((2, 3), index, "f4")) for index in range(3)]
    arrays[1][1][0, :2] = np.nan, np.inf
    write_new(Format.SAFETENSORS, tmp_path / "x.safetensors", [*arrays, ("layers.3.weight", np.ones((5,), "f4"))])
    return tmp_path / "x.safetensors"


def test_stats_are_those_of_the_finite_values(run: Run, layers: Path) -> None:
    done = run("weights", layers, "--stats", "--json")
    told = {row["name"]: row["values"] for row in done.json["tensors"]}
    assert (told["layers.1.weight"]["nan"], told["layers.1.weight"]["inf"]) == (1, 1)
    assert (told["layers.1.weight"]["min"], told["layers.1.weight"]["std"]) == (1, 0)
    shown = run("weights", layers, "--stats").out
    assert all(heading in shown for heading in ("min", "max", "mean", "std", "NaN", "Inf"))


def test_fold_shows_layers_that_are_alike_once(run: Run, layers: Path) -> None:
    rows = run("weights", layers, "--fold", "--json").json["tensors"]
    assert [(row["name"], row.get("times"), row["elements"]) for row in rows] == [
        ("layers.#.weight", 3, 18),
        ("layers.3.weight", None, 5),
    ]
    assert "4 tensors, 23 elements" in run("weights", layers, "--fold").out


def test_folded_stats_are_those_of_all(run: Run, layers: Path) -> None:
    values = run("weights", layers, "--fold", "--stats", "--json").json["tensors"][0]["values"]
    assert (values["min"], values["max"], values["nan"], values["inf"]) == (0, 2, 1, 1)
    assert values["mean"] == pytest.approx((6 * 0 + 4 * 1 + 6 * 2) / 16)


def test_a_damaged_tensor_is_said_to_be_so_and_ends_with_3(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", good=np.ones(3), bad=np.arange(100.0))
    data = bytearray((tmp_path / "x.npz").read_bytes())
    data[900] ^= 1
    (tmp_path / "x.npz").write_bytes(data)
    done = run("weights", tmp_path / "x.npz", "--stats")
    assert done.code == 3
    assert "not readable" in done.out and "good" in done.out


def test_compare_says_what_differs_and_exits_with_1(run: Run, tmp_path: Path) -> None:
    base = {"a.weight": np.ones((2, 3), "f4"), "b.weight": np.array([3, 4], "i4"), "c": np.zeros(1)}
    write_new(Format.SAFETENSORS, tmp_path / "a", list(base.items()))
    write_new(
        Format.SAFETENSORS,
        tmp_path / "b",
        [("a.weight", base["a.weight"]), ("b.weight", np.array([3, 5], "i4")), ("c", base["c"])],
    )
    same, apart = run("compare", tmp_path / "a", tmp_path / "a"), run("compare", tmp_path / "a", tmp_path / "b")
    assert (same.code, apart.code) == (0, 1)
    assert "3 tensors: 3 same" in same.out
    assert "b.weight" in apart.out and "2 same, 1 different" in apart.out
    told = run("compare", tmp_path / "a", tmp_path / "b", "--json").json
    assert (told["same"], told["counts"]) == (False, {"same": 2, "different": 1})


@pytest.mark.parametrize("name", [name for name in SEEDS if name != "tensorflow"])  # whose index has a checksum
def test_a_file_is_looked_into_without_what_reads_values(name: str, tmp_path: Path) -> None:
    file, write = SEEDS[name]
    write(tmp_path / file)
    code = f"""
import sys
from homolog.cli import main
sys.argv = ["homolog", "inspect", {str(tmp_path / file)!r}]
try:
    main()
except SystemExit as ended:
    assert not ended.code
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    heavy = {"numpy", "ml_dtypes", "h5py", "safetensors", "fsspec", "torch", "keras", "tensorflow", "scipy"}
    assert not heavy & set(done.stdout.splitlines()[-1].split())
