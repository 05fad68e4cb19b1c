"""Kinds that rearrange values: flatten, reshape, permute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import cast

from homolog.graph import Node, OpenShape
from homolog.rules.arguments import Arguments, Unwritten
from homolog.rules.rule import Field, Fields, Form, Keras, Layout, Rule, Torch
from homolog.tensors import Shape


def total(lengths: Sequence[int | None]) -> int | None:
    """Their product, None if one is open."""
    known = [length for length in lengths if length is not None]
    return prod(known) if len(known) == len(lengths) else None


def _tuple(value: object) -> object:
    return None if value is None else tuple(cast(Shape, value))


def _settle_flatten(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    rank = max(len(inputs[0]), 1)
    return {**fields, **{name: cast(int, fields[name]) % rank for name in ("start_dim", "end_dim")}}


def _infer_flatten(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    shape = inputs[0]
    if fields["moved"]:
        shape = (shape[0], *shape[2:], shape[1])
    start, end = cast(int, fields["start_dim"]), cast(int, fields["end_dim"])
    return (*shape[:start], total(shape[start : end + 1]), *shape[end + 1 :])


def _flatten_restored(node: Node) -> Fields:
    """The last axis as -1, which needs no shape."""
    last = len(node.shapes[0]) - 1 + _taken_in(node.fields) if node.shapes else None
    return {**node.fields, "end_dim": -1} if node.fields["end_dim"] == last else dict(node.fields)


def _taken_in(fields: Mapping[str, object]) -> int:
    """How many axes a flatten takes away."""
    start, end = cast(int, fields["start_dim"]), cast(int, fields["end_dim"])
    return end - start if start >= 0 and end >= 0 else 0


FLATTEN = Rule(
    "flatten",
    torch=Torch(("Flatten",), ("flatten.using_ints",), make=Arguments(restore=_flatten_restored)),
    keras=Keras(("Flatten",), make=Arguments(restore=_flatten_restored)),
    fields=(
        Field("start_dim", otherwise=1, effect="layout"),
        Field("end_dim", otherwise=-1, effect="layout"),
        # Keras's flatten moves channels that come first to the end before it flattens; PyTorch's never does
        Field(
            "moved",
            "data_format",
            Form(
                from_keras=lambda value: value == "channels_first",
                to_keras=lambda value: "channels_first" if value else "channels_last",
            ),
            otherwise=False,
            effect="layout",
            torch=False,
        ),
    ),
    layout=Layout("flatten"),
    infer=_infer_flatten,
    settle=_settle_flatten,
)


def _without_batch(value: object) -> object:
    return None if value is None else tuple(cast(Shape, value)[1:])


def _settle_reshape(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    """The new shape behind the batch axis, with every length that can be told."""
    _, *lengths = inputs[0]
    shape = [-1 if n is None else n for n in cast(OpenShape, fields["shape"])]
    if fields["unflattened_size"] is not None:
        axis = cast(int, fields["dim"]) % len(inputs[0]) - 1
        sizes = cast(Sequence[int], fields["unflattened_size"])
        shape = [*(-1 if n is None else n for n in lengths[:axis]), *sizes]
        shape += [-1 if n is None else n for n in lengths[axis + 1 :]]
    whole, rest = total(lengths), prod(length for length in shape if length != -1)
    if list(shape).count(-1) == 1 and whole is not None and rest and whole % rest == 0:
        shape = [whole // rest if length == -1 else length for length in shape]
    return {**fields, "shape": tuple(shape), "dim": None, "unflattened_size": None}


def _infer_reshape(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    batch, *lengths = inputs[0]
    wanted = tuple(None if length == -1 else length for length in cast(Sequence[int], fields["shape"]))
    whole, new = total(lengths), total(wanted)
    if whole == new or None in (whole, new, batch):
        return (batch if whole == new else None, *wanted)
    return (cast(int, batch) * cast(int, whole) // cast(int, new), *wanted)  # the batch is taken into the other axes


def _unflattened(node: Node) -> Fields:
    """PyTorch's module takes one axis apart."""
    if node.fields["dim"] is None:
        raise Unwritten("shape", "PyTorch has no module that reshapes all axes, only an operation")
    return {name: value for name, value in node.fields.items() if name != "shape"}


