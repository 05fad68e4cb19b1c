"""What ``torch.export.save`` writes (``.pt2``): its weights and constants, as data. Its program is not read.

Format: torch/export/pt2_archive/_package.py, and torch/_export/serde/schema.py for the numbers of element types.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from homolog.errors import Unreadable, Unsafe, Unsupported
from homolog.files.archives import Archive
from homolog.files.checkpoint import Checkpoint, Format, read_only
from homolog.files.edge import reading
from homolog.files.torch_tensors import Members, Stored, shared_storage, view_of

MAX_CONFIG = 64 << 20
_CONFIGS = ("weights/model_weights_config.json", "constants/model_constants_config.json")
_DTYPES = {
    **{1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64"},
    **{10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16", 29: "float8_e4m3fn"},
    **{30: "float8_e5m2", 31: "float8_e4m3fnuz", 32: "float8_e5m2fnuz", 33: "float8_e8m0fnu"},
    **{34: "uint32", 35: "uint64"},
}
_STRIDED = 7


def open_exported(path: Path, archive: Archive) -> Checkpoint:
    """Opens an exported program.

    Raises:
        Unsafe: a weight is stored as a pickle, which PyTorch would run.
        Unsupported: the archive is of torch before 2.8, or holds tensors that are not dense.
        Unreadable: it is damaged.
    """
    prefix = next(
        (name.removesuffix("archive_format") for name in archive.members if name.endswith("archive_format")), ""
    )
    configs = [name for name in archive.members if name.startswith(prefix) and name.endswith(_CONFIGS)]
    if not configs:
        raise Unsupported(
            "the file is an exported program of an older PyTorch, whose weights are a pickle inside",
            where=str(path),
            help="save the weights alone: torch.save(torch.export.load('old.pt2').state_dict, 'weights.pt')",
        )
    records = Members(archive, prefix, _big_endian(archive, prefix))
    named: dict[str, Stored] = {}
    parameters: set[str] = set()
    for config in configs:
        for name, stored, trained in _tensors(archive, config, records):
            if name in named:
                raise Unreadable("two tensors have one name", where=f"{path}: {name[:200]}")
            named[name] = stored
            parameters |= {name} if trained else set()
    shared = shared_storage(named.items())
    return Checkpoint(
        path,
        Format.TORCH_EXPORTED,
        "pytorch",
        {
            name: stored.ref(name, shared.get(name), stored.requires_grad if name in parameters else False)
            for name, stored in named.items()
        },
        read_only(path, Format.TORCH_EXPORTED),
        extras=("a program of torch.export, which is not read",),
    )


def _big_endian(archive: Archive, prefix: str) -> bool:
    name = f"{prefix}byteorder"
    order = archive.read(name, cap=64) if name in archive.members else b"little"
    if order not in (b"little", b"big"):
        raise Unreadable("the byte order is unknown", where=str(archive.path), found=repr(order))
    return order == b"big"


def _tensors(archive: Archive, config: str, records: Members) -> Iterator[tuple[str, Stored, bool]]:
    where = f"{archive.path}: {config}"
    with reading("a table of weights is not sound JSON", where):
        table = json.loads(archive.read(config, cap=MAX_CONFIG))
        entries = dict(table["config"])
    folder = config.rpartition("/")[0]
    for name, entry in entries.items():
        with reading("an entry of a table of weights is not sound", f"{where}: {name[:200]}"):
            told = (str(entry["path_name"]), bool(entry["is_param"]), entry["use_pickle"], entry["tensor_meta"])
        file, trained, pickled, meta = told
        if pickled is not False:
            raise Unsafe(
                "a weight is stored as a pickle, which PyTorch runs when it loads the file; it was not",
                where=f"{where}: {name[:200]}",
            )
        yield name, _stored(records, f"{folder}/{file}", meta, f"{where}: {name[:200]}"), trained


def _stored(records: Members, member: str, meta: Any, where: str) -> Stored:
    with reading("a weight has no sound description", where):
        dtype, layout = _DTYPES.get(meta["dtype"]), meta["layout"]
        shape = [length["as_int"] for length in meta["sizes"]]
        stride = [length["as_int"] for length in meta["strides"]]
        offset, trained = meta["storage_offset"]["as_int"], bool(meta["requires_grad"])
    if dtype is None or layout != _STRIDED:
        raise Unsupported("a tensor is of a kind that homolog does not read", where=where, found=f"{meta['dtype']}")
    return view_of(records, records.archive.member(member), dtype, (offset, shape, stride), trained)
