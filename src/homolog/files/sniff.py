"""Which format a file is in, by what it begins with. Its name is never asked."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from homolog.errors import HomologError, Unreadable, Unsafe
from homolog.files.archives import Archive
from homolog.files.checkpoint import Checkpoint
from homolog.files.edge import reading
from homolog.files.remote import Remote, place

_HEAD = 4096
_MOST_PICKLES = 5
_HDF5 = b"\x89HDF\r\n\x1a\n"
_EXPORTED = ("archive_format", "serialized_exported_program.json")
_RESAVE = "torch.save(torch.load('old.pt', weights_only=True), 'new.pt'), in PyTorch 1.6 or later"


def open_checkpoint(path: str | Path) -> Checkpoint:
    """Opens weights: a file of any of the formats, the index of a sharded one, or a folder that holds one.

    Reads its directory and its description, and no weights; imports no framework; runs nothing that it holds.

    Raises:
        Unreadable: the file is missing, damaged, or none of these.
        Unsupported: it is sound, but holds something that homolog does not know.
        Unsafe: it asks for code in a way that leaves nothing to look at.
    """
    path = _named(place(path))
    head = _head(path)
    if is_index(head) and path.name.endswith(".json"):
        from homolog.files.shards import open_index

        return open_index(path)
    return open_file(path)


def open_file(path: Path) -> Checkpoint:
    """Opens one file of weights, which is no index of others."""
    head = _head(path)
    if head.startswith(_HDF5):
        from homolog.files import hdf5_worker

        hdf5_worker.prepare()  # while the reader is imported
        from homolog.files.keras_h5 import open_h5

        return open_h5(path)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _open_zip(path)
    if len(head) > 8 and head[8:9] == b"{":
        from homolog.files.safetensors_file import open_safetensors

        return open_safetensors(path)
    if head[:1] == b"\x08":
        from homolog.files.onnx_file import open_onnx

        return open_onnx(path)
    if head[:1] and (0x81 <= head[0] <= 0x8F or head[:1] in b"\xde\xdf"):
        from homolog.files.flax_msgpack import open_flax

        return open_flax(path)
    if head[:1] == b"\x80":
        from homolog.files.torch_legacy import MAGIC, open_legacy

        if MAGIC in head[:32]:
            return open_legacy(path)
    if path.name.endswith(".index"):
        from homolog.files.tensorflow_bundle import open_bundle

        return open_bundle(path)
    raise _unknown(path, head)


def _named(path: Path) -> Path:
    """The file that a path stands for: TensorFlow names a checkpoint by what its files' names begin with, and a model
    may be a folder."""
    if isinstance(path, Remote):
        return path
    if not path.exists() and path.with_name(f"{path.name}.index").is_file():
        return path.with_name(f"{path.name}.index")
    if path.is_dir():
        variables = path / "variables" / "variables.index"
        inside = [variables] if variables.is_file() else sorted(path.glob("*.index.json"))
        inside = inside or sorted(path.glob("*.safetensors")) or sorted(path.glob("*.index"))
        if len(inside) == 1:
            return inside[0]
    return path


def is_index(head: bytes) -> bool:
    """Whether a file that begins so may be the index of a sharded checkpoint."""
    return head.lstrip()[:1] == b"{"


def _head(path: Path) -> bytes:
    if path.is_dir():
        inside = sorted(item.name for item in path.iterdir())[:5]
        raise Unreadable("a folder is no file of weights", where=str(path), found=", ".join(inside) or "nothing in it")
    if not path.is_file():
        near = get_close_matches(path.name, _beside(path), n=3, cutoff=0.5)
        help = f"did you mean {', '.join(near)}?" if near else "check the path; SRC is a file or package.module:factory"
        raise Unreadable("there is no such file", where=str(path), help=help)
    with reading("the file cannot be read", str(path)), path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise Unreadable("the file is empty", where=str(path))
    return head


def _beside(path: Path) -> list[str]:
    return [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []


def _open_zip(path: Path) -> Checkpoint:
    archive = Archive.open(path)
    names = archive.members
    if "config.json" in names and "model.weights.h5" in names:
        from homolog.files import hdf5_worker

        hdf5_worker.prepare()  # while the reader is imported
        from homolog.files.keras_zip import open_keras

        return open_keras(path, archive)
    if any(name.rsplit("/", 1)[-1] in _EXPORTED for name in names):
        from homolog.files.torch_exported import open_exported

        return open_exported(path, archive)
    if any(name.count("/") == 1 and name.endswith("/data.pkl") for name in names):
        from homolog.files.torch_zip import open_torch

        return open_torch(path, archive)
    from homolog.files.numpy_zip import is_numpy, open_numpy

    if is_numpy(archive):
        return open_numpy(path, archive)
    raise Unreadable(
        "the zip archive is neither PyTorch's nor Keras's nor NumPy's",
        where=str(path),
        expected="<folder>/data.pkl, config.json and model.weights.h5, or .npy alone",
        found=", ".join(list(names)[:5]) or "an empty archive",
    )


_STATE = "save the weights alone: torch.save(model.state_dict(), 'weights.pt')"


def _bare_pickle(path: Path, head: bytes) -> HomologError:
    """A pickle outside of any archive: loading it would run what it names, so the names are what matters."""
    from homolog.files.globals import is_allowed
    from homolog.files.pickles import read_pickle

    names: set[str] = set()
    with reading("the file cannot be read", str(path)), path.open("rb") as file:
        for _ in range(_MOST_PICKLES):  # which may stand one behind the other
            try:
                names |= read_pickle(file, str(path)).globals
            except Unreadable:
                break
    unsafe = sorted(name for name in names if not is_allowed(name))
    if unsafe:
        return Unsafe(
            "the file is a bare pickle that asks for code; nothing of it was run",
            where=str(path),
            expected="weights in a file of torch.save, safetensors, .h5 or .keras",
            found=", ".join(unsafe),
            help=_STATE,
        )
    return Unreadable("the file is a bare pickle, which runs code when loaded", where=str(path), help=_STATE)


def _unknown(path: Path, head: bytes) -> HomologError:
    start = head.lstrip()[:64].lower()
    if head[257:262] == b"ustar":
        return Unreadable("the file is a tar of torch.save before 0.1.10", where=str(path), help=_RESAVE)
    if head[:1] == b"\x80" and head[1:2] in b"\x00\x01\x02\x03\x04\x05":
        return _bare_pickle(path, head)
    if head.startswith(b"version https://git-lfs"):
        return Unreadable(
            "the file is a Git LFS pointer, and not the weights",
            where=str(path),
            help="git lfs install && git lfs pull",
        )
    guesses = (
        ("a web page", start.startswith((b"<!doctype", b"<html", b"<?xml"))),
        ("gzip", head.startswith(b"\x1f\x8b")),
        ("a numpy array", head.startswith(b"\x93NUMPY")),
        ("JSON", start.startswith((b"{", b"["))),
    )
    found = next((words for words, holds in guesses if holds), f"it begins with {head[:8]!r}")
    return Unreadable(
        "the file is in no format that homolog reads",
        where=str(path),
        expected="PyTorch's zip (.pt), safetensors, HDF5 (.h5), or .keras",
        found=found,
    )
