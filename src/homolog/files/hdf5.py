"""HDF5, the part of it that files of weights use: groups, a few attributes, and dense numeric datasets.

The library runs in a process of its own (``hdf5_worker``, ``hdf5_child``), since damaged files can crash it or make it
hang. Of most arrays that process only tells where they stand, and they are read and replaced here, by position; those
that are compressed come through it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import IO, Any

from homolog.errors import Unreadable
from homolog.files.archives import Archive
from homolog.files.edge import Stamp, reading
from homolog.files.hdf5_worker import Fetch, ask
from homolog.files.positions import read_at
from homolog.files.remote import Remote
from homolog.tensors import Array, dtype_of, width_of


@dataclass(frozen=True)
class Dataset:
    """One array of a file.

    Attributes:
        path: where it is.
        shape: the length of each axis.
        dtype: numpy's name of its element.
        address: equal for equal bytes.
        offset: where its bytes start, if they stand in one piece as numpy has them; counted from the file's start.
        stored: numpy's code of its element as stored, byte order included.
        shard: which of several files it is in.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    address: int
    offset: int | None = None
    stored: str = ""
    shard: int = 0

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * width_of(self.dtype)


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

    @cached_property
    def place(self) -> Place:
        """Where the bytes are: a member that is packed is unpacked, once, into a file of its own."""
        if self.archive is None:
            return Place(self.path, 0, self.stamp.size)
        member = self.archive.member(self.member)
        if not member.deflated:
            with self.archive.file() as file:
                return Place(self.path, self.archive.start(file, member), member.size)
        unpacked = tempfile.NamedTemporaryFile(prefix="homolog-")  # noqa: SIM115  # it goes with this source
        self.archive.unpack(self.member, unpacked)
        unpacked.flush()
        return Place(Path(unpacked.name), 0, member.size, unpacked)

    def request(self, **more: Any) -> dict[str, Any]:
        """A request to the child about this file, which is still the one that was opened."""
        self.stamp.check()
        place, elsewhere = self.place, self.fetch is not None
        told = {"path": str(place.path), "start": place.start, "size": place.size, "elsewhere": elsewhere}
        return {**told, "where": str(self), **more}

    @property
    def fetch(self) -> Fetch | None:
        """Gives stretches of a file that is elsewhere: the child that looks into it has no way there."""
        path, first = self.place.path, self.place.start
        if not isinstance(path, Remote):
            return None
        return lambda start, end: path.fetch(first + start, first + end)


@dataclass(frozen=True)
class Place:
    """A stretch of a file that is an HDF5 file; ``owner`` keeps a temporary one."""

    path: Path
    start: int
    size: int
    owner: IO[bytes] | None = field(default=None, repr=False, compare=False)


def read_tree(source: Source) -> Group:
    """Everything in the file but the values.

    Raises:
        Unreadable: it is damaged, contains itself, declares arrays larger than what it stores of them, or made the
            library crash, hang, or take more memory than any sound file needs.
        Unsafe: it points to another file, or would make the library load a plugin.
    """
    answer, _ = ask("an HDF5 file is damaged", str(source), source.request(do="tree"), fetch=source.fetch)
    return _group(answer["tree"])


def _group(told: Mapping[str, Any]) -> Group:
    attributes = {name: value if isinstance(value, str) else tuple(value) for name, value in told["attributes"].items()}
    datasets = {
        item["name"]: Dataset(
            *(item["path"], tuple(item["shape"]), item["dtype"], item["address"], item["offset"], item["stored"])
        )
        for item in told["datasets"]
    }
    return Group(told["path"], attributes, {item["name"]: _group(item) for item in told["groups"]}, datasets)


def merged(trees: Sequence[Group], where: str) -> Group:
    """One tree of what stands in several files, each array marked with the number of its file.

    Raises:
        Unreadable: two files hold an array in the same place.
    """
    path, attributes = trees[0].path, {key: value for tree in trees for key, value in tree.attributes.items()}
    datasets: dict[str, Dataset] = {}
    for shard, tree in enumerate(trees):
        for name, dataset in tree.datasets.items():
            if name in datasets:
                raise Unreadable("one tensor is in two shards", where=f"{where}: {dataset.path}")
            datasets[name] = replace(dataset, shard=shard)
    groups = {}
    for name in dict.fromkeys(name for tree in trees for name in tree.groups):
        # A file without the group stands for an empty one, so that the numbers of the files stay.
        groups[name] = merged([tree.groups.get(name, Group(f"{path}/{name}")) for tree in trees], where)
    return Group(path, attributes, groups, datasets)


def read_dataset(source: Source, dataset: Dataset) -> Array:
    """The values of one dataset, of its declared shape and in native byte order.

    Raises:
        Unreadable: they are damaged, or go beyond the end of the file.
    """
    import numpy as np

    where = f"{source}: {dataset.path}"
    if source.archive is not None and not source.archive.member(source.member).deflated:
        source.archive.verify(source.member)
    known = dtype_of(dataset.dtype)
    if dataset.offset is not None and dataset.nbytes:
        source.stamp.check()
        place = source.place
        if dataset.offset + dataset.nbytes > place.size:
            raise Unreadable("an array goes beyond the end of the file", where=where)
        values = read_at(place.path, place.start + dataset.offset, np.dtype(dataset.stored), dataset.shape, where)
    else:
        request = source.request(do="read", dataset=dataset.path, nbytes=dataset.nbytes)
        answer, data = ask("an array cannot be read", where, request, fetch=source.fetch)
        with reading("an array cannot be read", where):
            values = np.frombuffer(data, np.dtype(answer["dtype"])).reshape(dataset.shape)
    return values.view(known) if values.dtype.kind == "V" else values.astype(known, copy=False)


def write_datasets(path: Path, values: Iterable[tuple[Dataset, Array]]) -> None:
    """Replaces the values of datasets where they stand, in a file of one's own.

    Args:
        path: the file, a copy of the one the datasets were found in.
        values: each of the shape and element type of its dataset; taken one at a time.
    """
    import numpy as np

    from homolog.contiguity import contiguous

    size = path.stat().st_size
    for dataset, array in values:
        where = f"{path}: {dataset.path}"
        stored = np.dtype(dataset.stored)
        # bfloat16, which HDF5 does not have, is two opaque bytes.
        bits = contiguous(array.view(stored) if stored.kind == "V" else array.astype(stored, copy=False))
        data = bits.reshape(-1).view(np.uint8).data
        if dataset.offset is None or not dataset.nbytes:
            request = {"path": str(path), "start": 0, "size": size, "where": str(path), "dataset": dataset.path}
            request |= {"do": "write", "dtype": dataset.stored, "nbytes": len(data)}
            ask("an array cannot be written", where, request, data)
        elif dataset.offset + len(data) > size:
            raise Unreadable("an array goes beyond the end of the file", where=where)
        else:
            with path.open("r+b") as file:
                file.seek(dataset.offset)
                file.write(data)


def write_attribute(path: Path, name: str, text: str) -> None:
    """Replaces a text of the root group, as Keras writes such, in a file of one's own."""
    request = {"path": str(path), "start": 0, "size": path.stat().st_size, "where": str(path)}
    ask("the file cannot be written", str(path), {**request, "do": "attribute", "name": name, "text": text})
