"""What an operator does to the order in which the axes of its values lie in memory.

A value has the axes that the source gives it; written for a framework that keeps channels last, they may lie in another
order. ``ways`` says, for an order of an input, in which order the output comes by itself, if the operator can work in
that order at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import cast

from homolog.graph import OpenShape
from homolog.trace import CONSTANT, INPUT, PARAMETER, Step

Order = tuple[int | tuple[int, ...], ...]
"""For each place in memory the axis that lies there. In place of the second of two axes there may be the lengths of
the channels and the spatial axes of a map that was flattened into it with its channels last."""

ATTENTION = "scaled_dot_product_attention"
HEADS_LAST: Order = (0, 2, 1, 3)
"""The heads of an attention behind the places of its sequence."""

TIME_SECOND: Order = (1, 0, 2)
"""A sequence that is time first for the source, and lies with its batch in front."""

Way = Callable[[Step, OpenShape, Order, int], Order | None]
"""From a step, the shape of one of its inputs, that input's order and its place among the inputs: the output's order,
None if the operator cannot work so."""


def natural(rank: int) -> tuple[int, ...]:
    """The source's own order."""
    return tuple(range(rank))


def channels_last(rank: int) -> tuple[int, ...]:
    """The second axis behind all others."""
    return (0, *range(2, rank), 1) if rank > 2 else natural(rank)


def is_axes(order: Order) -> bool:
    """Whether an order says of axes alone where they lie."""
    return all(isinstance(axis, int) for axis in order)


def laid(shape: OpenShape, order: Order) -> OpenShape:
    """A shape as it lies in an order."""
    return tuple(shape[cast(int, axis)] for axis in order) if is_axes(order) else shape


def is_flat(order: Order) -> bool:
    """Whether a map lies in it that was flattened with its channels last."""
    return any(isinstance(axis, tuple) for axis in order)


def without(order: Order, axes: Sequence[int]) -> Order:
    """An order once some axes are gone, with the others numbered anew."""
    left = [cast(int, axis) for axis in order if axis not in axes]
    names = sorted(left)
    return tuple(names.index(axis) for axis in left)


def permuted(order: Order, dims: Sequence[int]) -> Order:
    """The order of a value whose axes are called otherwise: its axis ``n`` was ``dims[n]``."""
    back = {axis: place for place, axis in enumerate(dims)}
    return tuple(back[cast(int, axis)] for axis in order)


def axes_of(step: Step, rank: int) -> tuple[int, ...]:
    """The axes that the operator's ``dim`` names, counted from the front; all if it names none."""
    dim = step.arguments.get("dim", step.arguments.get("dims"))
    if dim is None or dim == []:
        return natural(rank)
    dims = cast(Sequence[int], dim if isinstance(dim, list | tuple) else [dim])
    return tuple(axis % rank if rank else 0 for axis in dims)


