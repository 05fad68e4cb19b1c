"""Zip archives, as PyTorch and Keras use them: what is inside, and the bytes of one member.

The directory is parsed by ``zipfile``. Members are read here, by position, because opening a ``ZipFile`` again for
each of a thousand tensors would parse the directory a thousand times, and because patching needs the positions.
Layout: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.9 (data descriptor), 4.3.12 (directory).
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

from homolog.errors import Unreadable
from homolog.files.checksums import crc_of, read_summed
from homolog.files.edge import Stamp, reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_MEMBERS = 1_000_000
_RATIO, _RATIO_FLOOR = 100, 64 << 20  # deflate reaches 1032; weights do not, and small members cannot hurt
_LOCAL = struct.Struct("<4s5H3I2H")
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Member:
    """One member: its name, where its local header starts, its sizes in bytes, and its CRC-32."""

    name: str
    header: int
    packed: int
    size: int
    crc: int
    deflated: bool
    described: bool  # its CRC stands after its bytes as well, and not in the local header


@dataclass(frozen=True)
class Archive:
    """A zip archive whose directory was read and found sound.

    Attributes:
        path: the file.
        members: by name, in the order of the directory.
        directory: where the directory starts.
        stamp: tells whether the file has changed since.
        sound: names of members whose checksum was found right.
    """

    path: Path
    members: Mapping[str, Member]
    directory: int
    stamp: Stamp
    sound: set[str] = field(default_factory=set, compare=False)

    @staticmethod
    def open(path: Path) -> Archive:
        """Reads the directory.

        Raises:
            Unreadable: it is damaged or encrypted, two members share a name (readers disagree on which one counts),
                or a member claims to shrink a hundredfold.
        """
        stamp = Stamp.of(path)
        with (
            reading("a zip archive is damaged", str(path)),
            path.open("rb") as file,
            zipfile.ZipFile(file) as archive,
        ):
            infos, directory = archive.infolist(), archive.start_dir
        if len(infos) > MAX_MEMBERS:
            raise Unreadable("a zip archive has too many members", where=str(path), found=f"{len(infos):,}")
        members: dict[str, Member] = {}
        for info in infos:
            where = f"{path}: {info.filename}"
            if info.filename in members:
                raise Unreadable("a zip archive holds two members of one name", where=where)
            if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Unreadable("a member is encrypted, or packed in a way that these files never are", where=where)
            if info.file_size > max(_RATIO_FLOOR, _RATIO * info.compress_size):
                raise Unreadable(
                    "a member would unpack to far more than it holds",
                    where=where,
                    found=f"{info.compress_size:,} bytes for {info.file_size:,}",
                )
            deflated = info.compress_type == zipfile.ZIP_DEFLATED
            if not deflated and info.compress_size != info.file_size:
                raise Unreadable("a member that is not packed has two sizes", where=where)
            members[info.filename] = Member(
                info.filename,
                info.header_offset,
                info.compress_size,
                info.file_size,
                info.CRC,
                deflated,
                bool(info.flag_bits & 0x8),
            )
        _refuse_overlaps(path, members, directory)
        return Archive(path, members, directory, stamp)

    def read(self, name: str, *, cap: int | None = None) -> bytes:
        """The bytes of one member, its CRC checked.

        Raises:
            Unreadable: there is no such member, it is larger than ``cap`` bytes, or damaged.
        """
        member = self.member(name)
        if cap is not None and member.size > cap:
            raise Unreadable(
                "a member is too large",
                where=f"{self.path}: {name}",
                expected=f"at most {cap:,} bytes",
                found=f"{member.size:,}",
            )
        with self.file() as file:
            file.seek(self.start(file, member))
            data = file.read(member.packed)
        if member.deflated:
            with reading("a member is damaged", f"{self.path}: {name}"):
                data = zlib.decompressobj(-15).decompress(data, member.size or 1)
        if len(data) != member.size or zlib.crc32(data) != member.crc:
            raise self.damaged(member)
        return data

    def values(self, name: str) -> NDArray[np.uint8]:
        """The bytes of one member as an array, its CRC checked: on all cores, where the member is large.

        Raises:
            Unreadable: there is no such member, or it is damaged.
        """
        import numpy as np

        member = self.member(name)
        if member.deflated:
            return np.frombuffer(self.read(name), np.uint8)
        with self.file() as file:
            start = self.start(file, member)
        data, crc = read_summed(self.path, start, member.size)
        if crc != member.crc:
            raise self.damaged(member)
        return data

    def head(self, name: str, size: int) -> bytes:
        """The first bytes of one member, its CRC not checked.

        Raises:
            Unreadable: there is no such member, or it is damaged.
        """
        member = self.member(name)
        with self.file() as file:
            file.seek(self.start(file, member))
            data = file.read(min(member.packed, size))
        if member.deflated:
            with reading("a member is damaged", f"{self.path}: {name}"):
                data = zlib.decompressobj(-15).decompress(data, size)
        return data

    def unpack(self, name: str, to: IO[bytes]) -> None:
        """Writes the bytes of one member, packed or not, into a file, a piece at a time.

        Raises:
            Unreadable: there is no such member, or it is damaged.
        """
        member = self.member(name)
        where, crc, size = f"{self.path}: {name}", 0, 0
        with (
            reading("a member is damaged", where),
            self.file() as file,
            zipfile.ZipFile(file) as archive,
            archive.open(name) as packed,
        ):
            while piece := packed.read(_CHUNK):
                crc, size = zlib.crc32(piece, crc), size + len(piece)
                to.write(piece)
        if (crc, size) != (member.crc, member.size):
            raise self.damaged(member)

    def verify(self, name: str) -> None:
        """Checks the CRC of a member that is not packed, once, without holding it.

        Raises:
            Unreadable: it is damaged.
        """
        if name not in self.sound:
            member = self.member(name)
            with self.file() as file:
                start = self.start(file, member)
            if crc_of(self.path, start, member.size) != member.crc:
                raise self.damaged(member)
            self.sound.add(name)

    def member(self, name: str) -> Member:
        """The member of that name, or ``Unreadable``."""
        if name not in self.members:
            raise Unreadable("a member is missing", where=f"{self.path}: {name}")
        return self.members[name]

    def file(self) -> BinaryIO:
        """The archive's file, open for reading, if it is still the one that was opened."""
        self.stamp.check()
        with reading("the file cannot be read", str(self.path)):
            return self.path.open("rb")

    def start(self, file: BinaryIO, member: Member) -> int:
        """Where the bytes of a member start in the file, according to its local header."""
        file.seek(member.header)
        header = file.read(_LOCAL.size)
        if len(header) != _LOCAL.size or not header.startswith(b"PK\x03\x04"):
            raise self.damaged(member)
        name_length, extra_length = _LOCAL.unpack(header)[-2:]
        start = member.header + _LOCAL.size + int(name_length) + int(extra_length)
        if start + member.packed > self.directory:
            raise self.damaged(member)
        return start

    def damaged(self, member: Member) -> Unreadable:
        """The error for a member whose bytes are not those that the directory describes."""
        return Unreadable(
            "a member is damaged: its bytes do not have the checksum that the archive gives",
            where=f"{self.path}: {member.name}",
        )


