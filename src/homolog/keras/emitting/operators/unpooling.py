"""Where the largest of each window stood, and maps with numbers put back there: Keras has neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.shape import moved
from homolog.keras.emitting.registry import writes
from homolog.passes.ways import channels_last
from homolog.trace import Step

POOL = "max_pool2d_with_indices"
HELP = "pool by windows that lie side by side: stride as large as the kernel, without padding"


@dataclass(frozen=True)
class Windows:
    """Windows of a map that lie side by side; at its end there may be places in none.

    Attributes:
        map: how high and wide it is.
        size: of a window.
    """

    map: tuple[int, int]
    size: tuple[int, int]

    @property
    def counts(self) -> tuple[int, int]:
        """How many there are, from top to bottom and from left to right."""
        return self.map[0] // self.size[0], self.map[1] // self.size[1]

    @property
    def covered(self) -> tuple[int, int]:
        """How much of the map lies in one."""
        return self.counts[0] * self.size[0], self.counts[1] * self.size[1]

    @property
    def starts(self) -> str:
        """The number in the flattened map of each window's first place."""
        (high, wide), (_, width) = self.size, self.map
        rows, columns = self.covered
        return (
            f"ops.arange(0, {rows * width}, {high * width})[:, None, None] + ops.arange(0, {columns}, {wide})[:, None]"
        )

    @property
    def numbers(self) -> str:
        """The number in the flattened map of every place that lies in a window."""
        (_, width), (rows, columns) = self.map, self.covered
        return f"ops.arange(0, {rows * width}, {width})[:, None, None] + ops.arange({columns})[:, None]"


def windows(step: Step, shape: Sequence[int | None]) -> Windows | None:
    """The windows that a pooling takes the largest of; None if they are no such."""
    (high, wide), stride = (cast(Sequence[int], step.arguments[name]) for name in ("kernel_size", "stride"))
    plain = {*cast(Sequence[int], step.arguments["padding"]), *cast(Sequence[int], step.arguments["dilation"])} == {
        0,
        1,
    }
    if not plain or list(stride or (high, wide)) != [high, wide] or step.arguments["ceil_mode"]:
        return None
    rows, columns = shape[-2:]
    return None if rows is None or columns is None else Windows((rows, columns), (high, wide))


def places(call: Call) -> str:
    """Where in its flattened map the largest of each window stood, the first of several."""
    found = windows(call.step, call.shape("self")) if call.step.operator == POOL and call.rank("self") == 4 else None
    if found is None:
        raise call.refusal("return_indices=True: Keras gives what is largest, and not where it stood", HELP)
    (rows, columns), (high, wide), channels = found.counts, found.size, call.shape("self")[1]
    x = call.x("self")
    if found.covered != found.map:
        x = call.let(f"{x}[:, :{found.covered[0]}, :{found.covered[1]}]")
    x = call.let(f"ops.reshape({x}, {(-1, rows, high, columns, wide, channels)!r})")
    x = call.let(f"ops.transpose({x}, (0, 1, 3, 5, 2, 4))")
    x = call.let(f"ops.reshape({x}, {(-1, rows, columns, channels, high * wide)!r})")
    inside = call.let(f"ops.argmax({x}, axis=-1)")
    starts = call.let(found.starts)
    return f"{starts} + {inside} // {wide} * {found.map[1]} + {inside} % {wide}"


@writes("max_unpool2d")
def max_unpool(call: Call) -> str:
    """Every number where the largest of its window stood, and zeros."""
    value = call.value("indices")
    pool = call.assembler.trace.steps[value.node]
    given = pool.arguments.get("self")
    size = tuple(cast(Sequence[int], call["output_size"]))
    found = (
        windows(pool, call.assembler.trace.shape(given)) if pool.operator == POOL and isinstance(given, Value) else None
    )
    if found is None or found.map != size or call.rank("self") != 4 or call.shape("self")[2:] != found.counts:
        raise call.refusal("places that no pooling of such windows gives", HELP)
    last = channels_last(4)
    x, at = (call.assembler.expression(item, last, call.step) for item in (call.value("self"), value))
    for axis, times in enumerate(found.size, start=1):
        x, at = (call.let(f"ops.repeat({name}, {times}, axis={axis})") for name in (x, at))
    numbers = call.let(found.numbers)
    x = call.let(f"ops.where(ops.equal({at}, {numbers}), {x}, 0)")
    behind = [length - covered for length, covered in zip(found.map, found.covered, strict=True)]
    if any(behind):
        x = call.let(f"layers.ZeroPadding2D({tuple((0, amount) for amount in behind)!r})({x})")
    return moved(x, last, call.order)
