"""The written loaders against Keras's own, on the same small files."""

from __future__ import annotations

import gzip
import importlib
import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homolog.keras.framework import require
from homolog.scripts.translation import translate

RANDOM = np.random.RandomState(4)


def texts(count: int) -> Any:
    found = np.empty(count, dtype=object)
    for place in range(count):
        found[place] = [int(word) for word in RANDOM.randint(1, 90, RANDOM.randint(2, 12))]
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like Keras's, in which Keras and the written scripts look."""
    folder = tmp_path / "datasets"
    folder.mkdir()
    images = {name: RANDOM.randint(0, 256, (count, 28, 28)).astype("uint8") for name, count in SPLITS}
    labels = {name: RANDOM.randint(0, 10, count).astype("uint8") for name, count in SPLITS}
    np.savez(folder / "mnist.npz", x_train=images["train"], y_train=labels["train"], x_test=images["test"],
             y_test=labels["test"])  # fmt: skip
    np.savez(folder / "imdb.npz", x_train=texts(9), y_train=np.arange(9) % 2, x_test=texts(5), y_test=np.arange(5) % 2)
    np.savez(folder / "reuters.npz", x=texts(11), y=np.arange(11))
    for name, width in (("boston_housing", 13), ("california_housing", 8)):
        np.savez(folder / f"{name}.npz", x=RANDOM.rand(700, width), y=RANDOM.rand(700))
    fashion = folder / "fashion-mnist"
    fashion.mkdir()
    for name, short in (("train", "train"), ("test", "t10k")):
        with gzip.open(fashion / f"{short}-images-idx3-ubyte.gz", "wb") as file:
            file.write(bytes(16) + images[name].tobytes())
        with gzip.open(fashion / f"{short}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(bytes(8) + labels[name].tobytes())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def here(fname: str, *_: Any, cache_subdir: str = "datasets", **__: Any) -> str:
        return str(tmp_path / cache_subdir / fname)

    require()
    for name in ("mnist", "fashion_mnist", "imdb", "reuters", "boston_housing", "california_housing"):
        monkeypatch.setattr(importlib.import_module(f"keras.src.datasets.{name}"), "get_file", here)
    return tmp_path


SPLITS = (("train", 7), ("test", 4))


def flat(data: Any) -> list[Any]:
    return [array for pair in data for array in pair]


@pytest.mark.parametrize(
    "call",
    [
        "mnist.load_data()",
        "fashion_mnist.load_data()",
        "imdb.load_data()",
        "imdb.load_data(num_words=60, maxlen=9, seed=5, oov_char=None)",
        "imdb.load_data(start_char=None, skip_top=8)",
        "reuters.load_data(num_words=50, test_split=0.4)",
        "boston_housing.load_data(test_split=0.3)",
        "california_housing.load_data(version='small', seed=2)",
    ],
)
def test_the_arrays_are_kerass(home: Path, call: str) -> None:
    translation = translate(f"import keras\ndata = keras.datasets.{call}\n")
    assert translation.left == ()
    written: dict[str, Any] = {}
    exec(translation.source, written)
    module, _, rest = call.partition(".")
    wanted = eval(f"module.{rest}", {"module": getattr(require().datasets, module)})
    for one, other in zip(flat(written["data"]), flat(wanted), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_cifar_is_read_from_its_archive_and_code_in_it_is_refused(home: Path) -> None:
    images = RANDOM.randint(0, 256, (3, 3072)).astype("uint8")
    path = home / "datasets" / "cifar-10-python.tar.gz"
    source = translate("import keras\ndata = keras.datasets.cifar10.load_data()\n").source
    for labels, fine in (([1, 2, 3], True), (print, False)):
        with tarfile.open(path, "w:gz") as archive:
            for name in ("data_batch_1", "data_batch_2", "test_batch"):
                body = pickle.dumps({b"data": images, b"labels": labels}, protocol=4)
                member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
                member.size = len(body)
                archive.addfile(member, io.BytesIO(body))
        written: dict[str, Any] = {}
        if not fine:
            with pytest.raises(pickle.UnpicklingError, match="is no data"):
                exec(source, written)
            continue
        exec(source, written)
        (x_train, y_train), (x_test, _) = written["data"]
        assert (x_train.shape, y_train.shape, x_test.shape) == ((6, 32, 32, 3), (6, 1), (3, 32, 32, 3))
        np.testing.assert_array_equal(x_train[0, 4, 5], images[0].reshape(3, 32, 32)[:, 4, 5])
