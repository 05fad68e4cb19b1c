"""The tensors of a pickle: what ``torch._utils._rebuild_*`` would have made, as descriptions of stored bytes."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from homolog.errors import Unreadable, Unsupported
from homolog.files.archives import Archive, Member
from homolog.files.globals import DTYPES, STORAGES
from homolog.files.pickles import Global, Object, Persistent, plain_key
from homolog.files.positions import read_at
from homolog.tensors import Array, TensorRef, dtype_of, width_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_EXPANDED = 1 << 30  # bytes; an expanded tensor (stride 0) may be logically larger than any memory


class Record(Protocol):
    """One storage: its name within the file, its bytes, and whether they are packed."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def deflated(self) -> bool: ...


class Records(Protocol):
    """The storages that belong to a pickle.

    Attributes:
        path: the file they are in.
        big_endian: whether their elements are.
    """

    @property
    def path(self) -> Path: ...
    @property
    def big_endian(self) -> bool: ...

    def record(self, key: str) -> Record:
        """The storage of that key, or ``Unreadable``."""

    def values(self, record: Record) -> NDArray[np.uint8]:
        """The bytes of one, its checksum checked where it has one."""

    def start(self, record: Record) -> int:
        """Where the bytes of one that is not packed stand in the file, its checksum checked likewise."""


@dataclass(frozen=True)
class Members:
    """The storages of an archive: one member each, named ``<prefix>data/<key>``."""

    archive: Archive
    prefix: str
    big_endian: bool

    @property
    def path(self) -> Path:
        return self.archive.path

    def record(self, key: str) -> Member:
        return self.archive.member(f"{self.prefix}data/{key}")

    def values(self, record: Record) -> NDArray[np.uint8]:
        return self.archive.values(record.name)

    def start(self, record: Record) -> int:
        self.archive.verify(record.name)
        with self.archive.file() as file:
            return self.archive.start(file, self.archive.member(record.name))


@dataclass(eq=False)
class Stored:
    """A tensor as a view of a storage. Offset and strides count elements, as in torch.

    Attributes:
        record: its storage.
        dtype: numpy's name of the element.
        numel: the number of elements in the whole storage.
        requires_grad: as the pickle says.
        parameter: whether it was pickled as an ``nn.Parameter``.
    """

    records: Records = field(repr=False)
    record: Record
    dtype: str
    numel: int
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool
    parameter: bool = False

    @property
    def extent(self) -> tuple[int, int]:
        """First element of the storage that it uses, and one past the last."""
        if 0 in self.shape:
            return self.offset, self.offset
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))
        return self.offset, last + 1

    def element(self) -> np.dtype[np.generic]:
        """The numpy dtype of the bytes as stored: byte order included, and bare bits where numpy lacks the type."""
        import numpy as np

        dtype = dtype_of(self.dtype)
        if self.records.big_endian == (sys.byteorder == "big") or dtype.itemsize == 1:
            return dtype
        # ml_dtypes' types have no byte order of their own.
        return np.dtype(f"u{dtype.itemsize}").newbyteorder() if dtype.kind == "V" else dtype.newbyteorder()

    def view(self, storage: Array) -> Array:
        """This tensor as a view of its storage, given as ``numel`` elements, or as those alone that it uses."""
        import numpy as np

        offset = self.offset if len(storage) == self.numel else 0
        step = storage.dtype.itemsize
        # Unlike as_strided, this checks the bounds, and it knows ml_dtypes' types.
        strides = tuple(step * count for count in self.stride)
        return np.ndarray(self.shape, storage.dtype, storage.view(np.uint8), offset * step, strides)

    def read(self) -> Array:
        """The values: native byte order, dense unless the stored tensor is not."""
        import numpy as np

        dtype = dtype_of(self.dtype)
        if prod(self.shape) * dtype.itemsize > max(MAX_EXPANDED, self.record.size):
            raise Unreadable(
                "an expanded tensor is far larger than what is stored of it",
                where=str(self.records.path),
                found=f"{self.dtype} {self.shape} from {self.record.size:,} bytes",
            )
        element = self.element()
        values = self.view(self._elements(element)) if prod(self.shape) else np.empty(self.shape, element)
        if element == dtype:
            return values
        return values.astype(element.newbyteorder("=")).view(dtype)

    def _elements(self, element: np.dtype[np.generic]) -> Array:
        """The whole storage; of one that holds much else, only what this tensor uses is read."""
        records, (first, end) = self.records, self.extent
        if self.record.deflated or 2 * (end - first) >= self.numel:
            return records.values(self.record).view(element)
        # Each of a thousand views of one storage would read all of it, and check all of it.
        start = records.start(self.record) + first * element.itemsize
        return read_at(records.path, start, element, (end - first,), f"{records.path}: {self.record.name}")

    def ref(self, name: str, storage: Hashable = None, trainable: bool | None = None) -> TensorRef:
        """The same tensor under a name."""
        return TensorRef(name, self.shape, self.dtype, self.read, storage=storage, trainable=trainable)


