"""The process that HDF5 files are read in: the one place that calls h5py, run as a script and never imported.

Damaged files can crash the library, make it loop, or make it ask for all memory there is; here that ends this process
and nothing else. It takes requests from stdin, a line of JSON each, and answers on stdout with a line of JSON, behind
which the bytes of an array may stand, as many as the line says. Of a file that is elsewhere it asks for stretches, in
between, which it then finds on stdin. ``hdf5_worker`` is the other end.

Nothing of homolog but its errors is imported, so that it starts in little more than the time h5py takes.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from math import prod
from typing import Any, BinaryIO

import h5py
import numpy as np

from homolog.errors import HomologError, Unreadable, Unsafe

try:
    import resource
except ImportError:  # Windows, where only the parent's clock limits this process
    resource = None  # type: ignore[assignment]

MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_ATTRIBUTE = 16 << 20
MEMORY = 100 << 20  # bytes beyond what h5py takes, and beyond the array that is asked for
SECONDS = 0.8  # of this process's time, for each object of a file
RATE = 20 << 20  # bytes of an array that any compression unpacks in a second
_RATIO, _RATIO_FLOOR = 100, 64 << 20  # declared to stored bytes; gzip reaches 1000, weights do not reach 10
_FILTERS = frozenset({1, 2, 3, 32000})  # gzip, shuffle, fletcher32, lzf; any other would load a plugin
_ATTRIBUTES = ("model_config", "training_config", "keras_version", "backend", "name", "dtype")
_LISTS = ("layer_names", "weight_names")  # Keras splits them into layer_names0, layer_names1 … above 64 KB
# What h5py raises on damaged bytes; anything else ends this process, which says as much.
_DAMAGE = (OSError, EOFError, ValueError, LookupError, OverflowError, TypeError, RuntimeError, MemoryError)

Json = dict[str, Any]


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers requests until there are no more."""
    limits = _Limits()

    def elsewhere(start: int, size: int) -> bytes:
        answers.write(json.dumps({"want": [start, size], "nbytes": 0}).encode() + b"\n")
        answers.flush()
        return requests.read(size)

    for line in requests:
        asked = json.loads(line)
        asked["elsewhere"] = elsewhere if asked.get("elsewhere") else None
        data = requests.read(asked.get("nbytes", 0)) if asked["do"] == "write" else b""
        limits.start(asked.get("nbytes", 0))
        try:
            answer, values = _DO[asked["do"]](asked, data, limits)
        except HomologError as error:
            answer, values = error.to_dict(), None
        except _DAMAGE as error:
            reason = str(error).strip().splitlines()
            answer, values = {"damaged": f"{type(error).__name__}: {reason[0][:200] if reason else ''}"}, None
        limits.end()
        # One array is not copied again to be sent: it may be as large as half the memory.
        sent = memoryview(b"") if values is None else memoryview(values.reshape(-1).view(np.uint8))
        answers.write(json.dumps({**answer, "nbytes": len(sent)}).encode() + b"\n")
        answers.write(sent)
        answers.flush()


class _Limits:
    """How much memory and time the request in hand may take; the system ends the process that takes more time."""

    def __init__(self) -> None:
        self.base = _address_space()

    def start(self, nbytes: int) -> None:
        """For an array of so many bytes: once as stored, once as it is sent."""
        self.tick(SECONDS + nbytes / RATE)
        if resource is not None and self.base:
            hard = resource.getrlimit(resource.RLIMIT_AS)[1]
            most = self.base + MEMORY + 2 * nbytes
            resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))

    def tick(self, seconds: float = SECONDS) -> None:
        """The next step may take so long."""
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, seconds)

    def end(self) -> None:
        """Nothing is in hand."""
        self.tick(0)


def _address_space() -> int:
    """The bytes of address space that this process has, 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  # pathlib is not otherwise needed
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _opened(asked: Json, mode: str = "r") -> Any:
    """The file, or the stretch of an archive that is one."""
    if asked["elsewhere"] is not None:
        return h5py.File(_Stretch(asked["elsewhere"], asked["size"]), mode)
    if asked["start"] == 0:
        return h5py.File(asked["path"], mode)
    return h5py.File(_Slice(asked["path"], asked["start"], asked["size"]), mode)


def _tree(asked: Json, data: bytes, limits: _Limits) -> tuple[Json, None]:
    with _opened(asked) as file:
        return {"tree": _Walk(asked["where"], limits).group(file, "/", 0)}, None


def _read(asked: Json, data: bytes, limits: _Limits) -> tuple[Json, Any]:
    with _opened(asked) as file:
        values = np.asarray(file[asked["dataset"]][()])
        return {"dtype": values.dtype.str}, np.ascontiguousarray(values)


def _write(asked: Json, data: bytes, limits: _Limits) -> tuple[Json, None]:
    with _opened(asked, "r+") as file:
        dataset = file[asked["dataset"]]
        dataset[...] = np.frombuffer(data, asked["dtype"]).reshape(dataset.shape)
    return {}, None


def _attribute(asked: Json, data: bytes, limits: _Limits) -> tuple[Json, None]:
    with _opened(asked, "r+") as file:
        file.attrs[asked["name"]] = asked["text"].encode("utf-8")
    return {}, None


_DO = {"tree": _tree, "read": _read, "write": _write, "attribute": _attribute}


class _Stretch(io.RawIOBase):
    """A stretch of bytes, as a file: ``read`` gives those from one position on, so many."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self.bytes, self.size, self.position = read, size, 0

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
        data = self.bytes(self.position, wanted) if wanted else b""
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)


