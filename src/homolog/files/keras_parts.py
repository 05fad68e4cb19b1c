"""What the readers of Keras files share: naming tensors, and turning datasets into a checkpoint's parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from homolog.errors import Unreadable
from homolog.files.hdf5 import Dataset, Group, Source, read_dataset
from homolog.tensors import TensorRef


@dataclass(frozen=True)
class Weight:
    """One dataset that is a weight of the model.

    Attributes:
        group: path of its layer, the key in ``Checkpoint.groups``.
        name: what a user calls it, e.g. ``conv2d/kernel``.
        full: a longer name, taken where the short one is not unique.
        dataset: where it is.
    """

    group: str
    name: str
    full: str
    dataset: Dataset


@dataclass(frozen=True)
class Parts:
    """The weights under their names: all of them, by layer, and where each is stored."""

    tensors: Mapping[str, TensorRef]
    groups: Mapping[str, tuple[TensorRef, ...]]
    datasets: Mapping[str, Dataset]


def assemble(weights: Iterable[Weight], *sources: Source) -> Parts:
    """Names every weight of one file, or of several, in the given order.

    Raises:
        Unreadable: two weights have one name even in full.
    """
    listed = list(weights)
    counts = Counter(weight.name for weight in listed)
    addresses = Counter((weight.dataset.shard, weight.dataset.address) for weight in listed)
    tensors: dict[str, TensorRef] = {}
    groups: dict[str, list[TensorRef]] = {}
    datasets: dict[str, Dataset] = {}
    for weight in listed:
        name = weight.name if counts[weight.name] == 1 else weight.full
        if name in tensors:
            raise Unreadable("two weights have one name", where=f"{sources[0]}: {name}")
        found = weight.dataset
        source, address = sources[found.shard], (found.shard, found.address)
        tensors[name] = TensorRef(
            name,
            found.shape,
            found.dtype,
            partial(read_dataset, source, found),
            storage=address if addresses[address] > 1 else None,
        )
        datasets[name] = found
        groups.setdefault(weight.group, []).append(tensors[name])
    return Parts(tensors, {key: tuple(refs) for key, refs in groups.items()}, datasets)


def describe(words: str, group: Group) -> str:
    """``optimizer state (14 tensors)``."""
    count = sum(len(inner.datasets) for inner in group.walk())
    return f"{words} ({count} tensor{'s' if count != 1 else ''})"