def rebuild(made: Object, records: Records) -> Any:
    """What an ``Object`` of a REDUCE stands for: a ``Stored``, plain data, or the object itself where unknown.

    Raises:
        Unreadable: the arguments are not those of the function, or a view goes beyond its storage.
    """
    name, arguments = made.type, made.arguments
    if name in ("collections.OrderedDict", "collections.Counter"):
        return _mapping(arguments, str(records.path))
    if name == "collections.defaultdict":
        return {}
    if name == "torch.Size" and len(arguments) == 1 and isinstance(arguments[0], (tuple, list)):
        return tuple(arguments[0])
    if name in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"):
        storage, offset, shape, stride, grad, metadata = _take(arguments, (0, 1, 2, 3, 4, 6), records)
        return made if metadata else _stored(records, storage, None, (offset, shape, stride), grad)
    if name == "torch._utils._rebuild_tensor_v3":
        storage, offset, shape, stride, grad, dtype, metadata = _take(arguments, (0, 1, 2, 3, 4, 6, 7), records)
        return made if metadata else _stored(records, storage, dtype, (offset, shape, stride), grad)
    if name in ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"):
        data, grad = _take(arguments, (0, 1), records)
        if isinstance(data, Stored):
            data.requires_grad, data.parameter = bool(grad), True
            return data
    if name == "torch._tensor._rebuild_from_type_v2":
        function, kind, inner = _take(arguments, (0, 1, 2), records)
        if isinstance(function, Global) and isinstance(kind, Global):  # whose values are those of the plain tensor
            return rebuild(Object(function.name, inner if isinstance(inner, tuple) else ()), records)
    return made


def _mapping(arguments: tuple[Any, ...], where: str) -> Any:
    pairs = arguments[0] if arguments else []
    if isinstance(pairs, dict):
        return dict(pairs)
    if not isinstance(pairs, list) or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs):
        raise Unreadable("a pickle makes a mapping of something that is not pairs", where=where)
    return {plain_key(key, where): value for key, value in pairs}


def _take(arguments: tuple[Any, ...], wanted: tuple[int, ...], records: Records) -> list[Any]:
    if len(arguments) < 2:
        raise Unreadable("a pickled tensor lacks its arguments", where=str(records.path))
    return [arguments[index] if index < len(arguments) else None for index in wanted]


def _stored(records: Records, storage: Any, dtype: Any, view: tuple[Any, Any, Any], requires_grad: Any) -> Stored:
    where = str(records.path)
    record, declared, count = _storage(records, storage)
    if isinstance(dtype, Global) and dtype.name in DTYPES:
        declared = DTYPES[dtype.name]
    if declared is None:
        found = dtype.name if isinstance(dtype, Global) else None
        raise Unsupported("a tensor has an element type that homolog does not know", where=where, found=found)
    if count != record.size:
        raise Unreadable(
            "a storage is not as long as its tensors say",
            where=f"{where}: {record.name}",
            expected=f"{count:,} bytes",
            found=f"{record.size:,}",
        )
    return view_of(records, record, declared, view, requires_grad is True)


def view_of(records: Records, record: Record, dtype: str, view: tuple[Any, Any, Any], requires_grad: bool) -> Stored:
    """A tensor that is a view of a storage: its offset, shape and strides, as the file gives them.

    Raises:
        Unreadable: these are no counts, or the view goes beyond the storage.
    """
    where = f"{records.path}: {record.name}"
    offset, shape, stride = view
    itemsize = width_of(dtype)
    sound = _counts([offset]) and _counts(shape) and _counts(stride) and len(shape) == len(stride) <= 64
    if not sound or record.size % itemsize:
        raise Unreadable("a pickled tensor has no sound shape", where=where, found=f"{shape}"[:200])
    made = Stored(records, record, dtype, record.size // itemsize, offset, tuple(shape), tuple(stride), requires_grad)
    if made.extent[1] > made.numel:
        raise Unreadable(
            "a tensor goes beyond its storage",
            where=where,
            expected=f"at most {made.numel:,} elements",
            found=f"shape {made.shape}, strides {made.stride}, offset {made.offset}",
        )
    return made


def _storage(records: Records, storage: Any) -> tuple[Record, str | None, int]:
    """The storage of a persistent id, its element type where its class says one, and its declared bytes."""
    where = str(records.path)
    identity = storage.id if isinstance(storage, Persistent) else None
    if not (isinstance(identity, tuple) and len(identity) == 5 and identity[0] == "storage"):
        raise Unreadable("a tensor has no storage", where=where)
    _, kind, key, _, numel = identity
    if not (isinstance(kind, Global) and isinstance(key, str) and _counts([numel])):
        raise Unreadable("a storage is not described as torch does it", where=where)
    if kind.name not in STORAGES:
        raise Unsupported("a tensor has a storage that homolog does not know", where=where, found=kind.name)
    dtype = STORAGES[kind.name]
    return records.record(key), dtype, numel * (width_of(dtype) if dtype else 1)


def _counts(values: Any) -> bool:
    # A limit on each keeps every later product and sum cheap; torch's own is 2**63.
    return isinstance(values, (tuple, list)) and all(
        isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 for value in values
    )


def shared_storage(tensors: Iterable[tuple[str, Stored]]) -> dict[str, tuple[str, int]]:
    """For each tensor that shares bytes with another, a key that both have: record and first element of the overlap.

    Ranges count, so two interleaved views of one storage are taken to share.
    """
    by_record: dict[str, list[tuple[int, int, str]]] = {}
    for name, stored in tensors:
        first, end = stored.extent
        if end > first:
            by_record.setdefault(stored.record.name, []).append((first, end, name))
    shared: dict[str, tuple[str, int]] = {}
    for record, ranges in by_record.items():
        cluster: list[str] = []
        start = reach = -1
        for first, end, name in sorted(ranges):
            if first >= reach:
                cluster, start = [], first
            cluster.append(name)
            reach = max(reach, end)
            if len(cluster) > 1:
                shared.update(dict.fromkeys(cluster, (record, start)))
    return shared