def _only_natural(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return natural(len(step.shape)) if order == natural(len(shape)) else None


def _spatial(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    if place or len(shape) < 3:
        return _only_natural(step, shape, order, place) and channels_last(len(step.shape))
    return channels_last(len(step.shape)) if order == channels_last(len(shape)) else None


def _through(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    if len(shape) == len(step.shape):
        return order
    return natural(len(step.shape)) if order == natural(len(shape)) else None


def _reduced(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    if "other" in step.arguments:  # the larger of two values
        return _through(step, shape, order, place)
    if step.arguments.get("keepdim"):
        return order
    return without(order, axes_of(step, len(shape)))


def _placed(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """A place in the whole flattened value is counted in its own order."""
    whole = step.arguments.get("dim") is None
    return _only_natural(step, shape, order, place) if whole else _reduced(step, shape, order, place)


def _selected(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return without(order, axes_of(step, len(shape)))


def _squeezed(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return without(order, squeezed_axes(step, shape))


def squeezed_axes(step: Step, shape: OpenShape) -> tuple[int, ...]:
    """The axes that a squeeze takes away."""
    return tuple(axis for axis in axes_of(step, len(shape)) if shape[axis] == 1)


def _unsqueezed(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """The new axis lies behind the one that it stands behind."""
    (axis,) = axes_of(step, len(step.shape))
    moved = [cast(int, old) + (cast(int, old) >= axis) for old in order]
    place = moved.index(axis - 1) + 1 if axis else 0
    return (*moved[:place], axis, *moved[place:])


def _attended(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """Keras has the heads behind the places of a sequence; what masks is as it is in PyTorch."""
    if not attends(step):
        return _only_natural(step, shape, order, place)
    wanted = HEADS_LAST if place < 3 else natural(len(shape))  # queries, keys and values, then the mask
    return HEADS_LAST if order == wanted else None


def attends(step: Step) -> bool:
    """Whether it is an attention of several heads."""
    return step.operator == ATTENTION and len(step.shape) == 4


def _turned(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return permuted(order, permutation(step, len(shape)))


def permutation(step: Step, rank: int) -> tuple[int, ...]:
    """Which axis of the input each axis of the output was, for whatever exchanges axes."""
    arguments = step.arguments
    if step.operator == "permute":
        return tuple(axis % rank for axis in cast(Sequence[int], arguments["dims"]))
    if step.operator == "numpy_T":
        return tuple(reversed(range(rank)))
    order = list(range(rank))
    if step.operator in ("movedim", "moveaxis"):
        ours, theirs = (
            [axis % rank for axis in cast(list[int], item if isinstance(item, list) else [item])]
            for item in (arguments["source"], arguments["destination"])
        )
        rest = [axis for axis in order if axis not in ours]
        for target, axis in sorted(zip(theirs, ours, strict=True)):
            rest.insert(target, axis)
        return tuple(rest)
    names = {"transpose": ("dim0", "dim1"), "swapaxes": ("axis0", "axis1"), "swapdims": ("dim0", "dim1")}
    one, two = (
        (rank - 2, rank - 1)
        if step.operator in ("t", "mT", "adjoint", "mH")
        else (cast(int, arguments[name]) % rank for name in names[step.operator])
    )
    if rank > 1:
        order[one], order[two] = order[two], order[one]
    return tuple(order)


def _regrouped(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """Axes that are taken together, or come of one that is taken apart, must lie side by side in their own order."""
    if order == natural(len(shape)):
        return natural(len(step.shape))
    if order == channels_last(len(shape)) and is_flattened(shape, step.shape):
        return _flattened(shape)
    groups = regrouping(shape, step.shape)
    if groups is None:
        return None
    places = []
    for ours, theirs in groups:
        at = [order.index(axis) for axis in ours]
        if at and at != list(range(at[0], at[0] + len(at))):
            return None
        places.append((at[0] if at else -1, theirs))
    if any(at < 0 for at, _ in places):
        return None
    return tuple(axis for _, theirs in sorted(places) for axis in theirs)


def is_flattened(shape: OpenShape, other: OpenShape) -> bool:
    """Whether the second shape is the first with all axes but the first in one."""
    lengths = shape[1:]
    known = [length for length in lengths if length is not None]
    return len(other) == 2 and shape[:1] == other[:1] and len(known) == len(lengths) and prod(known) == other[1]


def _flattened(shape: OpenShape) -> Order | None:
    """The order of a flattened map; where every place of it has one number alone, there is but one order."""
    if any(length is None for length in shape[1:]):
        return None
    lengths = cast(tuple[int, ...], shape[1:])
    return natural(2) if prod(lengths[1:]) == 1 or lengths[0] == 1 else (0, lengths)


def regrouping(shape: OpenShape, other: OpenShape) -> list[tuple[list[int], list[int]]] | None:
    """The smallest groups of neighbouring axes of two shapes of one size with the same lengths' product.

    An open length is taken for a prime that occurs nowhere else, and is one with another open length alone; several
    are told apart only where all of them become one axis. None if the two cannot be told apart so.
    """
    ahead = 0
    while ahead < min(len(shape), len(other) - 1) and shape[ahead] == other[ahead]:
        ahead += 1
    if other[ahead:] == (None,) and shape[ahead:].count(None) > 1:  # several open lengths, all taken together
        return [*(([axis], [axis]) for axis in range(ahead)), (list(range(ahead, len(shape))), [ahead])]
    mark = 1_000_003
    one, two = ([mark if length is None else length for length in item] for item in (shape, other))
    if prod(one) != prod(two) or one.count(mark) > 1 or two.count(mark) > 1:
        return None
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(one) or j < len(two):
        ours, theirs = [i] if i < len(one) else [], [j] if j < len(two) else []
        i, j = i + len(ours), j + len(theirs)
        while prod(one[axis] for axis in ours) != prod(two[axis] for axis in theirs):
            if prod(one[axis] for axis in ours) < prod(two[axis] for axis in theirs):
                if i >= len(one):
                    return None
                ours.append(i)
                i += 1
            else:
                if j >= len(two):
                    return None
                theirs.append(j)
                j += 1
        if not ours and groups:  # trailing ones belong to the group in front
            groups[-1][1].extend(theirs)
        elif not theirs and groups:
            groups[-1][0].extend(ours)
        else:
            groups.append((ours, theirs))
    return groups


def _on_last(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """The last axes are taken together, or become another; the others may lie in any order."""
    count = len(cast(Sequence[int], step.arguments.get("normalized_shape", (1,))))
    kept = tuple(range(len(shape) - count, len(shape)))
    if place == 0 and len(shape) == len(step.shape) and order[-count:] == kept:
        return order
    return _only_natural(step, shape, order, place)


def _sequenced(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """A sequence whose batch lies in front, though the source counts time first."""
    if place == 0 and order == TIME_SECOND and not step.arguments.get("batch_first"):
        return order
    return _only_natural(step, shape, order, place)


def _stacked(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return _unsqueezed(step, shape, order, place)


def _sorted_in(names: str, way: Way) -> dict[str, Way]:
    return dict.fromkeys(names.split(), way)


WAYS: dict[str, Way] = {
    **_sorted_in(
        "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution "
        "max_pool1d max_pool2d max_pool3d max_pool2d_with_indices avg_pool1d avg_pool2d avg_pool3d "
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d "
        "adaptive_max_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d "
        "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_nearest_exact2d _upsample_nearest_exact2d "
        "upsample_bilinear2d upsample_linear1d upsample_trilinear3d upsample_bicubic2d _upsample_bilinear2d_aa "
        "_upsample_bicubic2d_aa pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle grid_sampler "
        "grid_sampler_2d im2col col2im max_pool1d_with_indices max_pool3d_with_indices upsample_nearest_exact1d "
        "upsample_nearest_exact3d _upsample_nearest_exact1d _upsample_nearest_exact3d",
        _spatial,
    ),
    **_sorted_in(
        "add sub mul div rsub pow maximum minimum fmod remainder atan2 where lerp addcmul addcdiv clamp clamp_min "
        "fmax fmin logaddexp logaddexp2 arctan2 true_divide divide float_power special_xlogy heaviside copysign "
        "isclose bitwise_left_shift bitwise_right_shift __lshift__ __rshift__ positive absolute negative fix isposinf "
        "isneginf signbit sinc i0 deg2rad rad2deg arcsin arccos arctan arcsinh arccosh arctanh special_expm1 "
        "special_erf "
        "special_expit special_logit rrelu expand_as broadcast_to bucketize sort argsort topk kthvalue cummax cummin "
        "logcumsumexp native_dropout feature_alpha_dropout special_softmax _cast_Float "
        "clamp_max clip hardtanh relu relu6 gelu silu mish sigmoid tanh hardsigmoid hardswish elu selu celu leaky_relu "
        "softplus softsign log_sigmoid hardshrink softshrink tanhshrink threshold prelu _prelu_kernel logit "
        "exp expm1 exp2 log log2 log10 log1p sqrt rsqrt square abs neg sign sgn reciprocal sin cos tan asin acos atan "
        "sinh cosh asinh acosh atanh erf erfc erfinv floor ceil round trunc frac isnan isinf isfinite nan_to_num "
        "eq ne lt le gt ge logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor "
        "bitwise_not __and__ __or__ __xor__ masked_fill dropout alpha_dropout feature_dropout clone contiguous detach "
        "alias to _to_copy type_as lift_fresh_copy float zeros_like ones_like full_like "
        "softmax log_softmax _softmax _log_softmax cumsum cumprod flip roll slice index_select cat concat split "
        "split_with_sizes chunk narrow batch_norm instance_norm group_norm native_group_norm "
        "_native_batch_norm_legit_no_training pad constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d "
        "replication_pad2d replication_pad3d reflection_pad3d _pad_circular zero_pad2d slice_scatter glu zero "
        "expand diff repeat xlogy hypot fill copy linalg_vector_norm_keep normalize floor_divide repeat_interleave "
        "tril_keep",
        _through,
    ),
    **_sorted_in(
        "mean sum amax amin prod any all var std logsumexp special_logsumexp norm linalg_vector_norm var_mean std_mean "
        "max min nansum nanmean count_nonzero aminmax median",
        _reduced,
    ),
    **_sorted_in("argmax argmin", _placed),
    **_sorted_in("select unbind", _selected),
    **_sorted_in("squeeze", _squeezed),
    **_sorted_in("unsqueeze", _unsqueezed),
    **_sorted_in("stack", _stacked),
    **_sorted_in("lstm gru rnn_tanh rnn_relu", _sequenced),
    **_sorted_in("linear layer_norm rms_norm", _on_last),
    ATTENTION: _attended,
    **_sorted_in("permute transpose swapaxes swapdims movedim moveaxis t numpy_T mT adjoint mH", _turned),
    **_sorted_in("view reshape flatten unflatten _unsafe_view view_as reshape_as", _regrouped),
}


POINTWISE = {
    *("relu", "relu6", "gelu", "silu", "mish", "sigmoid", "tanh", "hardsigmoid", "hardswish", "elu", "leaky_relu"),
    *("hardtanh", "selu", "celu", "softplus", "dropout", "clone", "contiguous", "detach", "alias", "to", "_to_copy"),
    *("clamp", "clamp_min", "exp", "abs", "neg", "square", "sqrt"),
}
"""Operators that do not care which number stands where, with a flattened map among them."""


def fits(step: Step, shape: OpenShape, order: Order, place: int, result: Order) -> bool:
    """Whether an operator gives its result in an order from an input in another, without moving any number."""
    if way_of(step)(step, shape, order, place) == result:
        return True
    return step.operator == "unsqueeze" and not is_flat(order) and without(result, axes_of(step, len(result))) == order


def before(step: Step, shape: OpenShape, wanted: Order) -> Order | None:
    """An order of an input from which the operator may give its result in a wanted one; None if none is known."""
    way = WAYS.get(step.operator)
    if is_flat(wanted) or way is None:
        return None
    if way is _through and len(shape) == len(wanted):
        return wanted
    if way is _unsqueezed:
        return without(wanted, axes_of(step, len(wanted)))
    groups = regrouping(shape, step.shape) if way is _regrouped else None
    if groups is None or any(not theirs for _, theirs in groups):
        return None
    return tuple(axis for ours, _ in sorted(groups, key=lambda pair: wanted.index(pair[1][0])) for axis in ours)


def way_of(step: Step) -> Way:
    """What an operator does to orders; one that is in no list works in the natural order alone."""
    if step.operator in (INPUT, PARAMETER, CONSTANT):
        return _only_natural
    way = WAYS.get(step.operator, _only_natural)

    def guarded(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
        if not is_flat(order):
            return way(step, shape, order, place)
        if step.operator == "linear" and place == 0 and step.layer is not None:
            return natural(2)  # the rows of its kernel are put in that order
        return order if step.operator in POINTWISE else None

    return guarded


def needed(step: Step) -> Order | None:
    """The one order that the operator can work in, if it is not the natural one."""
    if attends(step):
        return HEADS_LAST
    return channels_last(len(step.shape)) if WAYS.get(step.operator) is _spatial and len(step.shape) > 2 else None
