"""Attention: projections of queries, keys and values, and of what the heads give; each is a linear layer.

Keras keeps a projection's kernel as (in, heads, size of a head), PyTorch as a matrix, the first three packed into one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from homolog.errors import Unsupported
from homolog.graph import Node, OpenShape, Value, Weight
from homolog.rules.rule import Field, Fields, Form, Keras, Rule, Slot, Torch
from homolog.tensors import Shape
from homolog.transforms import Axes, Part

PROJECTIONS = ("query", "key", "value")
OUTPUT = "attention_output"


def _axes(value: object) -> object:
    """The axes of a sequence: one, if nothing else is said."""
    return (1,) if value is None else tuple(cast(Sequence[int], value))


def _slots() -> tuple[Slot, ...]:
    heads = [
        slot
        for name in PROJECTIONS
        for slot in (
            Slot(f"{name}.weight", f"{name}/kernel", Axes("(heads size) inp -> inp heads size")),
            Slot(f"{name}.bias", f"{name}/bias", Axes("(heads size) -> heads size"), when="use_bias"),
        )
    ]
    return (
        *heads,
        Slot(f"{OUTPUT}.weight", f"{OUTPUT}/kernel", Axes("out (heads size) -> heads size out")),
        Slot(f"{OUTPUT}.bias", f"{OUTPUT}/bias", when="use_bias"),
    )


def projected(node: Node) -> tuple[tuple[Node, ...], tuple[Value, ...]]:
    """The projections of a Keras attention, which reads query, value and, if that is not the value, key."""
    weights = {
        name: {slot: node.weights[f"{name}.{slot}"] for slot in ("weight", "bias") if f"{name}.{slot}" in node.weights}
        for name in (*PROJECTIONS, OUTPUT)
    }
    read: tuple[Value | None, ...] = node.inputs or (None,)
    query, value = read[0], read[1] if len(read) > 1 else read[0]
    key = read[2] if len(read) > 2 else value
    return _parts(node, weights, {"query": query, "key": key, "value": value}, "/")


def unpacked(node: Node) -> tuple[tuple[Node, ...], tuple[Value, ...]]:
    """The projections of PyTorch's attention, packed into one matrix or, where their inputs differ in width, not."""
    refs = {name: weight.tensors[0] for name, weight in node.weights.items()}
    extra = [refs[name].name for name in ("bias_k", "bias_v") if name in refs]
    if extra:
        raise Unsupported(
            "an attention with a key and a value of its own, which Keras has not",
            where=node.name,
            expected="add_bias_kv=False",
            found=", ".join(extra),
        )
    weights: dict[str, dict[str, Weight]] = {name: {} for name in PROJECTIONS}
    for name in PROJECTIONS:
        if f"{name[0]}_proj_weight" in refs:
            weights[name]["weight"] = Weight((refs[f"{name[0]}_proj_weight"],))
    for packed, slot in (("in_proj_weight", "weight"), ("in_proj_bias", "bias")):
        if packed in refs:
            size = refs[packed].shape[0] // 3
            for place, name in enumerate(PROJECTIONS):
                weights[name][slot] = Weight((refs[packed],), (Part(0, place * size, (place + 1) * size),))
    return _parts(node, weights, dict.fromkeys(PROJECTIONS), ".")