class _Slice(_Stretch):
    """A stretch of a file: h5py reads a member of an archive in place."""

    def __init__(self, path: str, start: int, size: int) -> None:
        self.file = open(path, "rb")  # noqa: PTH123, SIM115
        super().__init__(lambda at, count: os.pread(self.file.fileno(), count, start + at), size)

    def close(self) -> None:
        self.file.close()
        super().close()


class _Walk:
    """The checks on the way down."""

    def __init__(self, where: str, limits: _Limits) -> None:
        self.where = where
        self.limits = limits
        self.groups: set[int] = set()
        self.seen = 0

    def group(self, group: Any, path: str, depth: int) -> Json:
        address = h5py.h5o.get_info(group.id).addr
        if address in self.groups or depth > MAX_DEPTH:
            # Keras links no group twice; groups linked twice at each of many levels would be endless.
            raise Unreadable(
                "a group contains itself, is found in two places, or is nested without end",
                where=f"{self.where}: {path[:200]}",
            )
        self.groups.add(address)
        groups: list[Json] = []
        datasets: list[Json] = []
        for name in group:
            self.limits.tick()
            inner = f"{path.rstrip('/')}/{name}"
            self.seen += 1
            if self.seen > MAX_OBJECTS:
                raise Unreadable("a file has too many objects", where=self.where, expected=f"at most {MAX_OBJECTS:,}")
            if group.get(name, getclass=True, getlink=True) is not h5py.HardLink:
                raise Unsafe("a file points elsewhere instead of holding its weights", where=f"{self.where}: {inner}")
            child = group[name]
            if isinstance(child, h5py.Group):
                groups.append({"name": name, **self.group(child, inner, depth + 1)})
            elif isinstance(child, h5py.Dataset):
                datasets.append({"name": name, **self.dataset(child, inner)})
        return {"path": path, "attributes": self.attributes(group, path), "groups": groups, "datasets": datasets}

    def attributes(self, item: Any, path: str) -> dict[str, str | list[str]]:
        found: dict[str, str | list[str]] = {}
        for name in item.attrs:
            if name not in _ATTRIBUTES and name.rstrip("0123456789") not in _LISTS:
                continue
            attribute = item.attrs.get_id(name)
            size = prod(attribute.shape) * attribute.dtype.itemsize
            if size > MAX_ATTRIBUTE:
                raise Unreadable("an attribute is too large", where=f"{self.where}: {path}@{name}")
            if size == 0:
                found[name] = []
            elif h5py.check_string_dtype(attribute.dtype) is not None or attribute.dtype.kind == "S":
                found[name] = _text(item.attrs[name])
        return found

    def dataset(self, dataset: Any, path: str) -> Json:
        where = f"{self.where}: {path}"
        if dataset.external or dataset.is_virtual:
            raise Unsafe("an array's values are in another file", where=where)
        properties = dataset.id.get_create_plist()
        filters = {properties.get_filter(index)[0] for index in range(properties.get_nfilters())}
        if not filters <= _FILTERS:
            raise Unsafe("an array needs a plugin to be read", where=where, found=f"filters {sorted(filters)}")
        name = self.element(dataset, where)
        shape = tuple(int(length) for length in dataset.shape)
        width = dataset.id.get_type().get_size()  # of one element as stored
        declared = prod(shape) * width
        stored = dataset.id.get_storage_size()
        chunk = prod(dataset.chunks) * width if dataset.chunks else 0
        bomb = stored < declared if not filters else declared > max(_RATIO_FLOOR, _RATIO * stored)
        if bomb or chunk > max(_RATIO_FLOOR, 2 * declared):
            raise Unreadable(
                "an array declares more than the file stores of it",
                where=where,
                expected=f"{declared:,} bytes for {name} {shape}",
                found=f"{stored:,}",
            )
        return {
            "path": path,
            "shape": shape,
            "dtype": name,
            "address": h5py.h5o.get_info(dataset.id).addr,
            "offset": self.offset(dataset),
            "stored": dataset.dtype.str,
        }

    def offset(self, dataset: Any) -> int | None:
        """Where the bytes of an array stand, if they stand in one piece just as numpy has them."""
        kind = dataset.id.get_type()
        plain = dataset.dtype.kind == "V" or (dataset.dtype.kind in "fiu" and kind == h5py.h5t.py_create(dataset.dtype))
        at = dataset.id.get_offset() if plain else None
        return None if at is None else int(at)

    def element(self, dataset: Any, where: str) -> str:
        dtype = dataset.dtype
        if dtype.kind == "V" and dtype.itemsize == 2 and dtype.names is None:
            # Keras writes bfloat16 as two opaque bytes and says so in an attribute (saving_lib.H5IOStore).
            if self.attributes(dataset, where).get("dtype") == "bfloat16":
                return "bfloat16"
        elif dtype.kind in "fiubc" and dtype.metadata is None and dtype.itemsize <= 16:
            return str(dtype.newbyteorder("=").name)
        raise Unreadable("an array's elements are not numbers", where=where, found=str(dtype))


def _text(value: Any) -> str | list[str]:
    if isinstance(value, np.ndarray):
        return [_word(item) for item in value.reshape(-1)]
    return _word(value)


def _word(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told too, and ends this process by going
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer)
