"""Pooling: over windows, into cells."""

from __future__ import annotations

from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.operators.functions import together
from homolog.pytorch.emitting.registry import writes

WINDOWS = [f"{way}_pool{rank}d" for way in ("max", "avg") for rank in (1, 2, 3)]
WITH_INDICES = [f"max_pool{rank}d_with_indices" for rank in (1, 2, 3)]


@writes(*WINDOWS)
def pool(call: Call) -> str:
    """The largest, or the mean, of each window."""
    return _pooled(call, call.step.operator)


def _pooled(call: Call, name: str, more: str = "") -> str:
    """Without what is the default: a stride of the window's size, no padding."""
    kernel = call["kernel_size"]
    words = [call.x(next(call.step.values())), f"kernel_size={together(call, kernel)}"]
    usual: dict[str, object] = {"stride": kernel, "padding": 0, "dilation": 1, "ceil_mode": False}
    usual |= {"count_include_pad": True, "divisor_override": None}
    for key, default in usual.items():
        value = call[key]
        if value not in (None, []) and together(call, value) != together(call, default):
            words.append(f"{key}={together(call, value)}")
    return f"F.{name}({', '.join(words)}{more})"


@writes(*WITH_INDICES)
def pool_with_indices(call: Call) -> str | list[str]:
    """The same with where the largest stood."""
    name = call.step.operator.removesuffix("_with_indices")
    if call.is_read(1):
        return _pooled(call, name, ", return_indices=True")
    made = call.let(_pooled(call, name))
    return [made, made]


@writes(*(f"adaptive_avg_pool{rank}d" for rank in (1, 2, 3)), "_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
def adaptive(call: Call) -> str:
    """Into a number of cells."""
    name = call.step.operator.removeprefix("_")
    return f"F.{name}({call.x()}, {together(call, call['output_size'])})"


@writes(*(f"adaptive_max_pool{rank}d" for rank in (1, 2, 3)))
def adaptive_max(call: Call) -> str | list[str]:
    """The same with the largest, and where it stood."""
    made = f"F.{call.step.operator}({call.x()}, {together(call, call['output_size'])}"
    if len(call.step.shapes) > 1 and call.is_read(1):
        return f"{made}, return_indices=True)"
    alone = call.let(f"{made})")
    return [alone] * len(call.step.shapes)
