"""The ``.keras`` file: a zip of ``config.json``, ``metadata.json`` and ``model.weights.h5``.

Only these three members are ever read, by their exact names, and nothing is unpacked by a name that the file gives.
Format: keras/src/saving/saving_lib.py.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from homolog.errors import Unreadable
from homolog.files.archives import Archive
from homolog.files.checkpoint import Checkpoint, Config, Format, Named, Writer
from homolog.files.edge import reading
from homolog.files.hdf5 import Dataset, Source, read_tree, write_datasets
from homolog.files.keras_config import MAX_CONFIG, parse_config, unsafe_config
from homolog.files.keras_parts import assemble
from homolog.files.keras_weights import state, weights

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"


def open_keras(path: Path, archive: Archive) -> Checkpoint:
    """Opens a ``.keras`` file.

    Raises:
        Unreadable, Unsafe: see ``Archive.open``, ``parse_config`` and ``read_tree``.
    """
    config = parse_config(archive.read(_CONFIG, cap=MAX_CONFIG), f"{path}: {_CONFIG}")
    source = Source(path, archive.stamp, archive, _WEIGHTS)
    tree = read_tree(source)
    parts = assemble(weights(tree, config), source)
    extras = ["compile configuration"] if config.get("compile_config") else []
    assets = sum(name.startswith("assets/") and not name.endswith("/") for name in archive.members)
    extras += [f"{assets} asset{'s' if assets != 1 else ''}"] if assets else []
    return Checkpoint(
        path,
        Format.KERAS,
        "keras",
        parts.tensors,
        _writer(archive, parts.datasets),
        config=config,
        groups=parts.groups,
        extras=(*extras, *state(tree)),
        unsafe=unsafe_config(config),
    )


def _writer(archive: Archive, datasets: Mapping[str, Dataset]) -> Writer:
    def write(out: Path, arrays: Named, config: Config | None) -> None:
        archive.stamp.check()
        with (
            tempfile.TemporaryDirectory(prefix=".homolog-", dir=out.parent) as folder,
            zipfile.ZipFile(archive.path) as old,
        ):
            draft = Path(folder) / _WEIGHTS
            with draft.open("wb") as file:
                archive.unpack(_WEIGHTS, file)
            write_datasets(draft, ((datasets[name], array) for name, array in arrays))
            instead = {_WEIGHTS: draft}
            if config is not None:
                instead[_CONFIG] = Path(folder) / _CONFIG
                instead[_CONFIG].write_text(json.dumps(config), encoding="utf-8")
            with zipfile.ZipFile(out, "x") as new:
                for info in old.infolist():
                    with reading("a member cannot be copied", f"{archive.path}: {info.filename}"):
                        _copy(old, new, info, instead.get(info.filename))
        archive.stamp.check()

    return write


def _copy(old: zipfile.ZipFile, new: zipfile.ZipFile, info: zipfile.ZipInfo, instead: Path | None) -> None:
    """Copies one member, with its date, attributes and packing, or another file in its place."""
    length = instead.stat().st_size if instead is not None else info.file_size
    with instead.open("rb") if instead is not None else old.open(info) as source:
        kept = zipfile.ZipInfo(info.filename, info.date_time)
        kept.compress_type, kept.external_attr, kept.comment = info.compress_type, info.external_attr, info.comment
        kept.create_system, kept.file_size = info.create_system, length
        with new.open(kept, "w", force_zip64=length > 1 << 30) as target:
            shutil.copyfileobj(source, target)
    if new.getinfo(info.filename).file_size != length:
        raise Unreadable("a member changed its length while it was copied", where=info.filename)
