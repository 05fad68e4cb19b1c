"""What an operator does to the order in which the axes of its values lie in memory.

A value has the axes that the source gives it; written for a framework that has its channels elsewhere, they may lie in
another order. ``ways`` says, for an order of an input, in which order the output comes by itself, if the operator can
work in that order at all: an operator of PyTorch for Keras, or for PyTorch itself, where the source is a Keras model
whose operators were said in PyTorch's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from homolog.graph import OpenShape
from homolog.passes import effects
from homolog.passes.axes import (
    HEADS_LAST,
    TIME_SECOND,
    Order,
    Target,
    as_map,
    channels_first,
    channels_last,
    is_axes,
    is_flat,
    laid,
    natural,
    permuted,
    turned_rows,
    with_axis,
    without,
)
from homolog.passes.effects import Way, attends, axes_of, permutation, squeezed_axes
from homolog.passes.regrouping import is_flattened, is_view, only_ones_differ, regrouping, stands_beside, ungrouped
from homolog.trace import CONSTANT, INPUT, PARAMETER, Step

__all__ = [
    "HEADS_LAST",
    "TIME_SECOND",
    "Order",
    "Target",
    "as_map",
    "attends",
    "before",
    "channels_first",
    "channels_last",
    "fits",
    "is_axes",
    "is_bound",
    "is_flat",
    "is_flattened",
    "is_permutation",
    "keeps_axes",
    "laid",
    "natural",
    "needed",
    "permutation",
    "permuted",
    "regrouping",
    "squeezed_axes",
    "turned_rows",
    "way_of",
    "without",
]


def _names(text: str, way: Way) -> dict[str, Way]:
    return dict.fromkeys(text.split(), way)


SHARED: Mapping[str, Way] = {
    **_names(
        "add sub mul div rsub pow maximum minimum fmod remainder atan2 where lerp addcmul addcdiv clamp clamp_min "
        "fmax fmin logaddexp logaddexp2 arctan2 true_divide divide float_power special_xlogy heaviside copysign "
        "isclose bitwise_left_shift bitwise_right_shift __lshift__ __rshift__ positive absolute negative fix isposinf "
        "isneginf signbit sinc i0 deg2rad rad2deg arcsin arccos arctan arcsinh arccosh arctanh special_expm1 "
        "special_erf special_expit special_logit rrelu expand_as broadcast_to bucketize sort argsort topk kthvalue "
        "cummax cummin logcumsumexp native_dropout special_softmax _cast_Float "
        "clamp_max clip hardtanh relu relu6 gelu silu mish sigmoid tanh hardsigmoid hardswish elu selu celu leaky_relu "
        "softplus softsign log_sigmoid hardshrink softshrink tanhshrink threshold logit "
        "exp expm1 exp2 log log2 log10 log1p sqrt rsqrt square abs neg sign sgn reciprocal sin cos tan asin acos atan "
        "sinh cosh asinh acosh atanh erf erfc erfinv floor ceil round trunc frac isnan isinf isfinite nan_to_num "
        "eq ne lt le gt ge logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor "
        "bitwise_not __and__ __or__ __xor__ masked_fill dropout alpha_dropout clone contiguous detach "
        "alias to _to_copy type_as lift_fresh_copy float zeros_like ones_like full_like "
        "softmax log_softmax _softmax _log_softmax cumsum cumprod flip roll slice index_select cat concat split "
        "split_with_sizes chunk narrow slice_scatter glu zero "
        "expand diff repeat tile xlogy hypot fill copy linalg_vector_norm_keep normalize floor_divide "
        "repeat_interleave tril_keep max_unpool2d complex real imag angle conj _conj",
        effects.through,
    ),
    **_names(
        "mean sum amax amin prod any all var std logsumexp special_logsumexp norm linalg_vector_norm var_mean std_mean "
        "max min nansum nanmean count_nonzero aminmax median",
        effects.reduced,
    ),
    **_names("argmax argmin", effects.placed),
    **_names("select unbind", effects.selected),
    **_names("squeeze", effects.squeezed),
    **_names("unsqueeze", effects.unsqueezed),
    **_names("stack", effects.stacked),
    **_names("embedding", effects.looked_up),
    **_names("linear layer_norm rms_norm", effects.on_last),
    **_names("permute transpose swapaxes swapdims movedim moveaxis t numpy_T mT adjoint mH", effects.turned),
}
"""What operators do in whose words axes have numbers: these are put where the axes lie, whatever it is written for."""

MAPS = (
    "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution "
    "max_pool1d max_pool2d max_pool3d max_pool2d_with_indices avg_pool1d avg_pool2d avg_pool3d "
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d "
    "adaptive_max_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d "
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_nearest_exact2d _upsample_nearest_exact2d "
    "upsample_bilinear2d upsample_linear1d upsample_trilinear3d upsample_bicubic2d _upsample_bilinear2d_aa "
    "_upsample_bicubic2d_aa pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle grid_sampler "
    "grid_sampler_2d im2col col2im max_pool1d_with_indices max_pool3d_with_indices upsample_nearest_exact1d "
    "upsample_nearest_exact3d _upsample_nearest_exact1d _upsample_nearest_exact3d"
)
"""Operators on maps, whose channels are where the framework has them."""
CHANNELS = (
    "batch_norm instance_norm group_norm native_group_norm _native_batch_norm_legit_no_training prelu _prelu_kernel "
    "feature_dropout feature_alpha_dropout"
)
"""Operators on what has channels: Keras has them along any axis, PyTorch along the second."""
PADS = (
    "pad constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d "
    "replication_pad3d _pad_circular zero_pad2d"
)
SHAPES = "view reshape flatten unflatten _unsafe_view view_as reshape_as"

WAYS: Mapping[Target, Mapping[str, Way]] = {
    "keras": {
        **SHARED,
        **_names(MAPS, effects.spatial),
        **_names(f"{CHANNELS} {PADS}", effects.through),
        **_names(SHAPES, effects.reshaped_for_keras),
        **_names(" ".join(effects.RECURRENT), effects.sequenced),
        effects.ATTENTION: effects.attended,
    },
    "pytorch": {
        **SHARED,
        **_names(MAPS, effects.only_natural),
        **_names(CHANNELS, effects.on_second),
        **_names(PADS, effects.padded),
        **_names(SHAPES, effects.reshaped_for_pytorch),
    },
}
"""What an operator does; one that is in no list works in the source's order alone."""

