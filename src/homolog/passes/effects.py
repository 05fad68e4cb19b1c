"""How each kind of operator takes an order of an input to one of its output: a ``Way`` for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from homolog.graph import OpenShape
from homolog.passes.axes import (
    HEADS_LAST,
    TIME_SECOND,
    Order,
    Target,
    as_map,
    channels_last,
    flattened,
    natural,
    permuted,
    with_axis,
    without,
)
from homolog.passes.regrouping import Groups, is_flattened, regrouped, regrouping, regrouping_of_rows
from homolog.trace import Step

ATTENTION = "scaled_dot_product_attention"
RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")

Way = Callable[[Step, OpenShape, Order, int], Order | None]
"""From a step, the shape of one of its inputs, that input's order and its place among the inputs: the output's order,
None if the operator cannot work so."""


def axes_of(step: Step, rank: int) -> tuple[int, ...]:
    """The axes that the operator's ``dim`` names, counted from the front; all if it names none."""
    dim = step.arguments.get("dim", step.arguments.get("dims"))
    if dim is None or dim == []:
        return natural(rank)
    dims = cast(Sequence[int], dim if isinstance(dim, list | tuple) else [dim])
    return tuple(axis % rank if rank else 0 for axis in dims)


def only_natural(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return natural(len(step.shape)) if order == natural(len(shape)) else None


def spatial(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    if place or len(shape) < 3:
        return only_natural(step, shape, order, place) and channels_last(len(step.shape))
    return channels_last(len(step.shape)) if order == channels_last(len(shape)) else None


def through(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    if len(shape) == len(step.shape):
        return order
    return natural(len(step.shape)) if order == natural(len(shape)) else None


def reduced(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    if "other" in step.arguments:  # the larger of two values
        return through(step, shape, order, place)
    if step.arguments.get("keepdim"):
        return order
    return without(order, axes_of(step, len(shape)))


def placed(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """A place in the whole flattened value is counted in its own order."""
    whole = step.arguments.get("dim") is None
    return only_natural(step, shape, order, place) if whole else reduced(step, shape, order, place)


def selected(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return without(order, axes_of(step, len(shape)))


def squeezed(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return without(order, squeezed_axes(step, shape))


def squeezed_axes(step: Step, shape: OpenShape) -> tuple[int, ...]:
    """The axes that a squeeze takes away."""
    return tuple(axis for axis in axes_of(step, len(shape)) if shape[axis] == 1)


def unsqueezed(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """The new axis lies behind the one that it stands behind."""
    (axis,) = axes_of(step, len(step.shape))
    return with_axis(order, axis)


def attended(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """Keras has the heads behind the places of a sequence; what masks is as it is in PyTorch."""
    if not attends(step):
        return only_natural(step, shape, order, place)
    wanted = HEADS_LAST if place < 3 else natural(len(shape))  # queries, keys and values, then the mask
    return HEADS_LAST if order == wanted else None


def attends(step: Step) -> bool:
    """Whether it is an attention of several heads."""
    return step.operator == ATTENTION and len(step.shape) == 4


def turned(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
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


def reshaped(step: Step, shape: OpenShape, order: Order, target: Target) -> Order | None:
    """Axes that are taken together, or come of one that is taken apart, must lie side by side in their own order."""
    if order == natural(len(shape)):
        return natural(len(step.shape))
    if order == as_map(len(shape), target) and is_flattened(shape, step.shape):
        return flattened(shape, target)
    return regrouped(order, groups_of(step, shape, target))


def groups_of(step: Step, shape: OpenShape, target: Target) -> Groups | None:
    """Which axes become which in a reshape."""
    return (regrouping if target == "keras" else regrouping_of_rows)(shape, step.shape)


def reshaped_for_keras(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return reshaped(step, shape, order, "keras")


def reshaped_for_pytorch(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return reshaped(step, shape, order, "pytorch")


def on_last(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """The last axes are taken together, or become another; the others may lie in any order."""
    count = len(cast(Sequence[int], step.arguments.get("normalized_shape", (1,))))
    kept = tuple(range(len(shape) - count, len(shape)))
    if place == 0 and len(shape) == len(step.shape) and order[-count:] == kept:
        return order
    return only_natural(step, shape, order, place)


def on_second(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """The channels are the second axis, where they lie, too; the places behind them may lie in any order."""
    if place == 0 and len(shape) == len(step.shape) and order[:2] == natural(2):
        return order
    return only_natural(step, shape, order, place)


def padded(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """What stands inside is put around the axes behind the first two alone, a number around all."""
    if puts_a_number(step) or order == natural(len(shape)) or set(order[2:]) >= padded_axes(step):
        return order
    return None


def puts_a_number(step: Step) -> bool:
    """Whether what is put around is one number everywhere, and not what stands inside."""
    if step.operator == "pad":
        return step.arguments.get("mode", "constant") == "constant"
    return step.operator in ("constant_pad_nd", "zero_pad2d")


def padded_axes(step: Step) -> set[int]:
    """The axes around which a padding puts something; its list counts them from the last."""
    amounts = cast(Sequence[object], step.arguments.get("pad", step.arguments.get("padding")))
    last = len(step.shape) - 1
    return {last - place // 2 for place, amount in enumerate(amounts) if amount != 0}


def sequenced(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """A sequence whose batch lies in front, though the source counts time first."""
    if place == 0 and order == TIME_SECOND and counts_time_first(step):
        return order
    return only_natural(step, shape, order, place)


def counts_time_first(step: Step) -> bool:
    """Whether it is a recurrent layer whose sequences have their batch behind time."""
    return step.operator in RECURRENT and not step.arguments.get("batch_first")


def looked_up(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    """Every number becomes a row along a new last axis."""
    return (*order, len(order)) if step.layer is not None else only_natural(step, shape, order, place)


def stacked(step: Step, shape: OpenShape, order: Order, place: int) -> Order | None:
    return unsqueezed(step, shape, order, place)
