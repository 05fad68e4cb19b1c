"""The demo's digits, and its steps before any framework is needed."""

import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from homolog.demo import digits, run
from homolog.demo.data import stretch
from homolog.errors import HomologError, MissingFramework, Unreadable, Usage

MNIST_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx(array: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes."""
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes((0, 0, 8, array.ndim)) + lengths + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """Seven training and three test images in the four files."""
    random = np.random.default_rng(0)
    for name, count in zip(MNIST_NAMES, (7, 7, 3, 3), strict=True):
        shape = (count, 28, 28) if "images" in name else (count,)
        (tmp_path / name).write_bytes(idx(random.integers(0, 10, shape)))
    return tmp_path


def failure(folder: Path) -> HomologError:
    with pytest.raises(Unreadable) as caught:
        digits(folder)
    assert caught.value.where is not None
    return caught.value


def test_bundled_digits_are_split_by_class() -> None:
    data = digits()
    assert data.train_images.shape == (1437, 28, 28)
    assert data.test_images.shape == (360, 28, 28)
    for images, labels in ((data.train_images, data.train_labels), (data.test_images, data.test_labels)):
        assert (images.dtype, labels.dtype, labels.shape) == (np.float32, np.int64, (len(images),))
        assert (images.min(), images.max()) == (0, 1)
        shares = np.bincount(labels, minlength=10) / len(labels)
        np.testing.assert_allclose(shares, 0.1, atol=0.01)
    np.testing.assert_array_equal(data.test_labels, digits().test_labels)


def test_stretching_keeps_corners_and_straight_slopes() -> None:
    slope = np.add.outer(np.arange(8), 10 * np.arange(8))[None].astype(np.float32)
    wide = stretch(slope, 15)
    assert (wide.shape, wide.dtype) == ((1, 15, 15), np.float32)
    np.testing.assert_allclose(wide[:, ::2, ::2], slope, atol=1e-5)
    np.testing.assert_allclose(np.diff(wide, axis=1), 0.5, atol=1e-5)


@pytest.mark.parametrize("rename", [str, lambda name: name.replace("-idx", ".idx")], ids=["dashes", "dots"])
@pytest.mark.parametrize("compressed", [False, True])
def test_mnist_files_are_read(mnist: Path, rename: Callable[[str], str], compressed: bool) -> None:
    images = np.frombuffer((mnist / MNIST_NAMES[2]).read_bytes()[16:], np.uint8).reshape(3, 28, 28)
    for name in MNIST_NAMES:
        content = (mnist / name).read_bytes()
        (mnist / name).unlink()
        target = mnist / (rename(name) + (".gz" if compressed else ""))
        target.write_bytes(gzip.compress(content) if compressed else content)
    data = digits(mnist)
    assert (data.train_images.shape, data.train_labels.shape) == ((7, 28, 28), (7,))
    np.testing.assert_array_equal(data.test_images, images.astype(np.float32) / 255)
    assert str(mnist) in data.origin


def test_missing_mnist_file_lists_its_names(mnist: Path) -> None:
    (mnist / MNIST_NAMES[3]).unlink()
    assert "t10k-labels.idx1-ubyte.gz" in str(failure(mnist))
    assert "does not exist" in str(failure(mnist / "nowhere"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x00",
        b"PK\x03\x04 something else",
        bytes((0, 0, 0x0D, 3)) + bytes(12),  # floats
        bytes((0, 0, 8, 1)) + bytes(4),  # labels
        bytes((0, 0, 8, 3)) + b"\x00\x00",  # broken off within the header
        idx(np.zeros((7, 28, 28)))[:-1],
        idx(np.zeros((7, 28, 28))) + b"\x00",
        idx(np.zeros((7, 27, 28))),
        idx(np.zeros((6, 28, 28))),
        gzip.compress(idx(np.zeros((7, 28, 28))))[:-9],
        gzip.compress(b"text"),
        b"\x1f\x8b nothing compressed",
    ],
    ids=range(13),
)
def test_damaged_mnist_images_are_refused(mnist: Path, content: bytes) -> None:
    (mnist / MNIST_NAMES[0]).write_bytes(content)
    assert "train-" in str(failure(mnist))


def test_labels_that_are_no_digits_are_refused(mnist: Path) -> None:
    (mnist / MNIST_NAMES[1]).write_bytes(idx(np.full(7, 10)))
    assert failure(mnist).found == "10 among them"


def test_empty_mnist_is_refused(mnist: Path) -> None:
    (mnist / MNIST_NAMES[2]).write_bytes(idx(np.zeros((0, 28, 28))))
    (mnist / MNIST_NAMES[3]).write_bytes(idx(np.zeros(0)))
    assert failure(mnist).found == "0 images, 0 labels"


def test_missing_scikit_learn_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingFramework, match="scikit-learn") as caught:
        digits()
    assert "pip install 'homolog[demo]'" in str(caught.value)


def test_existing_files_are_kept_without_force(tmp_path: Path) -> None:
    (tmp_path / "lenet5-torch.h5").write_text("mine")
    with pytest.raises(Usage, match="write over") as caught:
        next(run(tmp_path, epochs=1, progress=lambda label, done, total: None))
    assert caught.value.found == "lenet5-torch.h5"
    assert [path.name for path in tmp_path.iterdir()] == ["lenet5-torch.h5"]