def _infer_heads(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    """From the projected queries, keys and values: as many features as all the heads' values have."""
    query, _, value = inputs
    width = value[-1]
    groups = cast(int, fields["num_heads"]) // cast(int, fields["num_kv_heads"])
    return (*query[:-1], None if width is None else width * groups)


def _parts(
    node: Node, weights: Mapping[str, Mapping[str, Weight]], inputs: Mapping[str, Value | None], separator: str
) -> tuple[tuple[Node, ...], tuple[Value, ...]]:
    """Linear layers for query, key and value, what attends, and the linear layer behind it if it is part of this."""
    wired = bool(node.inputs)
    bare = replace(node, fields={}, weights={}, ignored={}, inputs=(), shapes=(), layer=None)

    def linear(name: str, *entry: Value | None) -> Node:
        entries = tuple(value for value in entry if value is not None)
        return replace(bare, name=f"{node.name}{separator}{name}", kind="linear", weights=weights[name], inputs=entries)

    heads = [linear(name, inputs[name]) for name in PROJECTIONS]
    joined = tuple(Value(head.name) for head in heads) if wired else ()
    core = replace(node, name=f"{node.name}{separator}heads", weights={}, inputs=joined, kind="heads", shapes=())
    if OUTPUT not in weights:
        return (*heads, core), (Value(core.name),)
    core = replace(core, layer=None, ignored={})
    end = linear(OUTPUT, Value(core.name) if wired else None)
    end = replace(end, shapes=node.shapes, layer=node.layer, ignored=node.ignored)
    return (*heads, core, end), (Value(end.name),)


def _normalise(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    if fields["num_kv_heads"] is None:
        fields["num_kv_heads"] = fields["num_heads"]
    return fields


def _fields(heads: str, kv_heads: str | None = None) -> tuple[Field, ...]:
    return (
        Field("num_heads", heads),
        Field("num_kv_heads", kv_heads, otherwise=None),
        Field("attention_axes", "attention_axes", Form(from_keras=_axes), otherwise=(1,)),
        Field("window", "sliding_window", otherwise=None),
        Field("causal", "use_causal_mask", otherwise=False),
        Field("dropout", "dropout", otherwise=0.0, effect="training"),
    )


def _keras(name: str, keras: Keras, fields: tuple[Field, ...]) -> Rule:
    return Rule(name, keras=keras, fields=fields, slots=_slots(), normalise=_normalise, units=projected)


HEADS = Rule("heads", fields=_fields("num_heads"), infer=_infer_heads)
"""What lies between the projections."""

MULTIHEAD = _keras(
    "multihead_attention",
    Keras(
        ("MultiHeadAttention",),
        parameters=("query", "value", "key"),
        ignore=("key_dim", "value_dim", "seed", "flash_attention"),
        fixed={"use_gate": False, "output_shape": None},
    ),
    _fields("num_heads"),
)

GROUPED = _keras(
    "grouped_query_attention",
    Keras(
        ("GroupQueryAttention", "GroupedQueryAttention"),
        parameters=("query", "value", "key"),
        ignore=("head_dim", "seed", "flash_attention"),
        fixed={"use_gate": False},
    ),
    _fields("num_query_heads", "num_key_value_heads"),
)

PACKED = Rule(
    "packed_attention",
    torch=Torch(
        ("MultiheadAttention",),
        ignore=("embed_dim", "kdim", "vdim", "head_dim", "batch_first"),
        fixed={"add_zero_attn": False, "bias_k": None, "bias_v": None},
    ),
    fields=_fields("num_heads"),
    normalise=_normalise,
    chained=False,
    units=unpacked,
)


def _infer_scaled(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    """Reads query, value and, if that is not the value, key."""
    return (*inputs[0][:-1], inputs[1][-1])


def _scaled(name: str, keras: str, fields: tuple[Field, ...] = ()) -> Rule:
    """Attention without projections: one weight at most, by which the scores are scaled. PyTorch has none such."""
    return Rule(
        name,
        keras=Keras((keras,), ignore=("seed",)),
        fields=(*fields, Field("dropout", "dropout", otherwise=0.0, effect="training")),
        slots=(Slot("scale", "scale", when="use_scale"),),
        infer=_infer_scaled,
    )


RULES = (
    *(HEADS, MULTIHEAD, GROUPED, PACKED),
    _scaled("attention", "Attention", (Field("score_mode", "score_mode", otherwise="dot"),)),
    _scaled("additive_attention", "AdditiveAttention"),
)
