"""Activations: what Keras has a function for, and what it has with other settings."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.layers import as_layer
from homolog.keras.emitting.registry import Writer, writes
from homolog.passes.ways import is_axes, laid

FUNCTIONS = {
    **{name: name for name in ("relu", "relu6", "silu", "selu", "softsign", "log_sigmoid")},
    **{"hardsigmoid": "hard_sigmoid", "hardswish": "hard_silu", "tanhshrink": "tanh_shrink"},
    **{"special_expit": "sigmoid"},
}
"""Activations without settings, by the name of the function in ``keras.ops``."""

EXACT = 20.0
"""PyTorch's softplus is a straight line from this value on, where the two are one number but in float64."""


def _plain(function: str) -> Writer:
    def write(call: Call) -> str:
        return f"ops.{function}({call.x()})"

    return write


for _name, _function in FUNCTIONS.items():
    writes(_name)(_plain(_function))


@writes("gelu")
def gelu(call: Call) -> str:
    """Exact, or by its approximation with a tanh."""
    return f"ops.gelu({call.x()}, approximate={call['approximate'] == 'tanh'})"


@writes("leaky_relu")
def leaky_relu(call: Call) -> str:
    """With a slope below zero."""
    return f"ops.leaky_relu({call.x()}, negative_slope={call.literal(call['negative_slope'])})"


@writes("rrelu")
def rrelu(call: Call) -> str:
    """With a slope that is drawn in training alone, and is their mean at inference."""
    if call["training"]:
        raise call.refusal("a slope that is drawn at inference too")
    slope = (cast(float, call["lower"]) + cast(float, call["upper"])) / 2
    return f"ops.leaky_relu({call.x()}, negative_slope={slope!r})"


@writes("mish")
def mish(call: Call) -> str:
    """Which Keras has as the name of an activation alone."""
    return call.layer("Activation", {"0": "mish"}, call.x())


@writes("elu")
def elu(call: Call) -> str:
    """Exponential below zero; with the scales that PyTorch's operator has, and no module."""
    alpha, scale, inner = (cast(float, call[key]) for key in ("alpha", "scale", "input_scale"))
    x = call.x()
    if inner == 1:
        made = f"ops.elu({x})" if alpha == 1 else f"ops.elu({x}, alpha={call.literal(alpha)})"
        return made if scale == 1 else f"{call.literal(scale)} * {made}"
    below = f"{call.literal(alpha * scale)} * ops.expm1({call.literal(inner)} * {x})"
    return f"ops.where({x} > 0, {call.literal(scale)} * {x}, {below})"


@writes("celu")
def celu(call: Call) -> str:
    """Exponential below zero, with the same slope on both sides of it."""
    alpha = call["alpha"]
    return f"ops.celu({call.x()})" if alpha in (None, 1) else f"ops.celu({call.x()}, alpha={call.literal(alpha)})"


@writes("softplus")
def softplus(call: Call) -> str:
    """A smooth ramp; a straight line where it is steep."""
    beta, threshold, x = call["beta"] or 1, call["threshold"], call.x()
    if threshold is None:
        threshold = EXACT
    made = f"ops.softplus({x})" if beta == 1 else f"ops.softplus({call.literal(beta)} * {x}) / {call.literal(beta)}"
    if threshold >= EXACT:
        return made
    return f"ops.where({x} > {threshold / beta!r}, {x}, {made})"


@writes("softshrink")
def softshrink(call: Call) -> str:
    """Towards zero by a distance, and zero where it is nearer."""
    return f"ops.soft_shrink({call.x()}, threshold={call.literal(call['lambd'])})"


@writes("hardshrink")
def hardshrink(call: Call) -> str:
    """Zero where it is near."""
    return f"ops.hard_shrink({call.x()}, threshold={call.literal(call['lambd'])})"


@writes("threshold")
def threshold(call: Call) -> str:
    """Another value up to a bound."""
    return f"ops.threshold({call.x()}, {call.literal(call['threshold'])}, {call.literal(call['value'])})"


@writes("glu")
def glu(call: Call) -> str:
    """One half of an axis, gated by the other."""
    return f"ops.glu({call.x()}, axis={call.axis('self', -1 if call['dim'] is None else call['dim'])})"


@writes("logit", "special_logit")
def logit(call: Call) -> str:
    """The logarithm of the odds."""
    x = call.x()
    if call["eps"] is not None:
        eps = cast(float, call["eps"])
        x = call.let(f"ops.clip({x}, {eps!r}, {1 - eps!r})")
    return f"ops.log({x} / (1 - {x}))"


@writes("prelu", "_prelu_kernel")
def prelu(call: Call) -> str:
    """With slopes that are weights, one for each channel or one in all."""
    node = call.step.layer
    if node is None:
        raise call.refusal("slopes that are computed, and no tensor of the model's own")
    order = call.order_of("self")
    if not is_axes(order):
        raise call.refusal("slopes for a flattened map")
    axis = () if node.fields["axis"] == () else (order.index(1),)
    node = replace(node, fields={**node.fields, "axis": axis}, shapes=(laid(call.step.shape, order),))
    return as_layer(call, node, call.x())


@writes("dropout")
def dropout(call: Call) -> str:
    """Which drops in training alone."""
    if call["train"]:
        raise call.refusal("a dropout that drops at inference too", "call it with training=self.training")
    x = call.x(next(call.step.values()))  # in place, it calls its input otherwise
    return call.layer("Dropout", {"0": call["p"]}, x, name=call.is_module) if call["p"] else x


@writes("native_dropout")
def native_dropout(call: Call) -> list[str]:
    """The same with what was kept: all, at inference."""
    if call["train"]:
        raise call.refusal("a dropout that drops at inference too", "call it with training=self.training")
    x = call.x("input")
    dropped = call.let(call.layer("Dropout", {"0": call["p"]}, x)) if call["p"] else x
    return [dropped, f"ops.ones_like({x}, dtype='bool')"]


@writes("alpha_dropout", "feature_dropout", "feature_alpha_dropout")
def other_dropout(call: Call) -> str:
    """Dropouts that keep the mean and variance, or drop whole channels."""
    if call["train"]:
        raise call.refusal("a dropout that drops at inference too", "call it with training=self.training")
    x, rate, name = call.x("input"), call["p"], call.step.operator
    if not rate:
        return x
    if name == "alpha_dropout":
        return call.layer("AlphaDropout", {"0": rate}, x)
    if name == "feature_dropout":
        shape = [length if axis < 2 else 1 for axis, length in enumerate(call.step.shape)]
        return call.layer("Dropout", {"0": rate, "noise_shape": laid(tuple(shape), call.order_of("input"))}, x)
    raise call.refusal("a dropout of whole channels that keeps the mean and variance, which Keras has not")
