"""Activations with weights or settings that their function lacks, and dropouts."""

from __future__ import annotations

from homolog.graph import Value
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.operators.functions import applied
from homolog.pytorch.emitting.operators.layers import as_module
from homolog.pytorch.emitting.registry import writes

FRESH = {"conv1d", "conv2d", "conv3d", "batch_norm"}
"""Operators that give a tensor of their own, which their gradients do not need."""


@writes("relu", "relu6")
def rectified(call: Call) -> str:
    """Nothing below zero. Behind a convolution or its norm in place, as PyTorch's own networks do: a copy of a map
    takes as long as many a layer."""
    in_place = ", inplace=True" if _is_fresh(call, call.value("self")) else ""
    return f"F.{call.step.operator}({call.x()}{in_place})"


def _is_fresh(call: Call, value: Value) -> bool:
    """Whether a tensor was made for this call alone, and may be written over."""
    steps = call.assembler.trace.steps
    while call.is_alone(value) and steps[value.node].operator == "permute":
        (value,) = steps[value.node].values()
    return call.is_alone(value) and steps[value.node].operator in FRESH


@writes("elu")
def elu(call: Call) -> str:
    """Exponential below zero; with the scales that PyTorch's operator has, and its function has not."""
    scale, inner = call["scale"] or 1, call["input_scale"] or 1
    if scale == inner == 1:
        return applied(call, "F.elu", lacks=("scale", "input_scale"), defaults={"alpha": 1.0})
    x, alpha = call.x(), 1 if call["alpha"] is None else call["alpha"]
    below = f"{call.literal(alpha * scale)} * torch.expm1({call.literal(inner)} * {x})"
    return f"torch.where({x} > 0, {call.literal(scale)} * {x}, {below})"


@writes("rrelu")
def rrelu(call: Call) -> str:
    """With a slope that is drawn in training alone."""
    if call["training"]:
        raise call.refusal("a slope that is drawn at inference too")
    return call.module("nn.RReLU", {"lower": call["lower"], "upper": call["upper"]}, call.x())


@writes("prelu", "_prelu_kernel")
def prelu(call: Call) -> str:
    """With slopes that are weights, one for each channel or one in all."""
    if call.step.layer is None:
        return f"F.prelu({call.x()}, {call.plain('weight')})"
    return as_module(call, call.step.layer, call.x())


@writes("softmax", "_softmax")
def softmax(call: Call) -> str:
    """Along one axis."""
    return applied(call, "F.softmax", lacks=("half_to_float",))


@writes("log_softmax", "_log_softmax")
def log_softmax(call: Call) -> str:
    """Its logarithm."""
    return applied(call, "F.log_softmax", lacks=("half_to_float",))


DROPOUTS = {
    **{"dropout": "nn.Dropout", "alpha_dropout": "nn.AlphaDropout", "feature_alpha_dropout": "nn.FeatureAlphaDropout"},
    **{"feature_dropout": "nn.Dropout#d", "native_dropout": "nn.Dropout"},
}


@writes(*DROPOUTS)
def dropout(call: Call) -> str | list[str]:
    """Which drops in training alone."""
    if call["train"]:
        raise call.refusal("a dropout that drops at inference too", "call it with training=self.training")
    x = call.x(next(call.step.values()))  # in place, it calls its input otherwise
    rank = max(len(call.step.shape) - 2, 1)
    cls = DROPOUTS[call.step.operator].replace("#", str(rank))
    dropped = call.module(cls, {"0": call["p"]}, x) if call["p"] else x
    if call.step.operator != "native_dropout":
        return dropped
    return [dropped, f"torch.ones_like({x}, dtype=torch.bool)"] if call.is_read(1) else [dropped, x]
