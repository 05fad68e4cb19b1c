"""Operators that take axes together: sums, means, extremes."""

from __future__ import annotations

from homolog.keras.emitting.call import Call
from homolog.keras.emitting.registry import Writer, writes

FUNCTIONS = {
    "mean": "mean",
    "sum": "sum",
    "amax": "max",
    "amin": "min",
    "prod": "prod",
    "any": "any",
    "all": "all",
    "logsumexp": "logsumexp",
    "count_nonzero": "count_nonzero",
}


def reduced(call: Call, dims: object = None, **more: object) -> str:
    """The arguments behind the value: axes, and whether they stay."""
    rank = call.rank("self")
    axes = call.axes("self", dims)
    parts = [] if len(axes) == rank else [f"axis={axes[0] if len(axes) == 1 else axes!r}"]
    parts += ["keepdims=True"] if call["keepdim"] else []
    parts += [f"{key}={value!r}" for key, value in more.items()]
    return "".join(f", {part}" for part in parts)


def _reduction(function: str) -> Writer:
    def write(call: Call) -> str:
        x = call.x()
        if call.dtype("self") != call.out_dtype and call.out_dtype != "bool" and function != "count_nonzero":
            x = f"ops.cast({x}, {call.out_dtype!r})"
        if call.dtype("self") != "bool" and function in ("any", "all"):
            x = f"ops.cast({x}, 'bool')"
        return f"ops.{function}({x}{reduced(call, call['dim'])})"

    return write


for _name, _function in FUNCTIONS.items():
    writes(_name)(_reduction(_function))


@writes("softmax", "_softmax", "log_softmax", "_log_softmax")
def softmax(call: Call) -> str:
    """Along one axis."""
    name = "log_softmax" if "log" in call.step.operator else "softmax"
    axis = call.axis("self", call["dim"])
    return f"ops.{name}({call.x()}{'' if axis == -1 else f', axis={axis}'})"
