"""HDF5, the part of it that files of weights use: groups, a few attributes, and dense numeric datasets.

This is the only module that calls h5py, and it does so in three functions: ``read_tree``, ``read_dataset`` and
``write_datasets``. All that goes in and out is plain data, so that they can move into a child process (damaged files
can crash or hang the library) without anything else changing.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from homolog.errors import Unreadable, Unsafe
from homolog.files.archives import Archive
from homolog.files.edge import Stamp, reading
from homolog.tensors import Array, dtype_of

MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_ATTRIBUTE = 64 << 20
_RATIO, _RATIO_FLOOR = 100, 64 << 20  # declared to stored bytes; gzip reaches 1000, weights do not reach 10
_FILTERS = frozenset({1, 2, 3, 32000})  # gzip, shuffle, fletcher32, lzf; any other would load a plugin
_ATTRIBUTES = ("model_config", "training_config", "keras_version", "backend", "name", "dtype")
_LISTS = ("layer_names", "weight_names")  # Keras splits them into layer_names0, layer_names1 … above 64 KB


@dataclass(frozen=True)
class Dataset:
    """One array of a file: where, its shape, numpy's name of its element, and an address equal for equal bytes."""

    path: str
    shape: tuple[int, ...]
    dtype: str
    address: int


@dataclass(frozen=True)
class Group:
    """One group: its attributes (strings, and tuples of strings), groups and datasets, in the file's order."""

    path: str
    attributes: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    datasets: Mapping[str, Dataset] = field(default_factory=dict)

    def walk(self) -> Iterator[Group]:
        """This group and all below it, parents first."""
        yield self
        for child in self.groups.values():
            yield from child.walk()

    def text(self, name: str) -> str | None:
        """An attribute that is one string."""
        value = self.attributes.get(name)
        return value if isinstance(value, str) else None

    def names(self, name: str) -> tuple[str, ...] | None:
        """An attribute that is a list of strings, its pieces joined where Keras has split it."""
        pieces = [name] if name in self.attributes else []
        while f"{name}{len(pieces)}" in self.attributes and name not in self.attributes:
            pieces.append(f"{name}{len(pieces)}")
        found = [self.attributes[piece] for piece in pieces]
        return tuple(text for value in found for text in ((value,) if isinstance(value, str) else value)) or (
            () if pieces else None
        )


@dataclass(frozen=True)
class Source:
    """An HDF5 file: one by itself, or the member of an archive."""

    path: Path
    stamp: Stamp
    archive: Archive | None = None
    member: str = ""

    @staticmethod
    def of(path: Path) -> Source:
        return Source(path, Stamp.of(path))

    def __str__(self) -> str:
        return f"{self.path}: {self.member}" if self.member else str(self.path)


def read_tree(source: Source) -> Group:
    """Everything in the file but the values.

    Raises:
        Unreadable: it is damaged, contains itself, or declares arrays larger than what it stores of them.
        Unsafe: it points to another file, or would make the library load a plugin.
    """
    with _opened(source) as file, reading("an HDF5 file is damaged", str(source)):
        return _Walk(str(source)).group(file, "/", 0)


def read_dataset(source: Source, dataset: Dataset) -> Array:
    """The values of one dataset, of its declared shape and in native byte order."""
    where = f"{source}: {dataset.path}"
    if source.archive is not None and not source.archive.member(source.member).deflated:
        source.archive.verify(source.member)
    with _opened(source) as file, reading("an array cannot be read", where):
        values = np.asarray(file[dataset.path][()])
        known = dtype_of(dataset.dtype)
        return values.view(known) if values.dtype.kind == "V" else values.astype(known, copy=False)


def write_datasets(path: Path, values: Iterable[tuple[Dataset, Array]]) -> None:
    """Replaces the values of datasets where they stand, in a file of one's own.

    Args:
        path: the file, a copy of the one the datasets were found in.
        values: each of the shape and element type of its dataset; taken one at a time.
    """
    import h5py

    with reading("the file cannot be written", str(path)):
        file = h5py.File(path, "r+")
    with file:
        for dataset, array in values:
            opaque = file[dataset.path].dtype.kind == "V"  # bfloat16, which HDF5 does not have
            bits = array.view(f"V{array.dtype.itemsize}") if opaque else array
            with reading("an array cannot be written", f"{path}: {dataset.path}"):
                file[dataset.path][...] = bits


def write_attribute(path: Path, name: str, text: str) -> None:
    """Replaces a text of the root group, as Keras writes such, in a file of one's own."""
    import h5py

    with reading("the file cannot be written", str(path)), h5py.File(path, "r+") as file:
        file.attrs[name] = text.encode("utf-8")


@contextmanager
def _opened(source: Source) -> Iterator[Any]:
    import h5py

    source.stamp.check()
    target: Any = source.path
    if source.archive is not None:
        target = _member(source.archive, source.member)
    try:
        with reading("an HDF5 file is damaged", str(source)):
            file = h5py.File(target, "r")
        with file:
            yield file
    finally:
        if not isinstance(target, Path):
            target.close()