RESHAPE = Rule(
    "reshape",
    torch=Torch(
        ("Unflatten",),
        ("view", "reshape", "unflatten.int", "_unsafe_view"),
        renamed={"size": "shape", "sizes": "unflattened_size"},
        make=Arguments(restore=_unflattened),
    ),
    keras=Keras(("Reshape",), make=Arguments(defaults={"shape": None})),
    fields=(
        Field("shape", "target_shape", Form(_without_batch, _tuple), otherwise=(), effect="layout"),
        Field("dim", otherwise=None, effect="layout"),
        Field("unflattened_size", form=Form(_tuple), otherwise=None, effect="layout"),
    ),
    layout=Layout("reshape"),
    infer=_infer_reshape,
    settle=_settle_reshape,
)

RESHAPE_OPERATION = Rule(
    "reshape_operation",
    kind="reshape",
    keras=Keras((), ("Reshape",)),
    fields=(
        Field("shape", "newshape", Form(from_keras=_without_batch), effect="layout"),
        Field("dim", otherwise=None, effect="layout"),
        Field("unflattened_size", otherwise=None, effect="layout"),
    ),
    layout=Layout("reshape"),
    infer=_infer_reshape,
    settle=_settle_reshape,
)


def _settle_permute(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    rank = len(inputs[0])
    dims = cast(Shape | None, fields["dims"]) or tuple(reversed(range(rank)))  # ops.transpose(x): all of them
    if fields["swapped"] is not None:
        one, two = (axis % rank for axis in cast(Shape, fields["swapped"]))
        order = list(range(rank))
        order[one], order[two] = order[two], order[one]
        dims = tuple(order)
    return {**fields, "dims": tuple(axis % rank for axis in dims), "swapped": None}


def _infer_permute(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    return tuple(inputs[0][axis] for axis in cast(Shape, fields["dims"]))


def _behind_batch(value: object) -> object:
    dims = cast(Shape | None, value)
    if not dims or dims[0] != 0:
        raise ValueError("Keras leaves the batch where it is")
    return dims[1:]


SWAPPED = Field("swapped", otherwise=None, effect="layout", torch=False)

PERMUTE = Rule(
    "permute",
    torch=Torch((), ("permute",)),
    keras=Keras(("Permute",), make=Arguments()),
    fields=(
        Field(
            "dims",
            "dims",
            Form(_tuple, lambda dims: (0, *cast(Shape, dims)), to_keras=_behind_batch),
            effect="layout",
        ),
        SWAPPED,
    ),
    layout=Layout("permute"),
    infer=_infer_permute,
    settle=_settle_permute,
)

TRANSPOSE_OPERATION = Rule(
    "transpose_operation",
    kind="permute",
    keras=Keras((), ("Transpose",)),
    fields=(Field("dims", "axes", Form(from_keras=_tuple), otherwise=None, effect="layout"), SWAPPED),
    layout=Layout("permute"),
    infer=_infer_permute,
    settle=_settle_permute,
)


def _normalise_swap(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    return {"dims": None, "swapped": (fields.pop("dim0"), fields.pop("dim1"))}


SWAP = Rule(
    "transpose",
    kind="permute",
    torch=Torch((), ("transpose.int", "swapaxes"), renamed={"axis0": "dim0", "axis1": "dim1"}),
    fields=(Field("dim0", effect="layout"), Field("dim1", effect="layout")),
    layout=Layout("permute"),
    infer=_infer_permute,
    normalise=_normalise_swap,
    settle=_settle_permute,
)

RULES = (FLATTEN, RESHAPE, RESHAPE_OPERATION, PERMUTE, TRANSPOSE_OPERATION, SWAP)