def _refuse_overlaps(path: Path, members: Mapping[str, Member], directory: int) -> None:
    """Two members in the same bytes are how a small archive unpacks to petabytes, and cannot be written to."""
    end, before = 0, ""
    for member in sorted(members.values(), key=lambda member: member.header):
        if member.header < end:
            raise Unreadable("two members overlap", where=f"{path}: {before} and {member.name}")
        end, before = member.header + _LOCAL.size + member.packed, member.name
    if end > directory:
        raise Unreadable("a member goes beyond the archive's directory", where=f"{path}: {before}")


def write_checksums(file: BinaryIO, archive: Archive, changed: frozenset[str]) -> None:
    """Corrects the CRC-32 of members that were changed in place in a copy of an archive.

    Args:
        file: the copy, open for reading and writing.
        archive: the original, whose layout the copy has.
        changed: names of members, none of them deflated.
    """
    crcs: dict[str, bytes] = {}
    for name in changed:
        member = archive.members[name]
        start = archive.start(file, member)
        crcs[name] = struct.pack("<I", _crc(file, start, member.size))
        if member.described:
            file.seek(start + member.size)
            signed = file.read(4) == b"PK\x07\x08"  # the signature is optional
            file.seek(start + member.size + 4 * signed)
        else:
            file.seek(member.header + 14)
        file.write(crcs[name])
    position = archive.directory
    for name in archive.members:
        if name in crcs:
            file.seek(position + 16)
            file.write(crcs[name])
        file.seek(position + 28)
        position += 46 + sum(struct.unpack("<3H", file.read(6)))


def _crc(file: BinaryIO, start: int, size: int) -> int:
    file.seek(start)
    crc = 0
    while size > 0:
        chunk = file.read(min(size, _CHUNK))
        if not chunk:
            raise Unreadable("a file ended while it was being written")
        crc = zlib.crc32(chunk, crc)
        size -= len(chunk)
    return crc
