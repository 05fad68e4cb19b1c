"""A file of weights and the live model it belongs to: which tensor is which, and filling one from the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from homolog.errors import Mismatch
from homolog.files import Checkpoint
from homolog.tensors import Array, TensorRef, dtype_of, same_bits

if TYPE_CHECKING:
    from homolog.live import Live

Lists = list[list[str]]


def load_into(live: Live, file: Checkpoint) -> None:
    """Fill a model with the weights of a file: all of both sides.

    Raises:
        Mismatch: the file does not belong to the model.
    """
    held = live.tensors()
    if set(file.tensors) == set(held):
        live.fill((name, _widened(ref.read(), held[name].dtype)) for name, ref in file.tensors.items())
    elif live.framework == "keras" and file.groups and len(_telling(file.tensors)) == len(_telling(held)):
        live.load_weights(file.path)  # where the names do not tell, Keras's own loader decides
    else:
        raise not_of_this_model(file, live)


def _widened(array: Array, dtype: str) -> Array:
    """The array in an element type that holds all its values, else as it is."""
    import numpy as np

    wanted = dtype_of(dtype)
    return array.astype(wanted) if np.can_cast(array.dtype, wanted, "safe") and array.dtype.kind in "fV" else array


def stored_names(file: Checkpoint, live: Live) -> dict[str, str] | None:
    """The file's name of each tensor of a live model that holds the file's values, None if nothing tells.

    By name; else layer by layer, by the layers' paths; else by the order of the layers. The last two are believed only
    if the values agree as well.
    """
    held = live.tensors()
    if set(_telling(file.tensors)) <= set(held):
        return {name: name for name in file.tensors if name in held}
    for theirs, ours in (_by_path(file, held), _by_order(file, held)):
        if [len(names) for names in theirs] == [len(names) for names in ours]:
            found = dict(zip(chain.from_iterable(theirs), chain.from_iterable(ours), strict=True))
            if all(_agree(held[name], file.tensors[stored]) for name, stored in found.items()):
                return found
    return None


def _by_path(file: Checkpoint, held: Mapping[str, TensorRef]) -> tuple[Lists, Lists]:
    """Tensors of the model and of the file, layer by layer."""
    ours = {path: _telling(ref.name for ref in refs) for path, refs in file.groups.items()}
    return _gathered(held, (path for path, names in ours.items() if names)), [names for names in ours.values() if names]


def _by_order(file: Checkpoint, held: Mapping[str, TensorRef]) -> tuple[Lists, Lists]:
    """The same for the outermost layers, whatever they are called."""
    layer = {ref.name: path.partition("/")[0] for path, refs in file.groups.items() for ref in refs}
    ours: dict[str, list[str]] = {}
    for name in _telling(file.tensors):
        ours.setdefault(layer.get(name, ""), []).append(name)
    return _gathered(held, dict.fromkeys(name.partition("/")[0] for name in _telling(held))), list(ours.values())


def _gathered(held: Mapping[str, TensorRef], paths: Iterable[str]) -> Lists:
    """A live model's tensors by the layer they are inside of, for each of these paths; the trained ones first, as
    Keras lists the weights of a layer that is made of layers. What is inside of none of them comes last."""
    found: dict[str, list[str]] = {path: [] for path in paths}
    for name in sorted(_telling(held), key=lambda name: held[name].trainable is False):
        parts = name.split("/")
        path = next((path for end in range(1, len(parts)) if (path := "/".join(parts[:end])) in found), "")
        found.setdefault(path, []).append(name)
    return list(found.values())


def _agree(one: TensorRef, two: TensorRef) -> bool:
    return one.shape == two.shape and same_bits(one.read(), _widened(two.read(), one.dtype))


def _telling(names: Iterable[str]) -> list[str]:
    """Without the states of random generators, which some formats leave out."""
    return [name for name in names if "seed_generator" not in name]


def not_of_this_model(file: Checkpoint, live: Live) -> Mismatch:
    """The error for a file and a model that do not belong together; every tensor without a partner is listed."""
    held = live.tensors()
    return Mismatch(
        "the file's weights do not belong to this model",
        where=str(file.path),
        details=[
            *(f"file only: {name} {ref.shape}" for name, ref in file.tensors.items() if name not in held),
            *(f"model only: {name} {ref.shape}" for name, ref in held.items() if name not in file.tensors),
        ],
    )
