"""What ``torch.save`` wrote before torch 1.6, as many published weights are: pickles, and the storages behind them.

Five pickles stand one behind the other: a magic number, the version, the system, the model, and the keys of its
storages in the order in which their bytes follow, each with its number of elements in front. They are read as data, as
those of a zip are. There is no checksum. Format: torch/serialization.py, ``_legacy_save`` and ``_legacy_load``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from homolog.errors import Unreadable, Unsupported
from homolog.files.checkpoint import Checkpoint, Config, Named, Writer
from homolog.files.edge import Stamp, reading
from homolog.files.globals import STORAGES
from homolog.files.pickles import Global, Object, Persistent, Pickled, read_pickle
from homolog.files.positions import read_at
from homolog.files.torch_tensors import Record, rebuild
from homolog.files.torch_zip import MAX_PICKLE, checkpoint_of
from homolog.tensors import width_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The magic number as a pickled integer: such a file begins with it, behind the two bytes of the protocol."""

_VERSION = 1001
_COUNT = 8  # bytes of the number in front of a storage


@dataclass(frozen=True)
class Storage:
    """Where one storage stands."""

    name: str
    start: int
    size: int
    deflated: bool = False


@dataclass(frozen=True)
class Storages:
    """The storages of a file, by key. They are little-endian, whatever machine wrote them."""

    stamp: Stamp
    held: Mapping[str, Storage] = field(default_factory=dict)
    big_endian: bool = False

    @property
    def path(self) -> Path:
        return self.stamp.path

    def record(self, key: str) -> Storage:
        if key not in self.held:
            raise Unreadable("a storage is missing", where=f"{self.path}: {key:.200}")
        return self.held[key]

    def values(self, record: Record) -> NDArray[np.uint8]:
        import numpy as np

        where = f"{self.path}: {record.name}"
        return read_at(self.path, self.start(record), np.dtype(np.uint8), (record.size,), where).view(np.uint8)

    def start(self, record: Record) -> int:
        self.stamp.check()
        return self.held[record.name].start


def open_legacy(path: Path) -> Checkpoint:
    """Opens a file of ``torch.save`` before 1.6, or of ``_use_new_zipfile_serialization=False``.

    Raises:
        Unreadable: it is damaged, or contradicts itself.
        Unsupported, Unsafe: see ``checkpoint_of``.
    """
    stamp = Stamp.of(path)
    with reading("the file cannot be read", str(path)), path.open("rb") as file:
        _, version, _ = (_next(file, path).root for _ in range(3))
        if version != _VERSION:
            raise Unreadable("the file is of a version of torch.save that never was", where=str(path))
        # Where the storages are stands behind the pickle that needs to know.
        told, start = _Told(path), file.tell()
        _next(file, path, persist=told.note)
        storages = Storages(stamp, told.placed(file, _next(file, path).root, stamp.size))
        file.seek(start)
        pickled = _next(file, path, lambda made: rebuild(made, storages), told.note)
    return checkpoint_of(path, pickled, lambda named: _refused(path))


def _refused(path: Path) -> Writer:
    """The ``writer`` of such a file."""

    def write(out: Path, arrays: Named, config: Config | None) -> None:
        raise Unsupported(
            "a file of torch.save before 1.6 can be copied from, and not written",
            where=str(path),
            help="torch.save(torch.load('old.pt', weights_only=True), 'new.pt'), in PyTorch 1.6 or later",
        )

    return write


class _Capped:
    """A file of which no more is read than a pickle may be long: what it says of its lengths is not believed."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.left = file, MAX_PICKLE

    def read(self, size: int) -> bytes:
        self.left -= size
        return self.file.read(size) if self.left >= 0 else b""

    def readline(self) -> bytes:
        line = self.file.readline(max(self.left, 0))
        self.left -= len(line)
        return line


def _next(
    file: BinaryIO,
    path: Path,
    rebuild: Callable[[Object], Any] = lambda made: made,
    persist: Callable[[Persistent], Any] = lambda told: told,
) -> Pickled:
    """The pickle that begins where the file stands, which is left behind it."""
    return read_pickle(cast(BinaryIO, _Capped(file)), str(path), rebuild, persist)


@dataclass
class _Told:
    """What the model's pickle says of its storages: by key the bytes of an element and their number, and parts."""

    path: Path
    lengths: dict[str, tuple[int, int]] = field(default_factory=dict)
    views: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    def note(self, told: Persistent) -> Any:
        """Keeps what one persistent id says; gives what it stands for, in the form that newer files have."""
        match told.id:
            case ("module", Global() as kind, *_):  # a class, with its source, which is not needed
                return kind
            case ("storage", Global(name), str(key), _, int(numel), view) if name in STORAGES and numel >= 0:
                width = width_of(STORAGES[name] or "uint8")
                if self.lengths.setdefault(key, (width, numel)) == (width, numel):
                    return Persistent(told.id[:5]) if view is None else self.part(told.id, key, view, numel)
        raise Unreadable("a storage is not described as torch does it", where=str(self.path))

    def part(self, told: tuple[Any, ...], key: str, view: Any, numel: int) -> Persistent:
        """A part of a storage, as torch before 0.4 had them."""
        match view:
            case (str(name), int(first), int(size)) if 0 <= first <= first + size <= numel:
                self.views[name] = (key, first, size)
                return Persistent(("storage", told[1], name, told[3], size))
        raise Unreadable("a part of a storage is not described as torch does it", where=str(self.path))

    def placed(self, file: BinaryIO, keys: Any, end: int) -> dict[str, Storage]:
        """The storages, which begin where the file stands, in the order of the keys."""
        where = str(self.path)
        sound = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
        if not sound or len(set(keys)) != len(keys) or set(keys) != set(self.lengths):
            raise Unreadable("the storages of the file are not those that its tensors name", where=where)
        held: dict[str, Storage] = {}
        start = file.tell()
        for key in keys:
            width, numel = self.lengths[key]
            file.seek(start)
            if file.read(_COUNT) != numel.to_bytes(_COUNT, "little"):
                raise Unreadable("a storage is not as long as its tensors say", where=f"{where}: {key:.200}")
            held[key] = Storage(key, start + _COUNT, numel * width)
            start += _COUNT + numel * width
        if start != end:
            raise Unreadable(
                "the file is longer or shorter than its storages",
                where=where,
                expected=f"{start:,} bytes",
                found=f"{end:,}",
            )
        for name, (key, first, size) in self.views.items():
            if name in held:
                raise Unreadable("two storages have one name", where=f"{where}: {name:.200}")
            width = self.lengths[key][0]
            held[name] = Storage(name, held[key].start + first * width, size * width)
        return held