def _member(archive: Archive, name: str) -> io.RawIOBase | io.BytesIO:
    member = archive.member(name)
    if member.deflated:
        return io.BytesIO(archive.read(name))
    file = archive.file()
    return _Slice(file.fileno(), archive.start(file, member), member.size, file)


class _Slice(io.RawIOBase):
    """A stretch of a file, as a file: h5py reads a member of an archive in place."""

    def __init__(self, handle: int, start: int, size: int, owner: Any) -> None:
        self.handle, self.first, self.size, self.owner, self.position = handle, start, size, owner, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.size}[whence]
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: Any) -> int:
        wanted = max(0, min(len(buffer), self.size - self.position))
        data = os.pread(self.handle, wanted, self.first + self.position)
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)

    def close(self) -> None:
        self.owner.close()
        super().close()


class _Walk:
    """The checks on the way down."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.above: list[int] = []
        self.seen = 0

    def group(self, group: Any, path: str, depth: int) -> Group:
        import h5py

        address = h5py.h5o.get_info(group.id).addr
        if address in self.above or depth > MAX_DEPTH:
            raise Unreadable("a group contains itself, or is nested without end", where=f"{self.where}: {path}")
        self.above.append(address)
        groups: dict[str, Group] = {}
        datasets: dict[str, Dataset] = {}
        for name in group:
            inner = f"{path.rstrip('/')}/{name}"
            self.seen += 1
            if self.seen > MAX_OBJECTS:
                raise Unreadable("a file has too many objects", where=self.where, expected=f"at most {MAX_OBJECTS:,}")
            if group.get(name, getclass=True, getlink=True) is not h5py.HardLink:
                raise Unsafe("a file points elsewhere instead of holding its weights", where=f"{self.where}: {inner}")
            child = group[name]
            if isinstance(child, h5py.Group):
                groups[name] = self.group(child, inner, depth + 1)
            elif isinstance(child, h5py.Dataset):
                datasets[name] = self.dataset(child, inner)
        self.above.pop()
        return Group(path, self.attributes(group, path), groups, datasets)

    def attributes(self, item: Any, path: str) -> dict[str, str | tuple[str, ...]]:
        import h5py

        found: dict[str, str | tuple[str, ...]] = {}
        for name in item.attrs:
            if name not in _ATTRIBUTES and name.rstrip("0123456789") not in _LISTS:
                continue
            attribute = item.attrs.get_id(name)
            size = prod(attribute.shape) * attribute.dtype.itemsize
            if size > MAX_ATTRIBUTE:
                raise Unreadable("an attribute is too large", where=f"{self.where}: {path}@{name}")
            if size == 0:
                found[name] = ()
            elif h5py.check_string_dtype(attribute.dtype) is not None or attribute.dtype.kind == "S":
                found[name] = _text(item.attrs[name])
        return found

    def dataset(self, dataset: Any, path: str) -> Dataset:
        import h5py

        where = f"{self.where}: {path}"
        if dataset.external or dataset.is_virtual:
            raise Unsafe("an array's values are in another file", where=where)
        properties = dataset.id.get_create_plist()
        filters = {properties.get_filter(index)[0] for index in range(properties.get_nfilters())}
        if not filters <= _FILTERS:
            raise Unsafe("an array needs a plugin to be read", where=where, found=f"filters {sorted(filters)}")
        name = self.element(dataset, where)
        shape = tuple(int(length) for length in dataset.shape)
        declared = prod(shape) * dtype_of(name).itemsize
        stored = dataset.id.get_storage_size()
        chunk = prod(dataset.chunks) * dtype_of(name).itemsize if dataset.chunks else 0
        bomb = stored < declared if not filters else declared > max(_RATIO_FLOOR, _RATIO * stored)
        if bomb or chunk > max(_RATIO_FLOOR, 2 * declared):
            raise Unreadable(
                "an array declares more than the file stores of it",
                where=where,
                expected=f"{declared:,} bytes for {name} {shape}",
                found=f"{stored:,}",
            )
        return Dataset(path, shape, name, h5py.h5o.get_info(dataset.id).addr)

    def element(self, dataset: Any, where: str) -> str:
        dtype = dataset.dtype
        if dtype.kind == "V" and dtype.itemsize == 2 and dtype.names is None:
            # Keras writes bfloat16 as two opaque bytes and says so in an attribute (saving_lib.H5IOStore).
            if self.attributes(dataset, where).get("dtype") == "bfloat16":
                return "bfloat16"
        elif dtype.kind in "fiubc" and dtype.metadata is None and dtype.itemsize <= 16:
            return str(dtype.newbyteorder("=").name)
        raise Unreadable("an array's elements are not numbers", where=where, found=str(dtype))


def _text(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, np.ndarray):
        return tuple(_word(item) for item in value.reshape(-1))
    return _word(value)


def _word(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
