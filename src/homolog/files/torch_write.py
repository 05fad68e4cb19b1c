"""A file of ``torch.save`` with other values in it: a copy whose storages are overwritten where they stand.

Shapes and dtypes stay, so every byte outside the storages stays too, except their checksums. In particular the
alignment stays, from which ``torch.load(mmap=True)`` computes where each storage is.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from homolog.errors import Mismatch, Unsupported
from homolog.files.archives import Archive, Member, write_checksums
from homolog.files.checkpoint import Config, Named, Writer
from homolog.files.torch_tensors import Stored, shared_storage
from homolog.tensors import Array, same_bits


def rewriter(archive: Archive, named: Mapping[str, Stored]) -> Writer:
    """The ``writer`` of a checkpoint whose tensors are these."""

    def write(out: Path, arrays: Named, config: Config | None) -> None:
        archive.stamp.check()
        shutil.copyfile(archive.path, out)
        patch = _Patch(archive, named, out)
        for name, array in arrays:
            patch.assign(name, array)
        patch.check_ties()
        with out.open("r+b") as file:
            write_checksums(file, archive, frozenset(patch.changed))
        archive.stamp.check()

    return write


class _Patch:
    """The storages of the copy. Each is read, changed and written back whole: a storage is mostly one tensor."""

    def __init__(self, archive: Archive, named: Mapping[str, Stored], out: Path) -> None:
        self.archive = archive
        self.named = named
        self.out = out
        self.changed: set[str] = set()
        self.tied = shared_storage(named.items())
        self.written: dict[str, Array] = {}  # for each storage with ties, which of its elements have a new value

    def assign(self, name: str, array: Array) -> None:
        """Gives one tensor its new value, unless its bytes have another already."""
        import numpy as np

        stored = self.named[name]
        if array.size == 0:
            return
        member = self.archive.member(stored.record.name)
        _refuse_packed(member, self.archive)
        element = stored.element()
        bits = (array if element == array.dtype else array.view(element.newbyteorder("="))).astype(element, copy=False)
        with self.out.open("r+b") as file:
            start = self.archive.start(file, member)
            file.seek(start)
            storage = np.frombuffer(bytearray(file.read(member.size)), element)
            view = stored.view(storage)
            if name in self.tied:
                taken = stored.view(self.written.setdefault(stored.record.name, np.zeros(stored.numel, dtype=np.bool_)))
                if not same_bits(view[taken], bits[taken]):
                    raise self._torn(name, "another value was given to a tensor that shares its bytes")
                taken[...] = True
            view[...] = bits
            if not same_bits(view, bits):
                raise self._torn(name, "the new value differs where the tensor repeats one stored element")
            file.seek(start)
            file.write(storage.view(np.uint8).data)
        self.changed.add(stored.record.name)

    def check_ties(self) -> None:
        """Raises ``Mismatch`` when a tensor that was given no value has lost a part of its own.

        One that shares all its bytes with a tensor that was given a value is that tensor under another name.
        """
        for name in self.tied:
            stored = self.named[name]
            if stored.record.name not in self.changed or stored.record.name not in self.written:
                continue
            taken = stored.view(self.written[stored.record.name])
            if taken.any() and not taken.all():
                raise self._torn(name, "a part of it was overwritten with a tensor that shares its bytes")

    def _torn(self, name: str, found: str) -> Mismatch:
        return Mismatch("tensors that share their bytes cannot be given different values", where=name, found=found)


def _refuse_packed(member: Member, archive: Archive) -> None:
    if member.deflated:
        raise Unsupported(
            "the weights are compressed, which torch.save never does",
            where=f"{archive.path}: {member.name}",
            help="load the file in PyTorch and save it again with torch.save",
        )
