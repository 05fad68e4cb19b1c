"""The HDF5 files of Keras 2, which Keras 3 still writes: whole models (``model.save("x.h5")``) and weights alone.

Each layer is a group whose attribute ``weight_names`` lists its arrays in order. The architecture is JSON in the
attribute ``model_config``. Format: keras/src/legacy/saving/legacy_h5_format.py.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from homolog.errors import Unreadable, Unsupported
from homolog.files.checkpoint import Checkpoint, Config, Format, Named, Writer
from homolog.files.hdf5 import Dataset, Group, Source, read_tree, write_attribute, write_datasets
from homolog.files.keras_config import Entry, layer_name, layers, leaves, parse_config, unsafe_config
from homolog.files.keras_parts import Weight, assemble, describe

_TOP = "top_level_model_weights"


def open_h5(path: Path) -> Checkpoint:
    """Opens any HDF5 file of Keras: the old formats, or a bare ``.weights.h5`` of Keras 3.

    Raises:
        Unreadable, Unsafe: see ``hdf5.read_tree``; also where a listed weight is missing.
        Unsupported: it is no file of Keras's.
    """
    source = Source.of(path)
    tree = read_tree(source)
    whole = "model_config" in tree.attributes or "model_weights" in tree.groups
    if not whole and tree.names("layer_names") is None:
        if "layers" not in tree.groups and not any(group.path.endswith("/vars") for group in tree.walk()):
            raise Unsupported(
                "the HDF5 file is not one of Keras's",
                where=str(path),
                found=", ".join(list(tree.groups)[:5]) or "nothing",
            )
        from homolog.files.keras_weights import open_weights

        return open_weights(source, tree)
    text = tree.text("model_config")
    config = parse_config(text, f"{path}: model_config") if text is not None else None
    parts = assemble(_weights(tree.groups.get("model_weights", Group("/")) if whole else tree, config, source), source)
    extras = ["compile configuration"] if "training_config" in tree.attributes else []
    if "optimizer_weights" in tree.groups:
        extras.append(describe("optimizer state", tree.groups["optimizer_weights"]))
    return Checkpoint(
        path,
        Format.KERAS_H5 if whole else Format.KERAS_H5_WEIGHTS,
        "keras",
        parts.tensors,
        copier(source, parts.datasets),
        config=config,
        groups=parts.groups,
        extras=tuple(extras),
        unsafe=unsafe_config(config) if config else (),
    )


def copier(source: Source, datasets: Mapping[str, Dataset]) -> Writer:
    """The ``writer`` of a checkpoint that is an HDF5 file: a copy with other values in its datasets."""

    def write(out: Path, arrays: Named, config: Config | None) -> None:
        source.stamp.check()
        shutil.copyfile(source.path, out)
        write_datasets(out, ((datasets[name], array) for name, array in arrays))
        if config is not None:
            write_attribute(out, "model_config", json.dumps(config))
        source.stamp.check()

    return write


def _weights(root: Group, config: Mapping[str, Any] | None, source: Source) -> Iterator[Weight]:
    entries = {layer_name(entry): entry for entry in layers(config) or ()}
    listed = list(root.names("layer_names") or root.groups)
    for layer in dict.fromkeys([*listed, *([_TOP] if _TOP in root.groups else [])]):
        group = _down(root, layer)
        if group is None:
            raise Unreadable("a layer that the file lists is missing", where=f"{source}: {layer}")
        for stored in group.names("weight_names") or ():
            holder = _down(group, stored.rpartition("/")[0]) if "/" in stored else group
            dataset = holder.datasets.get(stored.rpartition("/")[2]) if holder is not None else None
            if dataset is None:
                raise Unreadable("a weight that the file lists is missing", where=f"{source}: {layer}: {stored}")
            path, scopes = _place(layer, stored, entries.get(layer))
            yield Weight("/".join(path), "/".join((*path, *scopes)), f"{layer}/{stored}", dataset)


def _down(group: Group, path: str) -> Group | None:
    """The group at a path; layer names may have slashes in them, and HDF5 takes those for levels."""
    found: Group | None = group
    for part in path.split("/"):
        found = found.groups.get(part) if found is not None and part else found
    return found


def _place(layer: str, stored: str, entry: Entry | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The path of a weight's layer, and its name within that layer.

    A weight's stored name is the scopes it was made in, which may or may not start with the model's and the layer's.
    """
    parts = re.sub(r":\d+$", "", stored).split("/")
    if entry is not None and layers(entry) is not None:
        found = _inner_leaf(entry, parts)
        if found is not None:
            path, taken = found
            return (layer, *path), tuple(parts[taken:])
    if "/" in layer and stored.startswith(f"{layer}/"):
        return (layer,), tuple(parts[layer.count("/") + 1 :])
    if layer in parts[:-1]:
        return (layer,), tuple(parts[parts.index(layer) + 1 :])
    if len(parts) > 1 and _unnumbered(parts[0]) == _unnumbered(layer):
        return (layer,), tuple(parts[1:])
    return (layer,), tuple(parts)


def _inner_leaf(model: Entry, parts: list[str]) -> tuple[tuple[str, ...], int] | None:
    """The layer of a nested model that a weight belongs to, and how many parts of the weight's name say so.

    The layer's own name must be among the scopes; where several layers have it, the models around it decide.
    """
    scopes = parts[:-1]
    found: list[tuple[int, int, tuple[str, ...]]] = []
    for path, _ in leaves(model):
        if path[-1] in scopes:
            at = scopes.index(path[-1])
            found.append((sum(name in scopes[:at] for name in path[:-1]), at + 1, path))
    if not found:
        return None
    best = max(score for score, _, _ in found)
    winners = [(taken, path) for score, taken, path in found if score == best]
    return (winners[0][1], winners[0][0]) if len(winners) == 1 else None


def _unnumbered(name: str) -> str:
    return re.sub(r"_\d+$", "", name)
