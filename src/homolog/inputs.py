"""The inputs that a user gives: arrays or shapes, in order or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from homolog.errors import Usage
from homolog.network import Network
from homolog.proof.given import UNNAMED
from homolog.signature import OPEN_AS, Given
from homolog.tensors import Array, dtype_of


@dataclass(frozen=True)
class Sized:
    """An input of which the shape and the element type are known, and no values.

    Attributes:
        shape: batch first; None where a length is to stay open.
        dtype: as numpy calls it.
        opened_as: the length that the network is run with along an axis that stays open.
    """

    shape: tuple[int | None, ...]
    dtype: str = "float32"
    opened_as: int = OPEN_AS


Shape = Sequence[int | None]
Input = ArrayLike | Shape | Sized
Inputs = Input | Sequence[Input] | Mapping[str, Input]
"""For each input of the first network an array (NumPy's, or a framework's tensor), or a shape with the batch in front:
in its order, or by name. Where there is one input, it may stand by itself."""

Entry: TypeAlias = "Array | Sized"


def entries_of(inputs: Inputs) -> list[Entry] | dict[str, Entry]:
    """Every input as an array or with its shape and type, by name where the user gave them so.

    What comes under the names that ``numpy.savez`` has for arrays without one is in order, not by name.

    Raises:
        Usage: an entry is neither an array nor a shape.
    """
    if isinstance(inputs, Mapping):
        places = {name: UNNAMED.fullmatch(name) for name in inputs}
        numbers = {name: int(found[1]) for name, found in places.items() if found}
        if len(numbers) < len(inputs):
            return {name: _entry(entry) for name, entry in inputs.items()}
        return [_entry(inputs[name]) for name in sorted(numbers, key=numbers.__getitem__)]
    if isinstance(inputs, Sized) or _is_array(inputs) or _is_shape(inputs):
        return [_entry(inputs)]
    if not isinstance(inputs, Sequence) or isinstance(inputs, str):
        raise _neither(inputs)
    return [_entry(entry) for entry in inputs]


def _entry(entry: object) -> Entry:
    if isinstance(entry, Sized):
        shape: Sequence[object] = entry.shape
    elif _is_array(entry):
        return np.asarray(entry.detach() if hasattr(entry, "detach") else entry)  # a tensor that would be trained
    elif _is_shape(entry):
        shape = tuple(entry)  # type: ignore[arg-type]  # a shape is a sequence
    else:
        raise _neither(entry)
    if any(length is not None and length <= 0 for length in shape):  # type: ignore[operator]  # they are numbers
        raise _neither(entry)
    return entry if isinstance(entry, Sized) else Sized(tuple(shape))  # type: ignore[arg-type]  # they are numbers


def _is_array(entry: object) -> bool:
    return hasattr(entry, "__array__") and not isinstance(entry, type)


def _is_shape(entry: object) -> bool:
    known = isinstance(entry, Sequence) and not isinstance(entry, str) and len(entry) > 0
    return known and all(length is None or isinstance(length, int) for length in entry)  # type: ignore[attr-defined]


def _neither(entry: object) -> Usage:
    found = repr(entry)
    return Usage(
        "an input is neither an array nor a shape",
        found=found if len(found) < 80 else f"{found[:76]} ...",
        help="for example (1, 3, 224, 224), the batch first",
    )


def arrays_of(inputs: Inputs, network: Network) -> Given:
    """Arrays as they are; shapes as zeros. By name where the user gave them so.

    Raises:
        Usage: an entry is neither, or the network takes nothing of that name.
    """
    entries = entries_of(inputs)
    if not isinstance(entries, dict):
        return [_array(entry) for entry in entries]
    known = network.live.arguments() if network.must_be_traced else None
    if known is not None and not set(entries) <= {argument.name for argument in known}:
        raise Usage(
            "the inputs given are not those that the network takes",
            where=network.name,
            expected=", ".join(argument.name if argument.required else f"[{argument.name}]" for argument in known),
            found=", ".join(entries),
        )
    return {name: _array(entry) for name, entry in entries.items()}


def open_axes(inputs: Inputs) -> dict[int | str, tuple[int, ...]]:
    """The axes, the batch left out, that are to stay open, by the places or names of their inputs."""
    entries = entries_of(inputs)
    found: dict[int | str, tuple[int, ...]] = {}
    for key, entry in entries.items() if isinstance(entries, dict) else enumerate(entries):
        shape = entry.shape if isinstance(entry, Sized) else ()
        axes = tuple(axis for axis, length in enumerate(shape) if axis and length is None)
        if axes:
            found[key] = axes
    return found


def closed(inputs: Inputs) -> Inputs:
    """The same inputs with the lengths that they are run with in place of those that were to stay open."""
    entries = entries_of(inputs)
    if isinstance(entries, dict):
        return {name: _closed(entry) for name, entry in entries.items()}
    return [_closed(entry) for entry in entries]


def _closed(entry: Entry) -> Entry:
    if not isinstance(entry, Sized):
        return entry
    first, *rest = entry.shape
    return replace(entry, shape=(first, *(entry.opened_as if length is None else length for length in rest)))


def _array(entry: Entry) -> Array:
    if not isinstance(entry, Sized):
        return entry
    lengths = [entry.opened_as if length is None else int(length) for length in entry.shape]
    return np.zeros((1 if entry.shape[:1] == (None,) else lengths[0], *lengths[1:]), dtype_of(entry.dtype))


def given_by(inputs: Inputs | None) -> Given | None:
    """The arrays that the user gave to run on; None where there are none, or shapes alone.

    Raises:
        Usage: some are arrays and some are shapes.
    """
    if inputs is None:
        return None
    entries = entries_of(inputs)
    by_key = entries if isinstance(entries, dict) else dict(enumerate(entries))
    arrays = {key: entry for key, entry in by_key.items() if not isinstance(entry, Sized)}
    if not arrays:
        return None
    if len(arrays) < len(by_key):
        raise Usage(
            "some inputs are arrays, and some are shapes", expected="arrays for every input, or a shape for each"
        )
    return {str(name): array for name, array in arrays.items()} if isinstance(entries, dict) else list(arrays.values())
