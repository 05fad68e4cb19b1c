"""MNIST's IDX files: a magic number that tells the element type and the axes, the axes' lengths, the bytes.

https://yann.lecun.com/exdb/mnist gives the format. The four files are found under their usual names, compressed or not.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homolog.errors import Unreadable

Bytes = NDArray[np.uint8]

UNSIGNED_BYTE = 0x08
GZIP = b"\x1f\x8b"
SIDE = 28
CLASSES = 10


@dataclass(frozen=True)
class Mnist:
    """The four files: images (n, 28, 28) of 0 to 255, labels (n,) of 0 to 9."""

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes


def read_mnist(folder: Path) -> Mnist:
    """The training and the test set in ``folder``."""
    return Mnist(*_pair(folder, "train"), *_pair(folder, "t10k"))


def read_idx(path: Path, axes: int) -> Bytes:
    """The array of unsigned bytes in an IDX file, compressed or not, which must have ``axes`` axes."""
    try:
        content = path.read_bytes()
        if content.startswith(GZIP):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable("an MNIST file cannot be read", where=str(path), found=str(error)) from error

    magic = bytes((0, 0, UNSIGNED_BYTE, axes))
    if not content.startswith(magic):
        raise Unreadable(
            "this is no IDX file of the kind that MNIST has",
            where=str(path),
            expected=f"the first four bytes {magic.hex(' ')}: unsigned bytes, axes: {axes}",
            found=content[:4].hex(" ") or "an empty file",
        )
    start = 4 + 4 * axes  # the magic number, then one big-endian length for each axis
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    if len(content) != start + prod(shape):
        raise Unreadable(
            "an MNIST file has another length than its header tells",
            where=str(path),
            expected=f"{start + prod(shape)} bytes for the shape {shape}",
            found=f"{len(content)} bytes",
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _pair(folder: Path, part: str) -> tuple[Bytes, Bytes]:
    """Images and labels of one part, checked against each other."""
    images_path, labels_path = _find(folder, f"{part}-images", axes=3), _find(folder, f"{part}-labels", axes=1)
    images, labels = read_idx(images_path, axes=3), read_idx(labels_path, axes=1)
    if images.shape[1:] != (SIDE, SIDE):
        raise Unreadable(
            "the images have another size than MNIST's",
            where=str(images_path),
            expected=f"{SIDE}×{SIDE}",
            found="×".join(map(str, images.shape[1:])),
        )
    if len(images) == 0 or len(images) != len(labels):
        raise Unreadable(
            "images and labels do not belong together",
            where=str(labels_path),
            expected=f"a label for each of the images in {images_path.name}, and at least one",
            found=f"{len(images)} images, {len(labels)} labels",
        )
    if labels.max() >= CLASSES:
        raise Unreadable(
            "a label is no digit", where=str(labels_path), expected="0 to 9", found=f"{labels.max()} among them"
        )
    return images, labels


def _find(folder: Path, stem: str, axes: int) -> Path:
    """The file of that stem, under any of the names in use."""
    names = [f"{stem}{joint}idx{axes}-ubyte{end}" for joint in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise Unreadable(
        "an MNIST file is missing" if folder.is_dir() else "the MNIST folder does not exist",
        where=str(folder),
        expected=" or ".join(names),
        help="leave out --mnist to use the digits bundled with scikit-learn",
    )
