"""Operators that PyTorch has a function for: written with the arguments of their schema, defaults left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from homolog.graph import Value
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.registry import Writer, writes
from homolog.pytorch.framework import require

AXES = ("dim", "dims", "axis", "dimension")
"""Arguments that name axes of the first tensor."""
MACHINERY = ("layout", "device", "pin_memory", "memory_format", "non_blocking", "copy", "generator", "cudnn_enabled")
"""Arguments that say where and how a tensor is kept."""
TYPES = ("dtype", "out_dtype")
SPATIAL = ("stride", "padding", "dilation", "output_padding")
"""Arguments of which one number stands for all axes."""


def schema(call: Call) -> list[Any]:
    """The arguments of the operator as PyTorch declares them."""
    packet = getattr(require().ops.aten, call.step.operator)
    overload = call.step.overload or "default"
    if overload not in packet.overloads():
        given = set(call.step.arguments)
        overload = next(name for name in packet.overloads() if given <= _names(getattr(packet, name)))
    return list(getattr(packet, overload)._schema.arguments)


def _names(operator: Any) -> set[str]:
    return {argument.name for argument in operator._schema.arguments}


def applied(
    call: Call,
    function: str,
    *,
    method: bool = False,
    lacks: Sequence[str] = (),
    defaults: Mapping[str, object] | None = None,
) -> str:
    """A call of a function, or of a tensor's method, with the arguments of the schema.

    Args:
        call: the step.
        function: its name: ``torch.cat``, ``F.gelu``; for a method without anything in front.
        method: whether it is one of the first tensor.
        lacks: arguments that it has not.
        defaults: what it does unless told otherwise, where that is not what the operator does.
    """
    words: list[str] = []
    by_name = False
    own = defaults or {}
    lead = next((argument.name for argument in schema(call) if call.has(argument.name)), "self")
    for argument in schema(call):
        name = argument.name
        value = call.step.arguments.get(name, argument.default_value)
        default = own.get(name, argument.default_value if argument.has_default_value() else ...)
        if name in MACHINERY or name in lacks:
            continue
        text = _text(call, name, value, lead)
        if default is not ... and _same(value, default) and (name not in AXES or text == str(default)):
            by_name = True
            continue
        tensor = isinstance(value, Value) or (isinstance(value, list) and any(isinstance(v, Value) for v in value))
        words.append(text if tensor and not by_name and not argument.kwarg_only else f"{name}={text}")
        by_name = by_name or not tensor
    if not method:
        return f"{function}({', '.join(words)})"
    return f"{words[0]}.{function}({', '.join(words[1:])})"


def _same(value: object, default: object) -> bool:
    """Whether an argument is the default; a single number stands for as many as there are."""
    if isinstance(value, list | tuple) and isinstance(default, list | tuple):
        return list(value) == list(default)
    if isinstance(value, list | tuple) and isinstance(default, int):
        return set(value) == {default}
    return value == default and isinstance(value, bool) == isinstance(default, bool)


def _text(call: Call, name: str, value: object, lead: str) -> str:
    if isinstance(value, Value):
        return call.with_rows(value, call.tensor(value)) if name != lead else call.tensor(value)
    if name in AXES and value is not None and call.has(lead) and call.rank(lead):
        return call.axes_text(lead, value) if name != "dims" else repr(call.axes(lead, value))
    if name in TYPES:
        return f"torch.{value}"
    if name in SPATIAL:
        return together(call, value)
    if isinstance(value, list | tuple):
        return listed(call, value)
    return call.literal(value)


def listed(call: Call, values: Sequence[object]) -> str:
    """Several arguments in one: tensors in a list, numbers in a tuple."""
    if any(isinstance(value, Value) for value in values):
        return f"[{', '.join(call.with_rows(cast(Value, value)) for value in values)}]"
    words = [call.literal(value) for value in values]
    return f"({', '.join(words)}{',' if len(words) == 1 else ''})"


def together(call: Call, value: object) -> str:
    """One number for all axes, where each has the same."""
    if not isinstance(value, list | tuple):
        return call.literal(value)
    words = [call.literal(item) for item in value]
    return words[0] if len(set(words)) == 1 else f"({', '.join(words)})"


def _function(name: str) -> Writer:
    return lambda call: applied(call, name)


def _method(name: str) -> Writer:
    return lambda call: applied(call, name, method=True)


TORCH = {
    **{name: name for name in ("exp", "expm1", "exp2", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "square")},
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "erfc", "erfinv", "sinc")},
    **{name: name for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh", "sigmoid", "reciprocal")},
    **{name: name for name in ("arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "i0")},
    **{name: name for name in ("abs", "absolute", "sign", "sgn", "floor", "ceil", "trunc", "fix", "frac", "round")},
    **{name: name for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "logical_not")},
    **{name: name for name in ("deg2rad", "rad2deg", "bitwise_not", "nan_to_num", "positive", "logit")},
    **{name: name for name in ("logaddexp", "logaddexp2", "maximum", "minimum", "fmax", "fmin", "atan2", "hypot")},
    **{name: name for name in ("logical_and", "logical_or", "logical_xor", "copysign", "heaviside", "xlogy", "fmod")},
    **{name: name for name in ("arctan2", "float_power", "isclose", "lerp", "addcmul", "addcdiv", "outer", "dot")},
    **{
        name: name for name in ("mv", "addmm", "addmv", "cross", "rot90", "msort", "cdist", "ger", "bitwise_left_shift")
    },
    **{name: name for name in ("bitwise_right_shift", "searchsorted", "bucketize", "var_mean", "std_mean", "diff")},
    **{f"special_{name}": f"special.{name}" for name in ("erf", "expit", "expm1", "logit", "logsumexp", "xlogy")},
    **{"special_softmax": "softmax", "linalg_cross": "linalg.cross", "linalg_vector_norm": "linalg.vector_norm"},
    **{"linalg_diagonal": "linalg.diagonal", "_cdist_forward": "cdist"},
    **{f"linalg_{name}": f"linalg.{name}" for name in ("inv", "cholesky", "det", "solve", "matrix_power", "pinv")},
    **{"det": "linalg.det", "inverse": "linalg.inv", "logdet": "logdet", "slogdet": "linalg.slogdet"},
}
"""Operators that are a function of ``torch``."""

FUNCTIONAL = {
    **{name: name for name in ("gelu", "silu", "mish", "selu", "celu", "leaky_relu", "hardsigmoid")},
    **{name: name for name in ("hardswish", "hardtanh", "softplus", "softsign", "tanhshrink", "softshrink", "glu")},
    **{name: name for name in ("hardshrink", "threshold", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle")},
    **{"log_sigmoid": "logsigmoid", "native_channel_shuffle": "channel_shuffle"},
}
"""Operators that are a function of ``torch.nn.functional``."""

METHODS = {
    *("mean", "sum", "prod", "amax", "amin", "any", "all", "std", "var", "nansum", "nanmean", "count_nonzero"),
    *("logsumexp", "argmax", "argmin", "argsort", "cumsum", "cumprod", "logcumsumexp", "flip", "roll", "tril", "triu"),
    *("clamp", "clamp_min", "clamp_max", "clip", "index_select", "norm", "diagonal"),
}
"""Operators that people call as methods."""

for _name, _word in TORCH.items():
    writes(_name)(_function(f"torch.{_word}"))
for _name, _word in FUNCTIONAL.items():
    writes(_name)(_function(f"F.{_word}"))
for _name in METHODS:
    writes(_name)(_method(_name))
