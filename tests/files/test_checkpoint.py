from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from homolog.errors import Mismatch, Unsupported
from homolog.files import Format, open_checkpoint, write_new


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    write_new(Format.SAFETENSORS, path, [("a", np.zeros((2, 3), "float32")), ("b", np.ones(4, "int64"))])
    return path


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("a", np.zeros((3, 2), "float32"), "does not fit"),
        ("a", np.zeros((2, 3), "float64"), "does not fit"),
        ("c", np.zeros(1, "float32"), "no tensor of this name"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(small: Path, name: str, value: np.ndarray, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(Mismatch, match=message):
        open_checkpoint(small).rewrite(small.with_name("new"), [(name, value)])


def test_a_name_given_twice_is_refused(small: Path) -> None:
    value = np.zeros((2, 3), "float32")
    with pytest.raises(Mismatch, match="two values"):
        open_checkpoint(small).rewrite(small.with_name("new"), [("a", value), ("a", value)])


def test_only_safetensors_is_written_from_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unsupported):
        write_new(Format.KERAS, tmp_path / "new.keras", [])


def test_files_are_opened_without_any_framework(small: Path) -> None:
    code = (
        "import sys\nfor name in ('torch', 'keras', 'tensorflow', 'tf_keras', 'h5py', 'safetensors'):\n"
        "    sys.modules[name] = None\n"
        "from homolog.files import open_checkpoint\n"
        "ref = open_checkpoint(sys.argv[1]).tensors['b']\n"
        "assert ref.read().tolist() == [1, 1, 1, 1]\n"
    )
    subprocess.run([sys.executable, "-c", code, str(small)], check=True, timeout=60)


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, homolog.files\n"
        "heavy = ('torch', 'keras', 'tensorflow', 'h5py', 'safetensors', 'ml_dtypes', 'homolog.rules')\n"
        "assert not set(heavy) & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
