"""Kinds that change how long the spatial axes are: padding, cropping, upsampling; over any number of axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from homolog.graph import Node, OpenShape
from homolog.rules.arguments import Arguments, Unwritten, by_rank, spatial_rank
from homolog.rules.conv import Pads
from homolog.rules.forms import data_format, together
from homolog.rules.rule import Field, Fields, Form, Keras, Layout, Rule, Torch
from homolog.tensors import Shape


def _from_the_end(value: object) -> object:
    """PyTorch's flat list, last axis first, as torch.nn.functional.pad documents it, as pairs in order."""
    flat = cast(Sequence[int], value)
    return tuple((flat[i], flat[i + 1]) for i in range(len(flat) - 2, -1, -2))


def _pairs(value: object) -> object:
    """Keras keeps ((before, after), …), and for one axis just (before, after)."""
    entries = cast(Sequence[int | Sequence[int]], value)
    if all(isinstance(entry, int) for entry in entries):
        return (tuple(entries),)
    return tuple(tuple(cast(Sequence[int], entry)) for entry in entries)


def _to_the_end(value: object) -> object:
    return tuple(amount for pair in reversed(cast(Pads, value)) for amount in pair)


def _to_pairs(value: object) -> object:
    pairs = cast(Pads, value)
    if min(map(min, pairs)) < 0:
        raise ValueError("Keras has a layer that pads and one that crops, and none that does both")
    return pairs[0] if len(pairs) == 1 else pairs


def _cropped(value: object) -> object:
    return tuple((-before, -after) for before, after in cast(Pads, _pairs(value)))


def _to_cropped(value: object) -> object:
    return _to_pairs(_cropped(value))


