"""Pooling: sliding windows, to a given size, and over everything.

PyTorch counts padding in an average's divisor by default and can round sizes up (``ceil_mode``); Keras never does
either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from homolog.graph import Node, OpenShape
from homolog.rules.arguments import Arguments, Unwritten
from homolog.rules.conv import Pads, same_pads, settle_same, window
from homolog.rules.forms import data_format, ints, pads, together
from homolog.rules.rule import Field, Fields, Form, Keras, Layout, Rule, Torch
from homolog.tensors import Shape


def _infer_pool(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    batch, channels, *lengths = inputs[0]
    kernel, stride, dilation = (cast(Shape, fields[name]) for name in ("kernel_size", "stride", "dilation"))
    if fields["padding"] == "same":
        return (batch, channels, *(None if n is None else -(-n // s) for n, s in zip(lengths, stride, strict=True)))
    padding = cast(Pads, fields["padding"])
    sizes = []
    for n, k, s, p, d in zip(lengths, kernel, stride, padding, dilation, strict=True):
        # ceil_mode: one more window where one begins inside the input or its front padding, as PyTorch documents
        size = window(n, k, s, (p[0], p[1] + s - 1) if fields["ceil_mode"] else p, d)
        if fields["ceil_mode"] and size is not None and n is not None and (size - 1) * s >= n + p[0]:
            size -= 1
        sizes.append(size)
    return (batch, channels, *sizes)


def _settle_pool(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    """``same`` and, where it can be said so, ``ceil_mode`` as numbers of padding.

    A window that reaches over the end because of ``ceil_mode`` sees nothing there, as it sees nothing in the padding
    of a maximum, or of an average that leaves padding out.
    """
    fields = settle_same(fields, inputs)
    lengths = inputs[0][2:]
    if not fields["ceil_mode"] or None in lengths:
        return fields
    steps = [cast(Shape, fields[name]) for name in ("kernel_size", "stride", "dilation")]
    reach = []
    sizes = _infer_pool(fields, {}, inputs)[2:]
    padding = cast(Pads, fields["padding"])
    for n, size, k, s, d, p in zip(cast(Shape, lengths), cast(Shape, sizes), *steps, padding, strict=True):
        reach.append(max((size - 1) * s + d * (k - 1) + 1 - n - p[0], p[1]))
    if all(after == p[1] for after, p in zip(reach, padding, strict=True)):
        fields["ceil_mode"] = False
    elif not fields["count_include_pad"] or not any(map(any, padding)):
        fields["padding"] = tuple((p[0], after) for after, p in zip(reach, padding, strict=True))
        fields.update(ceil_mode=False, count_include_pad=False)
    return _normalise_pool(fields, {})


def _normalise_pool(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    if not fields["stride"]:  # both frameworks: a window's stride is its size unless said otherwise
        fields["stride"] = fields["kernel_size"]
    padded = fields["padding"] == "same" or any(map(any, cast(Pads, fields["padding"])))
    if not padded:
        fields["count_include_pad"] = False  # nothing to count, nor does PyTorch count what ceil_mode reaches over
    return fields


def _restored(node: Node) -> Fields:
    """Without what goes without saying: a stride of the window's size, zeros that are not counted for there are
    none."""
    fields = dict(node.fields)
    if fields["stride"] == fields["kernel_size"]:
        del fields["stride"]
    if fields["padding"] != "same" and not any(map(any, cast(Pads, fields["padding"]))):
        del fields["count_include_pad"]
    return fields


def _pool_to_torch(node: Node) -> Fields:
    if node.fields["padding"] == "same":
        raise Unwritten("padding", "PyTorch takes numbers, which take the length of the input")
    return _restored(node)


def _pool_to_keras(node: Node) -> Fields:
    fields = _restored(node)
    steps = (cast(Shape, node.fields[name]) for name in ("kernel_size", "dilation"))
    same = set(cast(Shape, node.fields["stride"])) == {1} and fields["padding"] == same_pads(*steps)
    return {**fields, "padding": "same"} if same and any(map(any, cast(Pads, fields["padding"]))) else fields


def pool(way: str, rank: int) -> Rule:
    """``max`` or ``avg`` over a sliding window on ``rank`` spatial axes."""
    name = {"max": "MaxPool", "avg": "AvgPool"}[way]
    keras_name = {"max": "MaxPooling", "avg": "AveragePooling"}[way]
    return Rule(
        f"{way}_pool{rank}d",
        torch=Torch(
            (f"{name}{rank}d",),
            (f"{way}_pool{rank}d",),
            fixed={"return_indices": False, "divisor_override": None},
            make=Arguments(
                lacks=("dilation",) if way == "avg" else ("count_include_pad",),
                defaults={"count_include_pad": True} if way == "avg" else {},
                restore=_pool_to_torch,
            ),
        ),
        keras=Keras((f"{keras_name}{rank}D",), make=Arguments(restore=_pool_to_keras)),
        fields=(
            Field("kernel_size", "pool_size", ints(rank)),
            Field("stride", "strides", ints(rank), otherwise=()),
            Field("padding", "padding", pads(rank), otherwise=((0, 0),) * rank),
            Field("dilation", form=ints(rank), otherwise=(1,) * rank),
            Field("ceil_mode", otherwise=False),
            Field("count_include_pad", otherwise=False),
            data_format(),
        ),
        layout=Layout("spatial", rank),
        infer=_infer_pool,
        normalise=_normalise_pool,
        settle=_settle_pool,
    )


def _infer_adaptive(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    batch, channels, *lengths = inputs[0]
    wanted = cast(Sequence[int | None], fields["output_size"])
    return (batch, channels, *(n if size is None else size for n, size in zip(lengths, wanted, strict=True)))


def _cells(value: object) -> object:
    """Keras's word for a number of cells.

    Raises:
        ValueError: as many as there are places, which PyTorch has a word for.
    """
    if None in cast(Sequence[int | None], value):
        raise ValueError("Keras has no number of cells that is the length of the input")
    return together(value)


def adaptive(way: str, rank: int) -> Rule:
    """``max`` or ``avg`` into a given number of cells."""
    name = {"max": "AdaptiveMaxPool", "avg": "AdaptiveAvgPool"}[way]
    keras_name = {"max": "AdaptiveMaxPooling", "avg": "AdaptiveAveragePooling"}[way]
    return Rule(
        f"adaptive_{way}_pool{rank}d",
        torch=Torch(
            (f"{name}{rank}d",),
            (f"adaptive_{way}_pool{rank}d",),
            fixed={"return_indices": False},
            make=Arguments(),
        ),
        keras=Keras((f"{keras_name}{rank}D",), make=Arguments()),
        fields=(Field("output_size", "output_size", replace(ints(rank), to_keras=_cells)), data_format()),
        layout=Layout("spatial", rank),
        infer=_infer_adaptive,
    )


def _infer_global(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    batch, channels, *lengths = inputs[0]
    return (batch, channels, *(1 for _ in lengths)) if fields["keepdims"] else (batch, channels)


def global_pool(way: str, rank: int) -> Rule:
    """``max`` or ``avg`` over all spatial axes; Keras's alone, PyTorch pools adaptively to size 1."""
    keras_name = {"max": "GlobalMaxPooling", "avg": "GlobalAveragePooling"}[way]
    name = {"max": "AdaptiveMaxPool", "avg": "AdaptiveAvgPool"}[way]
    return Rule(
        f"global_{way}_pool{rank}d",
        torch=Torch(make=Arguments(f"{name}{rank}d", constants={"output_size": 1}, defaults={"keepdims": True})),
        keras=Keras((f"{keras_name}{rank}D",), make=Arguments()),
        fields=(
            Field("keepdims", "keepdims", Form(from_keras=bool), otherwise=False, effect="layout", torch=False),
            data_format(),
        ),
        layout=Layout("spatial", rank),
        infer=_infer_global,
    )


RULES = tuple(make(way, rank) for make in (pool, adaptive, global_pool) for way in ("max", "avg") for rank in (1, 2, 3))
