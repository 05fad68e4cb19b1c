"""Normalisation: by stored statistics, and by those of what is normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from homolog import rules
from homolog.graph import Node, Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.layers import as_layer, by_place
from homolog.keras.emitting.registry import writes
from homolog.passes.ways import natural
from homolog.rules.writing import keras_layer


@writes("batch_norm")
def batch_norm(call: Call) -> str:
    """Statistics of the channels, which lie where the order puts them: stored ones, or those of the batch."""
    x, axis = call.x("input"), call.axis("input", 1)
    node = call.step.layer
    if node is not None and "running_mean" in node.weights and not call["training"]:
        return as_layer(call, replace(node, fields={**node.fields, "axis": (axis,)}), x)
    if call["training"] or not call.has("running_mean"):
        rank = call.rank("input")
        return _by_its_own(call, x, tuple(place for place in range(rank) if place != axis % rank))
    if not call.has("running_var"):
        raise call.refusal("a stored mean without a stored variance")
    mean, variance = (channelwise(call, name) for name in ("running_mean", "running_var"))
    scale = call.let(f"ops.rsqrt({variance} + {call['eps']!r})")
    return _scaled(call, call.let(f"({x} - {mean}) * {scale}"))


@writes("_native_batch_norm_legit_no_training")
def native_batch_norm(call: Call) -> list[str]:
    """The same in the words of PyTorch's functionalisation, which gives the statistics as well."""
    if any(Value(call.step.name, index) in call.assembler.trace.readers() for index in (1, 2)):
        raise call.refusal("the statistics as a result")
    return [cast(str, batch_norm(call))]


@writes("instance_norm")
def instance_norm(call: Call) -> str:
    """Statistics of each channel of each row; stored ones are what a batch norm's are."""
    if not call["use_input_stats"] and call.step.layer is not None and "running_mean" in call.step.layer.weights:
        node = _of(call, "batch_norm", {"eps": call["eps"], "momentum": call["momentum"], "training": False})
        node = replace(node, fields={**node.fields, "axis": (call.axis("input", 1),)})
        return as_layer(call, node, call.x("input"))
    channels = call.shape("input")[1]
    return _weighted(call, "group_norm", {"num_groups": channels, "eps": call["eps"]}, call.axis("input", 1))


@writes("group_norm")
def group_norm(call: Call) -> str:
    """Statistics over groups of channels and all places."""
    settings = {"num_groups": call["num_groups"], "eps": call["eps"]}
    return _weighted(call, "group_norm", settings, call.axis("input", 1))


@writes("layer_norm", "rms_norm")
def layer_norm(call: Call) -> str:
    """Statistics over the last axes."""
    kind = call.step.operator
    settings = {"normalized_shape": call["normalized_shape"], "eps": call["eps"]}
    return _weighted(call, kind, settings)


def _weighted(call: Call, kind: str, settings: dict[str, object], axis: int | None = None) -> str:
    """A norm by its own statistics: as a layer with its weights, or without, and weights that are computed behind."""
    x = call.x("input")
    node = _of(call, kind, settings)
    if axis is not None:
        node = replace(node, fields={**node.fields, "axis": (axis,)})
    if node.weights:
        return as_layer(call, node, x)
    result = _rooted(call, x) if kind == "rms_norm" else _without_weights(call, node, x)
    if not call.has("weight") and not call.has("bias"):
        return result
    if axis is not None:
        return _scaled(call, call.let(result))
    weight = f" * {call.plain('weight')}" if call.has("weight") else ""
    bias = f" + {call.plain('bias')}" if call.has("bias") else ""
    return f"{call.let(result)}{weight}{bias}"


def _without_weights(call: Call, node: Node, x: str) -> str:
    made = keras_layer(node)
    return call.layer(made.name, by_place({**made.arguments, "scale": False, "center": False}), x)


def _rooted(call: Call, x: str) -> str:
    """By the root of the mean square; Keras's layer always has a weight."""
    count = len(cast(Sequence[int], call["normalized_shape"]))
    axes = f", axis={tuple(range(-count, 0))!r}" if count > 1 else ""
    eps = call["eps"] if call["eps"] is not None else float(np.finfo(call.out_dtype).eps)
    return f"ops.rms_normalization({x}{axes}, epsilon={eps!r})"


def _of(call: Call, kind: str, settings: dict[str, object]) -> Node:
    """The step as a node of this kind, with the weights it holds, if any."""
    rule = rules.for_kind(kind)
    if rule is None:
        raise call.refusal("no rule knows it")
    own = call.step.layer
    weights = {} if own is None else own.weights
    held = rule.torch_weights({slot: weight.tensors[0] for slot, weight in weights.items()})
    fields = rule.read_torch(kind, settings, {}, call.path or call.step.name)
    name, layer = (call.path or call.step.name, None) if own is None else (own.name, own.layer)
    return Node(name, rule.kind, fields, held, shapes=call.step.shapes, layer=layer)


def _by_its_own(call: Call, x: str, axes: tuple[int, ...]) -> str:
    """Statistics over the whole batch, at inference too: what each row becomes depends on the others."""
    mean, variance = call.let(f"ops.moments({x}, axes={axes!r}, keepdims=True)", 2).split(", ")
    scale = call.let(f"ops.rsqrt({variance} + {call['eps']!r})")
    return _scaled(call, call.let(f"({x} - {mean}) * {scale}"))


def _scaled(call: Call, x: str) -> str:
    """With the weights of the channels, where there are any."""
    weight, bias = channelwise(call, "weight"), channelwise(call, "bias")
    return f"{x}{f' * {weight}' if weight else ''}{f' + {bias}' if bias else ''}"


def channelwise(call: Call, name: str) -> str:
    """A vector of the channels, as an operand beside the map; empty where there is none."""
    held = None if call.step.layer is None else call.step.layer.weights.get(name)
    if held is None and not call.has(name):
        return ""
    vector = call.plain(name) if held is None else call.assembler.loose(held.tensors[0], call.step)
    rank, axis = call.rank("input"), call.axis("input", 1)
    if axis == -1 or call.order_of("input") == natural(2):
        return vector
    shape = tuple(-1 if place == axis else 1 for place in range(rank))
    return call.let(f"ops.reshape({vector}, {shape!r})")
