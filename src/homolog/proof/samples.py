"""Inputs for two corresponding networks: the same numbers, each in its network's order of axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homolog.errors import Mismatch, Unsupported
from homolog.graph import Graph, Node, OpenShape
from homolog.passes.layout import Labels, labels_at
from homolog.reading import reordered, vocabulary
from homolog.tensors import Array

HELP = "give the shapes of the inputs, batch first: --input 1,3,224,224"


@dataclass(frozen=True)
class Samples:
    """The inputs of both networks, and what was done to the axes of the second's."""

    first: tuple[Array, ...]
    second: tuple[Array, ...]


def samples(a: Graph, b: Graph, *, batch: int, seed: int) -> Samples:
    """Random inputs: standard normal numbers, or ids within the vocabulary for what an embedding reads.

    Raises:
        Mismatch: the two take another number of inputs, or inputs of other shapes.
        Unsupported: neither says how large an input is.
    """
    if len(a.inputs) != len(b.inputs):
        raise Mismatch(
            "the two networks take another number of inputs",
            expected=f"{len(a.inputs)}: {', '.join(node.name for node in a.inputs)}",
            found=f"{len(b.inputs)}: {', '.join(node.name for node in b.inputs)}",
        )
    random = np.random.default_rng(seed)
    first, second = [], []
    for one, two in zip(a.inputs, b.inputs, strict=True):
        shape = _shape(one, two, batch)
        known = [size for size in (vocabulary(a, one), vocabulary(b, two)) if size is not None]
        if known:
            whole = random.integers(0, min(known), shape)
            first.append(whole.astype(_ids(one)))
            second.append(arranged(whole.astype(_ids(two)), labels_at(one), labels_at(two)))
        else:
            values = random.standard_normal(shape).astype(np.float32)
            first.append(values)
            second.append(arranged(values, labels_at(one), labels_at(two)))
    return Samples(tuple(first), tuple(second))


def arranged(array: Array, have: Labels | None, want: Labels | None) -> Array:
    """An array with its axes in the order of other labels; as it is where labels are unknown or alike."""
    if have is None or want is None or len(have) != len(want):
        return array
    names = [tuple(part[0] for part in label) for label in have]
    wanted = [tuple(part[0] for part in label) for label in want]
    if names == wanted or sorted(names) != sorted(wanted):
        return array
    return np.ascontiguousarray(np.transpose(array, [names.index(name) for name in wanted]))


def _shape(one: Node, two: Node, batch: int) -> tuple[int, ...]:
    """The shape of the first network's input, with this batch."""
    own = one.shapes[0] if one.shapes else None
    have = labels_at(two)
    told = two.shapes[0] if two.shapes else None
    if told is not None and have is not None:
        told = reordered(told, have, labels_at(one))
    shape = _joined(own, told, one.name)
    if shape is None or None in shape[1:]:
        raise Unsupported("neither network says how large its input is", where=one.name, found=str(shape), help=HELP)
    return (batch, *(length for length in shape[1:] if length is not None))


def _joined(own: OpenShape | None, told: OpenShape | None, where: str) -> OpenShape | None:
    if own is None or told is None:
        return own or told
    clash = any(n != m for n, m in zip(own[1:], told[1:], strict=False) if None not in (n, m))
    if len(own) != len(told) or clash:
        raise Mismatch(
            "the two networks take inputs of other shapes", where=where, expected=str(own), found=str(told), help=HELP
        )
    return tuple(n if n is not None else m for n, m in zip(own, told, strict=True))


def _ids(node: Node) -> str:
    dtype = str(node.fields.get("dtype", "int64"))
    return dtype if "int" in dtype else "int64"