POINTWISE = {
    *("relu", "relu6", "gelu", "silu", "mish", "sigmoid", "tanh", "hardsigmoid", "hardswish", "elu", "leaky_relu"),
    *("hardtanh", "selu", "celu", "softplus", "dropout", "clone", "contiguous", "detach", "alias", "to", "_to_copy"),
    *("clamp", "clamp_min", "exp", "abs", "neg", "square", "sqrt"),
}
"""Operators that do not care which number stands where, with a flattened map among them."""


def way_of(step: Step, target: Target = "keras") -> Way:
    """What an operator does to orders."""
    if step.operator in (INPUT, PARAMETER, CONSTANT):
        return effects.only_natural
    way = WAYS[target].get(step.operator, effects.only_natural)

    def guarded(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
        if not is_flat(order):
            return way(step, shape, order, place)
        if step.operator == "linear" and place == 0 and step.layer is not None:
            return natural(2)  # the rows of its kernel are put in that order
        return order if step.operator in POINTWISE else None

    return guarded


def fits(step: Step, shape: OpenShape, order: Order, place: int, result: Order, target: Target = "keras") -> bool:
    """Whether an operator gives its result in an order from an input in another, without moving any number."""
    if way_of(step, target)(step, shape, order, place) == result:
        return True
    if is_flat(order) or is_flat(result):
        return False
    if step.operator == "unsqueeze":
        return without(result, axes_of(step, len(result))) == order
    way = WAYS[target].get(step.operator)
    if way is effects.reshaped_for_keras:
        return only_ones_differ(shape, step.shape) and is_view(shape, order, step.shape, result)
    if target == "keras":
        return False
    if way is effects.reshaped_for_pytorch:
        return is_view(shape, order, step.shape, result)
    is_less = way is effects.through and len(shape) < len(result)
    return is_less and order == natural(len(shape)) and stands_beside(shape, result)


def before(step: Step, shape: OpenShape, wanted: Order, target: Target = "keras") -> Order | None:
    """An order of an input from which the operator may give its result in a wanted one; None if none is known."""
    way = WAYS[target].get(step.operator)
    if is_flat(wanted) or way is None:
        return None
    if way in (effects.through, effects.on_second, effects.padded) and len(shape) == len(wanted):
        return wanted
    if way in (effects.unsqueezed, effects.stacked):
        return without(wanted, axes_of(step, len(wanted)))
    if way in (effects.turned, effects.selected, effects.reduced):
        return None if target == "keras" else _taken_back(step, shape, wanted)
    is_reshape = way in (effects.reshaped_for_keras, effects.reshaped_for_pytorch)
    return ungrouped(wanted, effects.groups_of(step, shape, target)) if is_reshape else None


def _taken_back(step: Step, shape: OpenShape, wanted: Order) -> Order:
    """The order in front of a permutation, or with the axes that are gone behind it."""
    if is_permutation(step):
        dims = permutation(step, len(wanted))
        return tuple(dims[cast(int, axis)] for axis in wanted)
    if len(shape) == len(wanted):
        return wanted
    for axis in sorted(axes_of(step, len(shape))):
        wanted = with_axis(wanted, axis)
    return wanted


def needed(step: Step, target: Target = "keras") -> Order | None:
    """The one order that the operator can work in, if it is not the natural one."""
    if target == "pytorch":
        return None
    if attends(step):
        return HEADS_LAST
    is_map = WAYS[target].get(step.operator) is effects.spatial and len(step.shape) > 2
    return channels_last(len(step.shape)) if is_map else None


def is_bound(step: Step) -> bool:
    """Whether PyTorch has the operator for maps alone that are as its own: channels second, places behind them."""
    way, rank = WAYS["pytorch"].get(step.operator), len(step.shape)
    if rank < 3:
        return False
    if way is effects.padded:
        return not effects.puts_a_number(step) and effects.padded_axes(step) <= set(range(2, rank))
    return way is effects.on_second or WAYS["keras"].get(step.operator) is effects.spatial


def is_permutation(step: Step) -> bool:
    """Whether the operator calls axes otherwise, and does nothing else."""
    return SHARED.get(step.operator) is effects.turned


def keeps_axes(step: Step, shape: OpenShape) -> bool:
    """Whether the axes of the result are those of an input, and could be called otherwise in both."""
    way = WAYS["pytorch"].get(step.operator)
    keeping = (effects.through, effects.on_second, effects.padded, effects.reduced)
    return way in keeping and len(shape) == len(step.shape)
