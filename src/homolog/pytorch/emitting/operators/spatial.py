"""Operators that move numbers between channels and places, or read a map at places that are computed."""

from __future__ import annotations

from typing import cast

from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.operators.functions import together
from homolog.pytorch.emitting.registry import writes

MODES = ("bilinear", "nearest", "bicubic")
OUTSIDE = ("zeros", "border", "reflection")


@writes("grid_sampler", "grid_sampler_2d")
def grid_sampler(call: Call) -> str:
    """What stands at places that another tensor says, between points and outside of the map too."""
    settings = {"mode": MODES[call["interpolation_mode"]], "padding_mode": OUTSIDE[call["padding_mode"]]}
    usual = {"mode": "bilinear", "padding_mode": "zeros"}
    words = [f", {key}={value!r}" for key, value in settings.items() if value != usual[key]]
    maps, grid = (call.plain_with_rows(name) for name in ("input", "grid"))
    return f"F.grid_sample({maps}, {grid}{''.join(words)}, align_corners={call['align_corners']})"


@writes("affine_grid_generator")
def affine_grid(call: Call) -> str:
    """The places that an affine map takes the points of a grid to."""
    sizes = cast("list[object]", call["size"])
    words = [f"{call.plain('theta')}.shape[0]", *(call.literal(size) for size in sizes[1:])]
    return f"F.affine_grid({call.plain('theta')}, ({', '.join(words)}), align_corners={call['align_corners']})"


@writes("im2col", "col2im")
def unfold(call: Call) -> str:
    """Each window of a map as a vector; or vectors as windows of a map, added where they overlap."""
    usual = {"dilation": 1, "padding": 0, "stride": 1}
    words = [call.x()]
    if call.step.operator == "col2im":
        words.append(together(call, call["output_size"]))
    words.append(together(call, call["kernel_size"]))
    for name, default in usual.items():
        value = cast("list[int]", call[name])
        words += [f"{name}={together(call, value)}"] if set(value) != {default} else []
    return f"F.{'fold' if call.step.operator == 'col2im' else 'unfold'}({', '.join(words)})"
