"""Weights in several files, and the JSON index that says which tensor is in which.

PyTorch and Hugging Face write ``model.safetensors.index.json`` (or ``.bin.index.json``), Keras ``model.weights.json``:
both have a ``weight_map``. A file it names lies beside the index, or nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homolog.errors import Unreadable, Unsafe
from homolog.files.checkpoint import Checkpoint, Format, read_only
from homolog.files.edge import reading, strict_json
from homolog.files.keras_parts import assemble
from homolog.files.keras_weights import state, weights
from homolog.tensors import TensorRef

if TYPE_CHECKING:
    from homolog.files.hdf5 import Group

MAX_INDEX = 64 << 20
MAX_SHARDS = 10_000


def open_index(path: Path) -> Checkpoint:
    """Opens the index of a sharded checkpoint, and the header of every shard.

    Raises:
        Unreadable: it is no index, a shard is missing or damaged, or index and shards disagree.
        Unsafe: it names a file that does not lie beside it.
    """
    shards = _weight_map(path)
    # Keras lists groups of HDF5, and of each its file, or all its files.
    held = {name: [value] if isinstance(value, str) else value for name, value in shards.items()}
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in held.values()):
        raise Unreadable("an index does not say in which file each tensor is", where=str(path))
    if all(name.startswith("/") for name in held):
        return _of_keras(path, held)
    if not all(isinstance(value, str) for value in shards.values()):
        raise Unreadable("an index says of a tensor that it is in several files", where=str(path))
    return _of_tensors(path, shards)


def beside(path: Path, name: str) -> Path:
    """The file of that name in the folder of ``path``.

    Raises:
        Unsafe: it is no plain name, or a link that leads elsewhere than to the folder that the index is in.
        Unreadable: there is no such file.
    """
    where = f"{path}: {name[:200]!r}"
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name or ":" in name:
        raise Unsafe("an index names a file that does not lie beside it", where=where, expected="a plain file name")
    found = path.with_name(name)
    if not found.is_file():
        raise Unreadable("a file that the index names is missing", where=where, expected=str(found))
    # A folder of links into one other folder, as the cache of Hugging Face has them, is one place.
    if found.resolve().parent not in (path.parent.resolve(), path.resolve().parent):
        raise Unsafe("a file that the index names is a link that leads elsewhere", where=where)
    return found


def read_json(path: Path) -> Any:
    """A small file of JSON, in which nothing is named twice.

    Raises:
        Unreadable: it is too large, or not JSON.
    """
    with reading("the file cannot be read", str(path)), path.open("rb") as file:
        text = file.read(MAX_INDEX + 1)
    if len(text) > MAX_INDEX:
        raise Unreadable("the file is too large for an index", where=str(path), expected=f"at most {MAX_INDEX:,} bytes")
    return strict_json(text, "the file is no sound JSON", str(path))


def _weight_map(path: Path) -> dict[str, Any]:
    told = read_json(path)
    found = told.get("weight_map") if isinstance(told, dict) else None
    if not isinstance(found, dict) or not found:
        raise Unreadable(
            "the file is JSON, and no index of a sharded checkpoint",
            where=str(path),
            expected="a weight_map, as in model.safetensors.index.json or model.weights.json",
        )
    return found


def _opened(path: Path, names: Iterable[str]) -> dict[str, Path]:
    listed = dict.fromkeys(names)
    if len(listed) > MAX_SHARDS:
        raise Unreadable("an index names too many files", where=str(path), found=f"{len(listed):,}")
    return {name: beside(path, name) for name in listed}


def _of_tensors(path: Path, shards: Mapping[str, str]) -> Checkpoint:
    from homolog.files.sniff import open_file

    held = {name: open_file(file) for name, file in _opened(path, shards.values()).items()}
    inside: dict[str, str] = {}
    for shard, file in held.items():
        for tensor in file.tensors:
            if tensor in inside:
                raise Unreadable(
                    "one tensor is in two shards", where=f"{path}: {tensor[:200]!r}", found=f"{inside[tensor]}, {shard}"
                )
            inside[tensor] = shard
    differ = [name for name in {**shards, **inside} if shards.get(name) != inside.get(name)]
    if differ:
        name = differ[0]
        raise Unreadable(
            "the index and its shards disagree on where a tensor is",
            where=f"{path}: {name[:200]!r}",
            expected=shards.get(name, "in no shard"),
            found=inside.get(name, "in no shard"),
        )
    files = list(held.values())
    tensors: dict[str, TensorRef] = {name: file.tensors[name] for file in files for name in file.tensors}
    return Checkpoint(
        path,
        Format.SHARDED,
        files[0].framework,
        tensors,
        read_only(path, Format.SHARDED),
        extras=(f"{len(files)} shards",),
        unsafe=tuple(sorted({name for file in files for name in file.unsafe})),
    )


def _of_keras(path: Path, shards: Mapping[str, list[str]]) -> Checkpoint:
    from homolog.files import hdf5_worker
    from homolog.files.hdf5 import Source, merged, read_tree

    hdf5_worker.prepare()
    files = _opened(path, (name for names in shards.values() for name in names))
    sources = [Source.of(file) for file in files.values()]
    tree = merged([read_tree(source) for source in sources], str(path))
    _require_listed(tree, list(files), shards, path)
    # HDF5 lists groups by name; the index has them in the order in which the model wrote them.
    order = {group: place for place, group in enumerate(shards)}
    found = sorted(weights(tree, None), key=lambda one: order.get(one.dataset.path.rpartition("/")[0], len(order)))
    parts = assemble(found, *sources)
    return Checkpoint(
        path,
        Format.SHARDED_KERAS,
        "keras",
        parts.tensors,
        read_only(path, Format.SHARDED_KERAS),
        groups=parts.groups,
        extras=(f"{len(files)} shards", *state(tree)),
    )


def _require_listed(tree: Group, files: Sequence[str], shards: Mapping[str, list[str]], path: Path) -> None:
    """Refuse arrays that are in another file than the index says."""
    for group in tree.walk():
        for dataset in group.datasets.values():
            listed = shards.get(dataset.path.rpartition("/")[0], [])
            if files[dataset.shard] not in listed:
                raise Unreadable(
                    "the index and its shards disagree on where a tensor is",
                    where=f"{path}: {dataset.path}",
                    expected=", ".join(listed) or "in no shard",
                    found=files[dataset.shard],
                )
