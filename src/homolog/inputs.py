"""The inputs that a user gives: arrays or shapes, in order or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from homolog.errors import Usage
from homolog.network import Network
from homolog.proof.given import UNNAMED
from homolog.signature import Given
from homolog.tensors import Array

Inputs = Sequence[Array | Sequence[int]] | Mapping[str, Array | Sequence[int]]
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


def _array(entry: Array | Sequence[int]) -> Array:
    if isinstance(entry, np.ndarray):
        return entry
    if all(isinstance(length, int) and length > 0 for length in entry):
        return np.zeros(tuple(map(int, entry)), np.float32)
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
