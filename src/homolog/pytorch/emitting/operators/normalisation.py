"""Normalisation: by stored statistics, and by those of what is normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from homolog.graph import Node
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.operators.layers import by_place
from homolog.pytorch.emitting.registry import writes
from homolog.rules.writing import torch_module


@writes("batch_norm")
def batch_norm(call: Call) -> str:
    """Statistics of the channels: stored ones, or those of the batch."""
    node, x = call.step.layer, call.x("input")
    if node is not None and "running_mean" in node.weights and not call["training"]:
        return _module(call, node, x)
    if node is not None and "running_mean" not in node.weights and node.weights:
        rank = max(call.rank("input") - 2, 1)
        arguments = {"0": call.shape("input")[1], **_eps(call), "track_running_stats": False}
        return call.weighted(f"nn.BatchNorm{rank}d", arguments, node, x)
    words = [x, *(_tensor(call, name) for name in ("running_mean", "running_var"))]
    words += [f"{name}={_tensor(call, name)}" for name in ("weight", "bias") if _has(call, name)]
    words += ["training=True"] if call["training"] else []
    return f"F.batch_norm({', '.join(words)}{_eps_word(call)})"


@writes("_native_batch_norm_legit_no_training")
def native_batch_norm(call: Call) -> list[str]:
    """The same in the words of PyTorch's functionalisation, which gives the statistics as well."""
    if call.is_read(1) or call.is_read(2):
        raise call.refusal("the statistics as a result")
    made = call.let(cast(str, batch_norm(call)))
    return [made, made, made]


def _has(call: Call, name: str) -> bool:
    return call.has(name) or (call.step.layer is not None and name in call.step.layer.weights)


def _tensor(call: Call, name: str) -> str:
    """A vector that is no module's, or none."""
    held = None if call.step.layer is None else call.step.layer.weights.get(name)
    if held is not None:
        return call.assembler.loose(held.tensors[0], call.step)
    return call.plain(name) if call.has(name) else "None"


def _eps(call: Call) -> dict[str, object]:
    return {} if call["eps"] in (None, 1e-5) else {"eps": call["eps"]}


def _eps_word(call: Call) -> str:
    return "".join(f", {key}={value!r}" for key, value in _eps(call).items())


def _module(call: Call, node: Node, *given: str) -> str:
    """The module of a norm; one that is shifted and not scaled has a scale of one."""
    whole = node
    if "bias" in node.weights and "weight" not in node.weights:
        whole = replace(node, weights={**node.weights, "weight": node.weights["bias"]})
        call.assembler.notes[f"{node.name}: has no scale, and gets one of ones"] = None
    made = torch_module(whole)
    return call.weighted(f"nn.{made.name}", by_place(made.arguments), node, *given)


@writes("instance_norm")
def instance_norm(call: Call) -> str:
    """Statistics of each channel of each row, or stored ones."""
    node, x = call.step.layer, call.x("input")
    rank = call.rank("input") - 2
    if node is not None and node.weights:
        arguments: dict[str, object] = {"0": call.shape("input")[1], **_eps(call)}
        arguments |= {} if call["momentum"] in (None, 0.1) else {"momentum": call["momentum"]}
        arguments |= {"affine": True} if "weight" in node.weights else {}
        arguments |= {"track_running_stats": True} if "running_mean" in node.weights else {}
        return call.weighted(f"nn.InstanceNorm{rank}d", arguments, node, x)
    words = [
        f"{name}={call.plain(name)}" for name in ("running_mean", "running_var", "weight", "bias") if call.has(name)
    ]
    words += [] if call["use_input_stats"] else ["use_input_stats=False"]
    return f"F.instance_norm({', '.join((x, *words))}{_eps_word(call)})"


@writes("group_norm")
def group_norm(call: Call) -> str:
    """Statistics over groups of channels and all places."""
    if call.step.layer is not None and call.step.layer.weights:
        return _module(call, call.step.layer, call.x("input"))
    words = [call.x("input"), str(call["num_groups"]), *_scales(call)]
    return f"F.group_norm({', '.join(words)}{_eps_word(call)})"


@writes("layer_norm", "rms_norm")
def layer_norm(call: Call) -> str:
    """Statistics over the last axes."""
    if call.step.layer is not None and call.step.layer.weights:
        return _module(call, call.step.layer, call.x("input"))
    lengths = cast(Sequence[object], call["normalized_shape"])
    sizes = f"({', '.join(map(str, lengths))}{',' if len(lengths) == 1 else ''})"
    words = [call.x("input"), sizes, *_scales(call)]
    eps = _eps_word(call) if call.step.operator == "layer_norm" else f", eps={call['eps']!r}"
    return f"F.{call.step.operator}({', '.join(words)}{'' if eps == ', eps=None' else eps})"


def _scales(call: Call) -> list[str]:
    return [f"{name}={call.plain(name)}" for name in ("weight", "bias") if call.has(name)]


WHOLE = -1
"""The axis that stands for one length for the whole weight."""


@writes("_weight_norm")
def weight_norm(call: Call) -> str:
    """Vectors along all axes but one, each as long as it is told."""
    rank, dim = call.rank("v"), cast(int, call["dim"])
    direction, length = call.plain("v"), call.plain("g")
    axes = tuple(axis for axis in range(rank) if axis != dim % rank)
    along = "" if dim == WHOLE else f", dim={axes[0] if len(axes) == 1 else axes}, keepdim=True"
    return f"{direction} * ({length} / {call.let(f'torch.linalg.vector_norm({direction}{along})')})"