def _settle_pad(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    """A pair for every spatial axis: PyTorch's operator may leave the first ones out."""
    missing = len(inputs[0]) - 2 - len(cast(Pads, fields["padding"]))
    return {**fields, "padding": (*((0, 0),) * missing, *cast(Pads, fields["padding"]))}


def _infer_pad(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    shape, pairs = inputs[0], cast(Pads, fields["padding"])
    kept = len(shape) - len(pairs)  # PyTorch's operator may pad the second axis too
    sizes = (None if n is None else n + sum(pair) for n, pair in zip(shape[kept:], pairs, strict=True))
    return (*shape[:kept], *sizes)


def _padding_class(node: Node) -> str:
    """PyTorch has a class for each mode and rank, and one more for zeros."""
    mode, rank = node.fields["mode"], spatial_rank(node)
    name = next((name for name, its in _MODES.items() if its == mode), None)
    if name is None and mode != "constant":
        raise Unwritten("mode", "PyTorch's layers pad with constants, mirrored, repeated or around the end")
    return f"{name or ('Constant' if node.fields['value'] else 'Zero')}Pad{rank}d"


def _without_order(node: Node) -> Fields:
    """Along one axis Keras's layers that crop and upsample take the channels last, and no other order."""
    if spatial_rank(node) == 1 and node.fields["data_format"] != "channels_last":
        raise Unwritten("data_format", "Keras has the channels last here")
    return dict(node.fields)


def _crops(node: Node) -> bool:
    return all(amount <= 0 for pair in cast(Pads, node.fields["padding"]) for amount in pair) and any(
        map(any, cast(Pads, node.fields["padding"]))
    )


_VALUE = Field("value", form=Form(from_torch=lambda value: float(cast(float, value or 0))), otherwise=0.0)
_MODE = Field("mode", otherwise="constant")
_PADS = tuple(f"{way}Pad{rank}d" for way in ("Zero", "Constant") for rank in (1, 2, 3))
_MODES = {"Reflection": "reflect", "Replication": "replicate", "Circular": "circular"}
_OTHERS = {f"{name}Pad{rank}d": mode for name, mode in _MODES.items() for rank in (1, 2, 3)}

PAD = Rule(
    "pad",
    torch=Torch(
        (*_PADS, *_OTHERS),
        ("pad", "constant_pad_nd"),
        renamed={"pad": "padding"},
        given={name: {"mode": mode} for name, mode in _OTHERS.items()},
        make=Arguments(_padding_class),
    ),
    keras=Keras(tuple(f"ZeroPadding{rank}D" for rank in (1, 2, 3)), make=Arguments(by_rank("ZeroPadding#D"))),
    fields=(
        Field("padding", "padding", Form(_from_the_end, _pairs, _to_the_end, _to_pairs)),
        _VALUE,
        _MODE,
        data_format(),
    ),
    layout=Layout("spatial"),
    infer=_infer_pad,
    settle=_settle_pad,
)

CROP = Rule(
    "crop",
    kind="pad",  # by a negative number; PyTorch's operator does that too
    keras=Keras(
        tuple(f"Cropping{rank}D" for rank in (1, 2, 3)),
        make=Arguments(by_rank("Cropping#D"), restore=_without_order, fits=_crops),
    ),
    fields=(
        Field("padding", "cropping", Form(from_keras=_cropped, to_keras=_to_cropped)),
        _VALUE,
        _MODE,
        data_format(),
    ),
    layout=Layout("spatial"),
    infer=_infer_pad,
    settle=_settle_pad,
)


def _numbers(value: object) -> object:
    """Factors or sizes, one for each axis or one for all."""
    return tuple(cast(Sequence[float], value)) if isinstance(value, list | tuple) else value


def _spread(value: object, rank: int) -> tuple[float, ...]:
    return cast(tuple[float, ...], value) if isinstance(value, tuple) else (cast(float, value),) * rank


def _settle_upsample(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    """Sizes become factors where the lengths are known."""
    _, _, *lengths = inputs[0]
    settled = dict(fields)
    if fields["size"] is None:
        settled["scale_factor"] = _spread(fields["scale_factor"], len(lengths))
    elif None not in lengths:
        sizes = _spread(fields["size"], len(lengths))
        factors = tuple(size / n for size, n in zip(sizes, cast(Shape, lengths), strict=True))
        settled.update(size=None, scale_factor=factors)
    return settled


def _infer_upsample(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    batch, channels, *lengths = inputs[0]
    if fields["size"] is not None:
        return (batch, channels, *cast(Shape, _spread(fields["size"], len(lengths))))
    factors = cast(Sequence[float], fields["scale_factor"])
    # rounded first: the size that a factor was made of comes back
    sizes = (None if n is None else int(round(n * f, 6)) for n, f in zip(lengths, factors, strict=True))
    return (batch, channels, *sizes)


_LINEAR = dict.fromkeys(("linear", "bilinear", "trilinear"), "linear")
_FROM_KERAS = {**_LINEAR, "bicubic": "bicubic, a=-0.5"}  # TensorFlow's cubic kernel; PyTorch's has a=-0.75
_OPERATORS = {
    f"upsample_{name}.vec": _LINEAR.get(name[:-2], name[:-2])
    for name in ("nearest1d", "nearest2d", "nearest3d", "linear1d", "bilinear2d", "trilinear3d", "bicubic2d")
}

_BY_RANK = {1: "linear", 2: "bilinear", 3: "trilinear"}


def _factors(value: object) -> object:
    """Factors as a framework is given them: whole numbers as such, one where all are alike."""
    each = value if isinstance(value, tuple) else (value,)
    return together(tuple(int(f) if float(f).is_integer() else f for f in cast(tuple[float, ...], each)))


def _whole_factors(value: object) -> object:
    factors = _factors(value)
    if not all(isinstance(factor, int) for factor in (factors if isinstance(factors, tuple) else (factors,))):
        raise ValueError("Keras upsamples by whole numbers")
    return factors


def _upsample_to_torch(node: Node) -> Fields:
    mode = node.fields["mode"]
    if mode not in ("nearest", "nearest-exact", "linear", "bicubic"):
        raise Unwritten("mode", "PyTorch has nearest, linear and its own bicubic interpolation")
    return {**node.fields, "mode": _BY_RANK[spatial_rank(node)] if mode == "linear" else mode}


_TO_KERAS = {"nearest": "nearest", "linear": "bilinear", "bicubic, a=-0.5": "bicubic"}


def _upsample_to_keras(node: Node) -> Fields:
    mode, rank = str(node.fields["mode"]), spatial_rank(node)
    if mode not in _TO_KERAS or (rank != 2 and mode != "nearest"):
        raise Unwritten("mode", "Keras interpolates linearly, or cubically with a=-0.5, over two axes only")
    return _without_order(node)


UPSAMPLE = Rule(
    "upsample",
    torch=Torch(
        ("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"),
        tuple(_OPERATORS),
        ignore=("name", "recompute_scale_factor"),
        renamed={"output_size": "size", "scale_factors": "scale_factor"},
        given={name: {"mode": mode} for name, mode in _OPERATORS.items()},
        make=Arguments(restore=_upsample_to_torch, defaults={"scale_factor": None}),
    ),
    keras=Keras(
        tuple(f"UpSampling{rank}D" for rank in (1, 2, 3)),
        make=Arguments(by_rank("UpSampling#D"), restore=_upsample_to_keras),
    ),
    fields=(
        Field("scale_factor", "size", Form(_numbers, _numbers, _factors, _whole_factors)),
        Field("size", form=Form(_numbers), otherwise=None),
        Field(
            "mode",
            "interpolation",
            Form(
                lambda value: _LINEAR.get(str(value), value),
                lambda value: _FROM_KERAS.get(str(value), value),
                to_keras=lambda value: _TO_KERAS.get(str(value), value),
            ),
            otherwise="nearest",
        ),
        Field("align_corners", form=Form(from_torch=bool), otherwise=False),
        data_format(),
    ),
    layout=Layout("spatial"),
    infer=_infer_upsample,
    settle=_settle_upsample,
)

RULES = (PAD, CROP, UPSAMPLE)
