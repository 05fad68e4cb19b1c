"""Transposed convolutions: one, two and three spatial axes.

PyTorch keeps kernels as (in, out / groups, *spatial), Keras as (*spatial, out, in).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from homolog.graph import Node, OpenShape
from homolog.rules.arguments import Arguments, Size, Unwritten
from homolog.rules.conv import SPATIAL, Pads, conv_fields, plain, refuse_both
from homolog.rules.forms import ints
from homolog.rules.rule import Field, Fields, Keras, Layout, Rule, Slot, Torch
from homolog.tensors import Shape
from homolog.transforms import Axes


def _infer_transposed(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    batch, _, *lengths = inputs[0]
    kernel, stride, dilation = (cast(Shape, fields[name]) for name in ("kernel_size", "stride", "dilation"))
    crop = cast(Pads, fields["padding"])
    steps = zip(lengths, kernel, stride, dilation, crop, strict=True)
    sizes = (None if n is None else (n - 1) * s + d * (k - 1) + 1 - sum(c) for n, k, s, d, c in steps)
    return (batch, weights["weight"][1] * cast(int, fields["groups"]), *sizes)


def _normalise_transposed(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    """Padding and output padding become one: how much of the full output is cropped (before, after).

    Keras's ``same`` gives length in x stride, its ``valid`` at least that; the cropping of the full output
    ((in - 1) x stride + dilation x (kernel - 1) + 1) follows the gradient of TensorFlow's convolution, whose
    ``same`` padding puts the odd one behind.
    """
    kernel, stride, dilation = (cast(Shape, fields[name]) for name in ("kernel_size", "stride", "dilation"))
    extra = fields.pop("output_padding")
    padding = fields["padding"]
    sizes = list(zip(kernel, stride, dilation, strict=True))
    if isinstance(padding, str):  # "same"; pads() has made zeros of "valid"
        crops = []
        for axis, (k, s, d) in enumerate(sizes):
            full = d * (k - 1) + 1
            total = full - s if extra is None else full // 2 * 2 - cast(Shape, extra)[axis]
            before = max(total, 0) // 2
            crops.append((before, total - before))
        fields["padding"] = tuple(crops)
    elif extra is None:  # Keras, "valid"
        fields["padding"] = tuple((0, min(0, d * (k - 1) + 1 - s)) for k, s, d in sizes)
    else:
        after = cast(Shape, extra)
        fields["padding"] = tuple((p[0], p[1] - e) for p, e in zip(cast(Pads, padding), after, strict=True))
    return fields


def _transposed_to_torch(node: Node) -> Fields:
    """What is cropped in front is PyTorch's padding, what is cropped less behind its output padding."""
    crops = cast(Pads, node.fields["padding"])
    extra = tuple(before - after for before, after in crops)
    if min(extra) < 0:
        raise Unwritten("padding", "PyTorch crops no more behind than in front")
    if min(before for before, _ in crops) < 0:
        raise Unwritten("padding", "PyTorch adds nothing in front")
    steps = zip(extra, cast(Shape, node.fields["stride"]), cast(Shape, node.fields["dilation"]), strict=True)
    if any(e >= max(s, d) for e, s, d in steps):
        raise Unwritten("padding", "PyTorch adds less behind than its stride or dilation")
    return {**node.fields, "padding": tuple((before, before) for before, _ in crops), "output_padding": extra}


def _transposed_to_keras(node: Node) -> Fields:
    """The padding and output padding of Keras that crop as much: of those that do, the one with less said."""
    crops = cast(Pads, node.fields["padding"])
    rank = len(crops)
    refuse_both(dict(node.fields))
    sizes = zip(*(cast(Shape, node.fields[name]) for name in ("kernel_size", "dilation")), strict=True)
    halves = tuple((d * (k - 1) + 1) // 2 * 2 for k, d in sizes)
    told = tuple(half - before - after for half, (before, after) in zip(halves, crops, strict=True))
    behind = tuple(-after for _, after in crops)
    none = ((0, 0),) * rank
    for padding, extra in ((none, None), ("same", None), ("same", told), (none, behind)):
        fields = {**node.fields, "padding": padding, "output_padding": extra}
        steps = cast(Shape, node.fields["stride"])
        possible = extra is None or all(0 <= e < s for e, s in zip(extra, steps, strict=True))
        if possible and _normalise_transposed(dict(fields), {})["padding"] == crops:
            return fields
    raise Unwritten("padding", "Keras crops what 'valid' or 'same' means, with or without output_padding")


def transposed(rank: int) -> Rule:
    """Transposed convolution over ``rank`` spatial axes."""
    space = SPATIAL[rank]
    return Rule(
        f"conv_transpose{rank}d",
        torch=Torch(
            (f"ConvTranspose{rank}d",),
            (f"conv_transpose{rank}d" if rank == 1 else f"conv_transpose{rank}d.input",),
            ignore=("in_channels", "out_channels", "transposed"),
            make=Arguments(
                sizes={"in_channels": Size("weight", 0), "out_channels": Size("weight", 1, times="groups")},
                flags={"bias": "bias"},
                defaults={**plain(rank), "output_padding": (0,) * rank},
                restore=_transposed_to_torch,
            ),
        ),
        keras=Keras(
            (f"Conv{rank}DTranspose",),
            ignore=("filters",),
            make=Arguments(
                sizes={"filters": Size("weight", 1, times="groups")},
                defaults=plain(rank),
                lacks=("groups",),
                restore=_transposed_to_keras,
            ),
        ),
        fields=(
            *conv_fields(rank),
            Field("output_padding", "output_padding", ints(rank), otherwise=None),
            Field("groups", "groups", otherwise=1),
        ),
        slots=(
            Slot("weight", "kernel", Axes(f"inp out {space} -> {space} out inp")),
            Slot("bias", "bias", when="use_bias"),
        ),
        layout=Layout("spatial", rank),
        infer=_infer_transposed,
        normalise=_normalise_transposed,
    )


RULES = tuple(transposed(rank) for rank in (1, 2, 3))
