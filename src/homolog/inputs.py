"""The inputs that a user gives: arrays or shapes, in order or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homolog.errors import Usage
from homolog.network import Network
from homolog.proof.given import UNNAMED
from homolog.signature import Given
from homolog.tensors import Array, dtype_of

OPEN_AS = 64
"""Length that a network is run with along an axis of an input that is to stay open."""


@dataclass(frozen=True)
class Sized:
    """An input of which the shape and the element type are known, and no values.

    Attributes:
        shape: batch first; None where a length is to stay open.
        dtype: as numpy calls it.
    """

    shape: tuple[int | None, ...]
    dtype: str = "float32"


Input = Array | Sequence[int | None] | Sized
Inputs = Sequence[Input] | Mapping[str, Input]
"""For each input of the first network an array, or a shape with the batch in front: in its order, or by name."""


def arrays_of(inputs: Inputs, network: Network) -> Given:
    """Arrays as they are; shapes as zeros. By name where the user gave them so.

    Raises:
        Usage: an entry is neither, or the network takes nothing of that name.
    """
    inputs = _told_apart(inputs)
    if not isinstance(inputs, Mapping):
        return [_array(entry) for entry in inputs]
    known = network.live.arguments() if network.must_be_traced else None
    if known is not None and not set(inputs) <= {argument.name for argument in known}:
        raise Usage(
            "the inputs given are not those that the network takes",
            where=network.name,
            expected=", ".join(argument.name if argument.required else f"[{argument.name}]" for argument in known),
            found=", ".join(inputs),
        )
    return {name: _array(entry) for name, entry in inputs.items()}


def _told_apart(inputs: Inputs) -> Inputs:
    """What comes under the names that ``numpy.savez`` has for arrays without one is in order, not by name."""
    if not isinstance(inputs, Mapping):
        return inputs
    places = {name: UNNAMED.fullmatch(name) for name in inputs}
    numbers = {name: int(found[1]) for name, found in places.items() if found}
    return (
        [inputs[name] for name in sorted(numbers, key=numbers.__getitem__)] if len(numbers) == len(inputs) else inputs
    )


def open_axes(inputs: Inputs) -> dict[int | str, tuple[int, ...]]:
    """The axes, the batch left out, that are to stay open, by the places or names of their inputs."""
    entries = inputs.items() if isinstance(inputs, Mapping) else enumerate(inputs)
    found: dict[int | str, tuple[int, ...]] = {}
    for key, entry in entries:
        shape = entry.shape if isinstance(entry, Sized) else () if isinstance(entry, np.ndarray) else tuple(entry)
        axes = tuple(axis for axis, length in enumerate(shape) if axis and length is None)
        if axes:
            found[key] = axes
    return found


def _array(entry: Input) -> Array:
    if isinstance(entry, np.ndarray):
        return entry
    sized = entry if isinstance(entry, Sized) else Sized(tuple(entry))
    if all(length is None or (isinstance(length, int) and length > 0) for length in sized.shape):
        lengths = [OPEN_AS if length is None else int(length) for length in sized.shape]
        return np.zeros((1 if sized.shape[:1] == (None,) else lengths[0], *lengths[1:]), dtype_of(sized.dtype))
    raise Usage("an input is neither an array nor a shape", found=repr(entry), help="for example (1, 3, 224, 224)")


def given_by(inputs: Inputs | None) -> Given | None:
    """The arrays that the user gave to run on; None where there are none, or shapes alone.

    Raises:
        Usage: some are arrays and some are shapes.
    """
    if not inputs:
        return None
    inputs = _told_apart(inputs)
    entries = list(inputs.values() if isinstance(inputs, Mapping) else inputs)
    arrays = [entry for entry in entries if isinstance(entry, np.ndarray)]
    if not arrays:
        return None
    if len(arrays) < len(entries):
        raise Usage(
            "some inputs are arrays, and some are shapes", expected="arrays for every input, or a shape for each"
        )
    return dict(zip(inputs, arrays, strict=True)) if isinstance(inputs, Mapping) else arrays
