"""Inputs for two corresponding networks: the same numbers, each in its network's order of axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from homolog.errors import Mismatch, Unsupported
from homolog.graph import Framework, Graph, Node, OpenShape
from homolog.passes.layout import Labels, labels_at
from homolog.proof.subjects import Subjects
from homolog.reading import customary, element_type, reordered, vocabulary
from homolog.signature import Argument
from homolog.tensors import Array

HELP = "give the shapes of the inputs, batch first: --input 1,3,224,224"


@dataclass(frozen=True)
class Samples:
    """The inputs of both networks, by the names of the nodes that they enter by."""

    first: Mapping[str, Array]
    second: Mapping[str, Array]


def samples(a: Graph, b: Graph, *, batch: int, seed: int) -> Samples:
    """Random inputs for two networks whose inputs correspond place by place.

    Standard normal numbers; ids within the vocabulary for what an embedding reads; for other whole numbers and truth
    values ones, as masks have them where nothing is masked; for positions 0, 1, 2 …

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
    first, second = {}, {}
    for one, two in zip(a.inputs, b.inputs, strict=True):
        have, want = _labels(one, two, a.framework), _labels(two, one, b.framework)
        values = _drawn(a, one, b, two, _shape(one, two, (have, want), batch), random)
        ids = values.dtype.kind in "iu"
        first[one.name] = values.astype(_whole(one)) if ids else values
        second[two.name] = arranged(values.astype(_whole(two)) if ids else values, have, want)
    return Samples(first, second)


def inputs_for(subjects: Subjects, *, batch: int, seed: int) -> Samples:
    """The inputs that a proof runs both of its networks on."""
    return samples(subjects.graph_a, subjects.graph_b, batch=batch, seed=seed)


def _drawn(a: Graph, one: Node, b: Graph, two: Node, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Numbers for one input of both networks."""
    roles = {Argument(node.name).role for node in (one, two)}
    known = [size for size in (vocabulary(a, one), vocabulary(b, two)) if size is not None]
    whole = known or any(element_type(graph, node) != "float32" for graph, node in ((a, one), (b, two)))
    if whole and "position" in roles:
        return np.broadcast_to(np.arange(shape[-1]), shape)
    if known:
        return random.integers(0, min(known), shape)
    return np.ones(shape, np.int64) if whole else random.standard_normal(shape).astype(np.float32)


def _labels(node: Node, other: Node, framework: Framework) -> Labels | None:
    """The labels of an input; where it has none, those that are the custom of its framework for what the other has."""
    have = labels_at(other)
    return labels_at(node) if have is None else customary(have, node, framework)


def arranged(array: Array, have: Labels | None, want: Labels | None) -> Array:
    """An array with its axes in the order of other labels; as it is where labels are unknown or alike."""
    if have is None or want is None or len(have) != len(want):
        return array
    names = [tuple(part[0] for part in label) for label in have]
    wanted = [tuple(part[0] for part in label) for label in want]
    if names == wanted or sorted(names) != sorted(wanted):
        return array
    return np.ascontiguousarray(np.transpose(array, [names.index(name) for name in wanted]))


def _shape(one: Node, two: Node, labels: tuple[Labels | None, Labels | None], batch: int) -> tuple[int, ...]:
    """The shape of the first network's input, with this batch."""
    own = one.shapes[0] if one.shapes else None
    told = two.shapes[0] if two.shapes else None
    want, have = labels
    if told is not None and have is not None:
        told = reordered(told, have, want)
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


def _whole(node: Node) -> str:
    """The element type that an input takes whole numbers and truth values in."""
    dtype = str(node.fields.get("dtype", "int64"))
    return dtype if "int" in dtype or dtype == "bool" else "int64"
