"""Resizing of the spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.operators.functions import listed
from homolog.pytorch.emitting.registry import writes

LETTERS = "dhw"
MODES = {
    **{f"upsample_nearest{rank}d": "nearest" for rank in (1, 2, 3)},
    **{f"upsample_nearest_exact{rank}d": "nearest-exact" for rank in (1, 2, 3)},
    **{f"_upsample_nearest_exact{rank}d": "nearest-exact" for rank in (1, 2, 3)},
    **{"upsample_linear1d": "linear", "upsample_bilinear2d": "bilinear", "upsample_trilinear3d": "trilinear"},
    **{"upsample_bicubic2d": "bicubic", "_upsample_bilinear2d_aa": "bilinear", "_upsample_bicubic2d_aa": "bicubic"},
}


@writes(*MODES)
def upsample(call: Call) -> str:
    """By a factor, where one was asked for, or to a size."""
    operator = call.step.operator
    mode = MODES[operator]
    words = [call.x(next(call.step.values())), _asked(call)]
    words += [] if mode == "nearest" else [f"mode={mode!r}"]
    words += ["align_corners=True"] if call["align_corners"] else []
    words += ["antialias=True"] if operator.endswith("_aa") else []
    return f"F.interpolate({', '.join(words)})"


def _asked(call: Call) -> str:
    """The factors, or the size, in the words of either overload."""
    size = call["output_size"]
    rank = len(call.step.shape) - 2
    factors = _factors(call, rank)
    if None in factors:
        return f"size={listed(call, cast(Sequence[object], size))}"
    given = call.shape(next(call.step.values()))[2:]
    by_factor = [
        length is not None and int(length * factor) == wanted
        for length, factor, wanted in zip(given, cast(Sequence[float], factors), call.step.shape[2:], strict=True)
    ]
    if size is not None and not all(by_factor):
        raise call.refusal(f"a size of {size} by factors of {factors}", "ask for one of the two")
    if len(set(factors)) == 1:
        return f"scale_factor={factors[0]!r}"
    return f"scale_factor={tuple(factors)!r}"


def _factors(call: Call, rank: int) -> list[float | None]:
    """The factors that were asked for; None where sizes were."""
    given = call["scale_factors"]
    if given is not None:
        return list(given)
    if rank == 1:
        return [call["scales"]]
    return [call[f"scales_{letter}"] for letter in LETTERS[-rank:]]
